"""One forwarded exchange: a client's connection and an upstream's, bytes both ways, each no faster than the other.

The answer's head waits for its first content, so that both leave in one write. Whatever breaks after the head was
sent ends the client's connection: a truncated answer never looks complete. Rule: the Door's two callbacks decide what
is said; nothing here chooses a status.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from doorward.edge.answer import CLOSE, raw_lines, render, status_line
from doorward.edge.chunks import LAST, wrap
from doorward.edge.faults import BodyTooLarge, ClientGone, EdgeError, FailureKind
from doorward.edge.forwarding import ENDLESS, accepts, framing_line, request_fields, request_head
from doorward.edge.head import Pair, RawPair

if TYPE_CHECKING:
    from doorward.edge.carrier import Carrier, Head
    from doorward.edge.exchange import Exchange, OnFailure, OnResponse, Replace
    from doorward.edge.upstream import Upstream

_LOG = logging.getLogger("doorward.edge")
# RFC 9110 9.2.2: these may be sent again when nobody knows whether they arrived.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})


class Relay:
    """A forward under way. method: of the request; answered: a byte of the answer came; sent: the request is out."""

    __slots__ = (
        "_begun",
        "_chunked",
        "_endless",
        "_head",
        "_mute",
        "_on_failure",
        "_on_response",
        "_pending",
        "_retried",
        "_since",
        "_spent",
        "_stream",
        "_tunnel",
        "answered",
        "carrier",
        "connection",
        "dead",
        "exchange",
        "method",
        "sent",
        "upstream",
    )

    def __init__(
        self, exchange: Exchange, upstream: Upstream, on_response: OnResponse | None, on_failure: OnFailure
    ) -> None:
        self.exchange = exchange
        self.connection = exchange.connection
        self.method = exchange.method
        self.upstream = upstream
        self.carrier: Carrier | None = None
        self._on_response = on_response
        self._on_failure = on_failure
        self._head = b""
        self._pending = b""
        self._since = self.connection.server.now
        self.sent = exchange.body == 0
        self.answered = self.dead = False
        self._begun = self._chunked = self._endless = self._mute = self._retried = False
        self._spent = self._stream = self._tunnel = False

    @property
    def now(self) -> float:
        """Loop time of the last sweep, seconds."""
        return self.connection.server.now

    @property
    def endless(self) -> bool:
        """A tunnel or an event stream: it ends when somebody ends it."""
        return self._tunnel or (self._begun and self._stream)

    # -- towards the upstream

    def render(self, headers: Sequence[Pair], own: Sequence[Pair]) -> None:
        """Write the request head. Raises ValueError for broken fields."""
        exchange, connection = self.exchange, self.connection
        facts = exchange.facts
        known = connection.rendered
        if known is not None and known[0] is headers and known[1] is own and known[2] is facts:
            fields = known[3]
        else:
            fields = request_fields(facts, headers, own, self.upstream.authority)
            # Only what cannot change may be remembered: a list could carry somebody else's identity next time.
            immutable = type(headers) is tuple and type(own) is tuple
            keep = immutable and connection.remembers
            connection.rendered = (headers, own, facts, fields) if keep else None
        self._head = request_head(exchange.method, exchange.target, fields, facts, upgrade=exchange.upgrade)

    def start(self) -> None:
        """Take a connection, or wait for one."""
        repeatable = self.method in _IDEMPOTENT and not self.exchange.upgrade
        carrier = self.upstream.take(self.now, repeatable=repeatable)
        if carrier is not None:
            self.attach(carrier)
            return
        self.connection.server.upstreams.add(self.upstream)
        self.upstream.dial(self)

    def attach(self, carrier: Carrier) -> None:
        """Begin on a connection."""
        self.carrier = carrier
        self._since = self.now
        carrier.send(self, self._head)
        if not self.sent:
            if self.connection.sink is self:
                self.connection.release()
            else:
                self.connection.start_body(self)

    def feed(self, pieces: list[bytes], done: bool) -> None:  # noqa: FBT001 - as in Sink
        """Request content from the client."""
        carrier = self.carrier
        if carrier is None:
            self.failed("unreachable")
            return
        self._since = self.now
        self._spent = True
        self.sent = done
        if self.exchange.body is None:
            pieces = wrap(pieces) if pieces else []
            if done:
                pieces.append(LAST)
        if pieces:
            carrier.transport.writelines(pieces)
        if carrier.choked and not done:
            self.connection.hold()

    def fail(self, error: EdgeError) -> None:
        """The request body broke off."""
        if isinstance(error, ClientGone):
            self._drop()
            self.connection.abort()
        else:
            self.failed("body-too-large" if isinstance(error, BodyTooLarge) else "framing-bad")

    def upstream_choked(self) -> None:
        """The upstream does not read: neither do we from the client."""
        if not self.sent or self._tunnel:
            self.connection.hold()

    def upstream_eased(self) -> None:
        """The upstream reads again."""
        if not self.sent or self._tunnel:
            self.connection.release()

    # -- towards the client

    def responded(self, head: Head, bare: bool) -> None:  # noqa: FBT001 - one caller
        """The final head has come. bare: no content will follow."""
        lines = self._edited(head)
        if lines is None:
            return
        connection = self.connection
        chunks = self.exchange.version == "1.1"
        stream = head.length is None or head.length == ENDLESS
        self._chunked = stream and chunks and not bare
        self._endless = stream and not chunks and not bare
        self._stream = head.stream
        close = CLOSE if connection.must_close() or self._endless else b""
        framing = framing_line(head.length, announced=head.announced, bare=bare, chunks=chunks)
        # RFC 9110 6.6.1: whoever passes on an answer without a date adds the time it came.
        date = b"" if head.dated else connection.server.date
        self._pending = b"".join((status_line(head.status), date, lines, framing, close, b"\r\n"))
        if self._endless:
            connection.closing = True

    def _edited(self, head: Head) -> bytes | None:
        """The field lines of the answer as the Door wants them; None: it is another answer, or there is none."""
        if self._on_response is None:
            return head.lines
        try:
            answer = self._on_response(head.status, head.fields)
            if isinstance(answer, list):
                return head.lines if answer is head.fields else self._lines(answer)
            self._replace(answer)
        except Exception:  # noqa: BLE001 - the last resort of a callback; logged, and the connection ends
            _LOG.exception("a bug in a response callback")
            self._drop()
            self.connection.abort()
        return None

    def _lines(self, fields: list[RawPair]) -> bytes:
        """Fields as octets; a Door that returns the same list again has not changed it."""
        carrier = self.carrier
        if carrier is None:
            return raw_lines(fields)
        known = carrier.edited
        if known is None or known[0] is not fields:
            known = carrier.edited = (fields, raw_lines(fields))
        return known[1]

    def _replace(self, answer: Replace) -> None:
        connection = self.connection
        close, head_only = connection.must_close(), self.method == "HEAD"
        self._pending = render(
            answer.status, answer.headers, answer.body, date=connection.server.date, close=close, head_only=head_only
        )
        self._mute = True

    def content(self, pieces: list[bytes], *, done: bool) -> None:
        """Content of the answer. done: these were the last pieces."""
        if self.dead:
            return
        self._since = self.now
        out = [] if self._mute else pieces
        if self._chunked and not self._mute:
            out = wrap(out) if out and any(out) else []
            if done:
                out.append(LAST)
        if self._pending:
            out = [self._pending, *out]
            self._pending = b""
            self._begun = True
        if out:
            transport = self.connection.transport
            if len(out) == 1:
                transport.write(out[0])
            else:
                transport.writelines(out)
        if done or self._mute:
            self._finish()

    def flush(self) -> None:
        """Send what waits: the answer goes on later, so it is a stream that may have to be ended."""
        if self.dead:
            return
        if self._pending:
            self.content([], done=False)
        if not self.dead:
            self.connection.server.open_streams[id(self.exchange)] = self.exchange

    def _finish(self) -> None:
        connection, exchange = self.connection, self.exchange
        self._drop()
        exchange.closed = True
        connection.settle(connection.closing or connection.server.draining)

    def client_choked(self) -> None:
        """The client does not read: neither do we from the upstream."""
        if self.carrier is not None:
            self.carrier.hold()

    def client_eased(self) -> None:
        """The client reads again."""
        self._since = self.now
        if self.carrier is not None:
            self.carrier.ease()

    # -- tunnels

    def switch(self, head: Head) -> bool:
        """Whether a 101 is the answer to our handshake; then its head is written."""
        if not self.exchange.upgrade or not accepts(self.exchange.facts.key, head.pairs, head.options):
            return False
        lines = self._edited(head)
        if lines is None:
            # An answer that replaces a 101 cannot be: the upstream has switched already.
            return self.dead
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        self._pending = b"".join((status_line(head.status), lines, upgrade))
        return True

    def open_tunnel(self) -> None:
        """From here on, octets pass unread."""
        if self.dead:
            return
        self._tunnel = self._begun = True
        connection = self.connection
        connection.server.open_streams[id(self.exchange)] = self.exchange
        connection.transport.write(self._pending)
        self._pending = b""
        connection.start_tunnel()

    def from_client(self, data: bytes) -> None:
        """Tunnel, up."""
        if self.carrier is not None:
            self.carrier.transport.write(data)

    def from_upstream(self, data: bytes) -> None:
        """Tunnel, down."""
        if not self.dead:
            self.connection.transport.write(data)

    # -- ends

    def _drop(self) -> None:
        """Part from both sides; the upstream's connection is dead unless it went back to the pool."""
        self.dead = True
        carrier, self.carrier = self.carrier, None
        if carrier is not None and carrier.relay is self:
            carrier.discard()
        self.connection.server.open_streams.pop(id(self.exchange), None)
        if self.connection.relay is self:
            self.connection.relay = None
        if self.connection.sink is self:
            self.connection.sink = None

    def client_gone(self) -> None:
        """Nobody listens any more."""
        carrier = self.carrier
        if self._tunnel and carrier is not None and carrier.relay is self:
            self.carrier, carrier.relay = None, None
            carrier.transport.close()
        self._drop()

    def lost(self) -> None:
        """The upstream's connection ended before its answer did."""
        carrier, self.carrier = self.carrier, None
        if self.dead:
            return
        if self._tunnel:
            self._drop()
            self.connection.close()
            return
        reused = carrier is not None and carrier.uses > 1
        if reused and not (self.answered or self._spent or self._retried) and self.method in _IDEMPOTENT:
            # It had died in the pool, unnoticed. RFC 9112 9.3.1 allows to try again what is idempotent.
            self._retried = True
            if self.connection.sink is self:
                self.connection.hold()
            self.upstream.dial(self)
            return
        self.failed("bad-response")

    def failed(self, kind: FailureKind) -> None:
        """There is no answer, or only half of one."""
        if self.dead:
            return
        self._drop()
        connection = self.connection
        if self._begun:
            # A close-delimited answer would look complete after a FIN; the others are visibly short.
            if self._endless:
                connection.reset()
            else:
                self.exchange.closed = True
                connection.exchange = None
                connection.close()
            return
        if connection.unread:
            connection.stop_body()
        try:
            self._on_failure(kind)
        except Exception:  # noqa: BLE001 - the last resort of a callback; logged, and the connection ends
            _LOG.exception("a bug in a failure callback")
            connection.abort()

    def sweep(self, now: float) -> None:
        """End what has taken too long; tunnels and event streams may be silent."""
        limits = self.upstream.limits
        if self.carrier is None or self.connection.choked or self.endless:
            return
        if now - self._since > (limits.upstream_body if self._begun else limits.upstream_response):
            self.failed("timeout")
