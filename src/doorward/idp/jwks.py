"""Where the keys of an issuer come from: a set given at load, or an address that is asked again from time to time.

                 key in memory, set fresh ──────────────► the key, without waiting
    lookup ──┤   set too old ─────────────► one fetch ──► the new keys; if that fails, the old ones (stale)
                 kid unknown, set older than 30 s ─ fetch ► the key, or nothing
                 no set at all ─────────────► one fetch ──► keys, or DependencyError (503)

A flood of invented kids costs one fetch in 30 seconds, whoever sends it and from wherever.

Rule: no clock is read here: `now` comes with the request. No token is seen here.
Source: answers.md J14, libraries.md section 4 ("JWKS cache").
"""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING, Final, Protocol

from doorward.core.errors import ConfigError, DependencyError
from doorward.core.keysource import check_key_url
from doorward.idp.fetch import Fetched, fetch_json
from doorward.schemes.keys import KeySetError, allowed_algorithms, load_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from doorward.schemes.keys import Key, KeySet

    Fetch = Callable[[str], Awaitable[Fetched]]
    Keys = tuple[Key, ...]

TTL_DEFAULT: Final = 600.0
TTL_MIN, TTL_MAX = 60.0, 86_400.0
# Between two fetches that a request may cause, whatever it asks for.
REFETCH_AFTER: Final = 30.0
# Without any key every request fails: ask sooner.
RETRY_EMPTY_AFTER: Final = 5.0
# Short, since a stranger may invent today the kid that the issuer uses tomorrow.
UNKNOWN_FOR: Final = 60.0
UNKNOWN_MAX: Final = 1024


class KeySource(Protocol):
    """Whatever can be asked for the keys of one issuer."""

    def lookup(self, kid: str | None, alg: str, now: float) -> Keys | Awaitable[Keys]:
        """Return the keys at once where they are in memory, else something to wait for. Raises: DependencyError."""
        ...


class StaticKeys:
    """Keys given at load, from the policy or a file; a reload makes a new one."""

    __slots__ = ("_keys",)

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    def lookup(self, kid: str | None, alg: str, now: float) -> Keys:  # noqa: ARG002 - the interface of KeySource
        """Return the keys that fit. Never raises."""
        return self._keys.find(kid, alg)


class JwksCache:
    """Keys behind an address, in memory. Belongs to one event loop.

    fetches: calls made so far; last_error: for the operator; stale: the set is older than it may be because the last
    fetch failed, for metrics and readiness. An outage of the provider makes no key invalid.
    """

    def __init__(self, url: str, *, algorithms: Sequence[str] | None = None, fetch: Fetch = fetch_json) -> None:
        fault = check_key_url(url)
        if fault is not None:
            raise ConfigError(f"The address of the keys cannot be used: {fault}.", hint="See [issuers.NAME] jwks.")
        self.url = url
        self.fetches = 0
        self.stale = False
        self.last_error = ""
        allowed_algorithms(algorithms)  # an operator's mistake is told at load, not at the first token
        self._algorithms = algorithms
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._fresh_until = 0.0
        self._asked_at = float("-inf")
        self._unknown: dict[str | None, float] = {}
        self._under_way: asyncio.Task[None] | None = None

    def lookup(self, kid: str | None, alg: str, now: float) -> Keys | Awaitable[Keys]:
        """Find the keys a token may have been signed with.

        kid, alg: of the header, unverified; now: seconds since 1970.
        Returns: the keys at once when that needs no fetch (none: the kid is unknown), else an awaitable of them, which
        must be awaited. Raises: DependencyError, here or there, when no key was ever obtained.
        """
        keys = self._keys
        if keys is None:
            return self._after_fetch(kid, alg, now)
        found = keys.find(kid, alg)
        if now < self._fresh_until and (found or keys.knows(kid) or now < self._unknown.get(kid, 0.0)):
            return found
        # Too old, yet somebody is already asking: only the first waits.
        if found and self._under_way is not None:
            return found
        return self._after_fetch(kid, alg, now) if self._under_way is not None or self._may_ask(now) else found

    def _may_ask(self, now: float) -> bool:
        # A clock set back must not silence us for long: hence the absolute distance.
        return abs(now - self._asked_at) >= (REFETCH_AFTER if self._keys is not None else RETRY_EMPTY_AFTER)

    async def _after_fetch(self, kid: str | None, alg: str, now: float) -> Keys:
        """Wait for the fetch under way or start it, and look again. A caller that goes away does not take it along."""
        # Asked again here: many may have been told to wait before the first of them ran.
        if self._under_way is None and self._may_ask(now):
            self._asked_at = now
            self._under_way = asyncio.ensure_future(self._refresh(now))
        if self._under_way is not None:
            await asyncio.shield(self._under_way)
        if self._keys is None:
            wait = RETRY_EMPTY_AFTER - abs(now - self._asked_at)
            raise DependencyError("issuer keys", ceil(wait), hint=f"No key could be obtained. {self.last_error}")
        found = self._keys.find(kid, alg)
        if not found:
            self._note_unknown(kid, now)
        return found

    async def _refresh(self, now: float) -> None:
        """Fetch once. A failure, or a set that is refused, keeps what we have."""
        self.fetches += 1
        try:
            fetched = await self._fetch(self.url)
            keys = load_text(fetched.body, self._algorithms)
        except (DependencyError, KeySetError) as error:
            self.last_error = str(error)
            self.stale = self._keys is not None and now >= self._fresh_until
        else:
            self._keys, self.last_error, self.stale = keys, "", False
            age = TTL_DEFAULT if fetched.max_age is None else fetched.max_age
            self._fresh_until = now + min(max(age, TTL_MIN), TTL_MAX)
        finally:
            self._under_way = None

    def _note_unknown(self, kid: str | None, now: float) -> None:
        if len(self._unknown) >= UNKNOWN_MAX:
            self._unknown.clear()
        self._unknown[kid] = now + UNKNOWN_FOR
