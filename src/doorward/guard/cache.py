"""What is known of credentials that were verified before: answers `Recall` and `Remember`.

Keys are digests, so no raw credential is kept; an entry older than its subject's or the global epoch is verified again,
so a revocation reaches every cache within one poll, on open connections too.
Rule: an entry is made only after a complete verification. Source: architecture.md 3.2, answers.md J17, BA5.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from doorward.core.ask import Later, Recall, Rejected, Remember
from doorward.core.challenge import Credential
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Via

TOKEN_LIFE = 300.0
PASSWORD_LIFE = 60.0
NEGATIVE_LIFE = 10.0
WAIT = 15.0
FLIGHTS = 10_000
_SAMPLE = 8
# "Could not verify" is no verdict on the token.
_NOT_KEPT = frozenset({Reason.KEY_UNKNOWN})


class EpochSource(Protocol):
    """Counters that rise with every revocation, all out of one sequence. seen: the highest of them so far."""

    @property
    def all(self) -> int: ...

    @property
    def seen(self) -> int: ...

    def of(self, subject: str) -> int: ...


@dataclass(slots=True)
class Entry:
    """What is known of a credential. until, used: seconds since the epoch; seen: of the epochs when it was begun."""

    outcome: Principal | Rejected
    until: float
    used: float
    seen: int


@dataclass(slots=True)
class _Flight:
    """A verification under way. since: when its request came, by which it is known again; seen: of the epochs then;
    future: of those who wait for it.
    """

    since: float
    seen: int
    future: asyncio.Future[Principal | Rejected | None] | None = None

    def end(self, outcome: Principal | Rejected | None) -> None:
        """Tell whoever waits. None: verify yourselves."""
        if self.future is not None:
            self.future.set_result(outcome)


class CredentialCache:
    """Positive and negative entries, both bounded. size, negative: numbers of entries.

    flights: one verification per credential at a time; whoever comes meanwhile waits for it on the running loop.
    """

    def __init__(
        self, epochs: EpochSource, *, size: int = 50_000, negative: int = 10_000, flights: bool = True
    ) -> None:
        self._epochs = epochs
        self._good: dict[bytes, Entry] = {}
        self._bad: dict[bytes, Entry] = {}
        self._size, self._negative = size, negative
        self._flights: dict[bytes, _Flight] | None = {} if flights else None
        self._key = secrets.token_bytes(32)
        self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._good)

    def clear(self) -> None:
        """Forget everything: a reload changed what credentials mean."""
        self._good.clear()
        self._bad.clear()

    def recall(self, question: Recall) -> Principal | Rejected | Later | None:
        """Answer Recall: the outcome, Later while another request verifies the same credential, or None."""
        credential = question.credential
        if credential.kind == "session":
            return None  # the store is asked each time: an ended session is ended now
        digest = self._digest(credential, question.via)
        entry = self._good.get(digest) or self._bad.get(digest)
        if entry is not None:
            if self._current(entry, question.at):
                entry.used = question.at
                self.hits += 1
                return entry.outcome
            self._good.pop(digest, None)
            self._bad.pop(digest, None)
        self.misses += 1
        return self._follow(digest, question.at)

    def held(self, via: Via, who: Principal) -> Entry | None:
        """The entry that answered the last question of this connection, if this principal is what it holds."""
        entry = self._good.get(via.memo.get("digest", b""))
        return entry if entry is not None and entry.outcome is who else None

    def holds(self, entry: Entry, at: float) -> bool:
        """Whether an entry would still be the answer; counted as a hit when it is."""
        if not self._current(entry, at):
            return False
        entry.used = at
        self.hits += 1
        return True

    def _current(self, entry: Entry, at: float) -> bool:
        # What a verification read may be older than a revocation that it ended after: its beginning counts.
        seen, epochs = entry.seen, self._epochs
        return at < entry.until and epochs.all <= seen and epochs.of(entry.outcome.subject) <= seen

    def _follow(self, digest: bytes, at: float) -> Later | None:
        flights = self._flights
        if flights is None:
            return None
        flight = flights.get(digest)
        if flight is None:
            if len(flights) >= FLIGHTS:
                flights.pop(next(iter(flights))).end(None)
            flights[digest] = _Flight(at, self._epochs.seen)
            return None
        if abs(at - flight.since) > WAIT or flight.seen != self._epochs.seen:
            # Who led has gone without a word, as a cancelled request does, or began before something was revoked, which
            # this request must not be told: lead in its place. Whoever waits already goes on waiting, for this one.
            flight.since, flight.seen = at, self._epochs.seen
            return None
        if flight.future is None:
            flight.future = asyncio.get_running_loop().create_future()
        return Later(_patiently(flight.future))

    def remember(self, question: Remember) -> None:
        """Answer Remember: keep the outcome, and tell whoever waited for it."""
        credential, outcome, at = question.credential, question.outcome, question.at
        if credential.kind == "session":
            return
        digest = self._digest(credential, question.via)
        seen = self._land(digest, outcome, at)
        if seen is None:
            return
        if isinstance(outcome, Principal):
            entry = Entry(outcome, _life(credential.kind, outcome, at), at, seen)
            _keep(self._good, self._size, digest, entry)
        elif isinstance(outcome, Rejected) and credential.kind != "basic" and outcome.reason not in _NOT_KEPT:
            # A wrong password is never remembered: each try must be counted.
            _keep(self._bad, self._negative, digest, Entry(outcome, at + NEGATIVE_LIFE, at, seen))

    def _land(self, digest: bytes, outcome: Principal | Rejected | None, at: float) -> int | None:
        """End the flight and tell its followers. Returns: the epochs at its beginning; None: nobody knows them now."""
        if self._flights is None:
            return self._epochs.seen
        flight = self._flights.get(digest)
        if flight is None or flight.since != at:  # another leads now: what began before it is no answer for anybody
            return None
        del self._flights[digest]
        flight.end(outcome)
        return flight.seen

    def _digest(self, credential: Credential, via: Via) -> bytes:
        memo = via.memo
        if memo.get("secret") == credential.secret and memo.get("kind") == credential.kind:
            digest: bytes = memo["digest"]
            return digest
        octets = f"{credential.kind} {credential.secret}".encode("utf-8", "surrogatepass")
        if credential.kind == "basic":  # a password guessed offline from a plain digest would be a leak
            digest = hashlib.blake2b(octets, key=self._key, digest_size=32).digest()
        else:
            digest = hashlib.sha256(octets).digest()
        memo["secret"], memo["kind"], memo["digest"] = credential.secret, credential.kind, digest
        return digest


def _keep(table: dict[bytes, Entry], size: int, digest: bytes, entry: Entry) -> None:
    if len(table) >= size:
        sample = list(islice(table.items(), _SAMPLE))
        del table[min(sample, key=lambda item: item[1].used)[0]]
    table[digest] = entry


async def _patiently(future: asyncio.Future[Principal | Rejected | None]) -> Principal | Rejected | None:
    """Wait for the leader's outcome; if it never comes, verify ourselves."""
    try:
        return await asyncio.wait_for(asyncio.shield(future), WAIT)
    except TimeoutError:
        return None


def _life(kind: str, principal: Principal, at: float) -> float:
    longest = at + (TOKEN_LIFE if kind == "bearer" else PASSWORD_LIFE)
    return longest if principal.expires is None else min(longest, principal.expires)
