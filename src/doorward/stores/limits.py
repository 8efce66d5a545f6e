"""Rate limits in memory: answers `TakeSlot` by the generic cell rate algorithm.

All arithmetic is in whole numbers, so that a limit of 5 a minute is five and never four or six. A bucket that is empty
again is forgotten; when all places are taken, what overflows shares one bucket a limit.
Rule: all buckets of a question or none. Source: answers.md P8; policy.md 2 (rate).
"""

from __future__ import annotations

from collections import OrderedDict

from doorward.core.ask import TakeSlot

SIZE = 200_000
_MICRO = 1_000_000
_OVERFLOW = ""
_SWEPT = 4
_Table = OrderedDict[str, int]


class Limits:
    """The buckets of this process. size: at most so many."""

    def __init__(self, *, size: int = SIZE) -> None:
        self._size = size
        self._tables: dict[tuple[int, int], _Table] = {}
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def take(self, question: TakeSlot) -> int:
        """Answer TakeSlot: 0 when a slot of every bucket was taken, else whole seconds, at least 1. Never raises.

        One slot lasts period/rate; in units of a microsecond divided by rate both that and the present are whole.
        """
        rate = question.rate
        now, slot = int(question.at * _MICRO) * rate, question.period * _MICRO
        room = slot * question.burst
        table = self._table(rate, question.period)
        self._forget(table, now)
        taken: dict[str, int] = {}
        wait = 0
        for bucket in question.buckets:
            name = self._place(table, bucket, question.at)
            # A clock that was set back must not shut a bucket for as long as it was ahead.
            full = min(max(table.get(name, 0), now), now + room)
            taken[name] = full + slot
            wait = max(wait, full + slot - room - now)
        if wait > 0:
            return -(-wait // (rate * _MICRO))
        for name, full in taken.items():
            self._used += name not in table
            table[name] = full
            table.move_to_end(name)
        return 0

    def _table(self, rate: int, period: int) -> _Table:
        table = self._tables.get((rate, period))
        if table is None:
            table = self._tables[rate, period] = OrderedDict()
        return table

    def _place(self, table: _Table, bucket: str, at: float) -> str:
        if bucket in table:
            return bucket
        if self._used >= self._size:
            for (rate, _), other in self._tables.items():
                self._forget(other, int(at * _MICRO) * rate)
        return bucket if self._used < self._size else _OVERFLOW

    def _forget(self, table: _Table, now: int) -> None:
        """Drop some buckets that are empty again, oldest first: at least as many as a question can add."""
        for _ in range(_SWEPT):
            name = next(iter(table), None)
            if name is None or table[name] > now:
                return
            del table[name]
            self._used -= 1
