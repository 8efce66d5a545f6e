"""Where a client's connection stands. Integers, because every read compares them.

IDLE: between requests · HEAD: a head has begun · BUSY: an exchange waits, or requests wait for their turn · BODY: a
body goes to its sink · DRAIN: what is left of a body is swallowed · LINGER: the answer is out, the client may read it
· TUNNEL: octets pass unread · GONE: closing or closed.
"""

IDLE, HEAD, BUSY, BODY, DRAIN, LINGER, TUNNEL, GONE = range(8)
