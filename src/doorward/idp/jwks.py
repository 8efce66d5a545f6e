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
from doorward.idp.fetch import Fetched, check_key_url, fetch_json
from doorward.schemes.keys import KeySetError, load_text

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

    fetches: calls made so far; stale: the set is older than it may be because the last fetch failed, for metrics and
    readiness; an outage of the provider makes no key invalid.
    """

    def __init__(self, url: str, *, algorithms: Sequence[str] | None = None, fetch: Fetch = fetch_json) -> None:
        fault = check_key_url(url)
        if fault is not None:
            raise ConfigError(f"The address of the keys cannot be used: {fault}.", hint="See [issuers.NAME] jwks.")
        self.url = url
        self.fetches = 0
        self.stale = False
        self.last_error: DoorwardFault = None
        self._algorithms = algorithms
        self._fetch = fetch
        self._keys: KeySet | None = None
        self._fresh_until = 0.0
        self._asked_at = float("-inf")
        self._unknown: dict[tuple[str | None, str], float] = {}
        self._under_way: asyncio.Task[None] | None = None

    def lookup(self, kid: str | None, alg: str, now: float) -> Keys | Awaitable[Keys]:
        """Find the keys a token may have been signed with.

        kid, alg: of the header, unverified; now: seconds since 1970.
        Returns: the keys at once when that needs no fetch (none: the kid is unknown), else an awaitable of them.
        Raises: DependencyError when no key was ever obtained and it is too early to ask again.
        """
        keys = self._keys
        if keys is None:
            return self._first(kid, alg, now)
        found = keys.find(kid, alg)
        if now < self._fresh_until:
            if found or keys.knows(kid) or now < self._unknown.get((kid, alg), 0.0):
                return found
        elif self._under_way is None and not self._may_ask(now):
            return found
        if not self._may_ask(now) and self._under_way is None:
            return found
        return self._after_fetch(kid, alg, now)

    def _may_ask(self, now: float) -> bool:
        # A clock set back must not silence us for long: hence the absolute distance.
        return abs(now - self._asked_at) >= REFETCH_AFTER

    def _first(self, kid: str | None, alg: str, now: float) -> Awaitable[Keys]:
        wait = RETRY_EMPTY_AFTER - abs(now - self._asked_at)
        if wait > 0 and self._under_way is None:
            raise DependencyError("issuer keys", ceil(wait), hint="No key could be obtained yet.")
        return self._after_fetch(kid, alg, now)

    async def _after_fetch(self, kid: str | None, alg: str, now: float) -> Keys:
        """Wait for the fetch under way, or start it. A caller that goes away does not take it along."""
        if self._under_way is None:
            self._asked_at = now
            self._under_way = asyncio.ensure_future(self._refresh(now))
        await asyncio.shield(self._under_way)
        if self._keys is None:
            raise DependencyError("issuer keys", int(RETRY_EMPTY_AFTER), hint="No key could be obtained.")
        found = self._keys.find(kid, alg)
        if not found:
            self._note_unknown(kid, alg, now)
        return found
