"""The seven answers. A closed union: `match` over it ends in `assert_never`.

Rule: this file and `wire/` are the only places where a status number is written.
Source: answers.md section 1 (the status table), architecture.md 2.1.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import assert_never

from doorward.core.challenge import AuthChallenge
from doorward.core.cure import Act, Cure
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.values import per_request, value

_DENY = frozenset({403, 405, 451})
_MALFORMED = frozenset({400, 413, 414, 415, 421, 425, 431})
_UNAVAILABLE = frozenset({502, 503, 504})
_FAULT_STATUS = {
    Reason.HOST_FOREIGN: 421,
    Reason.HEAD_TOO_LARGE: 431,
    Reason.TARGET_TOO_LARGE: 414,
    Reason.BODY_TOO_LARGE: 413,
    Reason.CONTENT_UNSUPPORTED: 415,
    Reason.EARLY_DATA: 425,
}


@value
class LimitState:
    """One exhausted limit, for the RateLimit fields: name, quota per window (seconds), remaining, reset (seconds)."""

    name: str
    quota: int
    window: int
    remaining: int = 0
    reset: int = 1


@per_request
class Allow:
    """The application answers. notes: facts for the ledger, such as "ignored_bad_credentials"."""

    principal: Principal
    rule: str
    notes: tuple[str, ...] = ()


@value
class Challenge:
    """401. "Who are you?" login: a browser may be sent to the login page instead."""

    reason: Reason
    rule: str
    challenges: tuple[AuthChallenge, ...]
    cure: Cure
    login: bool = False

    def __post_init__(self) -> None:
        # RFC 9110 15.5.2: a 401 "MUST send a WWW-Authenticate header field".
        if not self.challenges:
            raise ValueError(f"a 401 needs at least one challenge (rule {self.rule!r})")


@value
class Deny:
    """403 (405 with `allow`, 451): I know enough, and no."""

    reason: Reason
    rule: str
    cure: Cure
    challenges: tuple[AuthChallenge, ...] = ()
    status: int = 403
    allow: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # answers.md D1: no 403 but that for a missing scope ever carries a challenge.
        if self.challenges and self.reason is not Reason.SCOPE_MISSING:
            raise ValueError(f"a 403 for {self.reason} carries no challenge (rule {self.rule!r})")
        if self.status not in _DENY:
            raise ValueError(f"not a status of a denial: {self.status}")
        # RFC 9110 15.5.6: a 405 "MUST generate an Allow header field".
        if (self.status == HTTPStatus.METHOD_NOT_ALLOWED) != bool(self.allow):
            raise ValueError("405 and Allow belong together")


@value
class Hide:
    """404. The truth is for the ledger alone; what `wire/` gets to see has no field for it."""

    truth: Challenge | Deny | Throttle | Malformed | Unavailable
    rule: str

    @property
    def reason(self) -> Reason:
        """The reason of the truth."""
        return self.truth.reason

    @property
    def cure(self) -> Cure:
        """The cure of the truth."""
        return self.truth.cure


@value
class Throttle:
    """429, or 403 by the limit's `status`. retry_after: whole seconds, at least 1."""

    rule: str
    retry_after: int
    limits: tuple[LimitState, ...] = ()
    status: int = 429
    reason: Reason = Reason.RATE_EXCEEDED

    def __post_init__(self) -> None:
        # RFC 9110 10.2.3: delay-seconds is a non-negative integer; 0 would invite the same refusal.
        if self.retry_after < 1:
            raise ValueError("retry_after below 1")
        if self.status not in (429, 403):
            raise ValueError(f"not a status of a throttle: {self.status}")

    @property
    def cure(self) -> Cure:
        """Wait."""
        return Cure(Act.WAIT, seconds=self.retry_after)


@value
class Malformed:
    """400 and its kin. note: what is wrong, English, safe to show."""

    reason: Reason
    note: str = ""
    status: int = 400
    challenges: tuple[AuthChallenge, ...] = ()
    rule: str = "(request)"

    def __post_init__(self) -> None:
        if self.status not in _MALFORMED:
            raise ValueError(f"not a status of a malformed request: {self.status}")

    @property
    def cure(self) -> Cure:
        """Send it again, properly."""
        return Cure(Act.RESEND, note=self.note)


@value
class Unavailable:
    """503: we could not ask. 502 and 504 where the application behind the gateway is what failed."""

    dependency: str
    retry_after: int
    reason: Reason = Reason.DEPENDENCY_DOWN
    status: int = 503
    rule: str = "(dependency)"

    def __post_init__(self) -> None:
        if self.retry_after < 1:
            raise ValueError("retry_after below 1")
        if self.status not in _UNAVAILABLE:
            raise ValueError(f"not a status of an outage: {self.status}")

    @property
    def cure(self) -> Cure:
        """Try again later."""
        return Cure(Act.RETRY, seconds=self.retry_after, note=self.dependency)


Refusal = Challenge | Deny | Hide | Throttle | Malformed | Unavailable
Verdict = Allow | Refusal


def status(verdict: Verdict) -> int | None:
    """The status code of a verdict; None: the application answers."""
    match verdict:
        case Allow():
            return None
        case Challenge():
            return 401
        case Hide():
            return 404
        case Deny() | Throttle() | Malformed() | Unavailable():
            return verdict.status
        case _:
            assert_never(verdict)


def malformed(reason: Reason, note: str, challenges: tuple[AuthChallenge, ...] = ()) -> Malformed:
    """The Malformed of a reason with the status that belongs to it (answers.md rows 4, 28-31)."""
    return Malformed(reason, note, _FAULT_STATUS.get(reason, 400), challenges)


def upstream_failed(kind: str) -> Unavailable:
    """The application behind the gateway failed. kind: "unreachable", "timeout", "bad-response"."""
    code = 504 if kind == "timeout" else 502
    return Unavailable("upstream", 5, Reason.UPSTREAM_DOWN, code, "(upstream)")
