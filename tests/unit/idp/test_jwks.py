"""The key cache: what is fetched, how often, and what survives an outage. Row J14."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest
from provider import answer, provider

from doorward.core.errors import ConfigError, DependencyError
from doorward.idp import jwks
from doorward.idp.fetch import Fetched
from doorward.idp.jwks import JwksCache, StaticKeys
from doorward.schemes.keys import KeySetError, load_keys
from jose_material import ec_jwk, ed_jwk, oct_jwk, rsa_jwk

URL = "https://idp.example/keys"
NOW = 1_800_000_000.0
ONE = {"keys": [rsa_jwk(kid="a")]}
TWO = {"keys": [rsa_jwk(kid="a"), ec_jwk(kid="b")]}


class Source:
    """A fetch that gives what it is told to; an exception is raised. Waits while `gate` is set to an event."""

    def __init__(self, body: Any, max_age: int | None = None) -> None:
        self.body, self.max_age = body, max_age
        self.calls = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, url: str) -> Fetched:
        assert url == URL
        self.calls += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.body, Exception):
            raise self.body
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return Fetched(raw, self.max_age)


async def ask(cache: JwksCache, kid: str | None, now: float, alg: str = "RS256") -> list[str | None]:
    found = cache.lookup(kid, alg, now)
    return [key.kid for key in (await found if isinstance(found, Awaitable) else found)]


def at_once(cache: JwksCache, kid: str | None, now: float, alg: str = "RS256") -> list[str | None]:
    found = cache.lookup(kid, alg, now)
    assert isinstance(found, tuple), "it should not have had to wait"
    return [key.kid for key in found]


def down() -> DependencyError:
    return DependencyError("idp.example")


def test_the_first_question_fetches_and_the_next_ones_are_answered_from_memory() -> None:
    async def main() -> None:
        source = Source(TWO)
        cache = JwksCache(URL, fetch=source)
        assert await ask(cache, "a", NOW) == ["a"]
        for n in range(100):
            assert at_once(cache, "a", NOW + n) == ["a"]
            assert at_once(cache, "b", NOW + n, "ES256") == ["b"]
        assert source.calls == cache.fetches == 1

    asyncio.run(main())


@pytest.mark.parametrize(("max_age", "lasts"), [(None, 600), (300, 300), (1, 60), (0, 60), (10**8, 86_400)], ids=str)
def test_a_set_lasts_as_long_as_its_sender_says_within_bounds(max_age: int | None, lasts: float) -> None:
    async def main() -> None:
        source = Source(ONE, max_age)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        assert at_once(cache, "a", NOW + lasts - 0.1) == ["a"]
        assert await ask(cache, "a", NOW + lasts) == ["a"]
        assert source.calls == 2

    asyncio.run(main())


def test_a_withdrawn_key_is_gone_with_the_next_fetch() -> None:
    async def main() -> None:
        source = Source(TWO)
        cache = JwksCache(URL, fetch=source)
        assert await ask(cache, "b", NOW, "ES256") == ["b"]
        source.body = ONE
        assert await ask(cache, "b", NOW + 600, "ES256") == []

    asyncio.run(main())


def test_a_new_kid_is_fetched_at_once_when_the_last_fetch_is_half_a_minute_old() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        source.body = TWO
        assert at_once(cache, "b", NOW + 29.9, "ES256") == []
        assert await ask(cache, "b", NOW + 30, "ES256") == ["b"]
        assert source.calls == 2

    asyncio.run(main())


def test_a_flood_of_invented_kids_costs_one_fetch_in_30_seconds() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        for second in range(300):
            for n in range(10):
                assert await ask(cache, f"x{second}-{n}", NOW + second) == []
        assert source.calls == 10
        assert len(cache._unknown) <= jwks.UNKNOWN_MAX

    asyncio.run(main())


def test_the_same_unknown_kid_is_not_asked_for_again_within_a_minute() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        assert await ask(cache, "x", NOW + 30) == []
        assert at_once(cache, "x", NOW + 89) == []
        assert source.calls == 2
        assert await ask(cache, "x", NOW + 90) == []
        assert source.calls == 3

    asyncio.run(main())


def test_what_is_remembered_of_unknown_kids_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks, "UNKNOWN_MAX", 5)

    async def main() -> None:
        cache = JwksCache(URL, fetch=Source(ONE))
        await ask(cache, "a", NOW)
        for n in range(30):
            await ask(cache, f"x{n}", NOW + 30 * (n + 1))
            assert len(cache._unknown) <= 5

    asyncio.run(main())


def test_a_known_kid_with_a_foreign_algorithm_causes_no_fetch() -> None:
    async def main() -> None:
        source = Source(TWO)
        cache = JwksCache(URL, algorithms=("RS256", "ES256"), fetch=source)
        await ask(cache, "a", NOW)
        assert at_once(cache, "a", NOW + 100, "ES256") == []
        assert at_once(cache, "b", NOW + 100, "PS256") == []
        assert source.calls == 1

    asyncio.run(main())


def test_a_thousand_who_ask_together_cause_one_fetch() -> None:
    async def main() -> None:
        source = Source(ONE)
        source.gate = asyncio.Event()
        cache = JwksCache(URL, fetch=source)
        waiting = [asyncio.ensure_future(ask(cache, "a", NOW)) for _ in range(1000)]
        await asyncio.sleep(0)
        source.gate.set()
        assert await asyncio.gather(*waiting) == [["a"]] * 1000
        assert source.calls == 1

    asyncio.run(main())


def test_those_who_were_told_to_wait_and_come_late_cause_no_second_fetch() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        waiting = [cache.lookup("x", "RS256", NOW) for _ in range(5)]
        for late in waiting:
            assert isinstance(late, Awaitable)
            assert await late == ()
        assert source.calls == 1

    asyncio.run(main())


def test_a_caller_that_goes_away_does_not_take_the_fetch_along() -> None:
    async def main() -> None:
        source = Source(ONE)
        source.gate = asyncio.Event()
        cache = JwksCache(URL, fetch=source)
        first, second = (asyncio.ensure_future(ask(cache, "a", NOW)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        source.gate.set()
        assert await second == ["a"]
        assert source.calls == 1

    asyncio.run(main())


def test_while_an_old_set_is_being_renewed_only_the_first_waits() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        source.gate = asyncio.Event()
        first = asyncio.ensure_future(ask(cache, "a", NOW + 600))
        unknown = asyncio.ensure_future(ask(cache, "b", NOW + 600))
        await asyncio.sleep(0)
        assert at_once(cache, "a", NOW + 600) == ["a"]
        source.gate.set()
        assert await first == ["a"]
        assert await unknown == []
        assert source.calls == 2

    asyncio.run(main())


def test_an_outage_of_any_length_makes_no_key_invalid_and_is_asked_about_each_half_minute() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        source.body = down()
        assert not cache.stale
        for n in range(10):
            assert await ask(cache, "a", NOW + 600 + 30 * n) == ["a"]
            assert at_once(cache, "a", NOW + 629 + 30 * n) == ["a"]
        assert cache.stale
        assert "idp.example" in cache.last_error
        assert source.calls == 11
        assert await ask(cache, "a", NOW + 10**7) == ["a"]
        source.body = ONE
        assert await ask(cache, "a", NOW + 2 * 10**7) == ["a"]
        assert not cache.stale
        assert cache.last_error == ""

    asyncio.run(main())


def test_a_failed_fetch_for_an_unknown_kid_makes_a_fresh_set_no_staler() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        source.body = down()
        assert await ask(cache, "x", NOW + 30) == []
        assert not cache.stale
        assert at_once(cache, "a", NOW + 31) == ["a"]

    asyncio.run(main())


def test_without_any_key_it_is_an_outage_and_is_asked_again_after_five_seconds() -> None:
    async def main() -> None:
        source = Source(down())
        cache = JwksCache(URL, fetch=source)
        with pytest.raises(DependencyError) as caught:
            await ask(cache, "a", NOW)
        assert caught.value.retry_after == 5
        for n in range(50):
            with pytest.raises(DependencyError) as caught:
                await ask(cache, "a", NOW + 1.5 + n / 100)
            assert caught.value.retry_after == 4 if n < 50 else 3
        assert source.calls == 1
        assert not cache.stale
        source.body = ONE
        assert await ask(cache, "a", NOW + 5) == ["a"]
        assert source.calls == 2

    asyncio.run(main())


@pytest.mark.parametrize(
    "body",
    [
        {"keys": [rsa_jwk(kid="a"), ec_jwk(kid="a")]},
        {"keys": [rsa_jwk(kid="z"), oct_jwk(kid="y")]},
        {"keys": []},
        {"keys": [rsa_jwk(kid="a", use="enc")]},
        {"keys": [ed_jwk(kid="a")]},
        b'{"keys":[],"keys":[]}',
        b"<html>maintenance</html>",
        b"",
    ],
    ids=[
        "kid-twice",
        "secret-beside-public",
        "empty",
        "for-encryption",
        "foreign-family",
        "member-twice",
        "html",
        "nothing",
    ],
)
def test_a_set_that_is_refused_as_a_whole_keeps_the_old_one(body: Any) -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, algorithms=("RS256", "ES256"), fetch=source)
        await ask(cache, "a", NOW)
        source.body = body
        assert await ask(cache, "a", NOW + 600) == ["a"]
        assert cache.stale
        assert "refused" in cache.last_error
        fresh = JwksCache(URL, algorithms=("RS256", "ES256"), fetch=source)
        with pytest.raises(DependencyError, match="refused"):
            await ask(fresh, "a", NOW)

    asyncio.run(main())


def test_a_clock_that_is_set_back_does_not_silence_the_cache() -> None:
    async def main() -> None:
        source = Source(ONE)
        cache = JwksCache(URL, fetch=source)
        await ask(cache, "a", NOW)
        source.body = TWO
        assert await ask(cache, "b", NOW - 3600, "ES256") == ["b"]

    asyncio.run(main())


def test_a_bug_in_a_fetch_is_not_taken_for_an_outage_and_does_not_block_the_next() -> None:
    async def main() -> None:
        source = Source(ZeroDivisionError())
        cache = JwksCache(URL, fetch=source)
        with pytest.raises(ZeroDivisionError):
            await ask(cache, "a", NOW)
        source.body = ONE
        assert await ask(cache, "a", NOW + 5) == ["a"]

    asyncio.run(main())


def test_a_bad_address_or_algorithm_is_told_at_load() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        JwksCache("http://idp.example/keys")
    with pytest.raises(KeySetError):
        JwksCache(URL, algorithms=("none",))


def test_keys_given_at_load_never_wait() -> None:
    static = StaticKeys(load_keys(TWO))
    assert [key.kid for key in static.lookup("b", "ES256", NOW)] == ["b"]
    assert static.lookup("x", "ES256", NOW) == ()


def test_against_a_real_server_from_first_fetch_through_outage_to_recovery() -> None:
    async def main() -> None:
        async with provider(answer(TWO, Cache_Control="max-age=120")) as one:
            cache = JwksCache(one.url, algorithms=("RS256", "ES256"))
            assert await ask(cache, "a", NOW) == ["a"]
            for reply in (
                None,
                answer({}, "500 No"),
                answer({}, "302 Found", Location=one.url),
                answer(b" " * 300_000),
            ):
                one.reply = reply
                assert await ask(cache, "a", NOW + 120 + 30 * cache.fetches) == ["a"]
                assert cache.stale
            one.reply = answer(ONE)
            assert await ask(cache, "b", NOW + 900, "ES256") == []
            assert not cache.stale
            for n in range(200):
                await ask(cache, f"flood-{n}", NOW + 901)
            assert cache.fetches == 6
            # The client repeats a GET once whose connection was closed without an answer.
            assert len(one.requests) <= cache.fetches + 1

    asyncio.run(main())
