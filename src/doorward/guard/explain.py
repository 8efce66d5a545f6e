"""An explanation: what a refusal, recorded or rehearsed, has to say for itself (first-minute.md 4).

Rule: nothing is printed here, and nothing looked up that was not handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from doorward.core.ask import Answers
from doorward.core.policy import Policy
from doorward.core.trace import STEPS, Trace
from doorward.core.verdict import Allow, Verdict, status
from doorward.guard.evidence import event_of, reasons
from doorward.guard.needs import as_cure
from doorward.guard.rehearse import kind_for, present
from doorward.guard.remedy import Attempt, Way, untried, ways
from doorward.guard.replay import Replay, replay
from doorward.guard.steps import Step, passed
from doorward.guard.telling import evidence, truth_of, why_this_status
from doorward.ledger.event import AuditEvent

LIKE_SPAN = 600.0
"""Seconds before and after a refusal in which others like it are counted."""
# Steps that not every request has; that one was passed says nothing.
_QUIET = frozenset({"preflight", "limits", "csrf", "scope", "step-up", "record"})


@dataclass(frozen=True, slots=True)
class Explanation:
    """event: what happened, or would; steps: in order, the last one refused unless the request is allowed; ways: what
    would let it pass; outcome: what the policy in force says today, "" when it was not asked; now: its version.
    """

    event: AuditEvent
    steps: tuple[Step, ...]
    ways: tuple[Way, ...] = ()
    outcome: str = ""
    now: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the application answers."""
        return self.event.verdict == "allow"

    @property
    def title(self) -> str:
        """Status and its name."""
        return "allowed" if self.allowed else f"{self.event.status} {HTTPStatus(self.event.status).phrase}"

    @property
    def codes(self) -> str:
        """Code and reason: "access-denied / not-owner"; behind a hidden answer the truth."""
        event = self.event
        shown = event.code if event.code == event.reason else f"{event.code} / {event.reason}"
        return f"{shown} ({event.truth})" if event.truth else shown

    @property
    def answer(self) -> tuple[str, ...]:
        """The status and why it is this one; then the fields that were sent with it."""
        status, *fields = self.event.facts.get("answer") or [str(self.event.status)]
        return f"{status}{why_this_status(self.event)}", *fields


def of_rehearsal(
    policy: Policy, attempt: Attempt, decided: tuple[Verdict, Trace], answers: Answers, request_id: str
) -> Explanation:
    """Explain a request that was decided for the purpose."""
    verdict, trace = decided
    who, view = attempt.who, attempt.view
    if who is not None:
        view = present(policy, view, kind_for(policy, view, who))
    event = event_of(policy, view, verdict, trace, request_id, view.via.client_ip)
    allowed = isinstance(verdict, Allow)
    steps = passed(policy, view, trace, refused=not allowed)
    if isinstance(verdict, Allow):
        return Explanation(event, tuple(steps), now=policy.version)
    steps.append(Step(trace.step, good=False, text=evidence(event)))
    known = trace.who if trace.who is not None and not trace.who.anonymous else who
    way = ways(policy, Attempt(attempt.view, known), verdict, answers)
    return Explanation(event, tuple(steps), way, now=policy.version)


def of_event(event: AuditEvent, policy: Policy | None, answers: Answers) -> Explanation:
    """Explain what was recorded. policy, answers: those in force now; policy None when there is none to be had."""
    steps = _recorded(event)
    then = untried(as_cure(event.facts.get("cure", {})), event.who or "the caller", truth_of(event), event.method)
    if policy is None or event.verdict in ("allow", "bug"):
        return Explanation(event, steps, then)
    again = replay(policy, event, answers)
    if again is None:
        return Explanation(event, steps, then, now=policy.version)
    found = then
    if again.same and not isinstance(again.verdict, Allow):
        found = ways(policy, again.attempt, again.verdict, answers)
    return Explanation(event, steps, found, _outcome(again), policy.version)


def _recorded(event: AuditEvent) -> tuple[Step, ...]:
    """The steps before the last are told by name: what they saw was not kept."""
    if event.verdict in ("allow", "bug"):
        return ()
    before = STEPS[: STEPS.index(event.step)] if event.step in STEPS else STEPS
    return (
        *(Step(name, good=True) for name in before if name not in _QUIET),
        Step(event.step, good=False, text=evidence(event)),
    )


def _outcome(again: Replay) -> str:
    if again.same:
        return "same outcome"
    if isinstance(again.verdict, Allow):
        return "allowed now"
    reason, truth = reasons(again.verdict)
    return f"now {status(again.verdict)} {truth or reason}"
