"""Floods: equal refusals beyond ten a second become one counted row (answers.md C12).

`place` says for each refusal which row counts it. The counts of all rows add up to the number of refusals, whatever is
forgotten in between. Rule: no row is written here, no clock read.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

PER_SECOND = 10
LONGEST = 60.0
"""Seconds after which a flood that goes on gets its next counted row."""
MOST = 4096


@dataclass(slots=True)
class _Pace:
    """How often a refusal was seen. second: of the last one; seen: in that second; row: that counts, "" without one."""

    second: int
    seen: int = 0
    row: str = ""
    since: float = 0.0


class Fold:
    """Remembers the pace of equal refusals. most: how many kinds are kept apart; the oldest are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._paces: dict[Hashable, _Pace] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self._paces)

    def place(self, key: Hashable, at: float, request_id: str) -> str:
        """Which row counts a refusal.

        key: what makes refusals equal; at: seconds since the epoch; request_id: its own id.
        Returns: "" for a row of its own; `request_id` when it begins a counted row; else the id of an earlier row.
        """
        pace = self._paces.get(key)
        if pace is None:
            pace = self._begin(key, int(at))
        if int(at) != pace.second:
            self._next_second(key, pace, int(at))
        pace.seen += 1
        if not pace.row and pace.seen <= PER_SECOND:
            return ""
        if not pace.row or abs(at - pace.since) > LONGEST:
            pace.row, pace.since = request_id, at
        return pace.row

    def _begin(self, key: Hashable, second: int) -> _Pace:
        if len(self._paces) >= self._most:
            # The one whose last new second is longest ago; its counted row stays as it is, a later one begins anew.
            del self._paces[next(iter(self._paces))]
        pace = self._paces[key] = _Pace(second)
        return pace

    def _next_second(self, key: Hashable, pace: _Pace, second: int) -> None:
        if pace.row and (abs(second - pace.second) > 1 or pace.seen <= PER_SECOND):
            pace.row = ""  # a quiet second ends the flood
        pace.second, pace.seen = second, 0
        self._paces[key] = self._paces.pop(key)
