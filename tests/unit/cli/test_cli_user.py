"""`doorward user`: accounts, their passwords and roles."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest
from command_kit import Shell, on_terminal, process

from doorward.core.ask import FindAccount, FindSession, VerifyPassword
from doorward.ledger.event import AuditEvent
from doorward.sinks.batch import Batch
from doorward.sinks.schema import FILE
from doorward.sinks.sqlite import SqliteLedger, connect
from doorward.stores.passwords import Passwords
from doorward.stores.store import Store

SECRET = "correct horse"


def store_of(shell: Shell) -> Store:
    return Store(shell.folder / "data")


def open_session(store: Store, subject: str) -> str:
    async def main() -> str:
        return (await store.sessions.open(subject, time.time()))[1]

    return asyncio.run(main())


def passes(shell: Shell, name: str, secret: str) -> bool:
    store, passwords = store_of(shell), Passwords(1)
    answer = passwords.verify(VerifyPassword(store.accounts.find(FindAccount(name)), secret))
    store.close()
    passwords.close()
    return answer is True


def test_an_account_is_made_with_the_password_of_the_standard_input(shell: Shell) -> None:
    out = shell.good(
        "user", "add", "carol", "--role", "customer", "--role", "editor", "--password-stdin", stdin=SECRET + "\n"
    )
    assert out == "carol added. Roles: customer, editor.\n"
    assert passes(shell, "carol", SECRET)
    assert not passes(shell, "carol", SECRET + "\n")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_end_of_the_line_is_no_part_of_the_password(shell: Shell, end: str) -> None:
    shell.good("user", "add", "carol", "--password-stdin", stdin=f" {SECRET} {end}")
    assert passes(shell, "carol", f" {SECRET} ")


def test_a_password_is_asked_for_twice_and_never_shown(tmp_path: Path) -> None:
    typed = [("Password", SECRET), ("Again", SECRET)]
    done = on_terminal(tmp_path, "user", "add", "carol", "--role", "customer", typed=typed)
    assert done.code == 0
    assert "carol added. Roles: customer." in done.out
    assert SECRET not in done.out


def test_two_different_passwords_are_asked_for_again(tmp_path: Path) -> None:
    typed = [("Password", SECRET), ("Again", "another one"), ("Password", SECRET), ("Again", SECRET)]
    done = on_terminal(tmp_path, "user", "add", "carol", typed=typed)
    assert done.code == 0
    assert "do not match" in done.out


def test_without_a_terminal_nobody_is_asked(shell: Shell) -> None:
    done = shell("user", "add", "carol", stdin=SECRET)
    assert (done.code, done.err) == (2, "There is no terminal to ask for a password. Pipe it in: --password-stdin.\n")


@pytest.mark.parametrize(
    ("stdin", "told"),
    [
        (b"short", "at least 8 characters"),
        (b"\xff" * 9, "not UTF-8"),
        (b"has\ttab in it", "control"),
        (b"", "at least 8"),
    ],
)
def test_a_password_that_cannot_be_taken_is_told_and_nothing_is_made(shell: Shell, stdin: bytes, told: str) -> None:
    done = shell("user", "add", "carol", "--password-stdin", stdin=stdin)
    assert done.code == 2
    assert told in done.err
    assert shell.good("user", "list") == "No accounts yet. Make one: doorward user add NAME --role ROLE\n"


def test_a_password_is_no_argument(shell: Shell) -> None:
    assert shell("user", "add", "carol", "--password", SECRET).code == 2
    assert shell("user", "add", "carol", SECRET).code == 2
    assert shell("user", "add", "carol", "--no-password", "--password-stdin").code == 2


def test_a_machine_needs_no_password_and_cannot_log_in(shell: Shell) -> None:
    out = shell.good("user", "add", "ci-bot", "--no-password", "--role", "machine")
    assert out == "ci-bot added. Roles: machine. No password: API keys only.\n"
    assert not passes(shell, "ci-bot", "")
    assert shell.good("user", "list").splitlines()[1].endswith("enabled, no password")


def test_another_subject_is_named_with_id(shell: Shell) -> None:
    shell.good("user", "add", "carol smith", "--id", "12", "--no-password")
    assert shell("user", "add", "dan smith", "--no-password").err == "A subject has no blank. Name one: --id SUBJECT.\n"
    assert shell.good("user", "show", "12", "--json") == shell.good("user", "show", "carol smith", "--json")


@pytest.mark.parametrize("arguments", [("carol",), ("other", "--id", "carol")])
def test_a_name_or_subject_that_is_taken_is_told_before_a_password_is_asked_for(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    shell.good("user", "add", "carol", "--no-password")
    done = shell("user", "add", *arguments)
    assert done.code == 2
    assert done.err.startswith("There is already an account with the ")


@pytest.mark.parametrize("name", ["a:b", "", " a", "a\x1b[31m", "\u202eadmin", "x" * 300, "a\nb", "\udcff"])
def test_a_name_that_could_not_log_in_or_would_mislead_is_refused(shell: Shell, name: str) -> None:
    done = shell("user", "add", "--no-password", "--", name)
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err


def test_names_that_look_like_sql_are_names(shell: Shell) -> None:
    name = "'; DROP TABLE accounts; --"
    shell.good("user", "add", name, "--id", "1'--", "--no-password")
    assert [one["name"] for one in shell("user", "list", "--json").json] == [name]
    shell.good("user", "delete", name)


def test_roles_that_the_policy_does_not_know_are_warned_of_with_the_nearest(shell: Shell) -> None:
    shell.write_policy()
    (shell.folder / "jwks.json").write_text('{"keys": []}')
    done = shell("user", "add", "carol", "--role", "editr", "--role", "admin", "--no-password")
    assert done.code == 0
    assert done.out == "carol added. Roles: admin, editr. No password: API keys only.\n"
    assert done.err == 'warning: no rule of doorward.toml asks for the role "editr". Did you mean "editor"?\n'


def test_a_broken_policy_file_hinders_no_account(shell: Shell) -> None:
    shell.write_policy("nonsense = ")
    assert shell.good("user", "add", "carol", "--role", "x", "--no-password")


def test_accounts_are_listed_for_people_and_for_programs(shell: Shell) -> None:
    shell.good("user", "add", "carol", "--role", "customer", "--id", "12", "--password-stdin", stdin=SECRET)
    shell.good("user", "add", "bob", "--no-password")
    shell.good("user", "disable", "bob")
    assert shell.good("user", "list").splitlines() == [
        "NAME   SUBJECT  ROLES     STATE",
        "bob    bob      none      disabled",
        "carol  12       customer  enabled",
    ]
    assert shell("user", "list", "--json").json == [
        {"name": "bob", "subject": "bob", "roles": [], "disabled": True, "password": False},
        {"name": "carol", "subject": "12", "roles": ["customer"], "disabled": False, "password": True},
    ]


def test_an_account_is_shown_with_what_it_holds(shell: Shell) -> None:
    shell.write_policy()
    shell.good("user", "add", "carol", "--role", "editor", "--no-password")
    shell.good("key", "add", "carol")
    shell.good("grant", "carol", "read", "document:7")
    store = store_of(shell)
    open_session(store, "carol")
    store.close()
    lines = shell.good("user", "show", "carol").splitlines()
    assert lines[0] == "carol  subject carol  enabled, no password"
    assert [line.split() for line in lines[1:]][2:] == [
        ["sessions", "1"],
        ["keys", "1"],
        ["relations"],
        ["read", "document:7"],
    ]
    shown = shell("user", "show", "carol", "--json").json
    assert (shown["sessions"], shown["keys"]) == (1, 1)
    assert shown["relations"] == [{"permission": "read", "object": "document:7"}]


def test_disabling_and_a_new_password_end_sessions_and_say_how_many(shell: Shell) -> None:
    shell.good("user", "add", "carol", "--password-stdin", stdin=SECRET)
    store = store_of(shell)
    first, second = open_session(store, "carol"), open_session(store, "carol")
    out = shell.good("user", "disable", "carol")
    assert out == "carol disabled. 2 sessions ended. Refused everywhere within 1 s.\n"
    assert shell.good("user", "enable", "carol") == "carol enabled.\n"
    third = open_session(store, "carol")
    out = shell.good("user", "passwd", "carol", "--password-stdin", stdin="another secret")
    assert out == "carol has a new password. 1 session ended. Refused everywhere within 1 s.\n"
    ended = [store.sessions.find(FindSession(secret, time.time())) for secret in (first, second, third)]
    assert [one.ended for one in ended if one] == ["disabled", "disabled", "password"]
    store.close()
    assert passes(shell, "carol", "another secret")
    assert not passes(shell, "carol", SECRET)


def test_other_roles_replace_those_before(shell: Shell) -> None:
    shell.good("user", "add", "carol", "--role", "a", "--no-password")
    out = shell.good("user", "roles", "carol", "--role", "b", "--role", "c")
    assert out == "carol has roles: b, c. In force within 1 s.\n"
    assert shell.good("user", "roles", "carol") == "carol has roles: none. In force within 1 s.\n"
    assert shell("user", "roles", "carol", "--role", "a b").code == 2


def test_deleting_says_what_went_along(shell: Shell) -> None:
    shell.good("user", "add", "carol", "--no-password")
    shell.good("key", "add", "carol")
    shell.good("grant", "carol", "read", "document:7")
    out = shell.good("user", "delete", "carol")
    assert out == "carol deleted, with 0 sessions, 1 key, 1 relation. Refused everywhere within 1 s.\n"
    assert shell("user", "show", "carol").code == 2
    assert shell.good("key", "list").startswith("No keys.")


def test_whoever_is_forgotten_leaves_the_ledger_and_the_refusal_stays_counted(shell: Shell) -> None:
    shell.good("user", "add", "carol", "--no-password")
    data, batch = shell.folder / "data", Batch()
    batch.add(AuditEvent(time.time(), "id-1", "deny", 403, "role-missing", rule="settings", subject="carol"))
    ledger = SqliteLedger(data)
    ledger.write(batch)
    ledger.close()
    out = shell.good("user", "delete", "carol", "--forget")
    assert out.endswith(" Taken out of 1 row of the ledger.\n")
    with closing(connect(data / FILE)) as db:
        assert db.execute("SELECT subject, reason FROM event").fetchall() == [("", "role-missing")]


@pytest.mark.parametrize("verb", ["show", "disable", "enable", "passwd", "delete", "roles"])
def test_somebody_unknown_is_answered_with_the_nearest_name(shell: Shell, verb: str) -> None:
    shell.good("user", "add", "carol", "--no-password")
    done = shell("user", verb, "carl")
    assert (done.code, done.err) == (2, 'There is no account "carl". Did you mean "carol"?\n')
    assert shell("user", verb, "\x1b[31m").err == 'There is no account "\\u001b[31m". doorward user list shows them.\n'


@pytest.mark.parametrize("verb", ["disable", "enable", "delete", "roles"])
def test_quiet_says_nothing_and_json_says_what_was_done(shell: Shell, verb: str) -> None:
    shell.good("user", "add", "carol", "--no-password", "-q")
    shell.good("user", "add", "dan", "--no-password", "-q")
    assert shell.good("user", verb, "carol", "-q") == ""
    assert shell("user", verb, "dan", "--json").json["name"] == "dan"


def test_a_store_that_cannot_be_had_is_exit_code_2_with_the_way_out(shell: Shell) -> None:
    (shell.folder / "data").mkdir()
    (shell.folder / "data" / "doorward.db").write_bytes(b"something else entirely, and long enough" * 50)
    done = shell("user", "list")
    assert done.code == 2
    assert "is not a database of doorward" in done.err


def test_two_real_processes_see_each_other(tmp_path: Path) -> None:
    added = process(tmp_path, "user", "add", "carol", "--password-stdin", stdin=SECRET.encode())
    assert (added.code, added.out, added.err) == (0, "carol added. Roles: none.\n", "")
    assert process(tmp_path, "user", "list", "--json").json[0]["name"] == "carol"
