"""Questions and answers: how a pure decision gets facts.

A step that lacks a fact yields a typed question; `advance` looks the answer up in a dictionary, the only loop there is.
`run` refuses to wait, `arun` waits, the edge calls `advance` itself. Rule: an answer raises only DependencyError.
Source: architecture.md 2.3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import field
from typing import Any, Generic, TypeVar

from doorward.core.challenge import Credential
from doorward.core.errors import ConfigError, DependencyError
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Via
from doorward.core.values import per_request, value

T = TypeVar("T")
Steps = Generator[Any, Any, T]
Answers = Mapping[type, Callable[[Any], Any]]


class Ask(Generic[T]):
    """A question whose answer has type T."""

    __slots__ = ()


@per_request
class Later:
    """An answer that has to be waited for."""

    awaitable: Awaitable[Any]


@value
class Rejected:
    """A credential that was looked at and refused.

    detail: for the ledger, never a secret; subject: whose, if known; expired: renewing helps; disabled: the account is.
    """

    reason: Reason
    detail: str = ""
    subject: str = ""
    expired: bool = False
    disabled: bool = False


@value
class Account:
    """A local account. subject: stable identity; name: what is typed at login; password: hash, never in repr."""

    subject: str
    name: str
    roles: frozenset[str] = frozenset()
    disabled: bool = False
    password: str = field(default="", repr=False)
    attributes: tuple[tuple[str, str], ...] = ()


@value
class Session:
    """A session of ours. id: public name (not the cookie); times: seconds since the epoch."""

    id: str
    subject: str
    created: float
    last_seen: float
    auth_time: float
    ended: str = ""


@value
class ApiKey:
    """An API key as stored: public id, whose, scopes, expiry."""

    id: str
    subject: str
    scopes: frozenset[str]
    expires: float | None = None
    revoked: bool = False


@per_request
class Recall(Ask["Principal | Rejected | None"]):
    """What is known of this credential? None: nothing. Later: another request is verifying it right now."""

    credential: Credential
    via: Via
    at: float


@per_request
class Remember(Ask[None]):
    """Keep the outcome of a complete verification."""

    credential: Credential
    outcome: Principal | Rejected | None
    via: Via
    at: float


@per_request
class FindSession(Ask["Session | None"]):
    """The session of a cookie value, live or ended; None when there is none. The answer also notes that it was used."""

    secret: str = field(repr=False)
    at: float


@per_request
class FindAccount(Ask["Account | None"]):
    """The account with this login name or, by = "subject", this subject."""

    key: str
    by: str = "name"


@per_request
class VerifyPassword(Ask[bool]):
    """Is this the account's password? An unknown account (None) costs the same and is False."""

    account: Account | None
    secret: str = field(repr=False)


@per_request
class AdmitLogin(Ask[int]):
    """May this password be looked at now? 0: yes, and the try is counted as failed until `ClearLogin`; else seconds.

    name: as presented, existing or not; address: key of the address prefix.
    """

    name: str
    address: str
    at: float


@per_request
class ClearLogin(Ask[None]):
    """The password was right: forget the failures of this account from this address prefix."""

    name: str
    address: str
    at: float


@per_request
class FindApiKey(Ask["ApiKey | None"]):
    """The key of a header value; None when there is none. The answer also notes that it was used."""

    secret: str = field(repr=False)
    at: float


@per_request
class FindKeys(Ask[Any]):
    """Verification keys of an issuer: a tuple of schemes.keys.Key, maybe empty. issuer: name in the policy file."""

    issuer: str
    kid: str | None
    alg: str
    at: float


@per_request
class SendsAtJwt(Ask[bool]):
    """Has this issuer ever sent a token of type at+jwt? seen: the one at hand is one, and its signature is good."""

    issuer: str
    seen: bool


@per_request
class TokenRevoked(Ask[bool]):
    """Was the token with this jti revoked?"""

    issuer: str
    jti: str


@per_request
class CheckCsrf(Ask[bool]):
    """Is this X-CSRF-Token the one bound to the session?"""

    session: str
    token: str = field(repr=False)


@per_request
class TakeSlot(Ask[int]):
    """Take one slot of every bucket, or none. Answer: 0 when taken, else whole seconds until all have room.

    buckets: keys; rate: slots per period; period: seconds; burst: slots at once.
    """

    buckets: tuple[str, ...]
    rate: int
    period: int
    burst: int
    at: float


@per_request
class FindRelation(Ask[bool]):
    """Does one of the subjects hold the permission on the object?"""

    subjects: tuple[str, ...]
    permission: str
    object: str


@per_request
class LedgerReady(Ask[None]):
    """Can this decision be recorded? No answer (DependencyError "ledger") where it cannot: no record, no access."""


def ask(question: Ask[T]) -> Steps[T]:
    """Ask one question from within a step."""
    answer: T = yield question
    return answer


def advance(steps: Steps[T], answers: Answers, reply: Any = None, down: DependencyError | None = None) -> T | Later:
    """Answer questions until the steps end or an answer has to be waited for.

    reply, down: the awaited answer or its failure, when steps go on after a Later. Raises what a step raises that is
    no DependencyError: a bug of ours.
    """
    while True:
        try:
            question = steps.send(reply) if down is None else steps.throw(down)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            reply, down = answers[type(question)](question), None
        except DependencyError as error:
            reply, down = None, error
        if type(reply) is Later:
            return reply


def run(steps: Steps[T], answers: Answers) -> T:
    """Drive steps without waiting. Raises ConfigError when an answer would have to be waited for."""
    outcome = advance(steps, answers)
    if isinstance(outcome, Later):
        raise ConfigError("an asynchronous answer in a synchronous guard.")
    return outcome


async def arun(steps: Steps[T], answers: Answers) -> T:
    """Drive steps, waiting where an answer has to be waited for."""
    return await resume(steps, answers, advance(steps, answers))


async def resume(steps: Steps[T], answers: Answers, outcome: T | Later) -> T:
    """Go on with steps that `advance` left at `outcome`."""
    while isinstance(outcome, Later):
        try:
            reply = await outcome.awaitable
        except DependencyError as error:
            outcome = advance(steps, answers, down=error)
        else:
            outcome = advance(steps, answers, reply)
    return outcome
