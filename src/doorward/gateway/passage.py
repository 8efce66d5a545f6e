"""What of an allowed request goes on to the application: the client's fields that may pass, and ours.

Both are tuples, and the very same objects while nothing changed, so that the edge renders them once per connection.
Rule: who is told and what is hidden stands in `fields.py` and `identity.py`; this file only remembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from doorward.gateway.fields import Pairs

if TYPE_CHECKING:
    from doorward.core.principal import Principal
    from doorward.core.request import RequestView
    from doorward.gateway.runtime import Seat
    from doorward.gateway.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Passage:
    """Fields for the application. of: what they were made of, by identity; client, own: see Exchange.forward."""

    of: tuple[object, ...]
    client: Pairs
    own: Pairs

    def made_of(self, parts: tuple[object, ...]) -> bool:
        """Whether these are the fields for this."""
        mine = self.of
        return (
            mine[0] is parts[0]
            and mine[1] is parts[1]
            and mine[2] is parts[2]
            and mine[3] is parts[3]
            and mine[4] is parts[4]
        )


def passage(snapshot: Snapshot, seat: Seat, view: RequestView, who: Principal, *, bare: bool) -> Passage:
    """The fields of one request. bare: a forwarded preflight, stripped of every credential."""
    identity = snapshot.identity.fields(who, view.at)
    parts = (snapshot, view.headers, view.via, identity, bare)
    kept: Passage | None = seat.passage
    if kept is not None and kept.made_of(parts):
        return kept
    trusted = snapshot.trusts(view.via.peer)
    plan = snapshot.plan
    made = Passage(
        parts, plan.rewrite(view, trusted=trusted, bare=bare), (*identity, *plan.told(view, trusted=trusted))
    )
    if seat.pairs is not None:
        seat.passage = made
    return made
