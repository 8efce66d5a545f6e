"""Times of last use: known in memory at once, written seldom, never waited for.

Rule: losing one costs a minute of an idle limit, nothing else, so nobody hears of a write that failed.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict

from doorward.stores.database import Database

SIZE = 50_000


class Lazily:
    """Last use by public id. update: SQL that takes (time, id); grain: seconds between two writes of one row."""

    def __init__(self, database: Database, update: str, grain: float) -> None:
        self.grain = grain
        self._database, self._update = database, update
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()  # last use, last use that was handed over
        self._waiting: dict[str, float] = {}
        self._handed = 0.0

    def last(self, key: str) -> float:
        """When it was used last as far as memory goes, in seconds since the epoch; 0 when unknown."""
        known = self._known.get(key)
        return 0.0 if known is None else known[0]

    def note(self, key: str, stored: float, at: float) -> None:
        """It was used just now. stored: what the row says; at: both in seconds since the epoch."""
        known = self._known.get(key)
        if known is not None and at - known[1] < self.grain:
            self._known[key] = (at, known[1])
            return
        due = at - stored >= self.grain
        self._known[key] = (at, at if due else stored)
        self._known.move_to_end(key)
        if len(self._known) > SIZE:
            self._known.popitem(last=False)
        if due:
            self._waiting[key] = at
            if not 0 <= at - self._handed < 1:  # many rows, one transaction
                self._handed = at
                self.flush()

    def flush(self) -> None:
        """Hand what waits to the writer."""
        if not self._waiting:
            return
        rows, self._waiting = [(at, key) for key, at in self._waiting.items()], {}
        update = self._update

        def work(sql: sqlite3.Connection) -> None:
            sql.executemany(update, rows)

        self._database.write(work)
