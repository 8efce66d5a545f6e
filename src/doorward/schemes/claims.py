"""The claims of an access token: whose, for whom, until when, and of which kind.

    expected = Expected(issuer="https://idp.example", audience=("https://api.example",))
    match check(verified, expected, now=now):
        case Claims(): ...
        case BadClaims(reason): ...

Takes a `Verified` and nothing else, so that nobody can judge the claims of a token whose signature was not checked.
Expiry is judged last: "expired" then means that a fresh token of the same kind would pass.

Rule: this file knows no key and reads no clock. Nothing here raises, whatever the claims.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from doorward.core.reason import Reason
from doorward.schemes.token_kind import is_access_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from doorward.schemes.jws import Verified

# The first second of the year 10000: beyond it no date library follows.
_TIME_END: Final = 253_402_300_800
_LEEWAY_MAX: Final = 300
_ABSENT: Final = object()
_TIMES: Final = ("exp", "nbf", "iat", "auth_time")
_TEXTS: Final = ("sub", "jti", "client_id", "acr")
_PROFILE: Final = ("client_id", "jti", "iat")
# RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), parted by spaces.
_SCOPES: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
# A subject goes into header fields and log lines.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class AtJwt(StrEnum):
    """When typ at+jwt is demanded. AUTO: always, unless the issuer never sends it."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims of one issuer are held against; made once, at load.

    issuer: exactly as sent in iss; audience: our own names, of which one must be meant; leeway: seconds;
    require_at_jwt: when typ at+jwt is demanded; scope_claim: dotted path of the claim that holds the scopes.
    """

    issuer: str
    audience: tuple[str, ...]
    leeway: float = 30
    require_at_jwt: AtJwt = AtJwt.AUTO
    scope_claim: str = "scope"

    def __post_init__(self) -> None:
        # RFC 7519 4.1.3: without a name of our own every token would be meant for us, or none.
        if not self.issuer or not self.audience or not all(self.audience):
            raise ValueError("an issuer needs a name, and its tokens an audience")
        if not 0 <= self.leeway <= _LEEWAY_MAX:
            raise ValueError(f"leeway is 0 to {_LEEWAY_MAX} seconds")


@dataclass(frozen=True, slots=True)
class BadClaims:
    """Claims we do not accept, and why. detail: the claim at fault, never its value."""

    reason: Reason
    detail: str = ""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Claims that hold. A msgspec Struct, made in a seventh of the time of a frozen dataclass (performance.md D5).

    scopes: None when the token has no scope claim; times: seconds since 1970; raw: all claims, for roles and rules.
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    expires: float
    issued_at: float | None = None
    token_id: str | None = None
    client_id: str | None = None
    scopes: frozenset[str] | None = None
    auth_time: float | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    raw: Mapping[str, object] = {}

    def __repr__(self) -> str:
        return f"Claims(issuer={self.issuer!r}, subject={self.subject!r}, expires={self.expires!r})"


def check(token: Verified, expected: Expected, *, now: float, sends_at_jwt: bool = False) -> Claims | BadClaims:
    """Judge the claims of a verified token.

    now: seconds since 1970; sends_at_jwt: whether this issuer was ever seen to send typ at+jwt, which settles "auto".
    Returns: the claims, or the first thing wrong with them. Never raises.
    Source: RFC 7519 4.1, RFC 9068 2.2 and 4, RFC 8725 3.8-3.12; answers.md J9-J12.
    """
    claims = token.claims
    if claims is None:
        return BadClaims(Reason.TOKEN_CONTENT, "payload")
    if claims.get("iss") != expected.issuer:
        return BadClaims(Reason.TOKEN_ISSUER, "iss")
    always = expected.require_at_jwt is AtJwt.ALWAYS
    demanded = always or (sends_at_jwt and expected.require_at_jwt is AtJwt.AUTO)
    if not is_access_token(token.header.typ, claims, at_jwt_demanded=demanded):
        return BadClaims(Reason.TOKEN_TYPE, "typ")
    named = _audience(claims)
    # RFC 7519 4.1.3: a principal that does not find itself named MUST reject.
    if frozenset(expected.audience).isdisjoint(named):
        return BadClaims(Reason.TOKEN_AUDIENCE, "aud")
    fault = _fault(claims, always=always)
    if fault is not None:
        return BadClaims(Reason.TOKEN_CONTENT, fault)
    said = _value_at(claims, expected.scope_claim)
    scopes = None if said is _ABSENT else _scopes(said)
    if scopes is None and said is not _ABSENT:
        return BadClaims(Reason.TOKEN_CONTENT, expected.scope_claim)
    found = _claims(claims, named, scopes)
    return _untimely(found, _time(claims, "nbf"), now, expected.leeway) or found


def claim_at(claims: Mapping[str, object], path: str) -> tuple[str, ...]:
    """Read the texts at a dotted path, for instance the roles at "realm_access.roles".

    path: a name that exists as a whole wins over its parts ("https://shop.example/roles" has dots of its own).
    Returns: the text, or the texts of the list; nothing when the path leads nowhere or to anything but texts.
    Never raises.
    """
    found = _value_at(claims, path)
    if isinstance(found, str):
        return (found,)
    return _texts(found) or ()


def _value_at(claims: Mapping[str, object], path: str) -> object:
    if path in claims:
        return claims[path]
    found: object = claims if "." in path else _ABSENT
    for name in path.split("."):
        found = found.get(name, _ABSENT) if isinstance(found, dict) else _ABSENT
    return found


def _texts(found: object) -> tuple[str, ...] | None:
    """Return the texts of a list, None when anything in it is no text."""
    if not isinstance(found, list):
        return None
    texts = tuple(text for text in found if isinstance(text, str))
    return texts if len(texts) == len(found) else None


def _audience(claims: Mapping[str, object]) -> tuple[str, ...]:
    named = claims.get("aud")
    return (named,) if isinstance(named, str) else _texts(named) or ()


def _fault(claims: Mapping[str, object], *, always: bool) -> str | None:
    """Return the name of the first claim that is missing or of the wrong type."""
    for name in _TIMES:
        if name in claims and _time(claims, name) is None:
            return name
    for name in _TEXTS:
        if name in claims and type(claims[name]) is not str:
            return name
    subject = claims.get("sub")
    if "exp" not in claims:
        return "exp"
    if not isinstance(subject, str) or not subject or not (subject.isprintable() or not _CONTROL.search(subject)):
        return "sub"
    # RFC 9068 2.2: these are REQUIRED where the issuer promises the profile.
    missing = (name for name in _PROFILE if claims.get(name) in (None, ""))
    return next(missing, None) if always else None


def _time(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    # A bool is an int to Python but no number to JSON.
    if (type(value) is int or type(value) is float) and 0 <= value < _TIME_END:
        return value
    return None


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None


def _scopes(value: object) -> frozenset[str] | None:
    if isinstance(value, str):
        return frozenset(value.split()) if _SCOPES.fullmatch(value) else None
    texts = _texts(value)
    # A blank inside one entry of a list would make two scopes of it for the next reader.
    if texts is None or not all(_SCOPES.fullmatch(text) and " " not in text for text in texts):
        return None
    return frozenset(texts) - {""}


def _claims(claims: Mapping[str, object], audience: tuple[str, ...], scopes: frozenset[str] | None) -> Claims:
    return Claims(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        audience=audience,
        expires=_time(claims, "exp") or 0,
        issued_at=_time(claims, "iat"),
        token_id=_text(claims, "jti"),
        client_id=_text(claims, "client_id"),
        scopes=scopes,
        auth_time=_time(claims, "auth_time"),
        acr=_text(claims, "acr"),
        amr=_texts(claims.get("amr")) or (),
        raw=claims,
    )


def _untimely(found: Claims, begins: float | None, now: float, leeway: float) -> BadClaims | None:
    latest = now + leeway
    if begins is not None and begins > latest:
        return BadClaims(Reason.TOKEN_CONTENT, "nbf")
    if found.issued_at is not None and found.issued_at > latest:
        return BadClaims(Reason.TOKEN_CONTENT, "iat")
    # RFC 7519 4.1.4: "on or after which the JWT MUST NOT be accepted".
    return BadClaims(Reason.TOKEN_EXPIRED, "exp") if now >= found.expires + leeway else None
