"""The queue and its thread: nothing waits for it, nothing is lost silently, and whatever fails, it goes on."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
from pathlib import Path

import pytest
from sinks_kit import NOW, Press, item, rows, until, writer

from doorward.core.errors import DependencyError
from doorward.core.settings import LedgerSettings
from doorward.sinks import writer as module
from doorward.sinks.schema import FILE
from doorward.sinks.writer import Waiter, Writer

KEEP = 10**10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_what_was_put_is_on_disk_soon(folder: Path) -> None:
    made = writer(folder)
    put = [item(resource=f"/{n}") for n in range(100)]
    assert all(made.put(each) for each in put)
    until(lambda: made.written == 100)
    assert [each.id for each in rows(folder)] == [each[1] for each in put]
    assert (made.lost, len(made)) == (0, 0)
    made.close()


def test_closing_writes_what_waits(folder: Path) -> None:
    made = writer(folder)
    for _ in range(1000):
        made.put(item())
    made.close()
    assert len(rows(folder)) == 1000


def test_no_thread_and_no_file_before_something_is_to_be_written(folder: Path) -> None:
    made = writer(folder)
    made.close()
    assert not folder.exists()


def test_equal_refusals_beyond_ten_a_second_share_a_row_and_add_up(folder: Path) -> None:
    """A1-50: 1 000 equal ones in a second -> counts add up to 1 000 in few rows."""
    made = writer(folder)
    for n in range(1000):
        made.put(item(at=NOW + n / 1000, key=("203.0.113.7", "settings", "role-missing")))
        if n % 100 == 0:
            until(lambda: len(made._queue) == 0)
    made.close()
    found = rows(folder)
    assert len(found) == 11
    assert sum(each.count for each in found) == 1000
    assert made.written == 1000


def test_a_full_queue_loses_and_counts(folder: Path) -> None:
    made = writer(folder, most=10)
    made._asleep = False  # the thread is not started: nobody empties the queue
    taken = [made.put(item()) for _ in range(15)]
    assert taken.count(False) == 5
    assert made.lost == 5
    made.start()
    made.close()
    assert len(rows(folder)) == 10


def test_after_closing_everything_is_lost_and_counted(folder: Path) -> None:
    made = writer(folder)
    made.put(item())
    made.close()
    assert not made.put(item())
    assert made.lost == 1
    made.start()
    with pytest.raises(DependencyError):
        made.ready()


def test_who_waits_is_told_after_the_commit(folder: Path) -> None:
    async def run() -> int:
        made = writer(folder)
        waiters = [Waiter() for _ in range(20)]
        for waiter in waiters:
            made.put(item(waiter=waiter))
        made.hurry()
        await asyncio.gather(*(waiter.future for waiter in waiters))
        found = len(rows(folder))
        made.close()
        return found

    assert asyncio.run(run()) == 20


def test_who_waits_is_told_when_the_disk_fails_too(folder: Path) -> None:
    """Recording never changes an answer: the reply leaves, and the loss is counted."""
    folder.mkdir()
    (folder / FILE).mkdir()

    async def run() -> None:
        made = writer(folder)
        waiter = Waiter()
        made.put(item(waiter=waiter))
        made.hurry()
        await asyncio.wait_for(waiter.future, 20)
        assert made.down
        made.close()
        assert made.lost == 1

    asyncio.run(run())


def test_a_waiter_that_gave_up_or_whose_loop_is_closed_harms_nobody(folder: Path) -> None:
    async def give_up() -> Waiter:
        waiter = Waiter()
        waiter.future.cancel()
        waiter.release()
        await asyncio.sleep(0)
        return waiter

    asyncio.run(give_up()).release()


def test_what_cannot_be_written_waits_and_is_written_when_the_disk_is_back(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    blocker = folder / FILE
    blocker.mkdir()
    made = writer(folder)
    for _ in range(50):
        made.put(item())
    until(lambda: made.down)
    assert len(made) == 50
    blocker.rmdir()
    until(lambda: made.written == 50)
    made.close()
    assert (made.lost, made.down) == (0, False)
    assert len(rows(folder)) == 50
    assert "cannot be written" in caplog.text
    assert "is written again" in caplog.text


def test_beyond_the_bound_the_oldest_are_lost_counted_and_logged_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    blocker = folder / FILE
    blocker.mkdir()
    made = writer(folder, kept=10)
    put = [item() for _ in range(100)]
    for number, each in enumerate(put):
        made.put(each)
        if number % 20 == 19:
            until(lambda: not made._queue)
    until(lambda: made.lost == 90)
    blocker.rmdir()
    until(lambda: made.written == 10)
    made.close()
    assert [each.id for each in rows(folder)] == [each[1] for each in put[-10:]]
    assert sum("could not be recorded" in record.message for record in caplog.records) == 1
    assert sum("cannot be written" in record.message for record in caplog.records) == 1


def test_refusals_counted_for_a_lost_row_begin_another(folder: Path) -> None:
    folder.mkdir()
    blocker = folder / FILE
    blocker.mkdir()
    made = writer(folder, kept=1)
    for n in range(40):
        made.put(item(at=NOW + n / 1000, key="k"))
    until(lambda: made.lost > 0 and not made._queue)
    blocker.rmdir()
    until(lambda: not made.down)
    for n in range(40):
        made.put(item(at=NOW + 0.5 + n / 1000, key="k"))
    made.close()
    assert sum(each.count for each in rows(folder)) + made.lost == 80
    assert made.lost < 80


def test_refusals_whose_counted_row_was_deleted_are_lost_and_the_next_begin_another(folder: Path) -> None:
    made = writer(folder)
    for n in range(20):
        made.put(item(at=NOW + n / 1000, key="k"))
    until(lambda: made.written == 20)
    with sqlite3.connect(folder / FILE) as db:
        db.execute("DELETE FROM event")
    db.close()
    made.put(item(at=NOW + 0.5, key="k"))
    until(lambda: made.lost == 1)
    for n in range(20):
        made.put(item(at=NOW + 0.6 + n / 1000, key="k"))
    made.close()
    assert sum(each.count for each in rows(folder)) == 20
    assert made.lost == 1


def test_one_refusal_that_cannot_be_told_costs_no_other(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = writer(folder)
    for key in ("broken", None, "broken", None):
        made.put(item(key=key))
    made.close()
    assert (made.lost, len(rows(folder))) == (2, 2)
    assert sum("could not be put into words" in record.message for record in caplog.records) == 1


def test_rows_the_database_refuses_are_dropped_and_not_tried_for_ever(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = writer(folder)
    made.put(item(rule=None))
    until(lambda: made.lost == 1)
    made.put(item())
    made.close()
    assert len(rows(folder)) == 1
    assert not made.down
    assert "does not take" in caplog.text


def test_a_bug_in_the_thread_is_logged_and_the_thread_lives(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = [LedgerSettings(retention=KEEP)]

    def broken() -> LedgerSettings:
        return settings[0]

    made = Writer(folder, Press(), broken)
    made.put(item())
    until(lambda: made.written == 1)
    right = settings.pop()
    made.put(item())
    until(lambda: "a bug in the ledger's writer" in caplog.text)
    settings.append(right)
    made.put(item())
    made.close()
    assert len(rows(folder)) == 3


def test_ready_says_no_while_the_disk_says_no(folder: Path) -> None:
    folder.mkdir()
    blocker = folder / FILE
    blocker.mkdir()
    made = writer(folder)
    with pytest.raises(DependencyError) as caught:
        made.ready()
    assert caught.value.name == "ledger"
    blocker.rmdir()
    until(lambda: not made.down)
    made.ready()
    made.close()


def test_ready_says_no_while_the_queue_is_full(folder: Path) -> None:
    made = writer(folder, most=1)
    made.start()
    made.ready()
    made._queue.append(item())
    with pytest.raises(DependencyError):
        made.ready()
    made.close()


def test_a_file_that_is_no_database_is_down_and_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(b"letter" * 1000)
    made = writer(folder)
    made.put(item())
    until(lambda: made.down)
    made.close()
    assert made.lost == 1
    assert "not a database" in caplog.text


def test_lines_go_to_the_file_of_the_policy_in_force(folder: Path) -> None:
    settings = [LedgerSettings(retention=KEEP, jsonl=str(folder / "one.jsonl"))]
    made = Writer(folder, Press(), lambda: settings[0])
    made.put(item(resource="/one"))
    until(lambda: made.written == 1)
    settings[0] = LedgerSettings(retention=KEEP, jsonl=str(folder / "two.jsonl"))
    made.put(item(resource="/two"))
    until(lambda: made.written == 2)
    settings[0] = LedgerSettings(retention=KEEP)
    made.put(item(resource="/three"))
    made.close()
    for name in ("one", "two"):
        (line,) = (folder / f"{name}.jsonl").read_text().splitlines()
        assert json.loads(line)["path"] == f"/{name}"


def test_a_lines_file_that_fails_costs_the_ledger_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.mkdir()
    made = writer(folder, LedgerSettings(retention=KEEP, jsonl=str(folder)))
    made.put(item())
    until(lambda: made.written == 1)
    made.put(item())
    made.close()
    assert (made.lines_lost, made.lost) == (2, 0)
    assert sum("are missing there" in record.message for record in caplog.records) == 1


def test_lines_are_closed_with_the_writer(folder: Path) -> None:
    made = writer(folder, LedgerSettings(retention=KEEP, jsonl=str(folder / "x.jsonl")))
    made.put(item())
    made.close()
    assert made._lines is not None
    assert made._lines._handle == -1


def test_old_rows_are_tidied_by_the_thread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIDY", 0.0)
    made = writer(folder, LedgerSettings(retention=1))
    made.put(item())
    until(lambda: made.written == 1)
    made.put(item())
    made.close()
    assert rows(folder) == []


def test_a_failure_while_tidying_is_a_failure_of_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = writer(folder)

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(made.ledger, "tidy", full)
    made.put(item())
    until(lambda: made.down)
    monkeypatch.undo()
    until(lambda: not made.down)
    made.close()


def test_starting_twice_starts_one_thread(folder: Path) -> None:
    made = writer(folder)
    made.start()
    made.start()
    assert sum(thread.name == "doorward-ledger" for thread in threading.enumerate()) == 1
    made.close()


def test_the_same_trouble_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    made = writer(tmp_path)
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            made._say("down", "trouble %s", 1)
        made._said["down"] -= 61
        made._say("down", "trouble %s", 2)
    assert [record.message for record in caplog.records] == ["trouble 1", "trouble 2"]
