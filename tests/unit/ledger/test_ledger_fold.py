"""Floods become counted rows, and nothing is lost in counting (answers.md C12; articles.md A1-50)."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from doorward.ledger.fold import LONGEST, PER_SECOND, Fold


def rows(times: list[float], fold: Fold | None = None, key: str = "k") -> Counter[str]:
    """Row -> refusals counted in it; a refusal with a row of its own counts under its own id."""
    fold = fold or Fold()
    return Counter(fold.place(key, at, f"{number}") or f"{number}" for number, at in enumerate(times))


def test_a_thousand_equal_refusals_in_a_second_are_eleven_rows_that_add_up() -> None:
    found = rows([number / 1000 for number in range(1000)])
    assert len(found) == PER_SECOND + 1
    assert sum(found.values()) == 1000
    assert max(found.values()) == 990


def test_ten_a_second_keep_rows_of_their_own() -> None:
    found = rows([second + tenth / 10 for second in range(5) for tenth in range(PER_SECOND)])
    assert set(found.values()) == {1}


def test_a_flood_that_goes_on_stays_in_its_row_for_a_minute() -> None:
    times = [number / 100 for number in range(100 * 150)]
    found = rows(times)
    assert sum(found.values()) == len(times)
    assert len(found) == PER_SECOND + 3
    assert max(found.values()) <= LONGEST * 100 + 1


def test_a_quiet_second_ends_the_flood() -> None:
    flood = [number / 50 for number in range(50)]
    assert len(rows([*flood, *(at + 1 for at in flood)])) == PER_SECOND + 1
    assert len(rows([*flood, 1.5, *(at + 2 for at in flood)])) == 2 * (PER_SECOND + 1)
    assert len(rows([*flood, *(at + 9 for at in flood)])) == 2 * (PER_SECOND + 1)


def test_unequal_refusals_are_never_counted_together() -> None:
    fold = Fold()
    one = [fold.place("a", 0.0, f"a{n}") for n in range(20)]
    other = [fold.place("b", 0.0, f"b{n}") for n in range(20)]
    assert {row[:1] for row in one if row} == {"a"}
    assert {row[:1] for row in other if row} == {"b"}


def test_the_table_is_bounded_and_forgetting_costs_no_count() -> None:
    fold = Fold(most=4)
    found: Counter[str] = Counter()
    for number in range(1000):
        request_id = str(number)
        found[fold.place(number % 7, number / 1000, request_id) or request_id] += 1
    assert len(fold) <= 4
    assert sum(found.values()) == 1000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 200)), max_size=400))
def test_counts_add_up_and_a_row_is_begun_by_one_of_its_own(seen: list[tuple[str, float]]) -> None:
    """Whatever comes in whatever order: each refusal is counted once, in a row that exists and is of its kind."""
    fold = Fold(most=2)
    begun: dict[str, str] = {}
    total = 0
    for number, (key, at) in enumerate(seen):
        request_id = str(number)
        row = fold.place(key, at, request_id)
        total += 1
        if row == request_id:
            begun[row] = key
        elif row:
            assert begun[row] == key
    assert total == len(seen)
