"""Rows that were read before, until a counter says that they may have changed.

    known = memo.get(key)
    if known is None:
        mark = memo.mark()          # before the row is read: what is revoked meanwhile is seen by the next look
        ...read the row...
        memo.put(key, value, subject, mark)

Rule: only rows whose every change raises their subject's counter in the same transaction may be kept here.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from doorward.stores.epochs import Epochs

K = TypeVar("K")
V = TypeVar("V")
SIZE = 50_000


class Memo(Generic[K, V]):
    """A bounded table. An entry is as fresh as the last look at the counters."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        self._entries: dict[K, tuple[V, int, str, int]] = {}

    def get(self, key: K) -> V | None:
        """The value, or None when it must be read."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, everyone, subject, own = entry
        epochs = self._epochs
        return value if everyone == epochs.all and own == epochs.of(subject) else None

    def mark(self) -> int:
        """The counter of everyone now; to be taken before the row is read."""
        return self._epochs.all

    def put(self, key: K, value: V, subject: str, mark: int) -> None:
        """Keep a row that was read after `mark` was taken."""
        if len(self._entries) >= SIZE and key not in self._entries:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (value, mark, subject, self._epochs.of(subject))
