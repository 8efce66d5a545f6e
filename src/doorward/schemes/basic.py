"""HTTP Basic against local accounts (RFC 7617).

Rule: every look at a password is admitted first, so that it can be counted; unknown accounts cost the same.
Source: answers.md BA1-BA6, P5, rows 3 and 5.
"""

from __future__ import annotations

import binascii
import unicodedata

from doorward.core.ask import AdmitLogin, ClearLogin, FindAccount, Rejected, Steps, VerifyPassword, ask
from doorward.core.authenticate import Hint, Proof, Scheme
from doorward.core.challenge import AuthChallenge, Credential
from doorward.core.policy import Policy
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.verdict import LimitState, Throttle
from doorward.schemes.accounts import principal_of

MALFORMED = Rejected(Reason.BASIC_MALFORMED)


def scheme() -> Scheme:
    """Basic as the guard composes it."""
    return Scheme("basic", "basic", prove, challenge)


def challenge(_policy: Policy, realm: str, _hint: Hint) -> AuthChallenge:
    """RFC 7617 2: realm is required; 2.1: charset tells clients to send UTF-8."""
    return AuthChallenge("Basic", (("realm", realm), ("charset", "UTF-8")))


def read(value: str, *, latin1: bool = False) -> tuple[str, str] | None:
    """Name and password of a Basic value, in NFC; None when malformed.

    value: what follows the scheme; latin1: fall back to ISO-8859-1 where UTF-8 does not decode. Never raises.
    """
    try:
        octets = binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    # One value, one spelling: surplus padding and stray trailing bits are read differently by different decoders.
    if binascii.b2a_base64(octets, newline=False) != value.encode("latin-1"):
        return None
    text = _text(octets, latin1=latin1)
    # RFC 7617 2: "The user-id and password MUST NOT contain any control characters"; C1 controls included.
    if text is None or any(unicodedata.category(char) == "Cc" for char in text):
        return None
    name, colon, password = unicodedata.normalize("NFC", text).partition(":")
    return (name, password) if colon and name else None


def _text(octets: bytes, *, latin1: bool) -> str | None:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1") if latin1 else None


def prove(policy: Policy, request: RequestView, credential: Credential) -> Steps[Proof]:
    """Verify name and password."""
    pair = read(credential.secret, latin1=policy.settings.credentials.basic_latin1)
    if pair is None:
        return MALFORMED
    return (yield from check_password(policy, request, *pair, "basic"))


def check_password(policy: Policy, request: RequestView, name: str, password: str, kind: str) -> Steps[Proof]:
    """The one place where a password is looked at: Basic and our own login form come through here.

    Returns a principal, a rejection alike for unknown and wrong, or a Throttle when the try is not admitted.
    """
    address = request.via.address_key
    wait = yield from ask(AdmitLogin(name, address, request.at))
    if wait:
        limit = policy.settings.login_limit
        state = LimitState("login", limit.free, limit.address_period, 0, wait)
        return Throttle("(login)", wait, (state,), reason=Reason.LOCKED_OUT)
    account = yield from ask(FindAccount(name))
    right = yield from ask(VerifyPassword(account, password))
    if account is None:
        return Rejected(Reason.ACCOUNT_UNKNOWN)
    if not right:
        return Rejected(Reason.PASSWORD_WRONG, subject=account.subject)
    if account.disabled:
        return Rejected(Reason.ACCOUNT_DISABLED, subject=account.subject, disabled=True)
    yield from ask(ClearLogin(name, address, request.at))
    return principal_of(policy, account, kind, auth_time=request.at)
