"""FindAccount: by name in NFC, by subject; the same of every store."""

from __future__ import annotations

import unicodedata

import pytest

from contract.stands import Stand
from doorward.core.ask import Account, FindAccount

ALICE = Account("7", "alice", frozenset({"admin", "editor"}), password="$hash", attributes=(("team", "red"),))


def test_an_account_is_found_by_its_name_and_by_its_subject(stand: Stand) -> None:
    stand.add(ALICE)
    assert stand.ask(FindAccount("alice")) == ALICE
    assert stand.ask(FindAccount("7", "subject")) == ALICE


def test_a_name_is_no_subject_and_a_subject_no_name(stand: Stand) -> None:
    stand.add(ALICE)
    assert stand.ask(FindAccount("7")) is None
    assert stand.ask(FindAccount("alice", "subject")) is None


def test_names_differ_by_case(stand: Stand) -> None:
    stand.add(ALICE)
    assert stand.ask(FindAccount("Alice")) is None


@pytest.mark.parametrize(
    "name", ["' OR '1'='1", "alice'--", "alice\x00", '"; DROP TABLE accounts; --', "%", "_", "a" * 9000, "\ud800", ""]
)
def test_names_that_look_like_sql_find_nobody_and_harm_nothing(stand: Stand, name: str) -> None:
    stand.add(ALICE)
    assert stand.ask(FindAccount(name)) is None
    assert stand.ask(FindAccount(name, "subject")) is None
    assert stand.ask(FindAccount("alice")) == ALICE


def test_a_disabled_account_is_found_and_says_so(stand: Stand) -> None:
    stand.add(ALICE)
    stand.disable("7")
    assert stand.ask(FindAccount("alice")).disabled


def test_a_deleted_account_is_found_no_more(stand: Stand) -> None:
    stand.add(ALICE)
    stand.delete("7")
    assert stand.ask(FindAccount("alice")) is None
    assert stand.ask(FindAccount("7", "subject")) is None


def test_a_name_is_one_in_every_spelling_of_unicode(stand: Stand) -> None:
    name = unicodedata.normalize("NFC", "Zoë")
    stand.add(Account("z", name))
    assert stand.ask(FindAccount(unicodedata.normalize("NFC", "Zoe\u0308"))).subject == "z"
