"""The tables of ledger.db. `resource` holds the real path, of masked rules too: whoever reads the file may see it.

Rule: columns are added at the end, never renamed; `user_version` says how many steps were taken.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from doorward.ledger.event import AuditEvent

FILE = "ledger.db"
STEPS = (
    """
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL, at REAL NOT NULL, until REAL NOT NULL, count INTEGER NOT NULL,
        verdict TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, code TEXT NOT NULL, truth TEXT NOT NULL,
        rule TEXT NOT NULL, required TEXT NOT NULL,
        subject TEXT NOT NULL, issuer TEXT NOT NULL, name TEXT NOT NULL, claimed TEXT NOT NULL,
        scheme TEXT NOT NULL, address TEXT NOT NULL,
        method TEXT NOT NULL, resource TEXT NOT NULL, masked INTEGER NOT NULL,
        version TEXT NOT NULL, step TEXT NOT NULL, notes TEXT NOT NULL, facts TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_id ON event (id);
    CREATE INDEX event_at ON event (at);
    CREATE INDEX event_nobody ON event (seq) WHERE subject = '';
    CREATE TABLE day_key (day INTEGER PRIMARY KEY, secret BLOB NOT NULL) STRICT;
    """,
)
COLUMNS = (
    "id",
    "at",
    "until",
    "count",
    "verdict",
    "status",
    "reason",
    "code",
    "truth",
    "rule",
    "required",
    "subject",
    "issuer",
    "name",
    "claimed",
    "scheme",
    "address",
    "method",
    "resource",
    "masked",
    "version",
    "step",
    "notes",
    "facts",
)
INSERT = f"INSERT INTO event ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our names


def prepare(db: sqlite3.Connection) -> None:
    """Bring the tables up to date; safe when two processes start at once. Raises sqlite3.Error."""
    if _version(db) >= len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for number in range(_version(db), len(STEPS)):
            for statement in STEPS[number].split(";"):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except sqlite3.Error:
        db.rollback()
        raise


def _version(db: sqlite3.Connection) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def to_row(event: AuditEvent) -> tuple[Any, ...]:
    """An event as values in the order of COLUMNS."""
    values = {name: getattr(event, name) for name in COLUMNS}
    values["until"] = event.until or event.at
    values["masked"] = int(event.masked)
    values["notes"] = " ".join(event.notes)
    values["facts"] = json.dumps(dict(event.facts), separators=(",", ":"))
    return tuple(values.values())


def from_row(row: tuple[Any, ...]) -> AuditEvent:
    """Values in the order of COLUMNS as an event."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["masked"] = bool(values["masked"])
    values["notes"] = tuple(values["notes"].split())
    values["facts"] = json.loads(values["facts"])
    return AuditEvent(**values)
