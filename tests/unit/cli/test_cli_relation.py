"""`doorward grant` and `doorward revoke`: who holds what on which object."""

from __future__ import annotations

import pytest
from command_kit import Shell

from doorward.core.ask import FindRelation
from doorward.stores.store import Store


def holds(shell: Shell, subject: str, permission: str, thing: str) -> bool:
    store = Store(shell.folder / "data")
    answer = store.relations.check(FindRelation((subject,), permission, thing))
    store.close()
    return answer


@pytest.fixture(autouse=True)
def _carol(shell: Shell) -> None:
    shell.good("user", "add", "carol", "--id", "12", "--no-password")


def test_an_account_is_granted_under_its_subject(shell: Shell) -> None:
    assert shell.good("grant", "carol", "read", "document:7") == "carol may now read document:7. In force within 1 s.\n"
    assert holds(shell, "12", "read", "document:7")
    assert not holds(shell, "carol", "read", "document:7")
    assert shell.good("grant", "12", "read", "document:7") == "12 already could read document:7.\n"


def test_a_grant_is_taken_back_once(shell: Shell) -> None:
    shell.good("grant", "carol", "write", "document:7")
    out = shell.good("revoke", "carol", "write", "document:7")
    assert out == "carol may no longer write document:7. In force within 1 s.\n"
    assert not holds(shell, "12", "write", "document:7")
    done = shell("revoke", "carol", "write", "document:7")
    assert (done.code, done.out) == (1, "carol could not write document:7.\n")


def test_a_role_is_granted_by_its_name(shell: Shell) -> None:
    shell.good("grant", "role:editor", "execute", "document:7")
    assert holds(shell, "role:editor", "execute", "document:7")
    assert shell("grant", "role:", "read", "document:7").code == 2


def test_the_subject_of_an_issuer_is_granted_by_the_issuers_name_or_address(shell: Shell) -> None:
    shell.write_policy()
    (shell.folder / "jwks.json").write_text('{"keys": []}')
    shell.good("grant", "idp 12", "read", "document:7")
    assert holds(shell, "https://issuer.example 12", "read", "document:7")
    shell.good("grant", "https://other.example 9", "read", "document:7")
    assert holds(shell, "https://other.example 9", "read", "document:7")
    done = shell("grant", "ipd 12", "read", "document:7")
    assert (done.code, done.err) == (2, 'There is no issuer "ipd". Did you mean "idp"?\n')


def test_json_says_what_is_stored_and_whether_it_changed(shell: Shell) -> None:
    value = {"subject": "12", "permission": "read", "object": "document:7", "changed": True}
    assert shell("grant", "carol", "read", "document:7", "--json").json == value
    assert shell("grant", "carol", "read", "document:7", "--json").json == {**value, "changed": False}


def test_an_object_that_no_rule_can_ask_for_is_warned_of(shell: Shell) -> None:
    shell.write_policy()
    (shell.folder / "jwks.json").write_text('{"keys": []}')
    assert shell("grant", "carol", "read", "document:a/b").err == ""
    done = shell("grant", "carol", "read", "documnet:7")
    assert (done.code, done.err) == (
        0,
        'warning: no rule of doorward.toml asks for "documnet:7". Rules ask for document:{doc}.\n',
    )
    assert "asks for the role" in shell("grant", "role:editr", "read", "document:7").err
    assert shell("revoke", "carol", "read", "documnet:7").err == ""


@pytest.mark.parametrize("thing", ["", "a\x1b[2J", "\u202ex", "x" * 300])
def test_an_object_that_would_mislead_a_reader_is_refused(shell: Shell, thing: str) -> None:
    done = shell("grant", "carol", "read", thing)
    assert done.code == 2
    assert "\x1b" not in done.err


@pytest.mark.parametrize("permission", ["delete", "READ", "*", ""])
def test_there_are_three_permissions(shell: Shell, permission: str) -> None:
    done = shell("grant", "carol", permission, "document:7")
    assert done.code == 2
    assert all(word in done.err for word in ("read", "write", "execute"))


def test_somebody_unknown_is_answered_with_the_nearest_name(shell: Shell) -> None:
    assert shell("grant", "carl", "read", "document:7").err == 'There is no account "carl". Did you mean "carol"?\n'
