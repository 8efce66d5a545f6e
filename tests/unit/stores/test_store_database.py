"""The file: made for its owner alone, migrated once, refused when it is not ours; counters and secrets in it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from store_kit import NOW, account, wait

from doorward.core.ask import FindAccount, FindRelation
from doorward.core.errors import ConfigError, DependencyError
from doorward.stores import database, epochs
from doorward.stores.relations import Relation
from doorward.stores.schema import CURRENT
from doorward.stores.store import FILE, Store
from doorward.stores.writer import Writer


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = Store(tmp_path / "new" / "data")
        store.accounts.add(account(), NOW)
        store.readable()
        assert mode(tmp_path / "new" / "data") == 0o700
        assert {mode(file) for file in store.path.parent.iterdir()} == {0o600}
        assert len(list(store.path.parent.iterdir())) == 3
        store.close()
    finally:
        os.umask(old)


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.accounts.add(account(), NOW)
    secret = first.secret("csrf")
    first.close()
    second = Store(tmp_path)
    assert second.secret("csrf") == secret
    assert [one.name for one in second.accounts.all()] == ["alice"]
    second.close()


def test_secrets_are_32_bytes_and_differ_by_name_and_store(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "a"), Store(tmp_path / "b")
    values = {one.secret("x"), one.secret("y"), two.secret("x")}
    assert len(values) == 3
    assert {len(value) for value in values} == {32}
    assert one.secret("x") in values
    one.close()
    two.close()


def test_a_file_of_a_newer_doorward_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).close()
    other = sqlite3.connect(tmp_path / FILE)
    other.execute(f"PRAGMA user_version = {CURRENT + 1}")
    other.close()
    with pytest.raises(ConfigError, match="newer"):
        Store(tmp_path)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\x00" * 5000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="not a database"):
        Store(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_that_cannot_be_made_is_the_operators_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="--data"):
        Store(tmp_path / "file" / "data")
    (tmp_path / "dir" / FILE).mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be used"):
        Store(tmp_path / "dir")


def test_a_migration_that_fails_leaves_no_half_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (("CREATE TABLE one (x)", "CREATE TABLE one (x)"),)
    monkeypatch.setattr(database, "STEPS", steps)
    monkeypatch.setattr(database, "CURRENT", 1)
    with pytest.raises(DependencyError):
        database.Database.open(tmp_path / FILE)
    check = sqlite3.connect(tmp_path / FILE)
    assert check.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    check.close()


def test_a_new_step_is_taken_by_a_file_that_has_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    store.close()
    monkeypatch.setattr(database, "STEPS", (*database.STEPS, ("CREATE TABLE later (x)",)))
    monkeypatch.setattr(database, "CURRENT", CURRENT + 1)
    again = Store(tmp_path)
    assert again._database.rows("SELECT * FROM later") == []
    assert again.accounts.find(FindAccount("alice")) is not None
    again.close()


def test_the_table_of_steps_is_written_as_strict_sql_that_a_new_file_takes() -> None:
    connection = sqlite3.connect(":memory:")
    for step in database.STEPS:
        for statement in step:
            connection.execute(statement)
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names >= {"accounts", "sessions", "keys", "relations", "revocations", "epochs", "logins", "secrets"}
    connection.close()


def test_switching_the_log_waits_for_another_process_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(times: int) -> object:
        left = [times]

        def work() -> None:
            left[0] -= 1
            if left[0] >= 0:
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error

        return work

    database._patiently(busy(2))
    monkeypatch.setattr(database, "BUSY", 0.0)
    with pytest.raises(sqlite3.OperationalError):
        database._patiently(busy(1_000_000))


def test_reads_come_back_after_the_connection_broke(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.accounts.add(account(), NOW)
    assert store._database._reader
    store._database._reader.close()
    with pytest.raises(DependencyError):
        store.readable()
    assert store.accounts.find(FindAccount("alice")) is not None
    store.sessions.revoke_all("alice")
    assert store.epochs.of("alice") > 0  # read on a new connection, whose data version starts again
    store.close()


def test_a_bug_in_a_piece_of_work_reaches_its_sender_and_nobody_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    gate = threading.Event()
    first = store._database.write(lambda _: gate.wait(10))
    good = store._database.write(lambda sql: sql.execute("INSERT INTO secrets VALUES ('a', x'00')").rowcount)
    bad = store._database.write(lambda _: 1 // 0)
    also = store._database.write(lambda sql: sql.execute("INSERT INTO secrets VALUES ('b', x'00')").rowcount)
    gate.set()
    assert (first.result(), good.result(), also.result()) == (True, 1, 1)
    with pytest.raises(ZeroDivisionError):
        bad.result()
    assert len(store._database.rows("SELECT 1 FROM secrets WHERE name IN ('a', 'b')")) == 2
    store.close()


def test_work_that_nobody_waits_for_any_more_is_not_done(tmp_path: Path) -> None:
    store = Store(tmp_path)
    gate = threading.Event()
    store._database.write(lambda _: gate.wait(10))
    given_up = store._database.write(lambda sql: sql.execute("INSERT INTO secrets VALUES ('a', x'00')"))
    assert given_up.cancel()
    gate.set()
    store.secret("barrier")
    assert store._database.rows("SELECT 1 FROM secrets WHERE name = 'a'") == []
    store.close()


def test_many_writes_share_commits_and_each_has_its_own_result(tmp_path: Path) -> None:
    store = Store(tmp_path)
    futures = [
        store._database.write(
            lambda sql, n=number: sql.execute("INSERT INTO secrets VALUES (?, x'00')", (str(n),)).lastrowid or n
        )
        for number in range(600)
    ]
    assert [bool(future.result() is not None) for future in futures] == [True] * 600
    assert store._database.rows("SELECT count(*) FROM secrets WHERE length(value) = 1") == [(600,)]
    store.close()


def test_a_writer_that_cannot_connect_says_so_each_time() -> None:
    def connect() -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    writer = Writer(connect, database.unavailable)
    for _ in range(2):
        with pytest.raises(DependencyError, match="unable to open"):
            writer.submit(lambda _: None).result()
    writer.close()


def test_a_connection_that_breaks_within_a_write_is_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(DependencyError):
        store._database.write(lambda sql: sql.close()).result()
    store.accounts.add(account(), NOW)
    assert store.accounts.find(FindAccount("alice")) is not None
    store.close()


def test_a_store_that_cannot_be_opened_whole_is_closed_again(tmp_path: Path) -> None:
    Store(tmp_path).close()
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("DROP TABLE secrets")
    other.close()
    before = threading.active_count()
    with pytest.raises(DependencyError, match="no such table"):
        Store(tmp_path)
    assert threading.active_count() == before


def test_a_writer_that_was_never_used_closes(tmp_path: Path) -> None:
    Writer(lambda: database.connect(tmp_path / "x"), database.unavailable).close()


def test_an_idle_look_reads_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.epochs.poll()
    asked: list[str] = []
    real = store._database.rows
    monkeypatch.setattr(store._database, "rows", lambda sql, values=(): asked.append(sql) or real(sql, values))
    assert store.epochs.poll() is False
    assert asked == ["PRAGMA data_version"]
    store.close()


def test_counters_look_by_themselves_where_no_host_polls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Store(tmp_path), Store(tmp_path)
    assert two.relations.check(FindRelation(("alice",), "read", "d:1")) is False
    one.relations.grant(Relation("alice", "read", "d:1"))
    one.revocations.revoke("a", NOW + 60, NOW)
    before = two.epochs.all
    clock = epochs.monotonic()
    monkeypatch.setattr(epochs, "monotonic", lambda: clock + epochs.STALE)
    assert two.epochs.all > before
    assert two.relations.check(FindRelation(("alice",), "read", "d:1")) is True
    one.close()
    two.close()


def test_a_poll_tells_of_what_rose_whoever_looked_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.epochs.poll()
    store.sessions.revoke_all("alice")  # looks by itself
    assert [store.epochs.poll(), store.epochs.poll()] == [True, False]
    asyncio.run(wait(store.sessions.end("nothing", NOW)))
    assert store.epochs.poll() is False
    store.close()


def test_the_counter_of_one_subject_leaves_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.sessions.revoke_all("alice")
    alice = store.epochs.of("alice")
    store.sessions.revoke_all("bob")
    assert store.epochs.of("bob") > alice == store.epochs.of("alice")
    assert store.epochs.of("nobody") == 0
    store.close()
