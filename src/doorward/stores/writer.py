"""The thread that writes: takes all work that has gathered, and commits it at once.

If one piece of a batch fails, the batch is undone and each piece gets a transaction of its own, so that nobody fails
for somebody else's fault. Rule: no table is known here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from doorward.core.errors import DependencyError

T = TypeVar("T")
_BATCH = 256


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    future: Future[Any]
    result: Any = None


class Writer:
    """One thread, started by the first write. connect: opens a connection; unavailable: translates its errors."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], unavailable: Callable[[sqlite3.Error], DependencyError]
    ) -> None:
        self._connect, self._unavailable = connect, unavailable
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._lock = Lock()
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue work. Never raises: a closed writer answers through the future."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.set_exception(self._unavailable(sqlite3.ProgrammingError("the store is closed")))
                return future
            if self._thread is None:
                self._thread = Thread(target=self._run, name="store-writer", daemon=True)
                self._thread.start()
            self._queue.put(_Job(work, future))
        return future

    def close(self) -> None:
        """Do what is queued, then end the thread."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        open_ = True
        while open_:
            jobs: list[_Job] = []
            open_ = self._gather(jobs)
            live = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if live:
                self._do(live)
        self._disconnect()

    def _gather(self, jobs: list[_Job]) -> bool:
        """Wait for one job, take what else is there. Returns: whether to go on afterwards."""
        job = self._queue.get()
        try:
            while job is not None:
                jobs.append(job)
                if len(jobs) == _BATCH:
                    return True
                job = self._queue.get_nowait()
        except Empty:
            return True
        return False

    def _do(self, jobs: list[_Job]) -> None:
        try:
            connection = self._begin()
        except sqlite3.Error as error:  # nobody's own fault: full, read-only, or held by another process for too long
            self._fail(jobs, error)
            return
        try:
            _commit(connection, jobs)
        except BaseException as error:  # noqa: BLE001 - whatever a piece of work raises belongs to whoever sent it
            self._undo(connection)
            if len(jobs) == 1:
                self._fail(jobs, error)
                return
            for job in jobs:
                self._do([job])
        else:
            for job in jobs:
                job.future.set_result(job.result)

    def _begin(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def _undo(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()

    def _fail(self, jobs: list[_Job], error: BaseException) -> None:
        """Tell each sender. After a fault of the database the next batch begins on a fresh connection."""
        if isinstance(error, sqlite3.Error):
            self._disconnect()
        for job in jobs:
            job.future.set_exception(self._unavailable(error) if isinstance(error, sqlite3.Error) else error)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _commit(connection: sqlite3.Connection, jobs: list[_Job]) -> None:
    for job in jobs:
        job.result = job.work(connection)
    connection.execute("COMMIT")
