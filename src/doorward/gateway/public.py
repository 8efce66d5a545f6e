"""The door of the public listener: one request in, one verdict, one answer or one forwarded request.

Rule: it translates between edge, guard and wire; it decides nothing. The application is reached through `_pass_on`
alone, and that is called for an Allow alone. Source: architecture.md 4.2, answers.md rows 25 and 26, H14, H20.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

from doorward.core.decide import OWN, PREFLIGHT
from doorward.core.trace import Trace
from doorward.core.verdict import Allow
from doorward.edge.bridge import run_asgi
from doorward.gateway.faults import failure_of
from doorward.gateway.passage import passage
from doorward.gateway.relayed import Relayed
from doorward.gateway.runtime import Runtime, seat_of
from doorward.guard.guard import Pending
from doorward.site.call import BODY_LIMIT, REQUEST_ID, VIEW
from doorward.wire import plain
from doorward.wire.cors import preflight_reply

if TYPE_CHECKING:
    from doorward.core.request import RequestView
    from doorward.core.verdict import Verdict
    from doorward.edge.bridge import App
    from doorward.edge.exchange import Exchange
    from doorward.edge.faults import FailureKind
    from doorward.edge.upstream import Upstream
    from doorward.gateway.snapshot import Snapshot
    from doorward.wire.reply import Reply


class PublicDoor:
    """Called once per request. site: our own pages; upstream: the application."""

    def __init__(self, runtime: Runtime, site: App, upstream: Upstream) -> None:
        self._runtime = runtime
        self._site = site
        self._upstream = upstream

    def __call__(self, exchange: Exchange) -> None:
        """Decide on a request whose head is complete, before a byte of its body is read."""
        runtime = self._runtime
        try:
            snapshot = runtime.snapshot
            view, trace = runtime.view(snapshot, exchange, time.time()), Trace()
            outcome = runtime.guard.begin(view, trace)
            if isinstance(outcome, Pending):
                settle = partial(self._settle, snapshot, exchange, view)
                runtime.spawn(runtime.wait(outcome, exchange, settle), exchange)
            else:
                self._settle(snapshot, exchange, view, outcome, trace)
        except Exception:  # noqa: BLE001 - the last resort of this listener: fail closed, and say so
            runtime.bug(exchange)

    def _settle(
        self, snapshot: Snapshot, exchange: Exchange, view: RequestView, verdict: Verdict, trace: Trace
    ) -> None:
        """Do what the verdict says."""
        if not isinstance(verdict, Allow):
            self._runtime.refuse(snapshot, exchange, view, verdict, trace)
        elif verdict.rule == OWN:
            self._show_own_page(exchange, view)
        else:
            self._let_through(Relayed(self._runtime, snapshot, exchange, view, verdict, trace))

    def _show_own_page(self, exchange: Exchange, view: RequestView) -> None:
        # A page records what it refuses itself; that the way to it was open is nothing to record.
        extra = {VIEW: view, REQUEST_ID: self._runtime.record.new_id(view.at)}
        run_asgi(exchange, self._site, BODY_LIMIT, extra=extra, on_error=self._page_failed)

    def _page_failed(self, exchange: Exchange, _error: Exception) -> None:
        self._runtime.bug(exchange)

    def _let_through(self, relayed: Relayed) -> None:
        record = self._runtime.record
        if relayed.snapshot.numbered:
            relayed.request_id = record.new_id(relayed.view.at)
        recorded = record.note(
            relayed.snapshot.policy, relayed.view, relayed.verdict, relayed.trace, relayed.request_id
        )
        if recorded is None:
            self._pass_on(relayed)
        else:
            self._runtime.spawn(self._once_recorded(recorded, relayed), relayed.exchange)

    async def _once_recorded(self, recorded: Awaitable[None], relayed: Relayed) -> None:
        await recorded
        if not relayed.exchange.closed:
            self._pass_on(relayed)

    def _pass_on(self, relayed: Relayed) -> None:
        """Forward an allowed request, or answer what the door answers in the application's place."""
        exchange, view, snapshot = relayed.exchange, relayed.view, relayed.snapshot
        bare = relayed.verdict.rule == PREFLIGHT
        own = self._own_answer(relayed, bare=bare)
        if own is not None:
            exchange.reply(own.status, own.headers, own.body)
            return
        # RFC 9112 3.2.1: a server is asked in origin form, whatever form the client used towards us.
        exchange.target = view.target.raw
        fields = passage(snapshot, seat_of(exchange), view, relayed.verdict.principal, bare=bare)
        added = (*fields.own, ("X-Request-ID", relayed.request_id)) if relayed.request_id else fields.own
        exchange.memo = relayed
        exchange.forward(
            self._upstream,
            fields.client,
            added,
            on_response=relayed.answered,
            on_failure=partial(self._failed, relayed),
        )

    def _own_answer(self, relayed: Relayed, *, bare: bool) -> Reply | None:
        policy, view = relayed.snapshot.policy, relayed.view
        if bare and policy.settings.cors.origins and "access-control-request-method" in view.headers:
            return preflight_reply(policy, view, self._runtime.record.new_id(view.at))
        # H14: `OPTIONS *` is about the server as a whole, and that is us.
        return None if view.target.raw else plain.done()

    def _failed(self, relayed: Relayed, kind: FailureKind) -> None:
        """There is no answer of the application."""
        try:
            verdict = failure_of(kind)
            self._runtime.refuse(relayed.snapshot, relayed.exchange, relayed.view, verdict, relayed.trace)
        except Exception:  # noqa: BLE001 - as above
            self._runtime.bug(relayed.exchange)
