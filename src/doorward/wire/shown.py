"""What of a refusal the caller may see. Between the verdict, which knows all, and the bytes, which know only this.

Rule: `Shown` has no field for the truth behind a 404, for rule names, or what a masked rule forbids; no later step can
leak them. Source: answers.md C11, D1, HP1, H6, A3-10 to A3-16.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, assert_never, cast

from doorward.core.challenge import AuthChallenge, printable
from doorward.core.cure import Act, Cure
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import CODES, Code, Reason
from doorward.core.request import RequestView
from doorward.core.verdict import Challenge, Deny, Hide, LimitState, Malformed, Refusal, Throttle, Unavailable
from doorward.wire.memo import memo_of
from doorward.wire.wish import wish_of

LEGAL = "unavailable-for-legal-reasons"
UNNAMED_LIMIT = "default"
_LONGEST = 512
_MOST_LIMITS = 4
_WORDED = frozenset({Code.ACCESS_DENIED, Code.INSUFFICIENT_SCOPE, Code.REQUEST_BLOCKED})
_DETAILED = frozenset({Code.INVALID_TOKEN, Code.INVALID_CREDENTIALS, Code.INSUFFICIENT_SCOPE})
# The sentence for people; a code that is missing here has a sentence of its own, whose key is the code.
_SENTENCES: dict[str, str] = {
    Code.AUTHENTICATION_REQUIRED: "auth_required",
    Code.INVALID_TOKEN: "auth_required",
    Code.INVALID_CREDENTIALS: "auth_required",
    Code.SESSION_EXPIRED: "session_expired",
    Code.ACCESS_DENIED: "access_denied",
    Code.INSUFFICIENT_SCOPE: "access_denied",
    Code.REQUEST_BLOCKED: "blocked",
    Code.CSRF_FAILED: "csrf",
    Code.NOT_FOUND: "not_found",
    Code.QUOTA_EXCEEDED: "rate_limited",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A refusal as far as it may be told.

    code: suffix of the problem type; title, message, detail: keys of messages.json, detail "" = as the message; note:
    what is wrong with the request, English, ours; login: a browser may be sent to the login page; retry_after: whole
    seconds, 0 = none; required_*: blank-separated, "" = not told; wording: the rule's own message by language; who: how
    the person is called, for pages alone; reason: only under disclosure "debug"; memo: what was rendered of it so far.
    """

    status: int
    code: str
    title: str
    message: str
    detail: str = ""
    note: str = ""
    challenges: tuple[AuthChallenge, ...] = ()
    login: bool = False
    retry_after: int = 0
    limits: tuple[LimitState, ...] = ()
    allow: tuple[str, ...] = ()
    required_role: str = ""
    required_permission: str = ""
    required_scope: str = ""
    wording: tuple[tuple[str, str], ...] = ()
    mask: bool = False
    identity_known: bool = False
    who: str = ""
    reason: str = ""
    memo: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)


def show(policy: Policy, verdict: Refusal, request: RequestView, who: Principal | None) -> Shown:
    """What of a verdict may be told to this caller.

    who: the settled identity, None when the refusal came before it. Equal questions get the same object, so that its
    bytes are rendered once. Never raises.
    """
    known = who is not None and not who.anonymous
    memo = memo_of(policy).shown
    key = (known, *_key(verdict))
    shown = cast("Shown | None", memo.get(key))
    if shown is None:
        shown = _show(policy, verdict, known=known)
        memo.put(key, shown)
    # A 404 names nobody: pages for a hidden and for an absent name must have nothing to differ in. API clients share
    # the memo, whoever asks; only documents name the person.
    if who is not None and known and not isinstance(verdict, Hide) and wish_of(policy, request).form == "html":
        return replace(shown, who=who.label[:_LONGEST])
    return shown


def bug() -> Shown:
    """Our own fault: 500, and nothing else is told."""
    return _plain(Code.INTERNAL_ERROR, HTTPStatus.INTERNAL_SERVER_ERROR)


def _key(verdict: Refusal) -> tuple[object, ...]:
    """What `_show` reads of a verdict, in a form that hashes quickly; no two kinds share a first element."""
    match verdict:
        case Challenge():
            lines = tuple([(line.scheme, line.params) for line in verdict.challenges])
            return "challenge", verdict.reason._value_, verdict.rule, lines, verdict.login
        case Deny():
            lines = tuple([(line.scheme, line.params) for line in verdict.challenges])
            cure = verdict.cure
            needs = (cure.roles, cure.permission, cure.scopes)
            return "deny", verdict.reason._value_, verdict.rule, lines, verdict.status, verdict.allow, needs
        case Hide():
            return ("hide",)  # nothing of the truth, not even in a key
        case Throttle():
            return "throttle", verdict.reason._value_, verdict.rule, verdict.retry_after, verdict.limits, verdict.status
        case Malformed():
            return "malformed", verdict.reason._value_, verdict.note, verdict.status, verdict.challenges
        case Unavailable():
            return "unavailable", verdict.reason._value_, verdict.status, verdict.retry_after
        case _:
            assert_never(verdict)


def _show(policy: Policy, verdict: Refusal, *, known: bool) -> Shown:
    match verdict:
        case Challenge():
            return _challenge(policy, verdict, known=known)
        case Deny():
            return _deny(policy, verdict, known=known)
        case Hide():
            return _plain(Code.NOT_FOUND, HTTPStatus.NOT_FOUND)
        case Throttle():
            return _throttle(policy, verdict, known=known)
        case Malformed():
            code = CODES[verdict.reason]
            return replace(
                _plain(code, verdict.status),
                note=printable(verdict.note)[:_LONGEST],
                challenges=verdict.challenges,
                reason=_debug(policy, verdict.reason),
            )
        case Unavailable():
            shown = _plain(CODES[verdict.reason], verdict.status)
            return replace(shown, retry_after=verdict.retry_after, reason=_debug(policy, verdict.reason))
        case _:
            assert_never(verdict)


def _plain(code: str, status: int) -> Shown:
    # `code` may be a StrEnum member; bodies and cache keys want its text.
    word = str(code)
    detail = f"detail.{word}" if code in _DETAILED else ""
    return Shown(int(status), word, f"title.{word}", _SENTENCES.get(code, word), detail)


def _challenge(policy: Policy, verdict: Challenge, *, known: bool) -> Shown:
    rule = policy.rule(verdict.rule)
    return replace(
        _plain(CODES[verdict.reason], HTTPStatus.UNAUTHORIZED),
        challenges=_discreet(policy, rule, verdict.challenges),
        login=verdict.login,
        mask=rule is not None and rule.mask,
        identity_known=known,
        reason=_debug(policy, verdict.reason, rule),
    )


def _deny(policy: Policy, verdict: Deny, *, known: bool) -> Shown:
    rule = policy.rule(verdict.rule)
    masked = rule is not None and rule.mask
    shown = replace(
        _plain(_denied_code(verdict), verdict.status),
        challenges=_discreet(policy, rule, verdict.challenges),
        allow=verdict.allow,
        mask=masked,
        identity_known=known,
        reason=_debug(policy, verdict.reason, rule),
    )
    if masked:
        # HP1: "Access denied" and the request id, nothing that tells one denial from another.
        return replace(shown, title=f"title.{Code.ACCESS_DENIED}", message="access_denied", detail="")
    if rule is not None and rule.message and shown.code in _WORDED:
        shown = replace(shown, wording=tuple((tag, text[:_LONGEST]) for tag, text in rule.message.items()))
    return _with_needs(policy, shown, verdict.cure)


def _denied_code(verdict: Deny) -> str:
    if verdict.status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        return LEGAL
    code = CODES[verdict.reason]
    # `[answers] unnamed = 403`: a 403 does not call itself "not found".
    return Code.ACCESS_DENIED if code is Code.NOT_FOUND else code


def _with_needs(policy: Policy, shown: Shown, cure: Cure) -> Shown:
    """C11: what is missing is told only to callers whose identity is known, and not under "minimal"."""
    if not shown.identity_known or policy.settings.answers.disclosure == "minimal":
        return shown
    return replace(
        shown,
        required_role=" ".join(cure.roles)[:_LONGEST] if cure.act is Act.GAIN_ROLE else "",
        required_permission=cure.permission[:_LONGEST],
        required_scope=" ".join(cure.scopes)[:_LONGEST],
    )


def _throttle(policy: Policy, verdict: Throttle, *, known: bool) -> Shown:
    rule = policy.rule(verdict.rule)
    masked = rule is not None and rule.mask
    # Draft RateLimit: Retry-After is not earlier than the reset that is told (P4).
    wait = max((verdict.retry_after, *(state.reset for state in verdict.limits)))
    return replace(
        _plain(Code.QUOTA_EXCEEDED, verdict.status),
        retry_after=wait,
        limits=tuple(_limit(state, verdict.rule, masked=masked) for state in verdict.limits[:_MOST_LIMITS]),
        mask=masked,
        identity_known=known,
        reason=_debug(policy, verdict.reason, rule),
    )


def _limit(state: LimitState, rule: str, *, masked: bool) -> LimitState:
    """A limit without a name of its own carries the rule's, and that is nobody's business (A3-16)."""
    named = not masked and state.name not in ("", rule)
    return replace(state, name=printable(state.name)[:64] if named else UNNAMED_LIMIT)


def _discreet(policy: Policy, rule: Rule | None, lines: tuple[AuthChallenge, ...]) -> tuple[AuthChallenge, ...]:
    """Challenges of a masked rule: no scope, no realm but the host's (D1, HP1)."""
    if rule is None or not rule.mask:
        return lines
    realm = printable(policy.realm)
    return tuple(
        AuthChallenge(
            line.scheme,
            tuple((name, realm if name == "realm" else value) for name, value in line.params if name != "scope"),
        )
        for line in lines
    )


def _debug(policy: Policy, reason: Reason, rule: Rule | None = None) -> str:
    told = policy.settings.answers.disclosure == "debug" and not (rule is not None and rule.mask)
    return reason.value if told else ""
