"""More than one process on one folder, and processes that die: what was acknowledged is there."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from store_kit import NOW, account, output, python, wait

from doorward.core.ask import FindAccount, FindApiKey, FindRelation, FindSession, TokenRevoked
from doorward.stores.relations import Relation
from doorward.stores.store import FILE, Store

START = """
import sys
from pathlib import Path
from doorward.stores.store import Store
sys.stdin.read(1)
store = Store(Path(sys.argv[1]))
print(store.secret("forms").hex(), store.secret("csrf").hex())
store.close()
"""
WRITE = """
import sys
from pathlib import Path
from doorward.core.ask import Account
from doorward.stores.store import Store
store = Store(Path(sys.argv[1]))
for number in range(60):
    name = f"{sys.argv[2]}{number}"
    store.accounts.add(Account(name, name), 1.0)
store.close()
"""
COMMAND = """
import sys
from pathlib import Path
from doorward.stores.relations import Relation
from doorward.stores.store import Store
store = Store(Path(sys.argv[1]))
exec(sys.argv[2])
store.close()
"""
DIE = """
import sys
from pathlib import Path
from doorward.core.ask import Account
from doorward.stores.store import Store
store = Store(Path(sys.argv[1]))
number = 0
while True:
    store.accounts.add(Account(f"a{number}", f"a{number}"), 1.0)
    print(number, flush=True)
    number += 1
"""


TRY = """
import sys
from pathlib import Path
from doorward.core.ask import AdmitLogin
from doorward.stores.store import Store
store = Store(Path(sys.argv[1]))
sys.stdin.read(1)
print(sum(store.logins.admit(AdmitLogin("alice", "192.0.2.1", 1e9)) == 0 for _ in range(40)))
store.close()
"""


def command(folder: Path, text: str) -> None:
    output(python(COMMAND, folder, text))


def test_processes_that_start_at_once_make_one_store_with_one_set_of_secrets(tmp_path: Path) -> None:
    processes = [python(START, tmp_path / "new") for _ in range(4)]
    for process in processes:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    assert len({output(process) for process in processes}) == 1


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    Store(tmp_path).close()
    processes = [python(WRITE, tmp_path, "left"), python(WRITE, tmp_path, "right")]
    for process in processes:
        output(process)
    store = Store(tmp_path)
    assert len(store.accounts.all()) == 120
    store.close()


def test_tries_are_counted_exactly_over_processes(tmp_path: Path) -> None:
    Store(tmp_path).close()
    processes = [python(TRY, tmp_path) for _ in range(3)]
    for process in processes:
        assert process.stdin
        process.stdin.write("x")
        process.stdin.flush()
    assert sum(int(output(process)) for process in processes) == 5


def test_what_another_process_revokes_is_seen_by_the_next_look(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    before = store.epochs.of("alice")
    assert [store.epochs.poll(), store.epochs.poll()] == [True, False]
    command(tmp_path, "store.sessions.revoke_all('alice')")
    assert store.epochs.poll() is True
    assert store.epochs.of("alice") > before
    assert store.epochs.poll() is False
    store.close()


@pytest.mark.parametrize(
    "text",
    [
        "store.accounts.set_disabled('alice', disabled=True)",
        "store.accounts.set_password('alice', 'x')",
        "store.accounts.delete('alice')",
        "store.accounts.set_roles('alice', ['x'])",
        "store.keys.revoke(store.keys.all()[0].key.id)",
        "store.sessions.revoke_all('alice')",
    ],
)
def test_everything_that_takes_rights_away_raises_the_subjects_counter(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    store.keys.add("alice", [], None, NOW)
    alice, bob, everyone = store.epochs.of("alice"), store.epochs.of("bob"), store.epochs.all
    command(tmp_path, text)
    store.epochs.poll()
    assert store.epochs.of("alice") > alice
    assert (store.epochs.of("bob"), store.epochs.all) == (bob, everyone)
    store.close()


def test_a_token_that_another_process_revokes_raises_everyones_counter(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.revocations.check(TokenRevoked("idp", "a")) is False
    before = store.epochs.all
    command(tmp_path, f"store.revocations.revoke('a', {NOW + 60}, {NOW}, 'idp')")
    store.epochs.poll()
    assert store.epochs.all > before
    assert store.revocations.check(TokenRevoked("idp", "a")) is True
    store.close()


def test_rows_that_another_process_changes_are_read_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    key, secret = store.keys.add("alice", [], None, NOW)
    command(tmp_path, f"store.keys.revoke({key.id!r}); store.accounts.set_disabled('alice', disabled=True)")
    found = store.keys.find(FindApiKey(secret, NOW))
    assert found is not None
    assert found.revoked
    who = store.accounts.find(FindAccount("alice"))
    assert who is not None
    assert who.disabled
    store.close()


def test_a_session_and_an_account_that_another_process_closes_are_closed_after_the_next_look(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    _, secret = asyncio.run(wait(store.sessions.open("alice", NOW)))
    assert store.sessions.find(FindSession(secret, NOW)).ended == ""
    assert not store.accounts.find(FindAccount("alice", "subject")).disabled
    store.epochs.poll()
    command(tmp_path, "store.accounts.set_disabled('alice', disabled=True)")
    assert store.epochs.poll() is True
    assert store.sessions.find(FindSession(secret, NOW)).ended == "disabled"
    assert store.accounts.find(FindAccount("alice", "subject")).disabled
    store.close()


def test_a_relation_that_another_process_takes_back_is_refused_after_the_next_look(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.relations.grant(Relation("alice", "read", "document:7"))
    question = FindRelation(("alice",), "read", "document:7")
    assert store.relations.check(question)
    command(tmp_path, "store.relations.revoke(Relation('alice', 'read', 'document:7'))")
    store.epochs.poll()
    assert not store.relations.check(question)
    store.close()


def test_a_killed_process_keeps_what_it_acknowledged_and_the_file_is_whole(tmp_path: Path) -> None:
    process = python(DIE, tmp_path)
    assert process.stdout
    acknowledged = [int(process.stdout.readline()) for _ in range(40)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.communicate()
    store = Store(tmp_path)
    names = {one.name for one in store.accounts.all()}
    assert {f"a{number}" for number in acknowledged} <= names
    store.accounts.add(account("after"), NOW)
    store.close()
    check = sqlite3.connect(tmp_path / FILE)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_sessions_outlive_the_process_that_opened_them(tmp_path: Path) -> None:
    text = f"""
import asyncio
from doorward.core.ask import Account
store.accounts.add(Account("alice", "alice"), 1.0)
session, secret = asyncio.run(store.sessions.open("alice", {NOW}))
print(secret, store.sessions.csrf_token(session.id))
"""
    secret, token = output(python(COMMAND, tmp_path, text)).split()
    store = Store(tmp_path)
    session = store.sessions.find(FindSession(secret, NOW))
    assert session is not None
    assert store.sessions.csrf_token(session.id) == token
    store.close()
