"""Request ids: UUIDv7, each greater than the one before, whatever the clock does."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.ledger.identifiers import LONG, SHORT, Identifiers, hyphened, moment, short
from doorward.wire.reply import is_request_id

AT = 1_764_000_000.113


def test_an_id_is_a_version_7_uuid_of_the_variant_of_the_rfc() -> None:
    found = uuid.UUID(Identifiers().new(AT))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert is_request_id(str(found))


def test_an_id_begins_with_the_time_in_milliseconds() -> None:
    assert moment(Identifiers().new(AT)) == pytest.approx(AT, abs=0.001)


@given(st.lists(st.floats(min_value=0, max_value=4e9), min_size=2, max_size=200))
def test_ids_rise_even_when_the_clock_is_set_back(times: list[float]) -> None:
    ids = Identifiers()
    made = [ids.new(at) for at in times]
    assert made == sorted(set(made))
    assert all(is_request_id(each) for each in made)


def test_more_ids_in_a_millisecond_than_the_counter_holds_borrow_from_the_next() -> None:
    ids = Identifiers()
    made = [ids.new(AT) for _ in range(10_000)]
    assert made == sorted(set(made))
    assert moment(made[-1]) - moment(made[0]) < 0.01


def test_ids_of_one_millisecond_differ_in_their_long_form() -> None:
    ids = Identifiers()
    one, other = ids.new(AT), ids.new(AT)
    assert short(one) == short(other)
    assert short(one, LONG) != short(other, LONG)
    assert len(short(one)) == SHORT


def test_randomness_is_asked_for_by_the_page() -> None:
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return bytes(range(256)) * (size // 256)

    ids = Identifiers(random)
    made = {ids.new(AT) for _ in range(600)}
    assert len(made) == 600
    assert len(drawn) == 2


@pytest.mark.parametrize("digits", [1, 8, 9, 12, 13, 16, 20, 32])
def test_hyphens_are_put_where_an_id_has_them(digits: int) -> None:
    made = Identifiers().new(AT)
    assert made.startswith(hyphened(short(made, digits)))
    assert hyphened(short(made, digits).upper()) == hyphened(short(made, digits))


def test_what_does_not_begin_like_an_id_has_no_moment() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        moment("carol")
