"""The one thread that writes: a bounded queue in front, every sink behind.

    writer = Writer(folder, press, settings)
    writer.put((at, request_id, None, …))          # about a microsecond; False when the queue is full

What has gathered in 50 ms becomes one transaction. Loss on a crash: at most those 50 ms and the running commit. While
the ledger cannot be written rows wait, up to a bound, and it is tried again; what is lost is counted and logged.
Rule: whoever decides never waits here, unless `mode = "sync"` says so. Source: architecture.md 3.3.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Protocol

from doorward.core.errors import DependencyError
from doorward.core.settings import LedgerSettings
from doorward.ledger.event import AuditEvent
from doorward.ledger.fold import Fold
from doorward.sinks.batch import Batch
from doorward.sinks.jsonl import JsonLines
from doorward.sinks.sqlite import SqliteLedger

Item = tuple[Any, ...]
"""(time, request id, who waits or None, … whatever the press understands)."""
QUEUE = 16_384
KEPT = 4_096
PERIOD = 0.05
RETRY = 0.5
QUIET = 60.0
IDLE = 1.0
TIDY = 5.0
_CLOSING = 5.0
_LOG = logging.getLogger("doorward.ledger")
# Faults of a row, not of the disk: trying again would fail for ever.
_POISON = (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError, sqlite3.IntegrityError)


class Press(Protocol):
    """Makes events of what stands in the queue; called by the writer thread."""

    def key(self, item: Item) -> Hashable:
        """What makes refusals equal; None: never folded."""

    def event(self, item: Item, day_key: Callable[[int], bytes]) -> AuditEvent:
        """The event. day_key: see `ledger.mask`."""


class Waiter:
    """Somebody who waits for a commit: a future of an event loop."""

    __slots__ = ("_loop", "future")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self._loop.create_future()

    def release(self) -> None:
        """Wake it, from any thread. Never raises."""
        try:
            self._loop.call_soon_threadsafe(self._done)
        except RuntimeError:  # the loop is closed; nobody waits any more
            return

    def _done(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class Writer:
    """Queue and thread. settings: `[ledger]` in force; most: length of the queue; kept: rows that wait for the disk.

    written: refusals on disk; down: the ledger cannot be written at the moment.
    """

    def __init__(
        self,
        folder: Path,
        press: Press,
        settings: Callable[[], LedgerSettings],
        *,
        most: int = QUEUE,
        kept: int = KEPT,
    ) -> None:
        self.ledger = SqliteLedger(folder)
        self._press, self._settings = press, settings
        self._most, self._kept = most, kept
        self._queue: deque[Item] = deque()
        self._fold = Fold()
        self._pending = Batch()
        self._lines: JsonLines | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._asleep, self._closing = True, False
        self._overflow = self._dropped = 0
        self.lines_lost = self.written = 0
        self.down = False
        self._retry_at = self._tidy_at = 0.0
        self._said: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._queue) + self._pending.size

    @property
    def lost(self) -> int:
        """Refusals that are in no row of the ledger."""
        return self._overflow + self._dropped

    def put(self, item: Item) -> bool:
        """Hand over one item. Returns: False when it is lost. Never waits, never raises."""
        if len(self._queue) >= self._most or self._closing:
            self._overflow += 1
            return False
        self._queue.append(item)
        if self._asleep:
            self._rouse()
        return True

    def hurry(self) -> None:
        """Write at once: somebody waits."""
        self._hurry.set()

    def ready(self) -> None:
        """Raise DependencyError("ledger") when what is decided now could not be recorded."""
        if self._thread is None:
            self._open()
            self.start()
        if self.down or self._closing or len(self._queue) >= self._most:
            raise DependencyError("ledger", hint="See the log of doorward.ledger.")

    def start(self) -> None:
        """Start the thread, if that was not done."""
        with self._starting:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="doorward-ledger", daemon=True)
                self._thread.start()

    def _open(self) -> None:
        try:
            self.ledger.open()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def close(self) -> None:
        """Write what waits and end the thread. What cannot be written is counted and logged as lost."""
        self._closing = True
        thread = self._thread
        if thread is not None:
            self._wake.set()
            self._hurry.set()
            thread.join(_CLOSING)

    def _rouse(self) -> None:
        self._asleep = False
        if self._thread is None:
            self.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._closing:
            self._sleep()
            self._round()
        self._round()
        if self._pending.size:
            self._drop(0)
            self._say("lost", "%d refusals were not recorded: the ledger could not be written", self.lost)
        self.ledger.close()
        if self._lines is not None:
            self._lines.close()

    def _sleep(self) -> None:
        """Until something came and 50 ms were given to more of it, or somebody waits."""
        self._asleep = True
        if not self._queue and not self._closing:
            self._wake.wait(RETRY if self.down else IDLE)
        self._wake.clear()
        self._asleep = False
        if self._queue:
            self._hurry.wait(PERIOD)
        self._hurry.clear()

    def _round(self) -> None:
        """One turn: take what is there, write, tell who waits. Whatever goes wrong, the thread lives."""
        waiters: list[Waiter] = []
        try:
            batch = self._gather(waiters)
            self._pending.join(batch)
            self._to_ledger()
            self._to_lines(batch)
            self._tidy()
        except Exception:  # noqa: BLE001 - the last resort of a thread: without it nothing would be recorded any more
            _LOG.exception("a bug in the ledger's writer")
            self._drop(0)
        for waiter in waiters:
            waiter.release()

    def _gather(self, waiters: list[Waiter]) -> Batch:
        batch = Batch()
        for _ in range(len(self._queue)):
            item = self._queue.popleft()
            if item[2] is not None:
                waiters.append(item[2])
            try:
                self._place(batch, item)
            except Exception:  # noqa: BLE001 - one refusal that cannot be told must not cost the others
                self._dropped += 1
                self._say("bug", "a refusal could not be put into words", exc=True)
        return batch

    def _place(self, batch: Batch, item: Item) -> None:
        at, request_id = item[0], item[1]
        key = self._press.key(item)
        row = self._fold.place(key, at, request_id) if key is not None else ""
        if row and row != request_id:
            batch.count(row, at)
        else:
            batch.add(self._press.event(item, self.ledger.day_key))

    def _to_ledger(self) -> None:
        now = time.monotonic()
        if self.down and now < self._retry_at and not self._closing:
            self._drop(self._kept)
            return
        if not self._pending.size and not self.down:
            return
        try:
            missing = self.ledger.write(self._pending)
        except _POISON:
            self._drop(0)
            self._say("bug", "rows that the ledger does not take", exc=True)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            self._drop(self._kept)
        else:
            self._written(missing)

    def _written(self, missing: int) -> None:
        self.written += self._pending.size - missing
        self._pending = Batch()
        if missing:  # the row that counted them was deleted meanwhile; the next refusal begins another
            self._dropped += missing
            self._fold = Fold()
        if self.down:
            self.down = False
            self._said.clear()
            _LOG.warning("the ledger is written again; %d refusals were not recorded so far", self.lost)

    def _failed(self, error: Exception) -> None:
        self.down, self._retry_at = True, time.monotonic() + RETRY
        self._say(
            "down",
            "the ledger cannot be written: %s; decisions go on, %d refusals wait, %d are lost",
            error,
            len(self),
            self.lost,
        )

    def _drop(self, keep: int) -> None:
        """Give up the oldest of what waits until `keep` rows are left, and count the loss."""
        lost = self._pending.shed(keep)
        if lost:
            self._dropped += lost
            self._fold = Fold()  # no later refusal may be counted in a row that is gone
            self._say("lost", "%d refusals could not be recorded so far", self.lost)

    def _to_lines(self, batch: Batch) -> None:
        named = self._settings().jsonl
        path = Path(named)
        if self._lines is not None and (not named or self._lines.path != path):
            self._lines.close()
            self._lines = None
        if not named or not batch.size:
            return
        self._lines = self._lines or JsonLines(path)
        try:
            self._lines.write(batch)
        except OSError as error:
            self.lines_lost += batch.size
            self._say("lines", "%s cannot be written: %s; %d refusals are missing there", path, error, self.lines_lost)

    def _tidy(self) -> None:
        now = time.monotonic()
        if now < self._tidy_at or self.down:
            return
        self._tidy_at = now + TIDY
        settings = self._settings()
        try:
            self.ledger.tidy(time.time(), settings.retention, settings.max_size)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def _say(self, kind: str, text: str, *values: object, exc: bool = False) -> None:
        """Log, but the same kind of trouble not more than once a minute."""
        now = time.monotonic()
        if now - self._said.get(kind, -QUIET) >= QUIET:
            self._said[kind] = now
            _LOG.error(text, *values, exc_info=exc)
