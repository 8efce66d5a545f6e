"""TakeSlot: so many a period, all buckets or none, whole seconds; compared with other implementations of the idea."""

from __future__ import annotations

import time
from fractions import Fraction
from math import ceil
from unittest.mock import patch

import limits as peer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.ask import TakeSlot
from doorward.stores.limits import Limits

NOW = 1_764_000_000.0


def take(store: Limits, *buckets: str, rate: int = 5, period: int = 60, burst: int = 0, at: float = NOW) -> int:
    return store.take(TakeSlot(buckets or ("a",), rate, period, burst or rate, at))


def test_five_a_minute_are_five_at_once_and_then_one_every_twelve_seconds() -> None:
    store = Limits()
    assert [take(store) for _ in range(7)] == [0, 0, 0, 0, 0, 12, 12]
    assert take(store, at=NOW + 11.9) == 1
    assert take(store, at=NOW + 12) == 0
    assert take(store, at=NOW + 12) == 12


def test_a_burst_is_its_own_number() -> None:
    store = Limits()
    assert [take(store, rate=60, burst=3) for _ in range(5)] == [0, 0, 0, 1, 1]


def test_waits_are_whole_seconds_rounded_up_and_at_least_one() -> None:
    store = Limits()
    assert [take(store, rate=1_000, period=1) for _ in range(1_001)][-1] == 1
    slow = Limits()
    take(slow, rate=1, period=86_400)
    assert take(slow, rate=1, period=86_400, at=NOW + 0.5) == 86_400


def test_buckets_are_counted_apart() -> None:
    store = Limits()
    assert [take(store, "a", rate=1), take(store, "b", rate=1)] == [0, 0]


def test_all_buckets_or_none() -> None:
    store = Limits()
    take(store, "full", rate=1)
    assert take(store, "empty", "full", rate=1) == 60
    assert take(store, "empty", rate=1) == 0


def test_the_longest_wait_is_told() -> None:
    store = Limits()
    take(store, "a", rate=1, at=NOW - 30)
    take(store, "b", rate=1, at=NOW - 10)
    assert take(store, "a", "b", rate=1) == 50


def test_the_same_bucket_twice_is_one_slot() -> None:
    store = Limits()
    assert take(store, "a", "a", rate=2) == 0
    assert take(store, "a", rate=2) == 0
    assert take(store, "a", rate=2) == 30


def test_a_limit_that_was_changed_begins_anew() -> None:
    store = Limits()
    assert [take(store, rate=1), take(store, rate=1)] == [0, 60]
    assert take(store, rate=2) == 0


def test_a_clock_that_was_set_back_shuts_no_bucket_for_long() -> None:
    store = Limits()
    for _ in range(5):
        take(store, at=NOW + 86_400)
    assert take(store) == 12
    assert take(store, at=NOW + 12) == 12  # nothing was taken meanwhile, and the clock ahead still counts
    assert take(store, at=NOW + 86_400 + 12) == 0


def test_the_table_is_bounded_and_what_overflows_shares_a_bucket() -> None:
    store = Limits(size=10)
    assert [take(store, f"b{number}", rate=1) for number in range(10)] == [0] * 10
    assert take(store, "c", rate=1) == 0
    assert take(store, "d", rate=1) == 60
    assert take(store, "b1", rate=1) == 60
    assert len(store) <= 11


def test_buckets_that_are_empty_again_make_room_whatever_limit_they_were_of() -> None:
    store = Limits(size=100)
    for number in range(100):
        take(store, f"b{number}", rate=1)
    answers = [take(store, f"c{number}", rate=2, at=NOW + 61) for number in range(90)]
    assert answers == [0] * 90
    assert len(store) <= 100


@given(
    rate=st.integers(1, 50),
    period=st.sampled_from([1, 60, 3_600, 86_400]),
    burst=st.integers(1, 60),
    gaps=st.lists(st.sampled_from([0, 1, 250_000, 1_000_000, 7_500_000, 61_000_000]), max_size=120),
)
def test_any_run_of_questions_is_answered_as_exact_fractions_would(
    rate: int, period: int, burst: int, gaps: list[int]
) -> None:
    store, at, full = Limits(), int(NOW) * 1_000_000, Fraction(0)
    for gap in gaps:
        at += gap
        now, slot = Fraction(at, 1_000_000), Fraction(period, rate)
        after = max(full, now) + slot
        expected = ceil(max(Fraction(0), after - burst * slot - now))
        assert take(store, rate=rate, period=period, burst=burst, at=at / 1_000_000) == expected
        full = full if expected else after


@pytest.mark.parametrize("tries", [1, 5, 17])
def test_no_window_lets_more_through_than_a_fixed_window_of_another_library_and_a_burst(tries: int) -> None:
    """`limits` counts fixed windows; a cell rate admits at most one burst more than them over any time."""
    storage = peer.storage.MemoryStorage()
    theirs, item = peer.strategies.FixedWindowRateLimiter(storage), peer.parse("5/minute")
    store, ours, others = Limits(), 0, 0
    start = time.time()
    for step in range(30 * tries):
        moment = start + step * 10 / tries
        # Ours takes the time as an argument; the other library reads a clock.
        with patch("time.time", lambda moment=moment: moment):
            others += theirs.hit(item, "a")
        ours += take(store, at=moment) == 0
    assert ours <= others + 5
    assert ours >= others - 5
