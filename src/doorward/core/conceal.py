"""Hide: answer what an absent neighbour would answer to the same caller.

Rule: this step sees every refusal and can only turn it into another refusal. Source: architecture.md 2.5, answers.md
row 15, H6, C6, C7, D5.
"""

from __future__ import annotations

from doorward.core.ask import FindRelation, Steps, ask
from doorward.core.authenticate import NO_HINT, Hint, challenge
from doorward.core.authorize import closed, object_of
from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.core.policy import Policy, Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Challenge, Deny, Hide, Malformed, Throttle, Unavailable, Verdict

_FORGED = frozenset({Reason.CSRF_MISSING, Reason.CSRF_MISMATCH, Reason.ORIGIN_FOREIGN})


def only_if_it_helps(rule: Rule | None, request: RequestView, verdict: Verdict) -> Verdict:
    """A 401 is a promise: where circumstances close the rule for everybody it becomes the 403 that is true (D5)."""
    if isinstance(verdict, Challenge) and rule is not None:
        return closed(rule, request) or verdict
    return verdict


def conceal(policy: Policy, request: RequestView, trace: Trace, verdict: Verdict) -> Steps[Verdict]:
    """Hide a refusal on a path that a hiding rule names. Anything before the match is the same for every path."""
    if isinstance(verdict, Allow | Hide) or trace.rule is None or trace.unchanged:
        return verdict
    rule = policy.hiding_rule(request.target.segments)
    if rule is None:
        return verdict
    if rule.hide == "unless-readable":
        return (yield from _unless_readable(rule, request, trace.who, verdict))
    neighbour = policy.neighbour(request.method, request.target.segments)
    return _as_neighbour(policy, request, neighbour, trace.who, verdict)


def _unless_readable(rule: Rule, request: RequestView, who: Principal | None, verdict: Verdict) -> Steps[Verdict]:
    """The neighbour is an absent object of the same rule: only a denial tells them apart, and only to who can read."""
    if not isinstance(verdict, Deny) or verdict.reason in _FORGED:
        return verdict
    reader = who if who is not None else ANONYMOUS
    if rule.acl and (yield from ask(FindRelation(reader.subjects, "read", object_of(rule, request)))):
        return verdict
    return Hide(verdict, rule.name)


def _as_neighbour(
    policy: Policy, request: RequestView, neighbour: Rule, who: Principal | None, verdict: Verdict
) -> Verdict:
    asks = _asks_identity(policy, request, neighbour)
    match verdict:
        case Challenge() if who is None and asks and policy.settings.answers.hidden_to_anonymous == "as-absent":
            return _its_challenge(policy, neighbour, verdict)
        case Malformed() | Unavailable() | Throttle(reason=Reason.LOCKED_OUT) if who is None and asks:
            return verdict
        case Deny() if verdict.reason in _FORGED and who is not None:
            return verdict
        case Deny() if who is None and asks and verdict.cure.act is Act.AUTHENTICATE:
            return Deny(verdict.reason, neighbour.name, verdict.cure)
        case Allow():
            return verdict
        case _:
            return _absent(policy, neighbour, verdict)


def _absent(
    policy: Policy, neighbour: Rule, verdict: Challenge | Deny | Hide | Throttle | Malformed | Unavailable
) -> Verdict:
    if neighbour.kind == "default" and policy.settings.answers.unnamed == 403:  # noqa: PLR2004 - the setting's value
        return Deny(Reason.PATH_UNNAMED, neighbour.name, NOTHING_HELPS)
    return verdict if isinstance(verdict, Hide) else Hide(verdict, verdict.rule)


def _asks_identity(policy: Policy, request: RequestView, neighbour: Rule) -> bool:
    """Whether the absent neighbour would ask who the caller is."""
    return neighbour.access == "authenticated" and closed(neighbour, request) is None and bool(policy.schemes)


def _its_challenge(policy: Policy, neighbour: Rule, verdict: Challenge) -> Verdict:
    presented = _presented(verdict)
    hint = Hint(verdict.reason) if presented else NO_HINT
    return challenge(policy, neighbour, verdict.reason, verdict.cure.act, presented, hint)


def _presented(verdict: Challenge) -> str:
    """The kind that was presented and refused: it stands first in the cure-bearing verdict's challenges."""
    if verdict.reason in (Reason.CREDENTIALS_MISSING, Reason.SCHEME_UNSUPPORTED):
        return ""
    names = {"bearer": "bearer", "basic": "basic", "session": "session", "apikey": "apikey"}
    return names.get(verdict.challenges[0].scheme.lower(), "")


def unnamed(policy: Policy, rule: Rule) -> Verdict:
    """The answer for a path nobody names under `default = "deny"` (row 16)."""
    truth = Deny(Reason.PATH_UNNAMED, rule.name, Cure(Act.NONE))
    return truth if policy.settings.answers.unnamed == 403 else Hide(truth, rule.name)  # noqa: PLR2004 - the setting's value
