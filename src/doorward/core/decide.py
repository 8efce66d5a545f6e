"""The straight line: one request becomes one verdict, read from top to bottom.

Order: parse, tls, gates, preflight, match, limits, authenticate, limits, csrf, authorise, scope, step-up, conceal.
Rule: a decision is taken here and nowhere else. Source: architecture.md 2.4, answers.md section 1.
"""

from __future__ import annotations

from doorward.core.ask import LedgerReady, Steps, ask
from doorward.core.authenticate import Hint, authenticate, challenge, challenges, doubled
from doorward.core.authorize import (
    ambient,
    closed,
    csrf,
    lacking,
    missing_scopes,
    too_narrow,
    too_old,
    unrelated,
    unsuited,
)
from doorward.core.conceal import conceal, unnamed
from doorward.core.cure import NOTHING_HELPS, Act
from doorward.core.errors import DependencyError
from doorward.core.gates import by_principal, gates, parse, sensitive_files, take, tls
from doorward.core.policy import Policy, Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Challenge, Deny, Malformed, Throttle, Unavailable, Verdict

OWN = "(own)"
PREFLIGHT = "(preflight)"
_DOWN = {"hashing": Reason.HASHING_BUSY, "store": Reason.STORE_UNWRITABLE, "ledger": Reason.LEDGER_REQUIRED}


def decide(policy: Policy, request: RequestView, trace: Trace | None = None) -> Steps[Verdict]:
    """Answer one request. Same policy, request and answers: same verdict.

    trace: filled for the ledger and for `explain`. Never raises but for a bug of ours.
    """
    trace = trace or Trace()
    try:
        verdict = yield from settle(policy, request, trace)
        if policy.settings.ledger.required and isinstance(verdict, Allow):
            trace.step = "record"
            yield from ask(LedgerReady())
    except DependencyError as down:
        verdict = _unavailable(down, trace)
    if isinstance(verdict, Allow):
        return verdict
    try:
        return (yield from conceal(policy, request, trace, verdict))
    except DependencyError as down:
        return _unavailable(down, trace)


def _unavailable(down: DependencyError, trace: Trace) -> Unavailable:
    return unavailable(down, trace.rule.name if trace.rule else "(dependency)")


def unavailable(down: DependencyError, rule: str) -> Unavailable:
    """The 503 of a fact that could not be had. rule: by whose name it goes into the ledger."""
    return Unavailable(down.name, down.retry_after, _DOWN.get(down.name, Reason.DEPENDENCY_DOWN), rule=rule)


def is_preflight(policy: Policy, request: RequestView) -> bool:
    """A true CORS preflight (F1): OPTIONS with Origin and Access-Control-Request-Method and without a body."""
    free = policy.settings.cors.options_public
    if request.method != "OPTIONS" or free == "none":
        return False
    headers = request.headers
    true = "origin" in headers and "access-control-request-method" in headers and not request.body
    return true or free == "all"


def settle(policy: Policy, request: RequestView, trace: Trace) -> Steps[Verdict]:
    """The steps before concealment."""
    wrong = parse(request) or doubled(policy, request)
    if wrong:
        return wrong
    trace.step = "tls"
    if plain := tls(policy, request):
        return plain
    trace.step = "gates"
    if policy.gates and (shut := (yield from gates(policy, request))):
        return shut
    if lying_about := sensitive_files(policy, request):
        return lying_about
    if request.target.segments[:1] == (".doorward",):
        return Allow(ANONYMOUS, OWN)  # own endpoints decide for themselves (policy.md section 3, 8)
    trace.step = "preflight"
    if is_preflight(policy, request):  # wire/cors answers it, or it goes on, stripped
        return Allow(ANONYMOUS, PREFLIGHT)
    trace.step = "match"
    rule = trace.rule = policy.match(request.method, request.target.segments)
    if rule.access == "nobody" and rule.hide is not True:
        return _nobody(policy, rule)
    return (yield from _identify(policy, rule, request, trace))


def _nobody(policy: Policy, rule: Rule) -> Verdict:
    if rule.kind == "default":
        return unnamed(policy, rule)
    return Deny(Reason.NOBODY_MAY, rule.name, NOTHING_HELPS)


def _identify(policy: Policy, rule: Rule, request: RequestView, trace: Trace) -> Steps[Verdict]:
    trace.step = "limits"
    limited = bool(rule.limits) or rule.hide is True
    if limited and (wait := (yield from _early_limits(policy, rule, request, trace))):
        return wait
    trace.step = "authenticate"
    who = yield from authenticate(policy, rule, request, trace)
    if not isinstance(who, Principal):
        return who
    trace.who = who
    trace.step = "limits"
    if limited and (wait := (yield from _late_limits(policy, rule, request, who, trace))):
        return wait
    trace.step = "csrf"
    forged: Deny | Malformed | None = None
    if ambient(who, request):
        forged = yield from csrf(policy, rule, who, request)
    if forged and rule.public:
        who, forged = ANONYMOUS, None
        trace.notes = (*trace.notes, "ignored_unproven_credential")
    if rule.json and forged is None:
        forged = unsuited(who, request)
    if forged and policy.hiding_rule(request.target.segments) is None:
        return forged
    trace.step = "authorise"
    verdict = yield from _permit(policy, rule, who, request, trace)
    return forged if forged and isinstance(verdict, Allow) else verdict


def _early_limits(policy: Policy, rule: Rule, request: RequestView, trace: Trace) -> Steps[Throttle | None]:
    """Limits that need no identity. On a hiding rule: the absent neighbour's instead, its own come later."""
    if rule.hide is not True:
        return (yield from take(policy, rule.name, rule.limits, request, None))
    return (yield from _next_door(policy, request, trace, None))


def _late_limits(
    policy: Policy, rule: Rule, request: RequestView, who: Principal, trace: Trace
) -> Steps[Throttle | None]:
    if rule.hide is not True:
        return (yield from take(policy, rule.name, by_principal(rule), request, who))
    wait = yield from _next_door(policy, request, trace, who)
    return wait or (yield from take(policy, rule.name, rule.limits, request, who))


def _next_door(policy: Policy, request: RequestView, trace: Trace, who: Principal | None) -> Steps[Throttle | None]:
    """The limits of the absent neighbour: full or out of reach, they are so for both, and nothing needs hiding."""
    neighbour = policy.neighbour(request.method, request.target.segments)
    limits = neighbour.limits if who is None else by_principal(neighbour)
    trace.unchanged = True
    wait = yield from take(policy, neighbour.name, limits, request, who)
    trace.unchanged = wait is not None
    return wait


def _permit(policy: Policy, rule: Rule, who: Principal, request: RequestView, trace: Trace) -> Steps[Verdict]:
    """Authorise, scope, step-up: a challenge is sent only when it is the last thing missing."""
    refusal = lacking(rule, who, request)
    if refusal is None and rule.acl:
        refusal = yield from unrelated(rule, who, request)
    if refusal := refusal or closed(rule, request):
        return refusal
    trace.step = "scope"
    if rule.scopes and missing_scopes(rule, who):
        scopes = () if rule.mask else rule.scopes
        lines = challenges(policy, rule, "bearer", Hint(Reason.SCOPE_MISSING, scopes=scopes))[:1]
        return too_narrow(policy, rule, who, lines)
    trace.step = "step-up"
    if too_old(rule, who, request):
        return _step_up(policy, rule, who)
    return Allow(who, rule.name, trace.notes)


def _step_up(policy: Policy, rule: Rule, who: Principal) -> Challenge | Deny:
    hint = Hint(Reason.LOGIN_TOO_OLD, max_age=rule.max_age)
    return challenge(policy, rule, Reason.LOGIN_TOO_OLD, Act.STEP_UP, who.scheme, hint)
