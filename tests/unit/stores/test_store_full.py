"""A store that cannot be written: reads go on, what must be counted is refused, and it comes back by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from store_kit import NOW, account, in_loop, output, python

from doorward.core.ask import AdmitLogin, ClearLogin, FindAccount, FindSession
from doorward.core.errors import DependencyError
from doorward.stores.store import Store

LIMITED = """
import asyncio, json, resource, sys
from pathlib import Path
from doorward.core.ask import Account, AdmitLogin, ClearLogin, FindAccount
from doorward.core.errors import DependencyError
from doorward.stores.store import FILE, Store

folder, told = Path(sys.argv[1]), {}
store = Store(folder)
store.accounts.add(Account("alice", "alice"), 1.0)

def attempt(work):
    try:
        return work()
    except DependencyError as error:
        return error.name

def admit(number):
    return attempt(lambda: store.logins.admit(AdmitLogin(f"user{number}", f"10.0.{number >> 8}.{number & 255}", 1e9)))

async def admit_waiting():
    return await store.logins.admit(AdmitLogin("late", "192.0.2.9", 1e9)).awaitable

soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (max(file.stat().st_size for file in folder.iterdir()) + 20_000, hard))
answers = [admit(number) for number in range(300)]
told["failed"] = sorted({str(answer) for answer in answers})
told["last"] = answers[-1]
told["waiting"] = attempt(lambda: asyncio.run(admit_waiting()))
told["clear"] = attempt(lambda: store.logins.clear(ClearLogin("user0", "10.0.0.0", 1e9)))
told["add"] = attempt(lambda: store.accounts.add(Account("bob", "bob"), 1.0))
told["read"] = store.accounts.find(FindAccount("alice")).name
told["nobody"] = store.accounts.find(FindAccount("bob"))
store.readable()
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
told["again"] = admit(999)
told["bob"] = attempt(lambda: store.accounts.add(Account("bob", "bob"), 1.0).name)
store.close()
again = Store(folder)
told["kept"] = [one.name for one in again.accounts.all()]
told["counted"] = again.logins.admit(AdmitLogin("x", "192.0.2.77", 1e9))
again.close()
print(json.dumps(told))
"""


def test_on_a_full_disk_reads_go_on_tries_cannot_be_counted_and_room_brings_all_back(tmp_path: Path) -> None:
    told = json.loads(output(python(LIMITED, tmp_path)))
    assert told["failed"] == ["0", "store"]
    assert (told["last"], told["waiting"], told["add"]) == ("store", "store", "store")
    assert told["clear"] is None
    assert (told["read"], told["nobody"]) == ("alice", None)
    assert (told["again"], told["bob"]) == (0, "bob")
    assert (told["kept"], told["counted"]) == (["alice", "bob"], 0)


@pytest.fixture
def full(tmp_path: Path) -> Store:
    """A store whose writing connection may not take another page."""
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)

    def shut(sql: object) -> None:
        pages = sql.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]  # a connection
        sql.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]  # a connection

    store._database.write(shut).result()
    return store


def test_a_failed_write_fails_alone_and_the_rest_of_its_batch_is_done(full: Store) -> None:
    big = "x" * 200_000
    works = [
        lambda sql: sql.execute("UPDATE accounts SET name = 'alicia' WHERE subject = 'alice'").rowcount,
        lambda sql: sql.execute("INSERT INTO secrets VALUES ('big', ?)", (big,)).rowcount,
        lambda sql: sql.execute("UPDATE accounts SET disabled = 1 WHERE subject = 'alice'").rowcount,
    ]
    first, second, third = [full._database.write(work) for work in works]
    assert (first.result(), third.result()) == (1, 1)
    with pytest.raises(DependencyError) as caught:
        second.result()
    assert caught.value.name == "store"
    assert "full" in str(caught.value)
    assert [(one.name, one.disabled) for one in full.accounts.all()] == [("alicia", True)]
    full.close()


def test_the_next_write_after_a_failure_has_a_fresh_connection(full: Store) -> None:
    with pytest.raises(DependencyError):
        full._database.write(
            lambda sql: sql.execute("INSERT INTO secrets VALUES ('big', ?)", ("x" * 200_000,))
        ).result()
    assert full.secret("later") == full.secret("later")
    full.close()


def test_a_store_that_another_process_holds_for_too_long_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from doorward.stores import database

    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    monkeypatch.setattr(database.connect, "__defaults__", (0.01,))
    store._database._writer._connection.execute("PRAGMA busy_timeout = 10")  # type: ignore[union-attr]  # it has written
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DependencyError, match="locked"):
        store.logins.admit(AdmitLogin("alice", "192.0.2.1", NOW))
    assert store.accounts.find(FindAccount("alice")) is not None
    other.execute("ROLLBACK")
    other.close()
    assert store.logins.admit(AdmitLogin("alice", "192.0.2.1", NOW)) == 0
    store.close()


def test_a_closed_store_is_unavailable_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    store.close()
    questions = [
        lambda: store.accounts.find(FindAccount("alice")),
        lambda: store.sessions.find(FindSession("x", NOW)),
        lambda: store.logins.admit(AdmitLogin("alice", "192.0.2.1", NOW)),
        store.readable,
        store.epochs.poll,
    ]
    for question in questions:
        with pytest.raises(DependencyError):
            question()
    assert in_loop(lambda: store.logins.clear(ClearLogin("alice", "192.0.2.1", NOW))) is None
    assert store.logins.clear(ClearLogin("alice", "192.0.2.1", NOW)) is None
    store.close()


def test_counters_in_memory_go_on_when_the_store_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.stores import epochs

    store = Store(tmp_path)
    store.sessions.revoke_all("alice")
    known = store.epochs.of("alice")
    store.close()
    monkeypatch.setattr(epochs, "monotonic", lambda: 1e12)
    assert store.epochs.all == 0
    assert store.epochs.of("alice") == known
