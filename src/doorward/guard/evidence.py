"""From a verdict to its event: what was seen, in values that hold no secret.

Rule: of a credential only its kind, its carrier and public parts are kept (a token's issuer, key name and times); of a
query nothing; of header fields only those named here, and only what has the shape it should have. Runs in the ledger's
thread. Source: answers.md G3, A1-52, first-minute.md 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from doorward.core.ask import Rejected
from doorward.core.challenge import split_authorization
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import CODES, Code, Reason
from doorward.core.request import RequestView, inside, is_loopback
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Hide, Refusal, Throttle, Verdict, status
from doorward.guard.needs import as_values, required
from doorward.ledger.event import AuditEvent, clean, word
from doorward.schemes.bearer import find_issuer
from doorward.schemes.jws import Peeked, peek
from doorward.wire.fields import refusal_fields
from doorward.wire.redirect import redirect
from doorward.wire.shown import show
from doorward.wire.wish import wish_of

_MOST = 64
_SITES = frozenset({"same-origin", "same-site", "cross-site", "none"})
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,253}\Z")
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._\-]{0,39}(?:/[0-9][A-Za-z0-9._\-]{0,19})?")
# The registered auth-schemes: another first word may be the secret itself, sent without one.
_SCHEMES = frozenset(
    {
        *("basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "ntlm", "oauth"),
        *("privatetoken", "scram-sha-1", "scram-sha-256", "vapid", "apikey", "token", "aws4-hmac-sha256", "session"),
    }
)
BEHIND = "upstream"
"""The step behind the last of the door: the application."""
_ANSWER = ("WWW-Authenticate", "Allow", "Retry-After")
_NIL = "00000000-0000-7000-8000-000000000000"
_CLAIMS = ("exp", "nbf", "iat")


def event_of(
    policy: Policy, view: RequestView, verdict: Verdict, trace: Trace, request_id: str, address: str
) -> AuditEvent:
    """The event of a verdict. address: anonymised already."""
    who, refused = trace.who, not isinstance(verdict, Allow)
    person = who if who is not None and not who.anonymous else None
    claimed = trace.proof.subject if isinstance(trace.proof, Rejected) and person is None else ""
    reason, truth = reasons(verdict)
    return AuditEvent(
        at=view.at,
        id=request_id,
        verdict=kind_of(verdict),
        status=status(verdict) or 0,
        reason=reason,
        code=_code(reason) if refused else "",
        truth=truth,
        rule=verdict.rule,
        required=required(verdict.cure) if not isinstance(verdict, Allow) else "",
        subject=word(person.subject) if person else "",
        issuer=clean(person.issuer) if person else "",
        name=word(person.label) if person else "",
        claimed=word(claimed),
        scheme=trace.kind or (person.scheme if person else ""),
        address=address,
        method=clean(view.method, 32),
        resource=clean(view.path),
        masked=is_masked(policy, view, trace.rule),
        version=policy.version,
        step=BEHIND if reason == Reason.UPSTREAM_DOWN else trace.step,
        notes=trace.notes,
        facts=_facts(policy, view, verdict, trace),
    )


def kind_of(verdict: Verdict) -> str:
    """The verdict's name in lists and metrics."""
    return type(verdict).__name__.lower()


def reasons(verdict: Verdict) -> tuple[str, str]:
    """The reason as the caller's answer was meant, and the one behind it where that is another."""
    if isinstance(verdict, Allow):
        return Reason.ALLOWED.value, ""
    truth = verdict.reason
    if isinstance(verdict, Hide) and CODES[truth] is not Code.NOT_FOUND:
        return Reason.CONCEALED.value, truth.value
    return truth.value, ""


def is_masked(policy: Policy, view: RequestView, rule: Rule | None) -> bool:
    """Whether any rule that names the path wants its resource kept quiet (HP1)."""
    return bool(rule and rule.mask) or any(named.mask for named in policy.naming(view.target.segments))


def _code(reason: str) -> str:
    return CODES[Reason(reason)].value


def _facts(policy: Policy, view: RequestView, verdict: Verdict, trace: Trace) -> dict[str, Any]:
    facts = _connection(policy, view) | _person(trace.who) | _credential(policy, view, trace)
    if trace.rule is not None and trace.rule.line:
        facts["line"] = trace.rule.line
    if not isinstance(verdict, Allow):
        facts |= _refusal(policy, view, verdict, trace.who)
    return facts


def _connection(policy: Policy, view: RequestView) -> dict[str, Any]:
    via, headers = view.via, view.headers
    facts: dict[str, Any] = {"host": clean(view.host, 253), "transport": via.scheme}
    if via.local_listener and is_loopback(via.peer):
        facts["local"] = True
    if policy.settings.vantage.trusted and inside(via.peer, policy.settings.vantage.trusted):
        facts["proxied"] = True
    if view.upgrade:
        facts["websocket"] = True
    if (site := headers.get("sec-fetch-site")) in _SITES and site:
        facts["site"] = site
    if origin := headers.get("origin"):
        facts["origin"] = origin if _ORIGIN.match(origin) else "(unreadable)"
    if "x-csrf-token" in headers:
        facts["csrf_token"] = True
    if client := client_of(headers.get("user-agent")):
        facts["client"] = client
    return facts


def client_of(agent: str) -> str:
    """The program a User-Agent names, without what tells persons apart: "curl/8.5.0", "browser"; "" for none."""
    if agent.startswith("Mozilla/"):
        return "browser"
    found = _PRODUCT.match(agent)
    return found[0] if found else ""


def _person(who: Principal | None) -> dict[str, Any]:
    if who is None or who.anonymous:
        return {}
    facts: dict[str, Any] = {"roles": _some(who.roles)}
    if who.scopes is not None:
        facts["scopes"] = _some(who.scopes)
    for name in ("auth_time", "expires"):
        if (value := getattr(who, name)) is not None:
            facts[name] = value
    if who.session:
        facts["session"] = who.session[-4:]
    if who.account:
        facts["account"] = True
    if who.attributes:
        facts["attributes"] = {word(key): word(str(value)) for key, value in list(who.attributes.items())[:_MOST]}
    return facts


def _some(names: Iterable[str]) -> list[str]:
    return [word(name) for name in sorted(names)[:_MOST]]


def _credential(policy: Policy, view: RequestView, trace: Trace) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if isinstance(trace.proof, Rejected):
        proof = trace.proof
        facts["rejected"] = {
            "reason": proof.reason.value,
            **({"detail": clean(proof.detail, 120)} if proof.detail else {}),
            **({"expired": True} if proof.expired else {}),
            **({"disabled": True} if proof.disabled else {}),
        }
    first, rest = split_authorization(view.headers.get("authorization"))
    if trace.kind == "bearer":
        facts |= _token(policy, rest)
    elif not trace.kind and first in _SCHEMES:
        facts["presented"] = first
    elif not trace.kind and first:
        facts["presented"] = "an unknown scheme"
    return facts


def _token(policy: Policy, text: str) -> dict[str, Any]:
    """What a token says of itself in public parts; nothing of it is verified here."""
    peeked = peek(text)
    if not isinstance(peeked, Peeked):
        return {}
    issuer = find_issuer(policy, peeked)
    claims = peeked.claims or {}
    told: dict[str, Any] = {"issuer": issuer.name if issuer else "(none of ours)"}
    if peeked.header.kid and issuer:
        told["key"] = word(peeked.header.kid)
    told |= {name: claims[name] for name in _CLAIMS if isinstance(claims.get(name), int | float)}
    if issuer:
        told["leeway"] = issuer.leeway
    return {"token": told}


def _refusal(policy: Policy, view: RequestView, verdict: Refusal, who: Principal | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"cure": as_values(verdict.cure), "answer": answer_of(policy, view, verdict, who)}
    inner = verdict.truth if isinstance(verdict, Hide) else verdict
    if isinstance(inner, Throttle) and inner.limits:
        limit = inner.limits[0]
        facts["limit"] = {"name": clean(limit.name, 80), "quota": limit.quota, "window": limit.window}
    if gate := next((gate for gate in policy.gates if gate.name == inner.rule), None):
        facts |= {"gate": True, "line": gate.line}
        facts["blocks"] = [str(net) for net in gate.block if inside(view.via.client_ip, (net,))]
    return facts


def answer_of(policy: Policy, view: RequestView, verdict: Refusal, who: Principal | None) -> list[str]:
    """The status line and the fields that matter, as `wire/` writes them; of a redirect not where it leads, because
    that repeats the query.
    """
    shown = show(policy, verdict, view, who)
    moved = redirect(policy, shown, view, _NIL)
    if moved is not None:
        return [f"{moved.status} {'to the login page' if shown.login else 'to https'}"]
    fields = refusal_fields(policy, shown, wish_of(policy, view))
    return [str(shown.status), *(f"{name}: {value}" for name, value in fields if name in _ANSWER)]
