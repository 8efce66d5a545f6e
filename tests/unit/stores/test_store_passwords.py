"""Passwords: argon2id with the stated parameters, in a pool with a short queue, alike for whom does not exist."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from store_kit import account, in_loop

from doorward.core.ask import Later, VerifyPassword
from doorward.core.errors import ConfigError, DependencyError
from doorward.stores import passwords as module
from doorward.stores.passwords import Passwords, check_new, hash_password

SECRET = "correct horse battery"


@pytest.fixture
def pool() -> Iterator[Passwords]:
    pool = Passwords(threads=2, queue=4)
    yield pool
    pool.close()


def test_the_right_password_passes_and_no_other(pool: Passwords) -> None:
    alice = account(password=pool.hash(SECRET))
    assert pool.verify(VerifyPassword(alice, SECRET)) is True
    for wrong in ("", SECRET + " ", SECRET.upper(), "\ud800", "x" * 5000):
        assert pool.verify(VerifyPassword(alice, wrong)) is False


def test_hashes_are_argon2id_with_19_mib_two_passes_and_a_salt_of_their_own() -> None:
    one, two = hash_password(SECRET), hash_password(SECRET)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != two


def test_a_password_is_one_in_every_spelling_of_unicode(pool: Passwords) -> None:
    alice = account(password=pool.hash("Zoe\u0308 geht"))
    assert pool.verify(VerifyPassword(alice, "Zo\u00eb geht")) is True


@pytest.mark.parametrize("stored", ["", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$", "plain", "é", "$2b$12$abc"])
def test_an_account_without_a_good_hash_is_never_right(pool: Passwords, stored: str) -> None:
    for secret in ("", "plain", stored):
        assert pool.verify(VerifyPassword(account(password=stored), secret)) is False


def test_an_account_that_does_not_exist_costs_a_hash_with_the_same_parameters(
    pool: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    import argon2.low_level as low

    seen: list[bytes] = []
    real = low.verify_secret
    monkeypatch.setattr(
        low, "verify_secret", lambda hash_, secret, kind: seen.append(hash_) or real(hash_, secret, kind)
    )
    assert pool.verify(VerifyPassword(None, SECRET)) is False
    assert pool.verify(VerifyPassword(account(password=""), SECRET)) is False
    real_hash = pool.hash(SECRET).encode()
    assert [hash_.split(b"$")[:4] for hash_ in seen] == [real_hash.split(b"$")[:4]] * 2
    assert {len(hash_) for hash_ in seen} == {len(real_hash)}


def test_under_a_running_loop_the_answer_is_waited_for(pool: Passwords) -> None:
    alice = account(password=pool.hash(SECRET))

    def ask() -> Later:
        answer = pool.verify(VerifyPassword(alice, SECRET))
        assert isinstance(answer, Later)
        return answer

    assert in_loop(ask) is True


def test_a_full_queue_is_unavailable_and_room_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(module, "_verify", lambda *_: gate.wait(10))
    pool = Passwords(threads=1, queue=2)

    async def main() -> list[object]:
        waiting = [pool.verify(VerifyPassword(None, "x")) for _ in range(3)]
        with pytest.raises(DependencyError) as full:
            pool.verify(VerifyPassword(None, "x"))
        assert (full.value.name, full.value.retry_after) == ("hashing", 1)
        gate.set()
        return [await one.awaitable for one in waiting if isinstance(one, Later)]

    assert asyncio.run(main()) == [True] * 3
    assert pool.verify(VerifyPassword(None, "x")) is True
    pool.close()


def test_whoever_hangs_up_gives_his_place_away(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(module, "_verify", lambda *_: gate.wait(10))
    pool = Passwords(threads=1, queue=1)

    async def main() -> object:
        first = pool.verify(VerifyPassword(None, "x"))
        second = pool.verify(VerifyPassword(None, "x"))
        assert isinstance(first, Later)
        assert isinstance(second, Later)
        second.awaitable.cancel()  # type: ignore[attr-defined]  # a future of the loop
        await asyncio.sleep(0)
        third = pool.verify(VerifyPassword(None, "x"))
        gate.set()
        assert isinstance(third, Later)
        return await first.awaitable, await third.awaitable

    assert asyncio.run(main()) == (True, True)
    pool.close()


def test_a_closed_pool_is_unavailable(pool: Passwords) -> None:
    pool.verify(VerifyPassword(None, "x"))
    pool.close()
    with pytest.raises(DependencyError):
        pool.verify(VerifyPassword(None, "x"))


def test_as_many_threads_as_cores_by_default() -> None:
    pool = Passwords()
    assert pool._threads >= 1
    pool.close()


@pytest.mark.parametrize(
    "secret", ["", "1234567", "x" * 1025, "tab\tbed tab", "\x00" * 9, "del\x7f in here", "\ud800" * 9]
)
def test_a_new_password_that_is_too_short_too_long_or_could_not_be_sent_is_refused(secret: str) -> None:
    with pytest.raises(ConfigError):
        check_new(secret)


@pytest.mark.parametrize("secret", ["12345678", "aaaaaaaa", "correct horse", "пароль пароль", "        ", "x" * 1024])
def test_nothing_but_length_is_asked_of_a_password(secret: str) -> None:
    check_new(secret)
