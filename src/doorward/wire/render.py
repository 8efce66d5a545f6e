"""A refusal as an HTTP reply: status, challenges, form, language, and everything a cache or a script must be told.

Rule: nothing is decided and nothing authorised here (D7): what comes in is what the caller may see. Replies to programs
are rendered once per refusal, client kind, form, language and origin; only the request id differs.
Source: answers.md section 1 and 2.1, 2.10; RFC 9110 15.5, RFC 9457, draft RateLimit fields.
"""

from __future__ import annotations

from collections.abc import Iterable

from doorward.core.policy import Policy
from doorward.core.request import RequestView
from doorward.core.verdict import Refusal
from doorward.wire.fields import refusal_fields
from doorward.wire.problem import line, problem, simple
from doorward.wire.redirect import redirect
from doorward.wire.reply import REQUEST_ID, Pairs, Reply, Stamp, with_headers
from doorward.wire.shown import Shown, bug, show
from doorward.wire.wish import Wish, wish_of

_MOST_FORMS = 128
_JSON = "application/json"
_PROBLEM = "application/problem+json"
_TEXT = "text/plain; charset=utf-8"


def render(
    policy: Policy, shown: Shown, request: RequestView, request_id: str, extra: Iterable[tuple[str, str]] = ()
) -> Reply:
    """Write a refusal as an HTTP reply.

    shown: from `show`; request_id: UUID text, lower case; extra: more fields, such as DPoP-Nonce or Set-Cookie.
    Returns: a Reply whose body is at most 4 KiB but for pages; HEAD gets the body of GET, whoever sends leaves it out.
    Raises ValueError only for a request id that is none or an extra field that is none.
    """
    wish = wish_of(policy, request)
    stamp = shown.memo.get(wish.key)
    if stamp is None:
        reply = redirect(policy, shown, request, request_id)
        if reply is None and wish.form == "html":
            reply = _page(policy, shown, request, wish, request_id)
        if reply is not None:
            return with_headers(reply, extra)
        stamp = _remember(policy, shown, wish)
    reply = stamp.reply(request_id)
    return with_headers(reply, extra) if extra else reply


def refuse(policy: Policy, verdict: Refusal, request: RequestView, request_id: str) -> Reply:
    """Write a refusal that came before identity was settled: `show` and `render` in one."""
    return render(policy, show(policy, verdict, request, None), request, request_id)


def render_bug(policy: Policy, request: RequestView, request_id: str) -> Reply:
    """Our own fault as an answer: 500 and a request id, in the form and language the client asked for."""
    return render(policy, bug(), request, request_id)


def failure(request_id: str) -> Reply:
    """The answer of last resort, when not even a request or a policy is at hand. Knows nothing, so it tells nothing."""
    head = (
        ("Content-Type", _TEXT),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Vary", "*"),
        ("Content-Language", "en"),
        (REQUEST_ID, request_id),
    )
    return Reply(500, head, b"An internal error happened.\n")


def _remember(policy: Policy, shown: Shown, wish: Wish) -> Stamp:
    head = refusal_fields(policy, shown, wish)
    stamp = _stamp(policy, shown, wish, head)
    # Redirects to https depend on the path and are not here; nothing else of the request is in the bytes.
    if len(shown.memo) < _MOST_FORMS and not _may_redirect(shown):
        shown.memo[wish.key] = stamp
    return stamp


def _may_redirect(shown: Shown) -> bool:
    return shown.code == "tls-required"


def _stamp(policy: Policy, shown: Shown, wish: Wish, head: Pairs) -> Stamp:
    if wish.form == "text":
        return Stamp(shown.status, (("Content-Type", _TEXT), *head), line(policy, shown, wish.language))
    if policy.settings.answers.body == "simple":
        return Stamp(shown.status, (("Content-Type", _JSON), *head), simple(policy, shown, wish.language))
    before, after = problem(policy, shown, wish.language)
    return Stamp(shown.status, (("Content-Type", _PROBLEM), *head), before, after)


def _page(policy: Policy, shown: Shown, request: RequestView, wish: Wish, request_id: str) -> Reply:
    # Documents are rare beside API answers, and their templates cost an import that most processes never need.
    from doorward.wire.pages import page_fields, refusal_page  # noqa: PLC0415 - jinja2 is loaded with the first page

    body = refusal_page(policy, shown, request, wish.language, request_id)
    head = (*page_fields(body), *refusal_fields(policy, shown, wish), (REQUEST_ID, request_id))
    return Reply(shown.status, head, body)
