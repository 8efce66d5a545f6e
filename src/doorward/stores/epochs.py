"""Counters that rise with every revocation, written in the same transaction as what they revoke.

    def work(sql):
        sql.execute("UPDATE sessions SET ended = 'revoked' WHERE subject = ?", (subject,))
        raise_epoch(sql, subject)

All counters share one sequence, so that what changed since the last look is one range of one index; an idle look reads
`PRAGMA data_version` and nothing else. Source: architecture.md 3.2, 6; answers.md J17.
Rule: a look never blocks on a writer and is never older than `STALE`, whether or not the host polls.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from doorward.core.errors import ConfigError, DependencyError
from doorward.stores.database import Database

T = TypeVar("T")
EVERYONE = ""
RELATIONS = " relations"
"""No subject begins with a blank."""
STALE = 0.75
"""Seconds. A host that polls every half second never meets it."""

_RAISE = """INSERT INTO epochs (subject, value) SELECT ?, coalesce(max(value), 0) + 1 FROM epochs WHERE true
    ON CONFLICT (subject) DO UPDATE SET value = excluded.value"""


def raise_epoch(sql: sqlite3.Connection, subject: str = EVERYONE) -> None:
    """Make every cache forget a subject, or everyone. To be called within the transaction that revokes."""
    sql.execute(_RAISE, (subject,))


class Epochs:
    """The counters as this process knows them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values: dict[str, int] = {}
        self._seen: tuple[int, int] = (0, 0)
        self._highest = 0
        self._next = 0.0
        self._rose = False
        self.poll()

    @property
    def all(self) -> int:
        """The counter of everyone."""
        self._catch_up()
        return self._values.get(EVERYONE, 0)

    @property
    def seen(self) -> int:
        """The highest counter so far: what was read before it rose further is older than what raised it."""
        return self._highest

    @property
    def relations(self) -> int:
        """The counter of granted and revoked relations."""
        self._catch_up()
        return self._values.get(RELATIONS, 0)

    def of(self, subject: str) -> int:
        """The counter of one subject."""
        return self._values.get(subject, 0)

    def poll(self) -> bool:
        """Look, for the host. Returns: whether anything rose since the last poll, whoever raised it and looked first.

        Raises DependencyError("store").
        """
        self._read()
        rose, self._rose = self._rose, False
        return rose

    def look(self) -> None:
        """Read what other connections wrote, if it can be read. Never raises: what is in memory goes on.

        Every question that needs the store says so itself.
        """
        with suppress(DependencyError):
            self._read()

    def _read(self) -> None:
        self._next = monotonic() + STALE
        database = self._database
        version = database.row("PRAGMA data_version")
        seen = (database.opened, version[0] if version else 0)
        if seen == self._seen:
            return
        rows = database.rows("SELECT subject, value FROM epochs WHERE value > ? ORDER BY value", (self._highest,))
        self._seen = seen
        for subject, value in rows:
            self._values[subject] = self._highest = value
            self._rose = True

    def commit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Write, wait until it is on disk, and see what it raised. For commands, which have time.

        Raises DependencyError("store"), or what the work raises; ConfigError for a text that is no Unicode.
        """
        try:
            result = self._database.write(work).result()
        except UnicodeEncodeError as error:  # bytes of an argument that the locale could not read
            raise ConfigError("A text has characters that are no Unicode.", hint="Type it again.") from error
        self.look()
        return result

    def _catch_up(self) -> None:
        if monotonic() >= self._next:
            self.look()
