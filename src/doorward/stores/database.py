"""One SQLite file: reads inline on the caller's thread, one thread that writes, many writes in one commit.

    database = Database.open(folder / "doorward.db")
    rows = database.rows("SELECT name FROM accounts WHERE subject = ?", (subject,))
    database.write(lambda sql: sql.execute("DELETE FROM accounts WHERE subject = ?", (subject,))).result()

A write is acknowledged when its transaction is on disk (WAL, synchronous = FULL), so a killed process loses nothing it
said it had. What cannot be read or written is DependencyError("store") for that question alone; the next one is tried
on a fresh connection, so that the store comes back by itself when there is room again.
Rule: no table is known here. Source: architecture.md 5.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from doorward.core.errors import ConfigError, DependencyError
from doorward.stores.schema import CURRENT, STEPS
from doorward.stores.writer import Writer

T = TypeVar("T")
Row = tuple[Any, ...]
BUSY = 5.0
"""Seconds that a writer waits for another process's commit."""
READ_BUSY = 0.25
"""Seconds that a reader waits, on the caller's thread: readers wait for nobody but a process that repairs the log."""


def unavailable(error: sqlite3.Error) -> DependencyError:
    """What the rest of the program hears of a database error. The text of SQLite names no value."""
    return DependencyError("store", hint=f"SQLite says: {error}.")


class Database:
    """An open file. Reads come from one connection, writes go through one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = 0  # rises when the reading connection is a new one: `PRAGMA data_version` starts again then
        self._reader: sqlite3.Connection | None = None
        self._closed = False
        self._writer = Writer(lambda: connect(path), unavailable)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Make the file if need be, and bring its tables up to date. Raises ConfigError, DependencyError("store")."""
        _make_file(path)
        try:
            migrate(path)
        except sqlite3.DatabaseError as error:
            if _is_foreign(error):
                raise ConfigError(
                    f"{path} is not a database of doorward.", hint="Move it away, or name another folder: --data."
                ) from error
            raise unavailable(error) from error
        return cls(path)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Read all rows. Raises DependencyError("store")."""
        try:
            return (self._reader or self._read()).execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._drop_reader()
            raise unavailable(error) from error
        except UnicodeEncodeError:
            return []  # half a surrogate pair cannot be stored, so no row has it

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Read one row, or None. Raises DependencyError("store")."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def write(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Hand work to the writing thread. It may run twice, so it must do nothing but SQL on its argument.

        Returns: a future that is done when the work is on disk. It fails with DependencyError("store"), or with what
        the work itself raised; then none of it was done.
        """
        return self._writer.submit(work)

    def close(self) -> None:
        """Write what waits, then close."""
        self._writer.close()
        self._closed = True
        self._drop_reader()

    def _read(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.ProgrammingError("the store is closed")
        reader = connect(self.path, READ_BUSY)
        reader.execute("PRAGMA query_only = ON")
        self._reader = reader
        self.opened += 1
        return reader

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def connect(path: Path, busy: float = BUSY) -> sqlite3.Connection:
    """A connection in the house's way: no hidden transactions, WAL, a commit is on disk when it returns."""
    # The reader may be asked from any thread: SQLite itself is built serialised.
    connection = sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def migrate(path: Path) -> None:
    """Take the steps that this file has not seen. Two processes that start at once take them one after the other."""
    connection = connect(path)
    try:
        _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        done = _version(connection)
        if done > CURRENT:
            raise ConfigError(
                f"{path} was written by a newer doorward (schema {done}, this one knows {CURRENT}).",
                hint="Update doorward, or name another folder: --data.",
            )
        if done < CURRENT:
            _take_steps(connection)
    finally:
        connection.close()


def _take_steps(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[_version(connection) :]:  # read again: another process may have been first
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {CURRENT}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _patiently(work: Callable[[], object]) -> None:
    """Do it again while another process holds the file: switching to WAL does not wait by itself."""
    end = time.monotonic() + BUSY
    while True:
        try:
            work()
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _make_file(path: Path) -> None:
    """Nobody but the owner reads it: SQLite gives the log beside it the same rights."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be used: {error.strerror}.", hint="Name another folder: --data or DOORWARD_DATA."
        ) from error


def _is_foreign(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _code(error: sqlite3.Error) -> int:
    """The primary code: extended ones carry more in their upper bits; 0 for what the module itself raised."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
