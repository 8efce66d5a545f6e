"""FindRelation: one of the subjects, exactly this permission, exactly this object; the same of every store."""

from __future__ import annotations

import pytest

from contract.stands import Stand
from doorward.core.ask import Account, FindRelation


def may(stand: Stand, subjects: str, permission: str, thing: str) -> bool:
    return bool(stand.ask(FindRelation(tuple(subjects.split(",")), permission, thing)))


def test_a_granted_permission_is_held_and_no_other(stand: Stand) -> None:
    stand.grant("alice", "read", "document:7")
    assert may(stand, "alice", "read", "document:7")
    assert not may(stand, "alice", "write", "document:7")
    assert not may(stand, "alice", "read", "document:70")
    assert not may(stand, "bob", "read", "document:7")


def test_any_of_the_subjects_suffices(stand: Stand) -> None:
    stand.grant("role:editor", "write", "document:7")
    assert may(stand, "alice,role:customer,role:editor", "write", "document:7")
    assert not may(stand, "alice,role:customer", "write", "document:7")


def test_what_is_taken_back_is_held_no_more(stand: Stand) -> None:
    stand.grant("alice", "read", "document:7")
    assert may(stand, "alice", "read", "document:7")
    stand.ungrant("alice", "read", "document:7")
    assert not may(stand, "alice", "read", "document:7")


def test_what_was_refused_a_moment_ago_is_held_once_granted(stand: Stand) -> None:
    assert not may(stand, "alice", "read", "document:7")
    stand.grant("alice", "read", "document:7")
    assert may(stand, "alice", "read", "document:7")


def test_granting_twice_and_taking_back_what_is_not_there_are_no_errors(stand: Stand) -> None:
    stand.grant("alice", "read", "document:7")
    stand.grant("alice", "read", "document:7")
    stand.ungrant("bob", "read", "document:7")
    stand.ungrant("alice", "read", "document:7")
    assert not may(stand, "alice", "read", "document:7")


@pytest.mark.parametrize("thing", ["%", "document:%", "' OR 1=1 --", "", "\x00", "\ud800"])
def test_an_object_is_compared_whole_whatever_it_looks_like(stand: Stand, thing: str) -> None:
    stand.grant("alice", "read", "document:7")
    assert not may(stand, "alice", "read", thing)


def test_nobody_holds_nothing(stand: Stand) -> None:
    assert stand.ask(FindRelation((), "read", "document:7")) is False


def test_the_subject_of_an_issuer_is_not_the_account_of_the_same_name(stand: Stand) -> None:
    stand.grant("https://idp.example 12", "read", "document:7")
    assert may(stand, "https://idp.example 12", "read", "document:7")
    assert not may(stand, "12", "read", "document:7")


def test_deleting_an_account_takes_its_relations_along_and_no_others(stand: Stand) -> None:
    stand.add(Account("alice", "alice"))
    stand.grant("alice", "read", "document:7")
    stand.grant("role:admin", "read", "document:7")
    assert may(stand, "alice", "read", "document:7")
    stand.delete("alice")
    assert not may(stand, "alice", "read", "document:7")
    assert may(stand, "role:admin", "read", "document:7")
