"""A client's connection: heads read in order, bodies handed on, answers written, nothing answered twice.

One exchange at a time; what arrives meanwhile waits, and reading stops while it does. Rule: it knows no policy and no
upstream; what is done with a request is told by the Door.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from doorward.edge.answer import CONTINUE
from doorward.edge.exchange import Exchange, Repeat
from doorward.edge.faults import ClientGone, EdgeError, EdgeFault
from doorward.edge.head import UNREAD, Facts, misfit, odd_head, read_block, read_line
from doorward.edge.intake import Intake, Sink
from doorward.edge.phases import BODY, BUSY, DRAIN, GONE, HEAD, IDLE, TUNNEL
from doorward.edge.socketside import SocketSide

if TYPE_CHECKING:
    from doorward.edge.relay import Relay
    from doorward.edge.server import Server

_LOG = logging.getLogger("doorward.edge")
# Bytes of a header block that a connection remembers: enough for a token and a few cookies, times ten thousand clients.
_REMEMBERED = 4_096
# Pipelined requests answered in one callback; the others wait for their next turn in the loop.
_TURN = 16


class Connection(SocketSide):
    """One client; its attributes for callers are those of SocketSide.

    again: octets of a request, and who answers when they come again, see `Exchange.repeat`.
    """

    __slots__ = (
        "_block",
        "_ended",
        "_facts",
        "_intake",
        "_line",
        "_looping",
        "_octets",
        "_start",
        "_unclear",
        "again",
        "exchange",
        "relay",
        "rendered",
        "sink",
    )

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.exchange: Exchange | None = None
        self.relay: Relay | None = None
        self.sink: Sink | None = None
        self._looping = self._unclear = self._ended = False
        self.rendered: tuple[object, object, object, bytes] | None = None
        self._intake: Intake | None = None
        self.again: tuple[bytes, Repeat] | None = None
        self._block = self._line = self._octets = b""
        self._facts = UNREAD
        self._start: tuple[str, str, str] = ("GET", "/", "1.1")

    # -- the socket speaks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come; one too many is sent away without a word."""
        super().connection_made(transport)
        if not self.server.admit(self):
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Octets have come."""
        phase = self.phase
        if phase == IDLE:
            again = self.again
            if again is not None and data == again[0] and (payload := again[1]()) is not None:
                self.since = self.server.now
                self.transport.write(payload)
            else:
                self._consume(data)
        elif phase in (BODY, DRAIN):
            self._take_body(data)
        elif phase == TUNNEL and self.relay is not None:
            self.relay.from_client(data)
        elif phase == HEAD:
            self._consume(self.buffer + data)
        elif phase == BUSY:
            self.buffer += data
            self.hold()

    def eof_received(self) -> bool:
        """The client has said all; one that waits for its answer still gets it."""
        waiting = self.phase == BUSY and self.exchange is not None and id(self.exchange) not in self.server.open_streams
        self._ended = waiting and not self.secure
        return self._ended

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface of asyncio
        """The client is gone."""
        self.phase = GONE
        self.server.forget(self)
        exchange, relay, sink = self.exchange, self.relay, self.sink
        self.exchange = self.relay = self.sink = None
        self.buffer = self._block = self._line = self._octets = b""
        self._facts, self.again = UNREAD, None
        if exchange is not None:
            exchange.closed = True
            self.server.open_streams.pop(id(exchange), None)
        if sink is not None and sink is not relay:
            sink.fail(ClientGone("the client is gone."))
        if relay is not None:
            relay.client_gone()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self.choked, self.again = True, None
        self.choked_since = self.server.now
        if self.relay is not None:
            self.relay.client_choked()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.choked = False
        if self.relay is not None:
            self.relay.client_eased()
        if self.phase == BUSY and self.exchange is None:
            self._continue()

    # -- heads

    def _consume(self, data: bytes) -> None:
        """Read heads and have them answered as long as answers come at once."""
        self._looping = True
        turns = 0
        while data and self.phase <= HEAD:
            if self.choked or turns == _TURN:
                self.phase, self.buffer = BUSY, data
                self.hold()
                if not self.choked:
                    self.server.loop.call_soon(self._continue)
                break
            turns += 1
            data = self._next(data)
        self._looping = False
        if self.phase <= HEAD:
            if self._ended:
                self.close()
            elif self.held:
                self.release()

    def _continue(self) -> None:
        """Go on with what has waited, unless somebody else did already."""
        if self.phase == BUSY and self.exchange is None and not self.choked:
            self._turn_idle()

    def _turn_idle(self) -> None:
        self.phase = IDLE
        self.since = self.server.now
        if not self._looping:
            data, self.buffer = self.buffer, b""
            if data:
                self._consume(data)
            elif self._ended:
                self.close()
            elif self.held:
                self.release()

    def _next(self, data: bytes) -> bytes:
        """Read one head and call the Door. Returns: what follows, if its turn has come."""
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or end > self.server.limits.head or data[0] == 13:  # noqa: PLR2004 - CRLF CRLF; CR
            return self._odd(data, end)
        self.phase = BUSY
        if end == len(data):
            self.buffer, self._octets = b"", data
            self._open(data)
        else:
            self.buffer, self._octets = data[end:], b""
            self._open(data[:end])
        if self.phase != IDLE:
            return b""
        data, self.buffer = self.buffer, b""
        return data

    def _odd(self, data: bytes, end: int) -> bytes:
        """A head that is not complete, too large, or begins with an empty line."""
        if data.startswith(b"\r\n"):
            # RFC 9112 2.2: at least one empty line before the request line is to be ignored.
            self.phase, self.buffer = IDLE, b""
            begin = 2
            while data.startswith(b"\r\n", begin):  # all at once: a copy for each would cost the square of a flood
                begin += 2
            return data[begin:]
        limits = self.server.limits
        fault = odd_head(data, end, limits)
        if fault is None:
            if self.phase == IDLE:
                self.phase, self.since = HEAD, self.server.now
            self.buffer = data
            return b""
        self.phase, self.buffer = BUSY, b""
        line = read_line(data[: max(0, data.find(b"\r\n"))], limits)
        method, target, version = ("GET", "/", "1.1") if isinstance(line, EdgeFault) else line
        self._call(Exchange(self, method, target, version, UNREAD, fault))
        return b""

    def _open(self, head: bytes) -> None:
        """Make an exchange of a complete head."""
        cut = head.find(b"\r\n")
        line, block = head[:cut], head[cut:]
        if block == self._block:
            facts = self._facts
        else:
            facts = read_block(block, self.server.limits)
            # Most clients send the same fields again and again: octet-equal blocks are read once per connection.
            keep = facts.plain and len(block) <= _REMEMBERED
            self._block, self._facts = (block, facts) if keep else (b"", UNREAD)
        if line == self._line:
            start = self._start
        else:
            found = read_line(line, self.server.limits)
            if isinstance(found, EdgeFault):
                self._call(Exchange(self, "GET", "/", "1.1", facts, found))
                return
            self._line, self._start = line, found
            start = found
        method, target, version = start
        if version == "1.1" and facts.hosts == 1 and facts.fault is None:
            self.closing = self.closing or "close" in facts.options
            if facts.length != 0:
                self._expect_body(facts, owed=facts.expects)
            self._call(Exchange(self, method, target, version, facts, None))
        else:
            self._open_oddly(method, target, version, facts)

    def _open_oddly(self, method: str, target: str, version: str, facts: Facts) -> None:
        """HTTP/1.0, which we never keep alive, and what is wrong with fields or framing."""
        fault = misfit(facts, version)
        self.closing = True
        if fault is None and facts.length != 0:
            self._expect_body(facts, owed=False)  # RFC 9110 10.1.1: an expectation of HTTP/1.0 is ignored
        self._call(Exchange(self, method, target, version, facts, fault))

    def _expect_body(self, facts: Facts, *, owed: bool) -> None:
        self._intake = Intake(facts, self.server.limits.body, continued=not owed)

    def _call(self, exchange: Exchange) -> None:
        self.exchange = exchange
        if exchange.fault is not None:
            # Nobody knows what else is on its way; a reset would destroy the answer.
            self.closing = self._unclear = True
        try:
            self.server.door(exchange)
        except Exception:  # noqa: BLE001 - the last resort of a callback; logged, and the connection ends
            # The last resort: nothing is known but that nothing may be answered. The Door has its own.
            _LOG.exception("a bug in the door of listener %s", self.listener_name)
            self.abort()

    # -- bodies

    @property
    def remembers(self) -> bool:
        """Whether an equal header block would be the same object next time."""
        return bool(self._block)

    def repeat(self, answer: Repeat) -> None:
        """Let this answer when the octets of the request that is open now come again, alone and in one piece."""
        if self._octets and self._block and not self.closing and not self.server.draining:
            self.again = (self._octets, answer)

    @property
    def unread(self) -> bool:
        """Whether something of the request body is still to come."""
        return self._intake is not None

    def start_body(self, sink: Sink) -> None:
        """Let a sink have the body; this is when 100 Continue is sent."""
        intake = self._intake
        self.sink = sink
        self.phase, self.since = BODY, self.server.now
        if intake is not None and not intake.continued:
            intake.continued = True
            if not self.buffer:
                self.transport.write(CONTINUE)
        self._run_body()

    def stop_body(self) -> None:
        """Take no more of the body until somebody asks for it or the answer is written."""
        if self.phase == BODY:
            self.phase, self.sink = BUSY, None
            self.hold()

    def _run_body(self) -> None:
        data, self.buffer = self.buffer, b""
        self.release()
        if data:
            self._take_body(data)
        if self._ended and self.phase in (BODY, DRAIN):
            self.break_body(ClientGone("the client stopped sending."))

    def _take_body(self, data: bytes) -> None:
        self.since = self.server.now
        intake = self._intake
        if intake is None:
            return
        try:
            pieces = intake.take(data)
        except EdgeError as error:
            self.break_body(error)
            return
        if intake.done:
            self._intake, self.buffer = None, intake.rest
        if self.phase == DRAIN:
            intake.drained += len(data)
            if intake.done:
                self._turn_idle()
            elif intake.drained > self.server.limits.drain:
                self.linger()
            return
        sink = self.sink
        if intake.done:
            self.phase, self.sink = BUSY, None
        if sink is not None:
            sink.feed(pieces, intake.done)

    def break_body(self, error: EdgeError) -> None:
        """The rest of the stream cannot be read any more: whatever is answered, it is the last."""
        self.closing = True
        sink, self.sink = self.sink, None
        if self.phase == DRAIN:
            self.linger()
            return
        self.phase = BUSY
        self.hold()
        if sink is not None:
            sink.fail(error)

    def start_tunnel(self) -> None:
        """Pass everything on unread; the system finds out whether a silent peer still exists."""
        self.phase = TUNNEL
        self.watch_peer()
        data, self.buffer = self.buffer, b""
        self.release()
        if data and self.relay is not None:
            self.relay.from_client(data)

    # -- answers

    def must_close(self) -> bool:
        """Whether the answer that is about to be written is the last."""
        intake = self._intake
        if intake is not None:
            # An unsent 100 leaves open whether the body comes (RFC 9110 10.1.1); a long one is not worth swallowing.
            self.closing = self.closing or not intake.continued or intake.left > self.server.limits.drain
        return self.closing or self.server.draining

    def answer(self, exchange: Exchange, payload: bytes, close: bool) -> None:  # noqa: FBT001 - hot path
        """Write a complete answer."""
        if self.relay is not None:
            raise RuntimeError("an exchange that is being forwarded cannot be answered from here")
        self.transport.write(payload)
        exchange.closed = True
        self.exchange = None
        if close or self._intake is not None:
            self.settle(close)
        elif self._looping:
            self.phase, self.since = IDLE, self.server.now
        else:
            self._turn_idle()

    def settle(self, close: bool) -> None:  # noqa: FBT001 - hot path
        """An answer is complete: go on, swallow what is left of the body, or end."""
        self.exchange = self.relay = self.sink = None
        if self.phase == GONE:
            return
        if close:
            if self._intake is not None or self.buffer or self._unclear:
                self.linger()
            else:
                self.close()
        elif self._intake is not None:
            self.phase, self.since = DRAIN, self.server.now
            self._run_body()
        else:
            self._turn_idle()

    def abort(self) -> None:
        """End now, whatever is under way."""
        if self.exchange is not None:
            self.exchange.closed = True
        super().abort()
