"""The guard: a compiled policy and the answers to its questions, ready to decide.

A policy is swapped by one assignment; requests in flight keep the snapshot they began with. The wiring is a dictionary
that prints. Rule: nothing here refuses anything; verdicts come from `core.decide`.
Source: architecture.md 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from doorward.core.ask import Answers, Later, Steps, advance, resume, run
from doorward.core.authenticate import authenticate
from doorward.core.decide import decide
from doorward.core.policy import Policy, Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Verdict
from doorward.guard import ways
from doorward.guard.cache import CredentialCache

_VISITOR = Rule("(own)", access="public", schemes=frozenset({"session"}))


@dataclass(frozen=True, slots=True)
class Pending:
    """A decision that waits for an answer: the steps, where they stand, their trace, and who answers them."""

    steps: Steps[Verdict]
    later: Later
    trace: Trace
    answers: Answers


class Guard:
    """Decides requests under the policy in force. answers: question type -> function; cache: the one behind Recall,
    where ways that were open may be repeated.
    """

    def __init__(self, policy: Policy, answers: Answers, cache: CredentialCache | None = None) -> None:
        self.policy = policy
        self.answers: Mapping[type, Callable[[Any], Any]] = answers
        self._cache = cache

    def swap(self, policy: Policy, answers: Answers, cache: CredentialCache | None = None) -> None:
        """Put another policy in force, with its answers. Decisions under way keep theirs."""
        self.policy, self.answers, self._cache = policy, answers, cache

    def begin(self, view: RequestView, trace: Trace) -> Verdict | Pending:
        """Decide as far as memory goes; the host answers in the same callback, or waits with `finish`."""
        policy, cache = self.policy, self._cache
        if cache is not None and (known := ways.repeat(policy, cache, view, trace)):
            return known
        steps = decide(policy, view, trace)
        outcome = advance(steps, self.answers)
        if isinstance(outcome, Later):
            return Pending(steps, outcome, trace, self.answers)
        if cache is not None and type(outcome) is Allow:
            ways.keep(policy, cache, view, trace, outcome)
        return outcome

    def stands(self, way: ways.Way, at: float) -> bool:
        """Whether a way is still open. at: seconds since the epoch; that the request is the same, the host sees."""
        cache = self._cache
        return way.policy is self.policy and cache is not None and (way.entry is None or cache.holds(way.entry, at))

    async def finish(self, pending: Pending) -> Verdict:
        """Go on with a decision that had to wait, under the policy and with the answers it began with."""
        return await resume(pending.steps, pending.answers, pending.later)

    def decide(self, view: RequestView) -> Verdict:
        """Decide without waiting. Raises ConfigError when an answer would have to be waited for."""
        return run(decide(self.policy, view), self.answers)

    async def adecide(self, view: RequestView) -> Verdict:
        """Decide, waiting where an answer has to be waited for."""
        outcome = self.begin(view, Trace())
        return await self.finish(outcome) if isinstance(outcome, Pending) else outcome

    async def visitor(self, view: RequestView) -> Principal:
        """Who holds the session cookie of this request; ANONYMOUS when nobody does. For our own pages."""
        steps = authenticate(self.policy, _VISITOR, view, Trace())
        who = await resume(steps, self.answers, advance(steps, self.answers))
        return who if isinstance(who, Principal) else ANONYMOUS

    def wiring(self) -> str:
        """Which function answers which question, one a line."""
        rows = ((kind.__name__, getattr(answer, "__qualname__", repr(answer))) for kind, answer in self.answers.items())
        return "\n".join(f"{kind:16} {answer}" for kind, answer in sorted(rows))
