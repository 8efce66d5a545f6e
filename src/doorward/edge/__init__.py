"""The server: HTTP/1.1 framing, limits, timers, upstream pool, tunnels. Rule: it calls one Door and knows no policy."""
