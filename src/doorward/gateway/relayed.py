"""The application's answer on its way to the client: what the door must change in it, and nothing else.

Rule: header fields only, but for a 404 that would tell an absent name from a hidden one.
Source: answers.md D10, H6, H8, H9, CA1, CA3, F3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doorward.core.decide import PREFLIGHT
from doorward.core.policy import Rule
from doorward.edge.exchange import Replace
from doorward.edge.head import RawPair
from doorward.wire.cors import cors_headers
from doorward.wire.upstream import ABSENT, ASKING, edit, without_own_cookies

if TYPE_CHECKING:
    from doorward.core.request import RequestView
    from doorward.core.trace import Trace
    from doorward.core.verdict import Allow
    from doorward.edge.exchange import Exchange
    from doorward.gateway.runtime import Runtime
    from doorward.gateway.snapshot import Snapshot

_EDITS = 256
_NOBODY = Rule("(none)", access="public")
# With `[cors] origins` the door says which scripts may read; a second word on it would make browsers refuse both.
_CORS = frozenset({b"access-control-allow-origin", b"access-control-allow-credentials"})


class Relayed:
    """One request that goes on: what it was, and who was let through; the memo of its exchange.

    request_id: under which the ledger has it, "" where allowed requests are not recorded.
    """

    __slots__ = ("exchange", "request_id", "runtime", "snapshot", "trace", "verdict", "view")

    def __init__(
        self, runtime: Runtime, snapshot: Snapshot, exchange: Exchange, view: RequestView, verdict: Allow, trace: Trace
    ) -> None:
        self.runtime = runtime
        self.snapshot = snapshot
        self.exchange = exchange
        self.view = view
        self.verdict = verdict
        self.trace = trace
        self.request_id = ""

    def answered(self, status: int, fields: list[RawPair]) -> list[RawPair] | Replace:
        """Edit the application's answer. fields: end-to-end, not to be mutated; the same list where nothing changes."""
        policy, view = self.snapshot.policy, self.view
        if status == ABSENT and self.snapshot.shadow:
            hidden = self.snapshot.shadow.cast(view.target.segments)
            if hidden is not None:
                # Not recorded: the application answered; the door only sees to it that the two look alike.
                request_id = self.runtime.record.new_id(view.at)
                reply = self.runtime.rendered(self.snapshot, view, hidden, self.trace.who, request_id)
                return Replace(reply.status, reply.headers, reply.body)
        if self.verdict.rule == PREFLIGHT:
            return without_own_cookies(policy, fields)
        scheme = self.verdict.principal.scheme
        if policy.settings.cors.origins or status == ASKING:
            rule = self.trace.rule or _NOBODY
            edited = edit(policy, rule, view, status, fields, scheme=scheme)
            return self._readable(edited) if policy.settings.cors.origins else edited
        return self._remembered(status, fields, scheme)

    def _remembered(self, status: int, fields: list[RawPair], scheme: str) -> list[RawPair]:
        """The edit of an answer that depends on nothing but its fields: once for each, since many are the same list."""
        memo = self.snapshot.edits
        kept = memo.get(id(fields))
        # The entry holds the list, so its id cannot have been given to another.
        if kept is not None and kept[0] is fields and kept[1] == (status, scheme):
            return kept[2]
        made = edit(self.snapshot.policy, _NOBODY, self.view, status, fields, scheme=scheme)
        if len(memo) >= _EDITS:
            memo.clear()
        memo[id(fields)] = (fields, (status, scheme), made)
        return made

    def _readable(self, fields: list[RawPair]) -> list[RawPair]:
        added = [(name.encode(), value.encode()) for name, value in cors_headers(self.snapshot.policy, self.view)]
        return [pair for pair in fields if pair[0].lower() not in _CORS] + added
