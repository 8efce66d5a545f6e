"""Which kind of token this is: an access token, or one of the many that are signed by the same key.

Rule: this file looks at typ and at names of claims; it knows no key, no time and no audience.
Source: RFC 8725 3.11 and 3.12, RFC 9068 section 4; answers.md J11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# RFC 9068 4: "at+jwt" or "application/at+jwt"; media types compare without case (RFC 7515 4.1.9).
_AT_JWT: Final = frozenset({"at+jwt", "application/at+jwt"})
_PLAIN: Final = frozenset({"jwt", "application/jwt"})
# What an issuer without at+jwt writes into the claims instead (Keycloak typ, Cognito token_use).
_ACCESS_WORDS: Final = frozenset({"bearer", "access", "access_token", "access-token", "at+jwt", "jwt"})
_OTHER_WORDS: Final = frozenset(
    {
        *("refresh", "refresh_token", "refresh-token", "refresh+jwt", "offline", "offline_access"),
        *("id", "id_token", "id-token", "logout", "logout_token", "logout+jwt", "dpop", "dpop+jwt"),
    }
)
_KIND_CLAIMS: Final = frozenset({"typ", "token_use", "token_type", "type"})
# at_hash, c_hash, s_hash: ID token (OpenID Connect Core 3.3.2.11). events: security event or logout token (RFC 8417).
# htm, htu: DPoP proof (RFC 9449 4.2). cnf: bound to a key whose proof we cannot ask for; as a bearer it is stolen.
_FOREIGN_CLAIMS: Final = frozenset({"at_hash", "c_hash", "s_hash", "events", "htm", "htu", "cnf"})


def is_at_jwt(typ: str | None) -> bool:
    """Tell whether a header says that this is an access token by RFC 9068. typ: of the header. Never raises."""
    return typ is not None and typ.lower() in _AT_JWT


def is_access_token(typ: str | None, claims: Mapping[str, object], *, at_jwt_demanded: bool) -> bool:
    """Tell whether a token was issued as an access token to be shown by its bearer.

    typ: of the header, None when absent; claims: the whole payload; at_jwt_demanded: refuse any other typ.
    Returns: False in every case of doubt. Never raises.
    """
    kind = typ.lower() if typ is not None else None
    profiled = kind in _AT_JWT
    if not profiled and (at_jwt_demanded or (kind is not None and kind not in _PLAIN)):
        return False
    if not _FOREIGN_CLAIMS.isdisjoint(claims):
        return False
    # A nonce belongs to an ID token, yet some issuers copy it; they then name the kind in a claim.
    if "nonce" in claims and not profiled and "typ" not in claims and "token_use" not in claims:
        return False
    return _claims_say_access(claims)


def _claims_say_access(claims: Mapping[str, object]) -> bool:
    # One look for the usual case, which has none of the four.
    if _KIND_CLAIMS.isdisjoint(claims):
        return True
    for name in ("typ", "token_use"):
        if name in claims and _word(claims[name]) not in _ACCESS_WORDS:
            return False
    return not any(_word(claims[name]) in _OTHER_WORDS for name in ("token_type", "type") if name in claims)


def _word(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""
