"""Stored relations: answers `FindRelation`; (subject, permission, object), nothing else.

Subjects are accounts' subjects, `issuer subject` of other identities, or `role:NAME`. Answers are remembered until any
relation changes. Rule: whoever changes a relation raises the counter of relations in the same transaction.
Source: architecture.md 5.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from doorward.core.ask import FindRelation
from doorward.stores.database import Database
from doorward.stores.epochs import RELATIONS, Epochs, raise_epoch
from doorward.stores.names import object_name

MEMO = 20_000
_Key = tuple[tuple[str, ...], str, str]


class Relation(NamedTuple):
    """One row."""

    subject: str
    permission: str
    object: str


class Relations:
    """The table of relations, and what is remembered of it."""

    def __init__(self, database: Database, epochs: Epochs) -> None:
        self._database, self._epochs = database, epochs
        self._memo: dict[_Key, bool] = {}
        self._epoch = -1

    def check(self, question: FindRelation) -> bool:
        """Answer FindRelation. Raises DependencyError("store")."""
        epoch = self._epochs.relations
        if epoch != self._epoch or len(self._memo) >= MEMO:  # callers choose the objects: the memo is bounded
            self._memo.clear()
            self._epoch = epoch
        key = (question.subjects, question.permission, question.object)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._holds(*key)
        return known

    def _holds(self, subjects: tuple[str, ...], permission: str, thing: str) -> bool:
        marks = ", ".join("?" * len(subjects))
        sql = f"SELECT 1 FROM relations WHERE object = ? AND permission = ? AND subject IN ({marks}) LIMIT 1"  # noqa: S608 - marks only
        return bool(self._database.rows(sql, (thing, permission, *subjects)))

    def grant(self, relation: Relation) -> bool:
        """Store a relation. Returns: whether it is new. Raises ConfigError, DependencyError."""
        object_name(relation.object)
        return self._change("INSERT OR IGNORE INTO relations (subject, permission, object) VALUES (?, ?, ?)", relation)

    def revoke(self, relation: Relation) -> bool:
        """Take a relation back. Returns: whether there was one. Raises DependencyError."""
        return self._change("DELETE FROM relations WHERE subject = ? AND permission = ? AND object = ?", relation)

    def of(self, subject: str) -> list[Relation]:
        """What a subject holds, by object. Raises DependencyError("store")."""
        rows = self._database.rows(
            "SELECT subject, permission, object FROM relations WHERE subject = ? ORDER BY object, permission",
            (subject,),
        )
        return [Relation(*row) for row in rows]

    def on(self, thing: str) -> list[Relation]:
        """Who holds what on an object. Raises DependencyError("store")."""
        rows = self._database.rows(
            "SELECT subject, permission, object FROM relations WHERE object = ? ORDER BY permission, subject", (thing,)
        )
        return [Relation(*row) for row in rows]

    def _change(self, statement: str, relation: Relation) -> bool:
        def work(sql: sqlite3.Connection) -> bool:
            changed = sql.execute(statement, relation).rowcount > 0
            if changed:
                raise_epoch(sql, RELATIONS)
            return changed

        return self._epochs.commit(work)
