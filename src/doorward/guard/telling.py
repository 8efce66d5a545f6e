"""Why, in words: what each step of the straight line found, from an event of the ledger.

Rule: words only; what they say stands in the event, nothing is decided or looked up again.
Source: first-minute.md 3 and 4.
"""

from __future__ import annotations

from typing import Any

from doorward.core.reason import Code, Reason
from doorward.guard.needs import as_cure, moment
from doorward.ledger.event import AuditEvent

_DETAIL = {
    Reason.TOKEN_SIGNATURE: "the signature is wrong",
    Reason.TOKEN_ISSUER: "the issuer is none that counts here",
    Reason.TOKEN_AUDIENCE: "signature good, but it is meant for another audience",
    Reason.TOKEN_REVOKED: "signature good, but it was revoked",
    Reason.TOKEN_TYPE: "it is of another kind than an access token",
    Reason.TOKEN_CONTENT: "it cannot be read as a token, or lacks what it must say",
    Reason.TOKEN_SUBJECT: "signature good, but its subject has no account here, or a disabled one",
    Reason.KEY_UNKNOWN: "no key of the issuer fits",
    Reason.PASSWORD_WRONG: "the password is wrong",
    Reason.ACCOUNT_UNKNOWN: "there is no such account",
    Reason.ACCOUNT_DISABLED: "the account is disabled",
    Reason.API_KEY_INVALID: "the key is unknown, revoked or expired",
    Reason.BASIC_MALFORMED: "name and password cannot be read",
    Reason.SESSION_EXPIRED: "the session is over",
    Reason.SESSION_REVOKED: "the session was ended",
    Reason.CREDENTIALS_AMBIGUOUS: "two credentials were sent; nobody can say which counts",
    Reason.CREDENTIALS_UNPARSABLE: "the Authorization value cannot be read",
}
_WHY = {
    Code.AUTHENTICATION_REQUIRED: ": the caller is not known yet; with credentials the answer may be another",
    Code.SESSION_EXPIRED: ": the caller is not known any more; logging in again may help",
    Code.INVALID_TOKEN: ", not 403: a valid token may help",
    Code.INVALID_CREDENTIALS: ", not 403: right credentials may help",
    Code.ACCESS_DENIED: " without WWW-Authenticate: logging in again cannot help",
    Code.STEP_UP_REQUIRED: ", not 403: a fresher login is all that is missing",
    Code.REQUEST_BLOCKED: " without WWW-Authenticate: closed here and now, whoever logs in",
    Code.CSRF_FAILED: ", not 401: the caller is known; what is missing is proof that a page of ours sent this",
    Code.NOT_FOUND: ": the same answer to everybody",
    Code.QUOTA_EXCEEDED: ": waiting helps, logging in does not",
    Code.METHOD_NOT_ALLOWED: " without WWW-Authenticate: no login opens this method",
    Code.MALFORMED_REQUEST: ": two programs could read it differently; credentials were not looked at",
    Code.MALFORMED_CREDENTIALS: ", not 401: the request is wrong, not the rights of the caller",
    Code.AUTHORIZATION_UNAVAILABLE: ", not 401 or 403: we could not find out, and nothing fails open",
    Code.UPSTREAM_UNAVAILABLE: ": the application did not answer; the door had let the request through",
    Code.TLS_REQUIRED: ": credentials must not travel in clear, nor be invited to",
    Code.INTERNAL_ERROR: ": a fault of doorward; the stack stands in the log under this id",
}


def why_this_status(event: AuditEvent) -> str:
    """Why the answer is this one and not its neighbour: continues the number; "" where that says it all."""
    if event.reason == Reason.CONCEALED:
        return ": hidden, the same answer as for a path that does not exist"
    if event.code == Code.INSUFFICIENT_SCOPE:
        told = any(line.startswith("WWW-Authenticate") for line in event.facts.get("answer", ()))
        return (
            ": a token with more scopes would do" if told else " without WWW-Authenticate: a new login cannot widen it"
        )
    return _WHY.get(Code(event.code), "") if event.code else ""


def truth_of(event: AuditEvent) -> Reason:
    """The reason behind the answer."""
    return Reason(event.truth or event.reason)


def evidence(event: AuditEvent) -> str:
    """What the step that refused has seen."""
    tell = {
        "parse": _parse,
        "tls": _tls,
        "gates": _gates,
        "match": _match,
        "limits": _limits,
        "authenticate": _authenticate,
        "csrf": _csrf,
        "authorise": _authorise,
        "scope": _scope,
        "step-up": _step_up,
        "record": _record,
        "upstream": _upstream,
    }.get(event.step)
    return tell(event) if tell else str(truth_of(event))


def _parse(event: AuditEvent) -> str:
    return as_cure(event.facts.get("cure", {})).note or str(truth_of(event))


def _tls(event: AuditEvent) -> str:
    return f"plain {event.facts.get('transport', 'http')}, and TLS is required"


def _gates(event: AuditEvent) -> str:
    if blocks := event.facts.get("blocks"):
        return f"{event.rule}: the address lies in {', '.join(blocks)}, which is blocked"
    if truth_of(event) is Reason.NETWORK_BLOCKED:
        return f"{event.rule}: the address lies outside {' and '.join(as_cure(event.facts['cure']).networks)}"
    if truth_of(event) is Reason.SENSITIVE_FILE:
        return "sensitive-files: a file that deployments leave lying about; no rule names it"
    return f"{event.rule}: {_limits(event)}"


def _match(event: AuditEvent) -> str:
    if truth_of(event) is Reason.PATH_UNNAMED:
        return "no rule names this path"
    return "the rule lets nobody in" if truth_of(event) is Reason.NOBODY_MAY else str(truth_of(event))


def _limits(event: AuditEvent) -> str:
    seconds = as_cure(event.facts.get("cure", {})).seconds
    if limit := event.facts.get("limit"):
        return f"{limit['name']}: {limit['quota']} in {span(limit['window'])} are used up, room in {seconds} s"
    return f"room in {seconds} s"


def span(seconds: float) -> str:
    """A time for people: 41 s, 12 min, 5 h, 3 days."""
    whole = round(seconds)
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def _authenticate(event: AuditEvent) -> str:
    truth, facts = truth_of(event), event.facts
    if truth in (Reason.CREDENTIALS_MISSING, Reason.SCHEME_UNSUPPORTED):
        return _missing(event)
    if truth is Reason.LOCKED_OUT:
        return f"too many wrong passwords; {_limits(event)}"
    if event.verdict == "unavailable":
        return f"{as_cure(facts.get('cure', {})).note or 'what was asked'} could not be asked ({truth})"
    told = facts.get("token", {})
    parts = [event.scheme or "credentials", *([f"issuer {told['issuer']}"] if told else [])]
    parts += [f"key {told['key']}"] if "key" in told else []
    whose = f" (of {event.claimed})" if event.claimed else ""
    return f"{', '.join(parts)}: {_rejected(event, truth, told)}{whose}"


def _missing(event: AuditEvent) -> str:
    taken = as_cure(event.facts.get("cure", {})).schemes
    here = f"; taken here: {', '.join(taken)}" if taken else ""
    if presented := event.facts.get("presented"):
        return f"{presented} credentials, which are not taken{here}"
    if event.scheme:
        return f"{event.scheme} credentials, which this rule does not take{here}"
    return f"no credentials{here}"


def _rejected(event: AuditEvent, truth: Reason, told: dict[str, Any]) -> str:
    if truth is Reason.TOKEN_EXPIRED and "exp" in told:
        return f"signature good, expired {span(event.at - told['exp'])} ago (leeway {told.get('leeway', 0)} s)"
    said = _DETAIL.get(truth, str(truth))
    detail = event.facts.get("rejected", {}).get("detail")
    return f"{said} ({detail})" if detail else said


def _csrf(event: AuditEvent) -> str:
    facts = event.facts
    if truth_of(event) is Reason.CSRF_MISMATCH:
        return "the X-CSRF-Token is not the one of this session"
    seen = [f"Origin: {facts['origin']}"] if "origin" in facts else ["no Origin"]
    seen.append(f"Sec-Fetch-Site: {facts['site']}" if "site" in facts else "no Sec-Fetch-Site")
    seen += [] if "csrf_token" in facts else ["no X-CSRF-Token"]
    return f"{', '.join(seen)}; the browser attached the credential by itself"


def _authorise(event: AuditEvent) -> str:
    cure, facts = as_cure(event.facts.get("cure", {})), event.facts
    has = f"no, {event.who or 'the caller'} has {', '.join(facts.get('roles', [])) or 'none'}"
    match truth_of(event):
        case Reason.ROLE_MISSING:
            return f"role {' or '.join(cure.roles)}? {has}"
        case Reason.NOT_OWNER:
            owner = f"owner of {cure.owner}? no, {event.who or 'the caller'} is {event.subject}"
            return f"{owner}      role {' or '.join(cure.roles)}? {has}" if cure.roles else owner
        case Reason.GRANT_MISSING:
            return f"{cure.permission} on {cure.object}? no, neither {event.who or 'the caller'} nor a role holds it"
        case Reason.NETWORK_BLOCKED:
            return f"open only to {' and '.join(cure.networks)}"
        case Reason.OUTSIDE_HOURS:
            return f"closed now; opens {moment(cure.opens)}" if cure.opens is not None else "never open"
        case Reason.METHOD_UNCLAIMED:
            return f"rules name this path, none takes {event.method}"
        case Reason.NOBODY_MAY:
            return "the rule lets nobody in"
        case other:
            return str(other)


def _scope(event: AuditEvent) -> str:
    held = ", ".join(event.facts.get("scopes", [])) or "none"
    return f"scope {' and '.join(as_cure(event.facts['cure']).scopes)}? no, the credential has {held}"


def _step_up(event: AuditEvent) -> str:
    most = as_cure(event.facts["cure"]).max_age
    when = event.facts.get("auth_time")
    seen = f"logged in {span(event.at - when)} ago" if when is not None else "when the login was is not known"
    return f"{seen}; at most {span(most)} are taken"


def _upstream(event: AuditEvent) -> str:
    return f"the application gave no answer that could be passed on ({event.status})"


def _record(_event: AuditEvent) -> str:
    return "the ledger cannot be written, and [ledger] required = true: no record, no access"
