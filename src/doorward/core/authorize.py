"""What may you do? CSRF, roles, owner, relations, circumstances, scopes, freshness: in this order.

Rule: everything here refuses or stays silent; nothing opens what the rule closes.
Source: policy.md 2.3 and section 3 (14), answers.md rows 8-13, 17-18, CS1-CS6, D1, D5.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from doorward.core.ask import CheckCsrf, FindRelation, Steps, ask
from doorward.core.challenge import AuthChallenge
from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.core.policy import Hours, Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import RequestView, inside
from doorward.core.verdict import Deny, Malformed, malformed

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Fetch 2.2.2: these leave a browser without a preflight; so does a body without a type.
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""})
_BROWSER_MARKS = ("sec-fetch-site", "origin", "referer")
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def ambient(who: Principal, request: RequestView) -> bool:
    """Whether the browser attached the credential by itself."""
    if who.scheme == "session":
        return True
    return who.scheme == "basic" and any(mark in request.headers for mark in _BROWSER_MARKS)


def csrf(policy: Policy, rule: Rule, who: Principal, request: RequestView) -> Steps[Deny | None]:
    """An unsafe request with an ambient credential needs proof that the page is ours (CS1); a WebSocket too (CS6)."""
    if who.anonymous or not ambient(who, request):
        return None
    if request.upgrade:
        own = is_own_origin(policy, request, request.headers.get("origin"))
        return None if own else _forged(rule, Reason.ORIGIN_FOREIGN)
    if request.method in SAFE or not rule.csrf:
        return None
    return (yield from _unproven(policy, rule, who, request))


def _unproven(policy: Policy, rule: Rule, who: Principal, request: RequestView) -> Steps[Deny | None]:
    headers = request.headers
    token = headers.all("x-csrf-token")
    # A token that is present but wrong is always refused, whatever else would have been proof.
    if token:
        right = len(token) == 1 and bool(who.session) and (yield from ask(CheckCsrf(who.session, token[0])))
        if not right:
            return _forged(rule, Reason.CSRF_MISMATCH)
    site, origin = headers.all("sec-fetch-site"), headers.all("origin")
    if site in (("same-origin",), ("none",)):
        return None
    if len(origin) == 1 and is_own_origin(policy, request, origin[0]):
        return None
    silent = not site and not origin
    if token and not (silent and policy.settings.csrf_strict):
        return None
    return _forged(rule, Reason.ORIGIN_FOREIGN if origin else Reason.CSRF_MISSING)


def is_own_origin(policy: Policy, request: RequestView, origin: str) -> bool:
    """Whether an Origin value is an own or a `[cors]` origin; compared whole, `null` never."""
    if not origin or origin == "null":
        return False
    own = policy.settings.vantage.origins or (request.origin,)
    return origin in own or origin in policy.settings.cors.origins


def _forged(rule: Rule, reason: Reason) -> Deny:
    return Deny(reason, rule.name, Cure(Act.PROVE_ORIGIN))


def unsuited(who: Principal, request: RequestView) -> Malformed | None:
    """A body that any form on any page can send, with the session cookie, to a rule with `json = true` (CS7)."""
    if who.scheme != "session" or request.method in SAFE:
        return None
    sent = [value.partition(";")[0].strip(" \t").lower() for value in request.headers.all("content-type")]
    if _FORM_TYPES.isdisjoint(sent or [""] * request.body):
        return None
    return malformed(Reason.CONTENT_UNSUPPORTED, "this API reads JSON; say so in Content-Type")


def lacking(rule: Rule, who: Principal, request: RequestView) -> Deny | None:
    """Method claimed, roles, owner. None: nothing of these refuses."""
    if rule.kind == "unclaimed":
        return Deny(Reason.METHOD_UNCLAIMED, rule.name, NOTHING_HELPS)
    if rule.access == "nobody":
        return Deny(Reason.NOBODY_MAY, rule.name, NOTHING_HELPS)
    if rule.roles and who.roles.isdisjoint(rule.roles):
        return Deny(Reason.ROLE_MISSING, rule.name, Cure(Act.GAIN_ROLE, roles=rule.roles))
    return not_owner(rule, who, request) if rule.owner else None


def not_owner(rule: Rule, who: Principal, request: RequestView) -> Deny | None:
    """Owner before role; `or_roles` pass without being owner (policy.md section 3, 10)."""
    if rule.owner is None or not who.roles.isdisjoint(rule.or_roles):
        return None
    owner = rule.bind(request.target.segments).get(rule.owner.variable, "")
    mine = who.attributes.get(rule.owner.attribute, "") if rule.owner.attribute else who.subject
    if owner and mine == owner:
        return None
    return Deny(Reason.NOT_OWNER, rule.name, Cure(Act.BE_OWNER, owner=owner, roles=rule.or_roles))


def object_of(rule: Rule, request: RequestView) -> str:
    """The object that the rule's `acl` names for this path."""
    values = rule.bind(request.target.segments)
    return _VARIABLE.sub(lambda found: values.get(found.group(1), ""), rule.acl.object) if rule.acl else ""


def unrelated(rule: Rule, who: Principal, request: RequestView) -> Steps[Deny | None]:
    """Whether the stored relation that the rule's `acl` asks for is missing."""
    permissions = rule.acl.permissions if rule.acl else {}
    permission = permissions["GET" if request.method == "HEAD" else request.method]
    thing = object_of(rule, request)
    if (yield from ask(FindRelation(who.subjects, permission, thing))):
        return None
    return Deny(Reason.GRANT_MISSING, rule.name, Cure(Act.GAIN_GRANT, permission=permission, object=thing))


def closed(rule: Rule, request: RequestView) -> Deny | None:
    """Circumstances that close the rule for everybody: networks, hours (D5)."""
    if rule.networks is not None and not inside(request.via.client_ip, rule.networks):
        return Deny(Reason.NETWORK_BLOCKED, rule.name, Cure(Act.COME_FROM, networks=tuple(map(str, rule.networks))))
    if rule.when and not is_open(rule.when, request.at):
        return Deny(Reason.OUTSIDE_HOURS, rule.name, Cure(Act.COME_BACK, opens=next_opening(rule.when, request.at)))
    return None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def is_open(hours: Hours, at: float) -> bool:
    """Whether `at` (seconds since the epoch) lies in the hours; `22:00-06:00` belongs to the day it begins."""
    local = datetime.fromtimestamp(at, _zone(hours.zone))
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    if hours.start < hours.end:
        return today in hours.days and hours.start <= minute < hours.end
    return (today in hours.days and minute >= hours.start) or (yesterday in hours.days and minute < hours.end)


def next_opening(hours: Hours, at: float) -> float | None:
    """When the hours begin next, seconds since the epoch; None when they never do."""
    local = datetime.fromtimestamp(at, _zone(hours.zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    starts = (
        _begins(hours, (midnight + timedelta(days=day)).replace(hour=hours.start // 60, minute=hours.start % 60))
        for day in range(15)
        if (midnight + timedelta(days=day)).weekday() in hours.days
    )
    return next((start for start in starts if start is not None and start > at), None)


def _begins(hours: Hours, start: datetime) -> float | None:
    """The first open minute; a beginning that the clocks skip in spring comes with the skip, or not at all that day."""
    late = int(start.timestamp())
    early = min(late, int(start.replace(fold=1).timestamp()))
    return next((float(minute) for minute in range(early, late + 1, 60) if is_open(hours, minute)), None)


def missing_scopes(rule: Rule, who: Principal) -> tuple[str, ...]:
    """Scopes the credential lacks; only delegated credentials are limited by scopes unless `scopes_for` says so."""
    if who.scopes is None and rule.scopes_for != "all":
        return ()
    held = who.scopes or frozenset()
    return tuple(scope for scope in rule.scopes if scope not in held)


def too_narrow(policy: Policy, rule: Rule, who: Principal, lines: tuple[AuthChallenge, ...]) -> Deny:
    """The 403 for a missing scope. lines: the Bearer challenge with all scopes of the operation (D1)."""
    tell = who.scheme == "bearer" and policy.settings.answers.scope_challenge
    return Deny(Reason.SCOPE_MISSING, rule.name, Cure(Act.WIDEN_SCOPE, scopes=rule.scopes), lines if tell else ())


def too_old(rule: Rule, who: Principal, request: RequestView) -> bool:
    """Whether the login is older than `fresh.max_age`; unknown counts as too old (RFC 9470 6)."""
    if rule.max_age is None:
        return False
    return who.auth_time is None or request.at - who.auth_time > rule.max_age
