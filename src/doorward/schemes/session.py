"""The session cookie of our own login.

Rule: the cookie is an opaque secret; all that is known about it stands in the store.
Source: answers.md CK1-CK4, rows 6, 7, 13.
"""

from __future__ import annotations

from doorward.core.ask import FindAccount, FindSession, Rejected, Steps, ask
from doorward.core.authenticate import Hint, Proof, Scheme
from doorward.core.challenge import AuthChallenge, Credential
from doorward.core.policy import Policy
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.schemes.accounts import principal_of


def scheme() -> Scheme:
    """The session as the guard composes it."""
    return Scheme("session", "", prove, challenge)


def challenge(_policy: Policy, realm: str, hint: Hint) -> AuthChallenge:
    """`Session` is an unregistered scheme name; scripts get it where nothing else may be sent (D9)."""
    params = [("realm", realm)]
    if hint.reason is Reason.LOGIN_TOO_OLD and hint.max_age is not None:
        params += [("error", "insufficient_user_authentication"), ("max_age", str(hint.max_age))]
    return AuthChallenge("Session", tuple(params))


def prove(policy: Policy, request: RequestView, credential: Credential) -> Steps[Proof]:
    """Look the session up; an ended one tells how it ended."""
    session = yield from ask(FindSession(credential.secret, request.at))
    if session is None or session.ended == "expired":
        return Rejected(Reason.SESSION_EXPIRED, expired=True)
    if session.ended:
        return Rejected(Reason.SESSION_REVOKED, subject=session.subject, expired=True)
    account = yield from ask(FindAccount(session.subject, "subject"))
    if account is None or account.disabled:
        return Rejected(Reason.SESSION_REVOKED, subject=session.subject, expired=True, disabled=account is not None)
    return principal_of(policy, account, "session", auth_time=session.auth_time, session=session.id)
