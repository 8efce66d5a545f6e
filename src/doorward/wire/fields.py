"""Header fields of a refusal: challenges, limits, what caches and scripts must be told.

Rule: limit names arrive fit for a header (`shown` sees to it); nothing here knows which rule they belong to.
Source: answers.md H12, H15-H17, D9, D10, P4, CA2, F3.
"""

from __future__ import annotations

from doorward.core.challenge import AuthChallenge, printable
from doorward.core.policy import Policy
from doorward.core.reason import Code
from doorward.core.verdict import LimitState
from doorward.wire.cors import granted
from doorward.wire.memo import memo_of
from doorward.wire.negotiate import Kind
from doorward.wire.reply import Pairs
from doorward.wire.shown import Shown
from doorward.wire.structured import sf_item
from doorward.wire.wish import Wish

_DIALOGUES = frozenset({"basic", "digest"})
# Nothing was presented that a dialogue could correct.
_ANEW = frozenset({Code.AUTHENTICATION_REQUIRED, Code.SESSION_EXPIRED, Code.STEP_UP_REQUIRED})


def refusal_fields(policy: Policy, shown: Shown, wish: Wish) -> Pairs:
    """Every field of a refusal but Content-Type and the request id, in wire order."""
    return (
        *(("WWW-Authenticate", each.line) for each in _challenges(policy, shown, wish)),
        *((("Allow", ", ".join(shown.allow)),) if shown.allow else ()),
        *((("Retry-After", str(shown.retry_after)),) if shown.retry_after else ()),
        *limit_fields(policy, shown.limits),
        *text_fields(policy, wish.language),
        *granted(wish.origin),
    )


def text_fields(policy: Policy, language: str) -> Pairs:
    """Fields of everything that has words and must not be stored."""
    return (
        ("Cache-Control", "no-store"),
        ("Content-Language", language),
        ("Vary", memo_of(policy).vary),
        ("X-Content-Type-Options", "nosniff"),
    )


def limit_fields(policy: Policy, limits: tuple[LimitState, ...]) -> Pairs:
    """RateLimit and RateLimit-Policy; by setting the older X-RateLimit-*, for the limit that was hit first."""
    if not limits:
        return ()
    found = [
        ("RateLimit-Policy", ", ".join(sf_item(each.name, q=each.quota, w=each.window) for each in limits)),
        ("RateLimit", ", ".join(sf_item(each.name, r=each.remaining, t=each.reset) for each in limits)),
    ]
    if policy.settings.legacy_rate_headers:
        hit = limits[0]
        found += [
            ("X-RateLimit-Limit", str(hit.quota)),
            ("X-RateLimit-Remaining", str(hit.remaining)),
            ("X-RateLimit-Reset", str(hit.reset)),
        ]
    return tuple(found)


def fitting(policy: Policy, lines: tuple[AuthChallenge, ...], kind: Kind) -> tuple[AuthChallenge, ...]:
    """The challenges this kind of client gets. D9: a dialogue of the browser would hang a script, so it gets none of
    those that open one; where nothing is left, `Session` stands in. Empty only where none came in.
    """
    loud = kind is not Kind.SCRIPT or policy.settings.answers.basic_for_scripts
    return lines if loud else _quiet(policy, lines)


def _challenges(policy: Policy, shown: Shown, wish: Wish) -> tuple[AuthChallenge, ...]:
    """The challenges of a refusal. A page that offers the login would stand behind the dialogue of the browser, unread
    (measured, Chromium 156), so it goes without those that open one, unless the browser sent such a credential itself.
    """
    if wish.form == "html" and shown.login and policy.settings.login_page and shown.code in _ANEW:
        return _quiet(policy, shown.challenges)
    return fitting(policy, shown.challenges, wish.kind)


def _quiet(policy: Policy, lines: tuple[AuthChallenge, ...]) -> tuple[AuthChallenge, ...]:
    """Without those that open a dialogue; `Session` stands in where nothing is left of something."""
    left = tuple(each for each in lines if each.scheme.lower() not in _DIALOGUES)
    return left or ((stand_in(policy),) if lines else ())


def stand_in(policy: Policy) -> AuthChallenge:
    """The challenge that opens no dialogue: `Session`, which browsers do not know."""
    return AuthChallenge("Session", (("realm", printable(policy.realm)),))
