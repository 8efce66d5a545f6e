"""The control listener: decisions for other proxies, metrics, health. Loopback or a Unix socket only.

`/decide` answers for a proxy: 200 exactly with every identity field, or the refusal as the gateway would write it. The
path of the call is compared octet by octet, never normalised. The other endpoints are for this machine's operator.
Rule: it translates; it decides nothing but who may ask. Source: dataplanes.md 1 (R2-R6, R10), answers.md X10.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from doorward.core.cure import NOTHING_HELPS
from doorward.core.errors import DependencyError
from doorward.core.reason import Reason
from doorward.core.request import LOOPBACK_NAMES, Headers, RequestView, inside
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Deny, Hide, malformed
from doorward.edge.answer import field_lines, status_line
from doorward.gateway.asking import read_question
from doorward.gateway.identity import Told
from doorward.gateway.runtime import Runtime, seat_of
from doorward.guard.guard import Pending
from doorward.guard.ways import Way, way_of
from doorward.wire import plain

if TYPE_CHECKING:
    from doorward.core.verdict import Refusal, Verdict
    from doorward.edge.exchange import Exchange
    from doorward.edge.server import Server
    from doorward.gateway.runtime import Seat
    from doorward.gateway.snapshot import Snapshot
    from doorward.wire.reply import Reply

_RULE = "(control)"
_DECIDE = "/decide"
_READING = ("GET", "HEAD")
_END = b"Content-Length: 0\r\n\r\n"


class Lane:
    """An answer that may be given again to the very same question. way: why; told: to whom, and until when."""

    __slots__ = ("headers", "snapshot", "told", "way")

    def __init__(self, headers: object, snapshot: Snapshot, told: Told, way: Way) -> None:
        self.headers, self.snapshot, self.told, self.way = headers, snapshot, told, way


class ControlDoor:
    """Called once per request. ready: what readiness tells; raises DependencyError for what keeps us from serving."""

    def __init__(self, runtime: Runtime, ready: Callable[[], Mapping[str, Any]]) -> None:
        self._runtime = runtime
        self._ready = ready
        self._pages: Mapping[str, Callable[[], Reply]] = {
            "/metrics": self._metrics,
            "/live": self._live,
            "/ready": self._readiness,
        }

    def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        runtime = self._runtime
        try:
            target = exchange.target
            if (target == _DECIDE or target.partition("?")[0] == _DECIDE) and exchange.fault is None:
                self._decide(runtime.snapshot, exchange, time.time())
            else:
                self._show(runtime.snapshot, exchange, time.time())
        except Exception:  # noqa: BLE001 - the last resort of this listener: fail closed, and say so
            runtime.bug(exchange)

    # -- decisions

    def _decide(self, snapshot: Snapshot, exchange: Exchange, at: float) -> None:
        runtime, seat = self._runtime, seat_of(exchange)
        lane: Lane | None = seat.lane
        if (
            lane is not None
            and lane.headers is exchange.headers
            and lane.snapshot is snapshot
            and at < lane.told.until
            and runtime.guard.stands(lane.way, at)
        ):
            runtime.record.counts.allowed += 1
            server = exchange.connection.server
            exchange.repeat(partial(self._again, lane, server))
            exchange.reply_raw(_payload(server, lane.told, runtime.record.new_id(at)))
            return
        # A Unix socket has no address; who may open it is a matter of file permissions.
        if seat.peer_of is not snapshot:
            if seat.via.peer and not inside(seat.via.peer, snapshot.peers):
                view = runtime.view(snapshot, exchange, at)
                runtime.refuse(snapshot, exchange, view, _denied(Reason.PEER_UNTRUSTED), Trace())
                return
            seat.peer_of = snapshot
        view = _question(snapshot, seat, exchange, at)
        trace = Trace()
        outcome = runtime.guard.begin(view, trace)
        if isinstance(outcome, Pending):
            settle = partial(self._settle, snapshot, exchange, view)
            runtime.spawn(runtime.wait(outcome, exchange, settle), exchange)
        else:
            self._settle(snapshot, exchange, view, outcome, trace)

    def _again(self, lane: Lane, server: Server) -> bytes | None:
        """The answer to the same octets on the same connection, while the lane is open; None: decide."""
        runtime, at = self._runtime, time.time()
        if lane.snapshot is not runtime.snapshot or at >= lane.told.until or not runtime.guard.stands(lane.way, at):
            return None
        runtime.record.counts.allowed += 1
        return _payload(server, lane.told, runtime.record.new_id(at))

    def _settle(
        self, snapshot: Snapshot, exchange: Exchange, view: RequestView, verdict: Verdict, trace: Trace
    ) -> None:
        runtime = self._runtime
        if not isinstance(verdict, Allow):
            runtime.refuse(snapshot, exchange, view, verdict, trace)
            return
        request_id = runtime.record.new_id(view.at)
        recorded = runtime.record.note(snapshot.policy, view, verdict, trace, request_id)
        told = _told(snapshot, view, verdict)
        way = way_of(view, verdict)
        silent = snapshot.policy.settings.ledger.allows == "none"
        if way is not None and silent and seat_of(exchange).asked is not None:
            seat_of(exchange).lane = Lane(exchange.headers, snapshot, told, way)
        payload = _payload(exchange.connection.server, told, request_id)
        if recorded is None:
            exchange.reply_raw(payload)
        else:
            runtime.spawn(_once_recorded(recorded, exchange, payload), exchange)

    # -- for this machine's operator

    def _show(self, snapshot: Snapshot, exchange: Exchange, at: float) -> None:
        runtime = self._runtime
        view = runtime.view(snapshot, exchange, at)
        refusal = self._closed(exchange, view)
        if refusal is not None:
            runtime.refuse(snapshot, exchange, view, refusal, Trace())
            return
        reply = self._pages[exchange.target.partition("?")[0]]()
        exchange.reply(reply.status, reply.headers, reply.body)

    def _closed(self, exchange: Exchange, view: RequestView) -> Refusal | None:
        """Why a page is not shown. Host and Origin: the web could ask for it through the operator's browser."""
        if exchange.fault is not None and view.fault is not None:
            return malformed(view.fault.reason, view.fault.why)
        if "origin" in view.headers:
            return _denied(Reason.ORIGIN_FOREIGN)
        if not _is_loopback_name(view.headers.get("host")) or view.headers.doubled("host"):
            return malformed(Reason.HOST_FOREIGN, "the control listener is asked by a loopback name")
        if exchange.target.partition("?")[0] not in self._pages:
            return Hide(Deny(Reason.PATH_UNNAMED, _RULE, NOTHING_HELPS), _RULE)
        if exchange.method not in _READING:
            return Deny(Reason.METHOD_REFUSED, _RULE, NOTHING_HELPS, status=405, allow=_READING)
        return None

    def _metrics(self) -> Reply:
        metrics = self._runtime.record.metrics
        return plain.text(metrics.text(), metrics.content_type)

    @staticmethod
    def _live() -> Reply:
        return plain.data({"live": True})

    def _readiness(self) -> Reply:
        if self._runtime.draining:
            return plain.not_ready("draining")
        try:
            return plain.data({"ready": True, **self._ready()})
        except DependencyError as down:
            return plain.not_ready(down.name)


def _question(snapshot: Snapshot, seat: Seat, exchange: Exchange, at: float) -> RequestView:
    """What is asked. Octet-equal header blocks are one object, and all that is asked stands in them."""
    asked = seat.asked
    if asked is not None and asked[0] is exchange.headers and asked[1] is snapshot:
        last = asked[2]
        return RequestView(
            last.method, last.target, last.host, last.headers, last.via, at, False, last.upgrade, last.fault
        )
    view = read_question(snapshot.policy.settings.vantage, Headers(exchange.headers), seat.via, at)
    seat.forget()
    if exchange.connection.remembers:
        seat.asked = exchange.headers, snapshot, view
    return view


def _told(snapshot: Snapshot, view: RequestView, verdict: Allow) -> Told:
    """200 exactly, with all identity fields, those without a value too, so that the proxy replaces the client's."""
    told = snapshot.identity.told(verdict.principal, view.at)
    if not told.head:
        reply = plain.allowed(told.pairs or snapshot.identity.nobody)
        told.head = status_line(reply.status) + field_lines(reply.headers) + b"X-Doorward-Decision-Id: "
    return told


def _payload(server: Server, told: Told, request_id: str) -> bytes:
    return b"".join((told.head, request_id.encode("ascii"), b"\r\n", server.date, _END))


def _denied(reason: Reason) -> Deny:
    return Deny(reason, _RULE, NOTHING_HELPS)


def _is_loopback_name(host: str) -> bool:
    name = host.lower()
    return name in LOOPBACK_NAMES or name.rpartition(":")[0] in LOOPBACK_NAMES


async def _once_recorded(recorded: Awaitable[None], exchange: Exchange, payload: bytes) -> None:
    await recorded
    exchange.reply_raw(payload)
