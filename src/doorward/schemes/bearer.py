"""Bearer tokens that are JWTs of a configured issuer (RFC 6750, RFC 9068).

Rule: the issuer is read from the unverified payload only to choose keys; everything is judged after the signature.
Source: answers.md B1-B9, J1-J17, rows 2, 8, 13.
"""

from __future__ import annotations

from types import MappingProxyType

from doorward.core.ask import Account, FindAccount, FindKeys, Rejected, SendsAtJwt, Steps, TokenRevoked, ask
from doorward.core.authenticate import Hint, Proof, Scheme
from doorward.core.challenge import AuthChallenge, Credential
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import CODES, Code, Reason
from doorward.core.request import RequestView
from doorward.core.settings import Issuer
from doorward.schemes.claims import AtJwt, BadClaims, Claims, Expected, check, claim_at
from doorward.schemes.jws import Bad, Peeked, peek, verify_peeked
from doorward.schemes.token_kind import is_at_jwt

_INVALID = "The access token is not valid."
_EXPIRED = "The access token expired."


def scheme() -> Scheme:
    """Bearer as the guard composes it."""
    return Scheme("bearer", "bearer", prove, challenge)


def challenge(policy: Policy, realm: str, hint: Hint) -> AuthChallenge:
    """RFC 6750 3: at least one parameter; error only when a token was presented (3.1)."""
    return AuthChallenge("Bearer", (("realm", realm), *_error(policy, hint)))


def _error(policy: Policy, hint: Hint) -> tuple[tuple[str, str], ...]:
    if hint.reason is None:
        return ()
    if hint.reason is Reason.SCOPE_MISSING:
        scope = (("scope", " ".join(hint.scopes)),) if hint.scopes else ()
        return (("error", "insufficient_scope"), *scope)
    if hint.reason is Reason.LOGIN_TOO_OLD:
        return (("error", "insufficient_user_authentication"), ("max_age", str(hint.max_age)))
    if CODES[hint.reason] is Code.MALFORMED_CREDENTIALS:
        return (("error", "invalid_request"),)
    return (("error", "invalid_token"), ("error_description", _description(policy, hint.reason)))


def _description(policy: Policy, reason: Reason) -> str:
    """One uniform text (A3-15); "expired" is told after the signature verified, unless the setting forbids it."""
    detail = policy.settings.answers.token_error_detail
    if detail == "full":
        return f"The access token is not valid: {reason}."
    return _EXPIRED if reason is Reason.TOKEN_EXPIRED and detail == "expired" else _INVALID


def prove(policy: Policy, request: RequestView, credential: Credential) -> Steps[Proof]:
    """Verify a token: signature by the issuer's keys, claims, revocation, account where the issuer asks for one."""
    peeked = peek(credential.secret)
    if isinstance(peeked, Bad):
        return Rejected(peeked.reason, str(peeked.fault))
    issuer = find_issuer(policy, peeked)
    if issuer is None:
        return Rejected(Reason.TOKEN_ISSUER, "no such issuer")
    claims = yield from _verified(policy, request, issuer, peeked)
    if not isinstance(claims, Claims):
        return claims
    if claims.token_id and (yield from ask(TokenRevoked(issuer.name, claims.token_id))):
        return Rejected(Reason.TOKEN_REVOKED, subject=claims.subject)
    if issuer.accounts != "local":
        return _principal(policy, issuer, claims, None)
    account = yield from ask(FindAccount(claims.subject, "subject"))
    if account is None or account.disabled:
        detail = "account unknown" if account is None else "account disabled"
        return Rejected(Reason.TOKEN_SUBJECT, detail, claims.subject, disabled=account is not None)
    return _principal(policy, issuer, claims, account)


def find_issuer(policy: Policy, peeked: Peeked) -> Issuer | None:
    """The configured issuer that the unverified payload names, among those that bearer accepts."""
    named = peeked.claims.get("iss") if peeked.claims else None
    settings = policy.settings
    issuers = (settings.issuers[name] for name in settings.credentials.issuers)
    return next((issuer for issuer in issuers if issuer.issuer == named), None)


def expected(policy: Policy, issuer: Issuer) -> Expected:
    """What the claims of this issuer's tokens must say."""
    credentials = policy.settings.credentials
    return Expected(
        issuer.issuer, credentials.audience, issuer.leeway, AtJwt(credentials.require_at_jwt), issuer.scopes or "scope"
    )


def _verified(policy: Policy, request: RequestView, issuer: Issuer, peeked: Peeked) -> Steps[Claims | Rejected]:
    keys = yield from ask(FindKeys(issuer.name, peeked.header.kid, peeked.header.alg, request.at))
    token = verify_peeked(peeked, keys, frozenset(issuer.algorithms))
    if isinstance(token, Bad):
        return Rejected(token.reason, str(token.fault))
    wanted = expected(policy, issuer)
    # J11, "auto": whoever has sent at+jwt once is held to it; then no other kind of token of theirs opens anything.
    auto = wanted.require_at_jwt is AtJwt.AUTO
    sends = auto and (yield from ask(SendsAtJwt(issuer.name, is_at_jwt(token.header.typ))))
    claims = check(token, wanted, now=request.at, sends_at_jwt=sends)
    if isinstance(claims, BadClaims):
        return Rejected(claims.reason, claims.detail, expired=claims.reason is Reason.TOKEN_EXPIRED)
    return claims


def _principal(policy: Policy, issuer: Issuer, claims: Claims, account: Account | None) -> Principal:
    """Identity is (issuer, subject); with `accounts = "local"` the local account is who is meant."""
    own = account.roles if account is not None and not issuer.roles else _roles(issuer, claims)
    return Principal(
        subject=claims.subject,
        issuer=issuer.issuer,
        name=account.name if account is not None else "",
        roles=policy.expand(own),
        # A token is always delegated: without a scope claim it may do nothing that asks for a scope.
        scopes=claims.scopes or frozenset(),
        scheme="bearer",
        auth_time=claims.auth_time,
        expires=claims.expires + issuer.leeway,
        account=account is not None,
        attributes=MappingProxyType(dict(account.attributes) if account is not None else {}),
    )


def _roles(issuer: Issuer, claims: Claims) -> frozenset[str]:
    """Roles count only through the issuer's map, or one to one where it has none (policy.md section 3, 12)."""
    if not issuer.roles:
        return frozenset()
    named = claim_at(claims.raw, issuer.roles)
    if issuer.map is None:
        return frozenset(named)
    return frozenset(issuer.map[role] for role in named if role in issuer.map)
