"""ledger.db: what is acknowledged is on disk, what is old goes, and only its owner reads it."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from sinks_kit import NOW, batch, event, rows

from doorward.sinks.schema import FILE, INSERT, to_row
from doorward.sinks.sqlite import SqliteLedger, connect, erase

FOREVER = 10**10


@pytest.fixture
def ledger(tmp_path: Path):
    made = SqliteLedger(tmp_path)
    yield made
    made.close()


def test_an_event_comes_back_as_it_was(ledger: SqliteLedger, tmp_path: Path) -> None:
    one = event(
        until=NOW,
        truth="not-owner",
        issuer="local",
        claimed="7",
        masked=True,
        notes=("ignored_bad_credentials", "x"),
        facts={"roles": ["a"], "auth_time": 1.5, "local": True},
    )
    ledger.write(batch(one))
    assert rows(tmp_path) == [one]


def test_the_file_is_its_owners_alone(ledger: SqliteLedger, tmp_path: Path) -> None:
    ledger.write(batch(event()))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert FILE in modes


def test_a_folder_that_is_missing_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "a" / "b")
    ledger.write(batch(event()))
    ledger.close()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_commit_waits_for_the_disk_and_readers_are_not_disturbed(ledger: SqliteLedger) -> None:
    db = ledger.open()
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_counted_row_grows(ledger: SqliteLedger, tmp_path: Path) -> None:
    one = event()
    ledger.write(batch(one))
    more = batch()
    for late in (1.0, 3.0, 2.0):
        more.count(one.id, NOW + late)
    assert ledger.write(more) == 0
    (found,) = rows(tmp_path)
    assert (found.count, found.until) == (4, NOW + 3)


def test_refusals_for_a_row_that_is_gone_are_told(ledger: SqliteLedger) -> None:
    more = batch()
    more.count("no such row", NOW)
    more.count("no such row", NOW)
    assert ledger.write(more) == 2


def test_a_batch_is_written_whole_or_not_at_all(ledger: SqliteLedger, tmp_path: Path) -> None:
    bad = replace(event(), rule=None)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.write(batch(event(), bad))
    assert rows(tmp_path) == []
    ledger.write(batch(event()))
    assert len(rows(tmp_path)) == 1


def test_rows_beyond_their_time_go(ledger: SqliteLedger, tmp_path: Path) -> None:
    """G4."""
    ledger.write(batch(event(at=NOW - 100), event(at=NOW - 99, subject=""), event(at=NOW)))
    assert ledger.tidy(NOW, 50, 1 << 30) == 2
    assert [each.at for each in rows(tmp_path)] == [NOW]
    assert ledger.tidy(NOW, 50, 1 << 30) == 0


def test_over_the_size_the_oldest_anonymous_rows_go_first(ledger: SqliteLedger, tmp_path: Path) -> None:
    """C12."""
    filling = {"facts": {"filling": "x" * 900}}
    ledger.write(batch(*(event(at=NOW + n, **filling) for n in range(50))))
    for start in range(0, 6_000, 1_000):
        ledger.write(batch(*(event(at=NOW + 100 + start + n, subject="", name="", **filling) for n in range(1_000))))
    gone = ledger.tidy(NOW, FOREVER, 3 << 20)
    left = rows(tmp_path)
    assert gone == 6_050 - len(left)
    assert sum(1 for each in left if each.subject) == 50
    anonymous = [each.at for each in left if not each.subject]
    assert anonymous[-1] == NOW + 6_099
    assert anonymous == sorted(anonymous)
    assert ledger.size() <= 3 << 20


def test_when_nobody_anonymous_is_left_the_oldest_go(ledger: SqliteLedger, tmp_path: Path) -> None:
    filling = {"facts": {"filling": "x" * 900}}
    ledger.write(batch(*(event(at=NOW + n, **filling) for n in range(4_000))))
    assert ledger.tidy(NOW, FOREVER, 1 << 20) >= 2_000
    assert rows(tmp_path)[-1].at == NOW + 3_999
    assert ledger.tidy(NOW, FOREVER, 1) > 0
    assert rows(tmp_path) == []


def test_the_file_itself_shrinks(ledger: SqliteLedger, tmp_path: Path) -> None:
    ledger.write(batch(*(event(at=NOW + n, facts={"filling": "x" * 900}) for n in range(4_000))))
    ledger.open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = (tmp_path / FILE).stat().st_size
    ledger.tidy(NOW + 10_000, 1, 1 << 30)
    ledger.open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert (tmp_path / FILE).stat().st_size < before / 2


def test_the_secret_of_a_day_outlives_a_restart_and_dies_with_the_day(tmp_path: Path) -> None:
    """G2: at least 256 bits."""
    first = SqliteLedger(tmp_path)
    key = first.day_key(20_000)
    assert first.day_key(20_000) is key
    first.close()
    again = SqliteLedger(tmp_path)
    assert again.day_key(20_000) == key
    assert len(key) >= 32
    assert again.day_key(20_001) != key
    assert again.day_key(20_002) != key
    days = [day for (day,) in again.open().execute("SELECT day FROM day_key ORDER BY day")]
    again.close()
    assert days == [20_001, 20_002]


def test_a_person_is_forgotten_and_the_count_stays(ledger: SqliteLedger, tmp_path: Path) -> None:
    """G4: GDPR 17."""
    ledger.write(batch(event(facts={"roles": ["vip"]}), event(subject="", name="", claimed="13"), event(subject="14")))
    assert erase(tmp_path, "13") == 2
    assert [(each.subject, each.claimed) for each in rows(tmp_path)] == [("", ""), ("", ""), ("14", "")]
    assert rows(tmp_path)[0].facts == {}
    assert erase(tmp_path, "nobody") == 0
    assert erase(tmp_path / "elsewhere", "13") == 0


def test_two_processes_may_start_at_once(tmp_path: Path) -> None:
    failures: list[Exception] = []

    def start() -> None:
        try:
            connect(tmp_path / FILE).close()
        except sqlite3.Error as error:
            failures.append(error)

    threads = [Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_file_that_is_no_database_is_reported_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but somebody's letter" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteLedger(tmp_path).open()
    assert (tmp_path / FILE).read_bytes().startswith(b"not a database")


def test_a_step_of_the_schema_that_fails_leaves_no_half(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        db.execute("CREATE TABLE day_key (day INTEGER)")
    with pytest.raises(sqlite3.OperationalError):
        SqliteLedger(tmp_path).open()
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        assert db.execute("SELECT name FROM sqlite_master WHERE name = 'event'").fetchall() == []


def test_after_a_failure_the_file_is_opened_anew(ledger: SqliteLedger, tmp_path: Path) -> None:
    ledger.write(batch(event()))
    before = ledger.open()
    before.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        ledger.write(batch(event()))
    ledger.write(batch(event()))
    assert ledger.open() is not before
    assert len(rows(tmp_path)) == 2


def test_closing_twice_is_fine(ledger: SqliteLedger) -> None:
    ledger.open()
    ledger.close()
    ledger.close()


def test_the_columns_are_those_of_the_event() -> None:
    assert len(to_row(event())) == INSERT.count("?")
    assert os.fspath(FILE) == "ledger.db"
