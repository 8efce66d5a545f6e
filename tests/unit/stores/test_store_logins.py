"""Throttled logins (P5): nobody locks out somebody else, a restart forgives nobody, the table is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import NOW, in_loop

from doorward.core.ask import AdmitLogin, ClearLogin, Later
from doorward.core.settings import LoginLimit
from doorward.stores import tries
from doorward.stores.database import Database
from doorward.stores.logins import Logins
from doorward.stores.store import Store
from doorward.stores.tries import Tries

OWNER, FOREIGN = "192.0.2.1", "203.0.113.66"
LIMIT = LoginLimit()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    store.logins.configure(replace(LIMIT, account_delay=0.0))
    yield store
    store.close()


def admit(store: Store, at: float = NOW, name: str = "alice", address: str = OWNER) -> int:
    answer = store.logins.admit(AdmitLogin(name, address, at))
    assert isinstance(answer, int)
    return answer


def test_a_restart_forgives_nobody(tmp_path: Path) -> None:
    first = Store(tmp_path)
    for _ in range(5):
        admit(first)
    first.close()
    second = Store(tmp_path)
    assert admit(second) == 1
    second.close()


def test_the_try_is_on_disk_before_the_answer_is_given(tmp_path: Path) -> None:
    store = Store(tmp_path)
    admit(store)
    other = Database(tmp_path / "doorward.db")
    assert len(other.rows("SELECT * FROM logins")) == 3
    other.close()
    store.close()


def test_names_are_kept_as_keyed_digests_only(store: Store) -> None:
    admit(store, name="my secret password")
    store.close()
    octets = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert b"my secret password" not in octets


def test_one_name_is_one_in_every_spelling_of_unicode(store: Store) -> None:
    for _ in range(5):
        admit(store, name="Zoe\u0308")
    assert admit(store, name="Zo\u00eb") == 1


def test_under_a_running_loop_the_answer_is_waited_for(store: Store) -> None:
    def ask() -> object:
        answer = store.logins.admit(AdmitLogin("alice", OWNER, NOW))
        assert isinstance(answer, Later)
        return answer

    assert [in_loop(ask) for _ in range(5)] == [0] * 5
    assert in_loop(lambda: store.logins.admit(AdmitLogin("alice", OWNER, NOW))) == 1
    assert in_loop(lambda: store.logins.clear(ClearLogin("alice", OWNER, NOW))) is None
    assert in_loop(ask) == 0


def test_tries_that_come_at_once_are_counted_one_by_one(store: Store) -> None:
    async def main() -> list[int]:
        answers = [store.logins.admit(AdmitLogin("alice", OWNER, NOW)) for _ in range(20)]
        return [await one.awaitable if isinstance(one, Later) else one for one in answers]

    answers = asyncio.run(main())
    assert answers.count(0) == 5
    assert answers.count(1) == 15


def test_an_account_under_attack_from_everywhere_is_slowed_and_never_refused(store: Store) -> None:
    store.logins.configure(replace(LIMIT, account_delay=0.002))
    for number in range(200):
        assert admit(store, address=f"203.0.113.{number}") == 0
    assert admit(store, address=OWNER) == 0


def test_the_slowdown_is_waited_for_by_the_loop_too(store: Store) -> None:
    store.logins.configure(replace(LIMIT, account_delay=0.002))
    for number in range(12):
        assert in_loop(lambda n=number: store.logins.admit(AdmitLogin("alice", f"203.0.113.{n}", NOW))) == 0


def test_the_table_is_bounded_and_the_oldest_rows_make_room(tmp_path: Path) -> None:
    store = Store(tmp_path)
    logins = Logins(store._database, b"k" * 32, size=50)
    for number in range(600):
        assert logins.admit(AdmitLogin(f"user{number}", f"10.0.{number >> 8}.{number & 255}", NOW + number)) == 0
    rows = store._database.rows("SELECT count(*), min(last) FROM logins")
    assert rows[0][0] <= 50 + 3 * 256
    assert rows[0][1] > NOW + 300
    store.close()


def test_rows_of_yesterday_go_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    admit(store)
    logins = Logins(store._database, b"k" * 32)
    logins.admit(AdmitLogin("bob", OWNER, NOW + tries.FORGET + 1))
    assert store._database.rows("SELECT count(*) FROM logins") == [(3,)]
    store.close()


def test_failures_are_forgotten_after_a_day_without_a_try(store: Store) -> None:
    for _ in range(5):
        admit(store)
    assert [admit(store, NOW + tries.FORGET) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_a_clock_that_was_set_back_locks_nobody(store: Store) -> None:
    for _ in range(5):
        admit(store, NOW + 86_400 * 365)
    assert [admit(store) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_a_reload_with_a_shorter_delay_counts_at_once(store: Store) -> None:
    row = Tries(20, NOW + 900, NOW)
    assert tries.wait_for_pair(row, NOW, LIMIT) == 900
    assert tries.wait_for_pair(row, NOW, replace(LIMIT, max_delay=10)) == 10


def test_delays_stop_at_the_longest_however_many_failures_there_were() -> None:
    assert tries.count_pair(Tries(10_000, 0, NOW), NOW, LIMIT).until == NOW + 900


@pytest.mark.parametrize("level", [0.0, 5.0, 6.0, 13.0, 14.0, 10_000.0])
def test_the_slowdown_is_never_longer_than_the_setting(level: float) -> None:
    slow = tries.slowdown(Tries(level, 0, NOW), LIMIT)
    assert 0 <= slow <= LIMIT.account_delay
    assert (slow > 0) == (level > LIMIT.free)


def test_an_accounts_own_count_sinks_with_time_and_by_success() -> None:
    row = tries.NEW
    for _ in range(20):
        row = tries.count_account(row, NOW)
    assert tries.sunk(row, NOW + 120) == 10
    assert tries.forgive_account(row, NOW).level == 19
    assert tries.forgive_account(Tries(0.5, 0, NOW), NOW).level == 0
    assert tries.sunk(row, NOW + 86_400) == 0


Attack = list[tuple[int, int, float]]
ATTACKS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 40), st.sampled_from([0.0, 0.5, 2.0, 61.0])), min_size=1, max_size=80
)


@settings(max_examples=30)
@given(ATTACKS)
def test_whatever_others_do_from_elsewhere_the_owner_is_admitted_and_waits_two_seconds_at_most(attack: Attack) -> None:
    """No try from another prefix, on any account, ever refuses the owner or holds him back beyond the setting."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        held: list[float] = []
        real = tries.slowdown
        store.logins.configure(replace(LIMIT, account_delay=0.0))
        at = NOW
        for who, where, later in attack:
            at += later
            admit(store, at, name=("alice", "bob", "", "root")[who], address=f"203.0.113.{where}")
        key = store.logins._keys("alice", OWNER).account
        row = store._database.row("SELECT level, until, last FROM logins WHERE key = ?", (key,))
        if row is not None:
            held.append(real(tries.count_account(Tries(*row), at), LIMIT))
        assert all(slow <= 2.0 for slow in held)
        assert admit(store, at, address=OWNER) == 0
        store.close()
