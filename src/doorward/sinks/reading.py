"""Reading the ledger back, for `tail` and `explain`. Rule: nothing here writes; a running server is not disturbed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doorward.core.errors import DependencyError
from doorward.ledger.event import AuditEvent
from doorward.ledger.identifiers import hyphened, moment, short
from doorward.sinks.schema import COLUMNS, FILE, from_row

_COLUMNS = ", ".join(COLUMNS)
_ID_DIGITS = 32
_AMBIGUOUS = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: every field that is set must fit. reason: of the answer or behind it; who: name or subject;
    since: seconds since the epoch; allows: allowed requests too.
    """

    status: int | None = None
    reason: str = ""
    rule: str = ""
    who: str = ""
    since: float | None = None
    allows: bool = False

    def condition(self) -> tuple[str, list[Any]]:
        """The SQL of it and its values."""
        parts: list[tuple[str, list[Any]]] = []
        if self.status is not None:
            parts.append(("status = ?", [self.status]))
        if self.reason:
            parts.append(("? IN (reason, truth)", [self.reason]))
        if self.rule:
            parts.append(("rule = ?", [self.rule]))
        if self.who:
            parts.append(("? IN (name, subject, claimed)", [self.who]))
        if self.since is not None:
            parts.append(("until >= ?", [self.since]))
        if not self.allows:
            parts.append(("verdict <> 'allow'", []))
        return " AND ".join(text for text, _ in parts) or "1", [value for _, values in parts for value in values]


@dataclass(slots=True)
class Reader:
    """Reads one data folder's ledger. Every method raises DependencyError("ledger") when it cannot be read."""

    folder: Path
    seen: int = field(default=0)

    def latest(self, wanted: Wanted, most: int) -> list[AuditEvent]:
        """The newest events that fit, oldest first."""
        where, values = wanted.condition()
        rows = self._rows(f"SELECT seq, {_COLUMNS} FROM event WHERE {where} ORDER BY seq DESC LIMIT ?", [*values, most])  # noqa: S608 - our words
        # Where nothing fits, `later` still begins behind what there is.
        self.seen = max([self.seen, self._last(), *(row[0] for row in rows)])
        return [from_row(row[1:]) for row in reversed(rows)]

    def later(self, wanted: Wanted) -> list[AuditEvent]:
        """Events that fit and were written since the last call of this or `latest`."""
        where, values = wanted.condition()
        last = self._last()
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM event WHERE seq > ? AND seq <= ? AND {where} ORDER BY seq",  # noqa: S608 - our words
            [self.seen, last, *values],
        )
        self.seen = last
        return [from_row(row) for row in rows]

    def find(self, request_id: str) -> list[AuditEvent]:
        """Events whose id is this or begins with it, oldest first, at most twenty. Hyphens may be left out."""
        begin = hyphened(request_id)
        if not begin or len(short(request_id, 99)) > _ID_DIGITS:
            return []
        return self._events("id >= ? AND id < ? ORDER BY seq LIMIT ?", [begin, begin + "g", _AMBIGUOUS])

    def counting(self, request_id: str) -> list[AuditEvent]:
        """Counted rows that may hold this request: those of its time. Empty for what is no id."""
        try:
            at = moment(request_id)
        except ValueError:
            return []
        return self._events("count > 1 AND at <= ? AND until >= ? ORDER BY seq LIMIT ?", [at + 1, at - 1, _AMBIGUOUS])

    def like(self, event: AuditEvent, span: float) -> list[tuple[int, str]]:
        """Refusals by the same rule for the same reason within `span` seconds before and after: counts and clients."""
        rows = self._rows(
            "SELECT count, coalesce(json_extract(facts, '$.client'), '') FROM event"
            " WHERE rule = ? AND reason = ? AND truth = ? AND id <> ? AND at BETWEEN ? AND ?",
            [event.rule, event.reason, event.truth, event.id, event.at - span, event.at + span],
        )
        return [(count, str(client)) for count, client in rows]

    def _events(self, where: str, values: list[Any]) -> list[AuditEvent]:
        return [from_row(row) for row in self._rows(f"SELECT {_COLUMNS} FROM event WHERE {where}", values)]  # noqa: S608 - our words

    def _last(self) -> int:
        return next((row[0] for row in self._rows("SELECT coalesce(max(seq), 0) FROM event", [])), 0)

    def _rows(self, statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
        path = self.folder / FILE
        if not path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
                # A process that is starting has made the file, and not its tables yet: so far nothing is recorded.
                made = db.execute("PRAGMA user_version").fetchone()[0]
                return db.execute(statement, values).fetchall() if made else []
        except sqlite3.Error as error:
            raise DependencyError("ledger", hint=f"{path}: {error}.") from error
