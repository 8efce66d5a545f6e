"""One request and its answer, as the Door sees it. Rule: it carries; the connection acts.

A Door is called once per request, inside the read callback, before a body byte is taken or 100 Continue is sent. It
answers with exactly one of `reply`, `reply_raw`, `forward`, at once or later; pipelined requests wait for their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doorward.edge.answer import render
from doorward.edge.collect import collect
from doorward.edge.faults import EdgeFault, FailureKind
from doorward.edge.head import Facts, Pair, RawPair
from doorward.edge.relay import Relay

if TYPE_CHECKING:
    from doorward.edge.connection import Connection
    from doorward.edge.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Replace:
    """Another answer in place of the upstream's. headers: without Content-Length, Date and Connection."""

    status: int
    headers: Sequence[Pair]
    body: bytes = b""


OnResponse = Callable[[int, list[RawPair]], "list[RawPair] | Replace"]
"""Status and end-to-end fields of an upstream answer -> the same list, another, or Replace. No list is ever mutated:
the same one means the same fields.
"""
OnFailure = Callable[[FailureKind], None]
"""Called with a FailureKind when no answer can be had; the Door then replies."""
Repeat = Callable[[], "bytes | None"]
"""The whole answer to a request that came before, octet for octet; None: the Door has to be called."""
Door = Callable[["Exchange"], None]


class Exchange:
    """A request. method, target: as in the request line (Latin-1); version: "1.0" or "1.1".

    headers: (lower-case name, value without surrounding blanks) in wire order, duplicates kept. It is the *same tuple
    object* for requests of a connection whose header blocks are equal octet by octet, so callers may remember by it.
    body: announced bytes, None: chunked, 0: none; fault: why it must be refused, or None; upgrade: a complete
    WebSocket handshake; closed: nobody waits for an answer (any more); memo: whatever the Door wants to keep.
    """

    __slots__ = (
        "body",
        "closed",
        "connection",
        "facts",
        "fault",
        "headers",
        "memo",
        "method",
        "target",
        "upgrade",
        "version",
    )

    def __init__(
        self, connection: Connection, method: str, target: str, version: str, facts: Facts, fault: EdgeFault | None
    ) -> None:
        self.connection = connection
        self.method = method
        self.target = target
        self.version = version
        self.facts = facts
        self.headers = facts.headers
        self.body = facts.length
        self.fault = fault
        self.upgrade = facts.key != "" and method == "GET" and version == "1.1" and fault is None
        self.closed = False
        self.memo: Any = None

    @property
    def has_body(self) -> bool:
        """Whether the request announces content."""
        return self.body != 0

    def reply(self, status: int, headers: Sequence[Pair], body: bytes = b"") -> None:
        """Answer from here. headers: without Content-Length, Date and Connection, which the edge adds.

        body: what GET would get; HEAD, 204 and 304 send none of it. Does nothing when the client is gone.
        Raises ValueError for a field that would break the head, and nothing was sent then.
        """
        connection = self.connection
        if connection.exchange is not self or self.closed:
            return
        close = connection.must_close()
        head_only = self.method == "HEAD"
        payload = render(status, headers, body, date=connection.server.date, close=close, head_only=head_only)
        connection.answer(self, payload, close)

    def reply_raw(self, payload: bytes) -> None:
        """Answer with complete octets. payload: a final response, framed by the caller for this method.

        The edge adds nothing; where the connection has to end, it simply ends behind it.
        """
        connection = self.connection
        if connection.exchange is self and not self.closed:
            connection.answer(self, payload, connection.must_close())

    def repeat(self, answer: Repeat) -> None:
        """Before `reply_raw`: have these very octets answered without the Door when they come again on this connection.

        answer: called each time; decides anew, and never raises. Ignored for requests with a body or a wish to close.
        """
        if self.connection.exchange is self and self.body == 0 and self.version == "1.1":
            self.connection.repeat(answer)

    def forward(
        self,
        upstream: Upstream,
        headers: Sequence[Pair],
        own: Sequence[Pair] = (),
        *,
        on_response: OnResponse | None = None,
        on_failure: OnFailure,
    ) -> None:
        """Proxy this request: method and target byte for byte, body streamed, framing ours.

        headers: the client's fields that may pass, Host among them; hop-by-hop ones and those that Connection names
        are removed here. own: the caller's fields, added behind and never removed. Passing the same objects again
        saves rendering. Raises ValueError for a request with a fault and for broken fields.
        """
        if self.fault is not None:
            raise ValueError("a request with a fault is never forwarded")
        connection = self.connection
        if connection.exchange is not self or self.closed:
            return
        if connection.relay is not None:
            raise RuntimeError("an exchange is forwarded once")
        relay = Relay(self, upstream, on_response, on_failure)
        relay.render(headers, own)
        connection.relay = relay
        relay.start()

    async def read_body(self, limit: int) -> bytes:
        """The whole body. limit: bytes. Raises BodyTooLarge, BodyBroken, ClientGone."""
        return await collect(self, limit)

    def abort(self) -> None:
        """End it now, tunnel or stream or neither; the client sees a broken connection."""
        if self.connection.exchange is self:
            self.connection.abort()
