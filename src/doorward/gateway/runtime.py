"""What all listeners of one process share: the guard, the ledger, the snapshot in force, tasks.

Rule: a reload swaps `snapshot` by one assignment; whoever needs two things of it takes it once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.request import Headers, RequestView, Via, is_loopback, observe
from doorward.core.trace import Trace
from doorward.core.verdict import Refusal, Verdict
from doorward.gateway.faults import fault_of
from doorward.gateway.fields import FieldPlan
from doorward.gateway.identity import Identity
from doorward.guard.guard import Guard, Pending
from doorward.wire.render import render
from doorward.wire.reply import Reply
from doorward.wire.shown import show

if TYPE_CHECKING:
    from doorward.edge.exchange import Exchange
    from doorward.guard.record import Record

_LOG = logging.getLogger("doorward")
Done = Callable[[Verdict, Trace], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One policy in force and what is compiled from it for the gateway."""

    policy: Policy
    plan: FieldPlan
    identity: Identity


class Runtime:
    """Shared by the listeners of one process. record: where verdicts are noted."""

    def __init__(self, guard: Guard, snapshot: Snapshot, record: Record) -> None:
        self.guard = guard
        self.snapshot = snapshot
        self.record = record
        self.tasks: set[asyncio.Task[None]] = set()
        self.draining = False

    def view(self, exchange: Exchange, at: float) -> RequestView:
        """Read an exchange of the edge as the door sees it."""
        state = exchange.connection.state
        via = state.get("via")
        if via is None:
            connection = exchange.connection
            scheme = "https" if connection.secure else "http"
            via = state["via"] = Via(connection.peer, connection.peer, scheme, connection.local)
        return observe(
            self.snapshot.policy.settings.vantage,
            method=exchange.method,
            target=exchange.target,
            headers=Headers(exchange.headers),
            via=via,
            at=at,
            body=exchange.has_body,
            upgrade=exchange.upgrade,
            fault=fault_of(exchange.fault) if exchange.fault else None,
        )

    def judge(self, view: RequestView, exchange: Exchange, done: Done) -> None:
        """Decide; `done` is called in this very callback when all facts are in memory, else from a task."""
        trace = Trace()
        outcome = self.guard.begin(view, trace)
        if isinstance(outcome, Pending):
            self.spawn(self._wait(outcome, exchange, done), exchange)
        else:
            done(outcome, trace)

    async def _wait(self, pending: Pending, exchange: Exchange, done: Done) -> None:
        verdict = await self.guard.finish(pending)
        if not exchange.closed:
            done(verdict, pending.trace)

    def spawn(self, work: Coroutine[Any, Any, None], exchange: Exchange) -> None:
        """Run the rest of an exchange as a task of its own; a bug in it is answered like any other bug."""
        task = asyncio.get_running_loop().create_task(self._guarded(work, exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], exchange: Exchange) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 - the last resort of a task; the edge has the one of a callback
            self.bug(exchange)

    def refuse(self, exchange: Exchange, view: RequestView, verdict: Refusal, trace: Trace) -> None:
        """Write and record a refusal."""
        policy = self.snapshot.policy
        request_id = self.record.new_id(view.at)
        reply = self.rendered(policy, view, verdict, trace.who, request_id)
        self.record.note(policy, view, verdict, trace, request_id)
        self.send(exchange, reply)

    def rendered(
        self, policy: Policy, view: RequestView, verdict: Refusal, who: Principal | None, request_id: str
    ) -> Reply:
        """A refusal as bytes."""
        return render(policy, show(policy, verdict, view, who), view, request_id)

    @staticmethod
    def send(exchange: Exchange, reply: Reply) -> None:
        """Hand a reply to the edge."""
        exchange.reply(reply.status, reply.headers, reply.body)

    def bug(self, exchange: Exchange) -> None:
        """Our fault: fail closed, count, keep the stack for the log; the caller learns only an id."""
        request_id = self.record.bug(time.time())
        _LOG.exception("a bug in doorward, request %s", request_id)
        if not exchange.closed:
            self.send(exchange, self.record.bug_reply(request_id))


def is_local(host: str) -> bool:
    """Whether a listener's address is loopback."""
    return is_loopback(host)
