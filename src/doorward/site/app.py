"""Our own pages under /.doorward/: an ordinary ASGI app.

Rule: which page answers which method is one table; a path that is not in it is not there. The host has decided on the
request before (gates, TLS) and hands over its view. Source: first-minute.md 6, answers.md D7, H13, H15, X8.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from doorward.core.cure import NOTHING_HELPS
from doorward.core.decide import OWN, is_preflight, unavailable
from doorward.core.errors import DependencyError
from doorward.core.reason import Reason
from doorward.core.verdict import Deny, Hide, Malformed
from doorward.guard.desk import Desk
from doorward.guard.guard import Guard
from doorward.site import call
from doorward.site.login import log_in, show_login
from doorward.site.session import log_out, show_session
from doorward.site.visit import KEYS, LOGIN, LOGOUT, ROOT, SESSION, Visit
from doorward.wire import plain
from doorward.wire.cors import preflight_reply
from doorward.wire.reply import Reply

if TYPE_CHECKING:
    from doorward.guard.record import Record

Page = Callable[[Visit], Awaitable[Reply]]
_PAGES: Mapping[str, Mapping[str, Page]] = {
    LOGIN: {"GET": show_login, "POST": log_in},
    LOGOUT: {"GET": show_session, "POST": log_out},
    SESSION: {"GET": show_session},
    ROOT: {"GET": show_session},
}


class Site:
    """Our own pages over a guard. keys: the published key set of assertions."""

    def __init__(self, guard: Guard, desk: Desk, record: Record, keys: Callable[[], dict[str, Any]]) -> None:
        self._guard, self._desk, self._record, self._keys = guard, desk, record, keys

    async def __call__(self, scope: call.Scope, receive: call.Receive, send: call.Send) -> None:
        """Answer one request. scope: with the view the host decided on and its request id."""
        view, guard = scope[call.VIEW], self._guard
        visit = Visit(
            view,
            scope[call.REQUEST_ID],
            guard.policy,
            guard.answers,
            self._desk,
            self._record,
            call.query_of(view),
        )
        try:
            reply = await self._answer(visit, receive)
        except DependencyError as down:
            reply = await visit.refuse(unavailable(down, OWN))
        await call.send_reply(send, reply)

    async def _answer(self, visit: Visit, receive: call.Receive) -> Reply:
        view = visit.view
        pages = self._pages(visit)
        if pages is None:
            return await visit.refuse(Hide(Deny(Reason.PATH_UNNAMED, OWN, NOTHING_HELPS), OWN))
        if visit.policy.settings.cors.origins and is_preflight(visit.policy, view):
            return preflight_reply(visit.policy, view, visit.request_id)
        page = pages.get("GET" if view.method == "HEAD" else view.method)
        if page is None:
            return await visit.refuse(_not_allowed(pages))
        if view.method == "POST":
            body = await call.read_body(view, receive)
            if isinstance(body, Malformed):
                return await visit.refuse(body)
            visit = replace(visit, body=body)
        return await page(visit)

    def _pages(self, visit: Visit) -> Mapping[str, Page] | None:
        """What answers at this path, by method. Without a login page there are no sessions to speak of."""
        path = visit.view.path.rstrip("/")
        if path == KEYS:
            return {"GET": self._show_keys}
        return _PAGES.get(path) if visit.policy.settings.login_page else None

    async def _show_keys(self, _visit: Visit) -> Reply:
        return plain.published(self._keys())


def _not_allowed(pages: Mapping[str, Page]) -> Deny:
    allow = tuple(name for method in pages for name in (("GET", "HEAD") if method == "GET" else (method,)))
    return Deny(Reason.METHOD_REFUSED, OWN, NOTHING_HELPS, status=405, allow=allow)
