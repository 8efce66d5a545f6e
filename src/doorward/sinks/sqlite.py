"""The ledger proper: ledger.db in the data folder.

What `write` has returned from is on disk: one transaction, WAL, fsync at each commit. Old rows go by age; over the size
that was allowed the oldest anonymous rows go first. Rule: one thread writes; readers have connections of their own.
Source: answers.md C12, G4; architecture.md 3.3.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from doorward.sinks.batch import Batch
from doorward.sinks.schema import FILE, INSERT, STEPS, prepare, to_row

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_WAIT = 2.0
_CHUNK = 5_000
_ROOMY = 0.9
_WAL_KEPT = 4 << 20
_KEY_BYTES = 32


def connect(path: Path) -> sqlite3.Connection:
    """Open the ledger for writing, made if need be, readable by its owner only. Raises sqlite3.Error, OSError."""
    path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    # Made by us first, so that it is never open to others, not even for a moment; WAL files inherit its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE))
    db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        # With FULL the commit returns after fsync of the WAL: what was acknowledged survives a power cut.
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT}")
        db.execute("PRAGMA secure_delete = FAST")
        prepare(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


class SqliteLedger:
    """Writes ledger.db. Opened at the first use and again after a failure."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._db: sqlite3.Connection | None = None
        self._keys: dict[int, bytes] = {}

    def open(self) -> sqlite3.Connection:
        """The connection. Raises sqlite3.Error, OSError."""
        if self._db is None:
            self._db = connect(self.path)
        return self._db

    def write(self, batch: Batch) -> int:
        """Put a batch on disk, all of it or nothing; an empty one shows whether the disk takes anything at all.

        Returns: refusals that found no counted row any more. Raises sqlite3.Error, OSError.
        """
        db = self.open()
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"PRAGMA user_version = {len(STEPS)}")
            db.executemany(INSERT, map(to_row, batch.rows))
            missing = sum(seen for row, (seen, last) in batch.more.items() if not _grow(db, row, seen, last))
            db.execute("COMMIT")
        except (sqlite3.Error, OSError):
            # After an I/O error the connection's view of the file is not to be trusted.
            self.close()
            raise
        return missing

    def day_key(self, day: int) -> bytes:
        """The secret under which addresses of a day are kept; older ones are destroyed. Raises sqlite3.Error, OSError.

        day: since the epoch. Kept in the file, so that a restart does not make two people of one.
        """
        known = self._keys.get(day)
        if known is None:
            db = self.open()
            fresh = secrets.token_bytes(_KEY_BYTES)
            db.execute("INSERT OR IGNORE INTO day_key (day, secret) VALUES (?, ?)", (day, fresh))
            # Yesterday's is kept for requests that began before midnight.
            db.execute("DELETE FROM day_key WHERE day < ?", (day - 1,))
            (known,) = db.execute("SELECT secret FROM day_key WHERE day = ?", (day,)).fetchone()
            self._keys = {day: known}
        return known

    def tidy(self, now: float, retention: int, max_size: int) -> int:
        """Delete what is too old, then, while the file is too large, the oldest rows, anonymous ones first.

        now: seconds since the epoch; retention: seconds; max_size: bytes.
        Returns: rows deleted. Raises sqlite3.Error, OSError.
        """
        db = self.open()
        gone = 0
        while more := _delete(db, "at < ? ORDER BY at", _CHUNK, now - retention):
            gone += more
        if self.size() > max_size:
            while (most := self._surplus(max_size)) and (more := _oldest(db, most)):
                gone += more
        if gone:
            # `execute` takes one step of it, which frees one page; only a script is run to its end.
            db.executescript("PRAGMA incremental_vacuum")
        return gone

    def _surplus(self, max_size: int) -> int:
        """How many rows have to go until a tenth is free again; at most a chunk."""
        share = 1 - _ROOMY * max_size / max(1, self.size())
        (rows,) = self.open().execute("SELECT count(*) FROM event").fetchone()
        return min(_CHUNK, max(1, int(rows * share))) if share > 0 else 0

    def size(self) -> int:
        """Bytes in use: pages with content, and what waits in the WAL."""
        db = self.open()
        pages, free, each = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        used: int = (pages - free) * each
        return used

    def close(self) -> None:
        """Close the connection. Never raises."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()


def _grow(db: sqlite3.Connection, row: str, seen: int, last: float) -> int:
    grown = "UPDATE event SET count = count + ?, until = max(until, ?) WHERE id = ?"
    return db.execute(grown, (seen, last, row)).rowcount


def _oldest(db: sqlite3.Connection, most: int) -> int:
    return _delete(db, "subject = '' ORDER BY seq", most) or _delete(db, "subject <> '' ORDER BY seq", most)


def _delete(db: sqlite3.Connection, which: str, most: int, *values: float) -> int:
    """Delete the first rows of a selection; `most` of them, because a long delete would keep the queue waiting."""
    found = f"SELECT seq FROM event WHERE {which} LIMIT {most}"  # noqa: S608 - our own words
    return db.execute(f"DELETE FROM event WHERE seq IN ({found})", values).rowcount  # noqa: S608 - our own words


def erase(folder: Path, subject: str) -> int:
    """Forget whom rows were about (GDPR 17): the refusals stay counted, the person goes. Returns: rows changed.

    Raises sqlite3.Error, OSError.
    """
    path = folder / FILE
    if not path.exists():
        return 0
    with closing(connect(path)) as db:
        words = "subject = '', issuer = '', name = '', claimed = '', facts = '{}'"
        return db.execute(f"UPDATE event SET {words} WHERE ? IN (subject, claimed)", (subject,)).rowcount  # noqa: S608 - our own words
