"""The steps that a rehearsed request passed, each with what was seen.

Rule: words only; which step was the last is the trace's business. Source: first-minute.md 3, architecture.md 2.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from doorward.core.authorize import SAFE, ambient, object_of
from doorward.core.gates import applies
from doorward.core.policy import Limit, Policy, Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.guard.telling import span

_ORDER = (
    *("parse", "tls", "gates", "preflight", "match", "limits", "authenticate", "limits", "csrf"),
    *("authorise", "scope", "step-up", "record"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. good: it let the request on; text: what it saw, "" for nothing worth telling."""

    name: str
    good: bool
    text: str = ""


def passed(policy: Policy, view: RequestView, trace: Trace, *, refused: bool) -> list[Step]:
    """The steps before the one that refused; all that were taken, for an allowed request."""
    names = _ORDER[: _last(trace) + (0 if refused else 1)]
    found: list[Step] = []
    for name in dict.fromkeys(names):
        text = _TELL[name](policy, view, trace)
        if text is not None:
            found.append(Step(name, good=True, text=text))
    return found


def _last(trace: Trace) -> int:
    """Where in the order the decision ended; limits are looked at before identity is known, and after."""
    late = trace.step == "limits" and trace.who is not None
    return _ORDER.index(trace.step, 6 if late else 0)


def _parse(_policy: Policy, view: RequestView, _trace: Trace) -> str:
    return view.path or "*"


def _tls(policy: Policy, view: RequestView, _trace: Trace) -> str:
    if view.via.scheme == "https":
        said = view.via.client_ip != view.via.peer
        return f"https, said by {view.via.peer} (trusted)" if said else "https"
    return "http; TLS is not required" if policy.settings.tls_require is False else "http, within this machine"


def _gates(policy: Policy, view: RequestView, _trace: Trace) -> str:
    names = [gate.name for gate in policy.gates if applies(gate, view)]
    names += ["sensitive-files"] if policy.settings.sensitive_files else []
    return ", ".join(names) or "none"


def _preflight(_policy: Policy, _view: RequestView, trace: Trace) -> str | None:
    return "a CORS preflight: no rule is asked" if trace.step == "preflight" else None


def _match(_policy: Policy, view: RequestView, trace: Trace) -> str | None:
    rule = trace.rule
    if rule is None:
        return None
    if rule.kind == "default":
        return "no rule names this path"
    if rule.kind == "unclaimed":
        return "rules name this path"
    pattern = next((p.text for p in rule.patterns if p.bind(view.target.segments) is not None), "")
    return rule.name if pattern in ("", rule.name) else f"{rule.name} ({pattern})"


def _limits(_policy: Policy, _view: RequestView, trace: Trace) -> str | None:
    limits = trace.rule.limits if trace.rule else ()
    return f"{', '.join(map(_limit, limits))}; not counted here" if limits else None


def _limit(limit: Limit) -> str:
    return f"{limit.rate} in {span(limit.period)} by {' and '.join(limit.by)}"


def _authenticate(_policy: Policy, view: RequestView, trace: Trace) -> str | None:
    who = trace.who
    if who is None:
        return None
    if who.anonymous:
        return (
            f"nobody, served as anonymous ({', '.join(trace.notes)})" if trace.notes else "nobody; the rule is public"
        )
    parts = [_credential(who), who.label]
    if who.label != who.subject:
        parts.append(f"subject {who.subject}")
    parts.append(f"roles {', '.join(sorted(who.roles))}" if who.roles else "no roles")
    if who.scopes is not None:
        parts.append(f"scopes {', '.join(sorted(who.scopes))}" if who.scopes else "no scopes")
    if who.auth_time is not None and view.at - who.auth_time >= 1:
        parts.append(f"logged in {span(view.at - who.auth_time)} ago")
    return ", ".join(parts)


def _credential(who: Principal) -> str:
    issuer = f" of {who.issuer}" if who.issuer not in ("local", "") else ""
    session = f" …{who.session[-4:]}" if who.session else ""
    return f"{who.scheme}{issuer}{session}"


def _csrf(_policy: Policy, view: RequestView, trace: Trace) -> str | None:
    who, rule = trace.who or ANONYMOUS, trace.rule
    if rule is None or who.anonymous or not ambient(who, view):
        return None
    if view.method in SAFE and not view.upgrade:
        return f"not needed for {view.method}"
    if not rule.csrf and not view.upgrade:
        return "not asked for by this rule"
    seen = next((name for name in ("x-csrf-token", "sec-fetch-site", "origin") if name in view.headers), "")
    value = view.headers.get(seen)
    return {"x-csrf-token": "X-CSRF-Token", "sec-fetch-site": f"Sec-Fetch-Site: {value}"}.get(seen, f"Origin: {value}")


def _authorise(_policy: Policy, view: RequestView, trace: Trace) -> str | None:
    rule = trace.rule
    if rule is None:
        return None
    if rule.public:
        return "everybody may"
    return ", ".join(_rights(rule, view, trace.who or ANONYMOUS)) or "everybody who is known may"


def _rights(rule: Rule, view: RequestView, who: Principal) -> list[str]:
    found: list[str] = []
    if rule.roles:
        found.append(f"role {', '.join(role for role in rule.roles if role in who.roles)}")
    if rule.owner:
        spared = [role for role in rule.or_roles if role in who.roles]
        value = rule.bind(view.target.segments).get(rule.owner.variable, "")
        found.append(f"role {', '.join(spared)} instead of the owner" if spared else f"owner of {value}")
    if rule.acl:
        permission = rule.acl.permissions["GET" if view.method == "HEAD" else view.method]
        found.append(f"{permission} on {object_of(rule, view)}")
    found += [f"from {view.via.client_ip}"] if rule.networks is not None else []
    found += ["within its hours"] if rule.when else []
    return found


def _scope(_policy: Policy, _view: RequestView, trace: Trace) -> str | None:
    rule, who = trace.rule, trace.who
    if rule is None or not rule.scopes:
        return None
    free = who is not None and who.scopes is None and rule.scopes_for != "all"
    return f"not limited by scopes ({who.scheme})" if free and who else ", ".join(rule.scopes)


def _step_up(_policy: Policy, _view: RequestView, trace: Trace) -> str | None:
    rule = trace.rule
    return f"logged in within {span(rule.max_age)}" if rule is not None and rule.max_age is not None else None


def _record(_policy: Policy, _view: RequestView, trace: Trace) -> str | None:
    return "the ledger takes it" if trace.step == "record" else None


_TELL: dict[str, Callable[[Policy, RequestView, Trace], str | None]] = {
    "parse": _parse,
    "tls": _tls,
    "gates": _gates,
    "preflight": _preflight,
    "match": _match,
    "limits": _limits,
    "authenticate": _authenticate,
    "csrf": _csrf,
    "authorise": _authorise,
    "scope": _scope,
    "step-up": _step_up,
    "record": _record,
}
