"""Hide: answer what an absent neighbour would answer to the same caller.

Rule: this step sees every refusal and can only turn it into another refusal. Source: architecture.md 2.5, answers.md
row 15, H6, C6, C7, D5.
"""

from __future__ import annotations

from doorward.core.ask import FindRelation, Steps, ask
from doorward.core.authenticate import authenticate
from doorward.core.authorize import closed, csrf, object_of
from doorward.core.cure import NOTHING_HELPS
from doorward.core.gates import by_principal, take
from doorward.core.policy import Policy, Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Challenge, Deny, Hide, Malformed, Throttle, Unavailable, Verdict

Hidden = Challenge | Deny | Throttle | Malformed | Unavailable
_FORGED = frozenset({Reason.CSRF_MISSING, Reason.CSRF_MISMATCH, Reason.ORIGIN_FOREIGN, Reason.CONTENT_UNSUPPORTED})
"""What a page got wrong: known only after the rule would have let the caller through."""


def only_if_it_helps(rule: Rule | None, request: RequestView, verdict: Verdict) -> Verdict:
    """A 401 is a promise: where circumstances close the rule for everybody it becomes the 403 that is true (D5)."""
    if isinstance(verdict, Challenge) and rule is not None:
        return closed(rule, request) or verdict
    return verdict


def conceal(policy: Policy, request: RequestView, trace: Trace, verdict: Verdict) -> Steps[Verdict]:
    """Hide a refusal on a path that a hiding rule names. Anything before the match is the same for every path."""
    if isinstance(verdict, Allow | Hide) or trace.rule is None or trace.unchanged:
        return verdict
    hiding = policy.hiding_rule(request.target.segments)
    if hiding is not None and hiding.hide is True:
        # Whether a login would help here is no business of somebody who must not know that there is a "here".
        return (yield from _as_neighbour(policy, request, trace, verdict))
    verdict = only_if_it_helps(trace.rule, request, verdict)
    if hiding is not None and isinstance(verdict, Deny):
        return (yield from _unless_readable(hiding, request, trace.who, verdict))
    return verdict


def _unless_readable(rule: Rule, request: RequestView, who: Principal | None, verdict: Deny) -> Steps[Verdict]:
    """The neighbour is an absent object of the same rule: only a denial tells them apart, and only to who can read."""
    if verdict.reason in _FORGED:
        return verdict
    reader = who if who is not None else ANONYMOUS
    if rule.acl and (yield from ask(FindRelation(reader.subjects, "read", object_of(rule, request)))):
        return verdict
    return Hide(verdict, rule.name)


def _as_neighbour(policy: Policy, request: RequestView, trace: Trace, verdict: Hidden) -> Steps[Verdict]:
    neighbour = policy.neighbour(request.method, request.target.segments)
    if trace.rule is neighbour and neighbour.kind == "rule":
        return only_if_it_helps(neighbour, request, verdict)  # the very rule that decides next door
    if trace.who is not None and verdict.reason in _FORGED:
        return verdict  # seen only by callers whom the rule would let through
    met = yield from _met(policy, request, trace, neighbour)
    return _absent(policy, neighbour, verdict) if met is None else met


def _met(policy: Policy, request: RequestView, trace: Trace, neighbour: Rule) -> Steps[Verdict | None]:
    """What the neighbour answers before it looks at rights; None: it knows the caller, and the name is not there."""
    if neighbour.access == "nobody":
        return None
    again = Trace()
    again.proof = trace.proof
    who = yield from authenticate(policy, neighbour, request, again)
    if isinstance(who, Challenge) and policy.settings.answers.hidden_to_anonymous != "as-absent":
        return None
    if not isinstance(who, Principal):
        return only_if_it_helps(neighbour, request, who)
    # Known here, unknown at the hidden rule, whose turn to take the neighbour's limits never came.
    if trace.who is None and (wait := (yield from take(policy, neighbour.name, by_principal(neighbour), request, who))):
        return wait
    return None if neighbour.public else (yield from csrf(policy, neighbour, who, request))


def _absent(policy: Policy, neighbour: Rule, verdict: Hidden) -> Verdict:
    if neighbour.kind == "default" and neighbour.access == "nobody" and isinstance(unnamed(policy, neighbour), Deny):
        return unnamed(policy, neighbour)
    return Hide(verdict, verdict.rule)


def unnamed(policy: Policy, rule: Rule) -> Verdict:
    """The answer for a path nobody names under `default = "deny"` (row 16)."""
    truth = Deny(Reason.PATH_UNNAMED, rule.name, NOTHING_HELPS)
    return truth if policy.settings.answers.unnamed == 403 else Hide(truth, rule.name)  # noqa: PLR2004 - the setting's value
