"""AdmitLogin, ClearLogin (P5): five free tries, doubling delays, thirty a minute a prefix; the same of every store."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.stands import Memory, Sqlite, Stand
from doorward.core.ask import AdmitLogin, ClearLogin

NOW = 1_764_000_000.0


def admit(stand: Stand, at: float = NOW, name: str = "alice", address: str = "192.0.2.1") -> int:
    return int(stand.ask(AdmitLogin(name, address, at)))


def test_five_tries_are_free_and_the_sixth_waits(stand: Stand) -> None:
    assert [admit(stand) for _ in range(7)] == [0, 0, 0, 0, 0, 1, 1]


def test_each_further_failure_doubles_the_delay_up_to_a_quarter_of_an_hour(stand: Stand) -> None:
    at, delays = NOW, []
    for _ in range(5):
        admit(stand, at)
    for _ in range(13):
        delay = admit(stand, at)
        delays.append(delay)
        at += delay
        assert admit(stand, at) == 0
    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_a_try_that_is_refused_makes_nothing_worse(stand: Stand) -> None:
    for _ in range(5):
        admit(stand)
    assert {admit(stand) for _ in range(50)} == {1}
    assert admit(stand, NOW + 1) == 0


def test_the_right_password_forgives_what_came_before(stand: Stand) -> None:
    for _ in range(4):
        admit(stand)
    stand.ask(ClearLogin("alice", "192.0.2.1", NOW))
    assert [admit(stand) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_somebody_elses_failures_do_not_lock_the_owner_out(stand: Stand) -> None:
    for _ in range(40):
        admit(stand, address="203.0.113.66")
    assert admit(stand, address="203.0.113.66") > 0
    assert [admit(stand, address="192.0.2.1") for _ in range(5)] == [0] * 5


def test_the_owners_success_elsewhere_does_not_help_the_attacker(stand: Stand) -> None:
    for _ in range(5):
        admit(stand, address="203.0.113.66")
    admit(stand, address="192.0.2.1")
    stand.ask(ClearLogin("alice", "192.0.2.1", NOW))
    assert admit(stand, address="203.0.113.66") == 1


def test_one_prefix_may_try_thirty_a_minute_over_all_names(stand: Stand) -> None:
    answers = [admit(stand, name=f"user{number}") for number in range(33)]
    assert answers == [0] * 30 + [2] * 3
    assert admit(stand, NOW + 2, name="user40") == 0
    assert admit(stand, NOW + 2, name="user41") == 2


def test_a_refusal_by_one_count_leaves_the_other_alone(stand: Stand) -> None:
    for number in range(30):
        admit(stand, name=f"user{number}")
    assert [admit(stand) for _ in range(10)] == [2] * 10
    assert [admit(stand, NOW + 60) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("name", ["nobody", "", "' OR 1=1 --", "\ud800", "a" * 9000, "a\0b"])
def test_names_that_do_not_exist_are_counted_alike(stand: Stand, name: str) -> None:
    assert [admit(stand, name=name) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_clearing_what_was_never_counted_is_no_error(stand: Stand) -> None:
    stand.ask(ClearLogin("alice", "192.0.2.1", NOW))
    assert admit(stand) == 0


Step = tuple[int, int, float, bool]
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from([0.0, 0.25, 1.0, 7.5, 61.0, 900.0]), st.booleans()),
    max_size=60,
)


@settings(max_examples=30)
@given(STEPS)
def test_store_and_dictionary_give_the_same_waits_for_any_run_of_tries(steps: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        simple, real = Memory(), Sqlite(Path(folder))
        at = NOW
        for who, where, later, right in steps:
            at += later
            name, address = f"user{who}", f"192.0.2.{where}"
            waits = (admit(simple, at, name, address), admit(real, at, name, address))
            assert waits[0] == waits[1]
            if right and waits[0] == 0:
                for world in (simple, real):
                    world.ask(ClearLogin(name, address, at))
        real.close()
