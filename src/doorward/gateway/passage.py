"""What of an allowed request goes on to the application: the client's fields that may pass, and ours.

Both are tuples, and the very same objects while nothing changed, so that the edge renders them once per connection.
Rule: who is told and what is hidden stands in `fields.py` and `identity.py`; this file only remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doorward.gateway.fields import Pairs

if TYPE_CHECKING:
    from doorward.core.principal import Principal
    from doorward.core.request import RequestView
    from doorward.gateway.identity import Told
    from doorward.gateway.runtime import Seat
    from doorward.gateway.snapshot import Snapshot


class Passage:
    """Fields for the application, and what they were made of. client, own: see Exchange.forward."""

    __slots__ = ("_bare", "_headers", "_snapshot", "_told", "_via", "client", "own")

    def __init__(self, snapshot: Snapshot, view: RequestView, told: Told, *, bare: bool) -> None:
        self._snapshot, self._headers, self._via = snapshot, view.headers, view.via
        self._told, self._bare = told, bare
        trusted, plan = snapshot.trusts(view.via.peer), snapshot.plan
        self.client: Pairs = plan.rewrite(view, trusted=trusted, bare=bare)
        self.own: Pairs = (*told.pairs, *plan.told(view, trusted=trusted))

    def fits(self, snapshot: Snapshot, view: RequestView, who: Principal, *, bare: bool) -> bool:
        """Whether these are the fields of this request too."""
        return (
            self._headers is view.headers
            and self._snapshot is snapshot
            and self._via is view.via
            and self._bare is bare
            and self._told.fits(who, view.at)
        )


def passage(snapshot: Snapshot, seat: Seat, view: RequestView, who: Principal, *, bare: bool) -> Passage:
    """The fields of one request. bare: a forwarded preflight, stripped of every credential."""
    kept: Passage | None = seat.passage
    if kept is not None and kept.fits(snapshot, view, who, bare=bare):
        return kept
    made = Passage(snapshot, view, snapshot.identity.told(who, view.at), bare=bare)
    if seat.pairs is not None:
        seat.passage = made
    return made
