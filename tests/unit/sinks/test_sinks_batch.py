"""Batches: joined, and shed when the disk does not take them; every refusal is counted once."""

from __future__ import annotations

from sinks_kit import NOW, batch, event

from doorward.sinks.batch import Batch


def counted(made: Batch, row: str, times: int) -> Batch:
    for number in range(times):
        made.count(row, NOW + number)
    return made


def test_what_comes_later_is_put_behind() -> None:
    first, second = event(), event()
    joined = counted(batch(first), "r", 2)
    joined.join(counted(batch(second), "r", 3))
    assert joined.rows == [first, second]
    assert joined.more == {"r": (5, NOW + 2)}
    assert joined.size == 7


def test_the_oldest_are_shed_with_what_was_counted_for_them() -> None:
    events = [event() for _ in range(5)]
    made = counted(counted(batch(*events), events[0].id, 10), events[4].id, 7)
    assert made.shed(2) == 3 + 10
    assert made.rows == events[3:]
    assert set(made.more) == {events[4].id}
    assert made.size == 2 + 7


def test_nothing_is_shed_below_the_bound() -> None:
    made = counted(batch(event()), "x", 4)
    assert made.shed(5) == 0
    assert made.size == 5


def test_everything_is_shed_when_nothing_is_kept() -> None:
    made = counted(batch(event()), "elsewhere", 4)
    assert made.shed(0) == 5
    assert (made.rows, made.more, made.size) == ([], {}, 0)
