"""Names: what could never log in, or would mislead a reader, is no name."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.errors import ConfigError
from doorward.schemes.basic import read
from doorward.stores.names import login_name, normal, object_name, role_name, scope_name, subject_name, words

BAD = [
    "",
    "a:b",
    " a",
    "a ",
    "a\n",
    "\x00",
    "a\x7f",
    "a\x9b2J",
    "\u202eadmin",
    "a\u200bb",
    "a\u2028",
    "\ud800",
    "x" * 257,
]


@pytest.mark.parametrize("name", BAD)
def test_such_a_name_cannot_be_made(name: str) -> None:
    with pytest.raises(ConfigError):
        login_name(name)
    with pytest.raises(ConfigError):
        subject_name(name)


@pytest.mark.parametrize("name", ["alice", "alice smith", "Zoë", "Олена", "李", "a.b@c.example", "'; DROP TABLE x --"])
def test_such_a_name_can_be_made(name: str) -> None:
    assert login_name(name) == name


def test_a_subject_has_no_blank_of_any_kind() -> None:
    for name in ("a b", "a\u00a0b", "a\u3000b"):
        with pytest.raises(ConfigError, match="blank"):
            subject_name(name)


@pytest.mark.parametrize("role", ["", "a b", "a,b", 'a"b', "a\n", "a\u200b", "x" * 300])
def test_what_would_break_the_field_of_roles_is_no_role(role: str) -> None:
    with pytest.raises(ConfigError):
        role_name(role)


@pytest.mark.parametrize("check", [role_name, scope_name, object_name])
def test_ordinary_words_are_taken(check: Callable[[str], str]) -> None:
    assert check("orders:read") == "orders:read"


def test_an_object_may_have_blanks_and_letters_of_any_script() -> None:
    assert object_name("document:мой файл") == "document:мой файл"


def test_columns_of_words_are_sets() -> None:
    assert words("b a") == {"a", "b"}
    assert words("") == frozenset()


@given(st.text(max_size=30))
def test_a_name_that_can_be_made_survives_the_way_through_basic(text: str) -> None:
    try:
        name = login_name(text)
    except ConfigError:
        return
    assert normal(name) == name
    assert read(base64.b64encode(f"{name}:pw".encode()).decode()) == (name, "pw")
