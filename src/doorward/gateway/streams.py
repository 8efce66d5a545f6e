"""Open tunnels and streams end when who opened them no longer may.

A decision holds for one request; a tunnel outlives it. Whenever something was revoked, a policy was swapped, or an
identity expired, the open ones are decided again, as if they were asked for now: to a session that is activity.
Rule: what could not be decided now is asked again, not ended.
Source: answers.md J17, architecture.md 6.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doorward.core.ask import Answers, TakeSlot, arun
from doorward.core.decide import decide
from doorward.core.verdict import Allow, Unavailable
from doorward.gateway.relayed import Relayed

if TYPE_CHECKING:
    from doorward.core.policy import Policy
    from doorward.edge.exchange import Exchange
    from doorward.edge.server import Server
    from doorward.gateway.runtime import Runtime

# Decisions between two turns of the loop: some 5 ms.
_SLICE = 200
# Seconds after which any stream is looked at: sessions have a longest life, rules have closing times.
_ROUND = 60.0


class Watch:
    """Looks after the open streams of a server."""

    def __init__(self, runtime: Runtime, server: Server) -> None:
        self._runtime = runtime
        self._server = server
        self._again: set[int] = set()
        self._policy = runtime.guard.policy
        self._round = 0.0

    async def look(self, at: float, *, revoked: bool) -> None:
        """End what may not go on. at: seconds since the epoch; revoked: something was, since the last look."""
        policy = self._runtime.guard.policy
        everything = revoked or policy is not self._policy or abs(at - self._round) >= _ROUND
        if everything:
            self._policy, self._round = policy, at
        streams = self._server.open_streams
        self._again &= streams.keys()
        due = [each for key, each in streams.items() if everything or key in self._again or _expired(each, at)]
        answers = {**self._runtime.guard.answers, TakeSlot: _taken}
        for start in range(0, len(due), _SLICE):
            for exchange in due[start : start + _SLICE]:
                await self._decide_again(exchange, policy, answers, at)
            await asyncio.sleep(0)

    async def _decide_again(self, exchange: Exchange, policy: Policy, answers: Answers, at: float) -> None:
        relayed = exchange.memo
        if not isinstance(relayed, Relayed) or exchange.closed:
            return
        before = relayed.verdict.principal
        verdict = await arun(decide(policy, replace(relayed.view, at=at)), answers)
        key = id(exchange)
        if isinstance(verdict, Unavailable):
            self._again.add(key)
            return
        self._again.discard(key)
        if not isinstance(verdict, Allow) or verdict.principal.subjects[0] != before.subjects[0]:
            exchange.abort()
            return
        relayed.verdict = verdict


def _taken(_question: Any) -> int:
    """A stream has taken its slot when it began."""
    return 0


def _expired(exchange: Exchange, at: float) -> bool:
    relayed = exchange.memo
    if not isinstance(relayed, Relayed):
        return False
    expires = relayed.verdict.principal.expires
    return expires is not None and at >= expires
