"""API keys in a header field of their own.

Rule: keys are stored hashed; a key never appears in a message. Source: articles.md A1-12, answers.md row 3.
"""

from __future__ import annotations

from doorward.core.ask import FindAccount, FindApiKey, Rejected, Steps, ask
from doorward.core.authenticate import Hint, Proof, Scheme
from doorward.core.challenge import AuthChallenge, Credential
from doorward.core.policy import Policy
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.schemes.accounts import principal_of


def scheme() -> Scheme:
    """API keys as the guard composes them."""
    return Scheme("apikey", "", prove, challenge)


def challenge(_policy: Policy, realm: str, _hint: Hint) -> AuthChallenge:
    """`ApiKey` is an unregistered scheme name; the parameter keeps it from being bare."""
    return AuthChallenge("ApiKey", (("realm", realm),))


def prove(policy: Policy, request: RequestView, credential: Credential) -> Steps[Proof]:
    """Look the key up; unknown, revoked and expired keys are one answer."""
    key = yield from ask(FindApiKey(credential.secret, request.at))
    if key is None or key.revoked:
        return Rejected(Reason.API_KEY_INVALID, "unknown or revoked")
    if key.expires is not None and request.at >= key.expires:
        return Rejected(Reason.API_KEY_INVALID, f"key {key.id} expired", subject=key.subject)
    account = yield from ask(FindAccount(key.subject, "subject"))
    if account is None or account.disabled:
        disabled = account is not None
        return Rejected(Reason.ACCOUNT_DISABLED, f"key {key.id}", subject=key.subject, disabled=disabled)
    return principal_of(policy, account, "apikey", scopes=key.scopes, expires=key.expires)
