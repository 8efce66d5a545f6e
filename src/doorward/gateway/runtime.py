"""What all listeners of one process share: the house, the snapshot in force, tasks; how any request is judged.

Rule: a reload swaps `snapshot` by one assignment; whoever needs two things of it takes it once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from doorward.core.principal import Principal
from doorward.core.request import Headers, RequestView, Via, observe
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Refusal, Verdict
from doorward.gateway.faults import fault_of
from doorward.gateway.snapshot import Snapshot
from doorward.guard.guard import Guard, Pending
from doorward.wire.render import render
from doorward.wire.reply import Reply
from doorward.wire.shown import show

if TYPE_CHECKING:
    from doorward.edge.exchange import Exchange
    from doorward.guard.record import Record

_LOG = logging.getLogger("doorward")
_NOTHING = Headers(())
Done = Callable[[Verdict, Trace], None]


class Seat:
    """What is remembered of a connection between requests. via: how it came; headers: of the last header block;
    view: of the last request without a body; passage: what of it went on, see `passage.py`; asked: what a proxy asked
    last, see `control.py`, which is another reading of the same fields; lane: the answer to it, as long as it stands;
    peer_of: the snapshot under which it may ask.
    """

    __slots__ = ("asked", "headers", "lane", "pairs", "passage", "peer_of", "snapshot", "via", "view")

    def __init__(self, exchange: Exchange) -> None:
        connection = exchange.connection
        scheme = "https" if connection.secure else "http"
        self.via = Via(connection.peer, connection.peer, scheme, connection.local)
        self.pairs: object = None
        self.headers = _NOTHING
        self.snapshot: Snapshot | None = None
        self.view: RequestView | None = None
        self.passage: Any = None
        self.asked: tuple[object, Snapshot, RequestView] | None = None
        self.peer_of: Snapshot | None = None
        self.lane: Any = None

    def forget(self) -> None:
        """Let go of what can be large."""
        self.pairs = self.snapshot = self.view = self.passage = self.asked = self.lane = None
        self.headers = _NOTHING


def seat_of(exchange: Exchange) -> Seat:
    """The memory of a connection, made with its first request."""
    state = exchange.connection.state
    seat: Seat | None = state.get("seat")
    if seat is None:
        seat = state["seat"] = Seat(exchange)
    return seat


class Runtime:
    """Shared by the listeners of one process. guard, record: of the house; snapshot: of the guard's policy."""

    def __init__(self, guard: Guard, record: Record, snapshot: Snapshot) -> None:
        self.guard = guard
        self.record = record
        self.snapshot = snapshot
        self.draining = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def view(self, snapshot: Snapshot, exchange: Exchange, at: float) -> RequestView:
        """Read an exchange of the edge as the door sees it."""
        seat = seat_of(exchange)
        plain = exchange.body == 0 and exchange.fault is None and not exchange.upgrade
        last = seat.view
        if seat.pairs is exchange.headers:
            # Octet-equal header blocks are one object: what was read of them then is what stands there now.
            if (
                plain
                and last is not None
                and seat.snapshot is snapshot
                and last.method == exchange.method
                and last.target.raw == exchange.target
            ):
                return RequestView(last.method, last.target, last.host, last.headers, last.via, at, fault=last.fault)
        else:
            seat.pairs, seat.headers = exchange.headers, Headers(exchange.headers)
        view = observe(
            snapshot.policy.settings.vantage,
            method=exchange.method,
            target=exchange.target,
            headers=seat.headers,
            via=seat.via,
            at=at,
            body=exchange.body != 0,
            upgrade=exchange.upgrade,
            fault=fault_of(exchange.fault) if exchange.fault else None,
        )
        if plain and exchange.connection.remembers:
            seat.view, seat.snapshot = view, snapshot
        else:
            seat.forget()
        return view

    async def wait(self, pending: Pending, exchange: Exchange, done: Done) -> None:
        """Finish a decision that has to wait for an answer, and go on with it if somebody still waits for us."""
        verdict = await self.guard.finish(pending)
        # Whoever tries a password and hangs up is refused all the same, and that is recorded; nobody is let in.
        if not exchange.closed or not isinstance(verdict, Allow):
            done(verdict, pending.trace)

    def spawn(self, work: Coroutine[Any, Any, None], exchange: Exchange) -> None:
        """Run the rest of an exchange as a task of its own; a bug in it is answered like any other bug."""
        self.keep(self._guarded(work, exchange))

    def keep(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something as a task that nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is still under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, work: Coroutine[Any, Any, None], exchange: Exchange) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - the last resort of a task; the doors have the one of a callback
            self.bug(exchange)

    def refuse(self, snapshot: Snapshot, exchange: Exchange, view: RequestView, verdict: Refusal, trace: Trace) -> None:
        """Write and record a refusal."""
        request_id = self.record.new_id(view.at)
        reply = self.rendered(snapshot, view, verdict, trace.who, request_id)
        recorded = self.record.note(snapshot.policy, view, verdict, trace, request_id)
        if recorded is None:
            exchange.reply(reply.status, reply.headers, reply.body)
        else:
            self.spawn(self._once_recorded(recorded, exchange, reply), exchange)

    @staticmethod
    async def _once_recorded(recorded: Awaitable[None], exchange: Exchange, reply: Reply) -> None:
        await recorded
        exchange.reply(reply.status, reply.headers, reply.body)

    @staticmethod
    def rendered(
        snapshot: Snapshot, view: RequestView, verdict: Refusal, who: Principal | None, request_id: str
    ) -> Reply:
        """A refusal as bytes."""
        policy = snapshot.policy
        return render(policy, show(policy, verdict, view, who), view, request_id)

    def bug(self, exchange: Exchange) -> None:
        """Our fault: fail closed, count, keep the stack for the log; the caller learns only an id."""
        request_id = self.record.bug(time.time())
        _LOG.exception("a bug in doorward, request %s", request_id)
        if exchange.connection.relay is not None:
            exchange.abort()  # nobody knows how much of another answer is out
        elif not exchange.closed:
            reply = self.record.bug_reply(request_id)
            exchange.reply(reply.status, reply.headers, reply.body)
