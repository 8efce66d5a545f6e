"""The two redirects: to the login page (303) and to our own https origin (308).

Rule: a target is never taken from the request unchecked: the way back is a path of ours, the origin one of our own.
Source: answers.md F6, D9, row 27, X6.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from doorward.core.path import safe_return
from doorward.core.policy import Policy
from doorward.core.reason import Code
from doorward.core.request import RequestView
from doorward.wire.memo import memo_of
from doorward.wire.negotiate import Kind
from doorward.wire.reply import REQUEST_ID, Reply
from doorward.wire.shown import Shown
from doorward.wire.wish import wish_of

_WHY = {Code.SESSION_EXPIRED.value: "expired", Code.STEP_UP_REQUIRED.value: "again"}


def redirect(policy: Policy, shown: Shown, request: RequestView, request_id: str) -> Reply | None:
    """The redirect that a refusal becomes for this client, or None when it is answered where it is."""
    if shown.code == Code.TLS_REQUIRED:
        return _to_https(policy, request, request_id)
    wanted = shown.login and shown.status == HTTPStatus.UNAUTHORIZED
    if not wanted or request.method not in ("GET", "HEAD") or policy.settings.answers.navigation != "redirect":
        return None
    if not policy.settings.login_page or wish_of(policy, request).kind is not Kind.NAVIGATION:
        return None
    return _reply(policy, HTTPStatus.SEE_OTHER, login_url(policy, shown, request), request_id)


def login_url(policy: Policy, shown: Shown, request: RequestView) -> str:
    """The login page with the way back, and why one is there where that is not plain.

    A masked refusal leads to the home page instead: the path names the resource, and this address is logged (HP1).
    """
    page = policy.settings.login_page
    known = request.method in ("GET", "HEAD") and not shown.mask
    back = safe_return(request.target.raw) if known else None
    query = [f"next={quote(back, safe='')}"] if back else []
    if shown.code in _WHY:
        query.append(f"why={_WHY[shown.code]}")
    mark = "&" if "?" in page else "?"
    return f"{page}{mark}{'&'.join(query)}" if query else page


def _to_https(policy: Policy, request: RequestView, request_id: str) -> Reply | None:
    everybody = policy.settings.tls_require == "redirect"
    # 308 repeats the request, body and all; only where the client can see that it is asked to (row 27: pages).
    if not everybody and wish_of(policy, request).form != "html":
        return None
    origin = _own_https(policy, request.host)
    if not origin:
        return None
    location = origin + (request.target.raw or "/")
    return _reply(policy, HTTPStatus.PERMANENT_REDIRECT, location, request_id)


def _own_https(policy: Policy, host: str) -> str:
    """The own https origin of a host: the same name, whatever its port; "" when there is none."""
    name = _name(host)
    own = [origin for origin in policy.settings.vantage.origins if origin.startswith("https://")]
    if f"https://{host}" in own:
        return f"https://{host}"
    return next((origin for origin in own if name and _name(origin[8:]) == name), "")


def _name(host: str) -> str:
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _reply(policy: Policy, status: HTTPStatus, location: str, request_id: str) -> Reply:
    head = (
        ("Location", location),
        ("Cache-Control", "no-store"),
        ("Vary", memo_of(policy).vary),
        (REQUEST_ID, request_id),
    )
    return Reply(status, head)
