"""One connection to an upstream: response heads read strictly, bodies counted or unchunked, then kept for the next.

Rule: it knows no client and no policy; whoever uses it is a Relay. An answer that two readers could end at different
places is no answer. Source: RFC 9112 4, 6.3, 9.3.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from doorward.edge.answer import FIRST_FINAL, NO_CONTENT, SWITCHING, bodiless, raw_lines
from doorward.edge.chunks import ChunkReader
from doorward.edge.faults import BodyBroken, EdgeFault
from doorward.edge.forwarding import ENDLESS, response_fields
from doorward.edge.head import RawPair, body_length, connection_options, split_block

if TYPE_CHECKING:
    from doorward.edge.relay import Relay
    from doorward.edge.upstream import Upstream

IDLE, HEAD, BODY, TUNNEL, GONE = range(5)
# RFC 9112 4: some servers leave out the blank before an empty reason; there is only one way to read that.
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_HIGH, _LOW = 262_144, 65_536


@dataclass(frozen=True, slots=True)
class Head:
    """A response head. length: bytes, None: chunked, ENDLESS; fields: end-to-end; lines: the same as octets.

    pairs: all as they came; options: of Connection; keep: the connection can be used again; stream: an event stream;
    dated: it says when it was made.
    """

    status: int
    length: int | None
    announced: bool
    fields: list[RawPair]
    lines: bytes
    pairs: tuple[RawPair, ...]
    options: frozenset[str]
    keep: bool
    stream: bool
    dated: bool


def read_head(head: bytes) -> Head | None:
    """Read a response head including its empty line; None for what must not be believed. Never raises."""
    cut = head.find(b"\r\n")
    found = _STATUS.fullmatch(head, 0, cut)
    pairs = split_block(head[cut:])
    if found is None or pairs is None:
        return None
    texts = [(name.lower(), value.strip(b" \t").decode("latin-1")) for name, value in pairs]
    lengths = [value for name, value in texts if name == b"content-length"]
    codings = [value for name, value in texts if name == b"transfer-encoding"]
    length = body_length(lengths, codings)
    old = found[1] == b"0"
    # RFC 9112 6.1: a server must not send Transfer-Encoding to or as HTTP/1.0.
    if isinstance(length, EdgeFault) or (old and codings):
        return None
    if not lengths and not codings:
        length = ENDLESS
    options = connection_options([value for name, value in texts if name == b"connection"])
    fields = response_fields(pairs, options)
    stream = any(name == b"content-type" and value.lower().startswith("text/event-stream") for name, value in texts)
    keep = not old and "close" not in options
    lines = raw_lines(fields)
    status = int(found[2])
    # RFC 9110 8.6: no Content-Length in a 204, whoever sent one.
    announced = bool(lengths) and status != NO_CONTENT
    dated = any(name == b"date" for name, _ in texts)
    return Head(status, length, announced, fields, lines, tuple(pairs), options, keep, stream, dated)


class Carrier(asyncio.Protocol):
    """A pooled upstream connection. uses: requests sent on it; since: loop time of its last release; edited: fields
    that the Door made of the last head, and the same as octets.
    """

    __slots__ = (
        "_buffer",
        "_chunks",
        "_head",
        "_held",
        "_known",
        "_left",
        "choked",
        "edited",
        "phase",
        "relay",
        "since",
        "transport",
        "upstream",
        "uses",
    )

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.transport = cast("asyncio.Transport", None)
        self.relay: Relay | None = None
        self.phase = IDLE
        self.uses = 0
        self.since = 0.0
        self.choked = self._held = False
        self._buffer = self._known = b""
        self._head: Head | None = None
        self.edited: tuple[list[RawPair], bytes] | None = None
        self._left = 0
        self._chunks: ChunkReader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, TLS and all."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(_HIGH, _LOW)
        self.upstream.carriers.add(self)

    def send(self, relay: Relay, head: bytes) -> None:
        """Begin a request."""
        self.relay = relay
        self.phase = HEAD
        self.uses += 1
        self.transport.write(head)

    def data_received(self, data: bytes) -> None:
        """Octets of an answer have come, or octets that nobody asked for."""
        relay, phase = self.relay, self.phase
        if relay is None:
            # An answer without a question would be taken for the answer to the next one.
            self.discard()
        elif phase == BODY:
            self._body(relay, data)
        elif phase == HEAD:
            self._read(relay, self._buffer + data if self._buffer else data)
        elif phase == TUNNEL:
            relay.from_upstream(data)

    def _read(self, relay: Relay, data: bytes) -> None:
        """Read heads until the final one; interim ones end here (RFC 9110 15.2)."""
        relay.answered = True
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:  # noqa: PLR2004 - CRLF CRLF
                self._buffer = data
                if len(data) > self.upstream.limits.upstream_head or data.count(b"\n") != data.count(b"\r\n"):
                    relay.failed("bad-response")
                return
            raw = data[:end]
            if end > self.upstream.limits.upstream_head:
                relay.failed("bad-response")
                return
            head = self._head if raw == self._known else read_head(raw)
            data = data[end:]
            if head is None or head.status < FIRST_FINAL:
                if head is None or head.status == SWITCHING:
                    self._switch(relay, head, data)
                    return
                continue
            self._known, self._head, self._buffer = raw, head, b""
            self._begin(relay, head, data)
            return

    def _switch(self, relay: Relay, head: Head | None, data: bytes) -> None:
        self._buffer = b""
        if head is None or not relay.switch(head):
            relay.failed("bad-response")
            return
        self.phase = TUNNEL
        relay.open_tunnel()
        if data:
            relay.from_upstream(data)

    def _begin(self, relay: Relay, head: Head, data: bytes) -> None:
        bare = relay.method == "HEAD" or bodiless(head.status)
        self.phase = BODY
        self._left = 0 if bare or head.length is None else head.length
        self._chunks = ChunkReader() if head.length is None and not bare else None
        relay.responded(head, bare)
        if self.relay is not relay:
            return
        if bare or head.length == 0:
            self._end(relay, [], clean=not data)
        elif data:
            self._body(relay, data)
        relay.flush()

    def _body(self, relay: Relay, data: bytes) -> None:
        if self._chunks is not None:
            self._unchunk(relay, data)
        elif self._left == ENDLESS or len(data) < self._left:
            if self._left != ENDLESS:
                self._left -= len(data)
            relay.content([data], done=False)
        else:
            # What stands behind an announced end belongs to nobody.
            self._end(relay, [data[: self._left]], clean=len(data) == self._left)

    def _unchunk(self, relay: Relay, data: bytes) -> None:
        chunks = cast("ChunkReader", self._chunks)
        try:
            pieces = chunks.feed(data)
        except BodyBroken:
            relay.failed("bad-response")
            return
        if chunks.done:
            self._chunks = None
            self._end(relay, pieces, clean=not chunks.rest)
        elif pieces:
            relay.content(pieces, done=False)

    def _end(self, relay: Relay, pieces: list[bytes], *, clean: bool) -> None:
        """The answer is complete: back to the pool first, so that a pipelined request finds it there."""
        head = self._head
        self.relay = None
        if clean and head is not None and head.keep and relay.sent and not self.transport.is_closing():
            self.phase = IDLE
            self.ease()
            self.upstream.give_back(self, relay.now)
        else:
            self.discard()
        relay.content(pieces, done=True)

    def eof_received(self) -> None:
        """The upstream has said all; `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The upstream is gone; the end of an endless body, or the death of an answer."""
        self.upstream.forget(self)
        relay, endless = self.relay, self.phase == BODY and self._left == ENDLESS and self._chunks is None
        self.phase = GONE
        self.relay = None
        if relay is None:
            return
        if endless and exc is None:
            relay.content([], done=True)
        else:
            relay.lost()

    def pause_writing(self) -> None:
        """The upstream reads slower than we write."""
        self.choked = True
        if self.relay is not None:
            self.relay.upstream_choked()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.choked = False
        if self.relay is not None:
            self.relay.upstream_eased()

    def hold(self) -> None:
        """Stop reading from the upstream."""
        if not self._held and self.phase != GONE:
            self._held = True
            self.transport.pause_reading()

    def ease(self) -> None:
        """Read again."""
        if self._held and self.phase != GONE:
            self._held = False
            self.transport.resume_reading()

    def discard(self) -> None:
        """Never use it again."""
        self.relay = None
        self.phase = GONE
        self.upstream.forget(self)
        self.transport.abort()
