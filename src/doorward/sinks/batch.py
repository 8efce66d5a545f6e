"""What one round of the writer hands to every sink."""

from __future__ import annotations

from dataclasses import dataclass, field

from doorward.ledger.event import AuditEvent


@dataclass(slots=True)
class Batch:
    """Rows to add, and what to add to counted rows that stand already.

    more: id of a counted row -> (further equal refusals, time of the last); size: refusals in all of it.
    """

    rows: list[AuditEvent] = field(default_factory=list)
    more: dict[str, tuple[int, float]] = field(default_factory=dict)
    size: int = 0

    def count(self, row: str, at: float) -> None:
        """One refusal more in a counted row."""
        seen, last = self.more.get(row, (0, at))
        self.more[row] = (seen + 1, max(last, at))
        self.size += 1

    def add(self, event: AuditEvent) -> None:
        """A row of its own, or the first refusal of a counted row."""
        self.rows.append(event)
        self.size += 1

    def join(self, other: Batch) -> None:
        """Put what came later behind what waits."""
        self.rows += other.rows
        self.size += other.size
        for row, (seen, last) in other.more.items():
            known, before = self.more.get(row, (0, last))
            self.more[row] = (known + seen, max(before, last))

    def shed(self, keep: int) -> int:
        """Drop the oldest rows until `keep` are left, with what was counted for them. Returns: refusals dropped."""
        surplus = len(self.rows) - keep
        if surplus <= 0 and keep:
            return 0
        gone, self.rows = (self.rows[:surplus], self.rows[surplus:]) if keep else (self.rows, [])
        rows = list(self.more) if not keep else [event.id for event in gone if event.id in self.more]
        lost = len(gone) + sum(self.more.pop(row)[0] for row in rows)
        self.size -= lost
        return lost
