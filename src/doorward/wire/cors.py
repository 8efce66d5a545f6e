"""CORS: the answer to a preflight, and the fields that let a script read an answer.

Rule: an origin is compared whole with `[cors] origins`; nothing here knows rules or resources, so a hidden route
preflights like an absent one. Source: answers.md F1 to F5, CA3.
"""

from __future__ import annotations

from http import HTTPStatus

from doorward.core.policy import Policy
from doorward.core.request import RequestView
from doorward.core.settings import Cors
from doorward.wire.reply import REQUEST_ID, Pairs, Reply
from doorward.wire.wish import allowed_origin

EXPOSED = "WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, DPoP-Nonce, X-Request-ID"
_PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def cors_headers(policy: Policy, request: RequestView) -> Pairs:
    """Fields to add to a relayed answer; empty without `[cors] origins`, else at least `Vary: Origin` (CA3)."""
    if not policy.settings.cors.origins:
        return ()
    return (*granted(allowed_origin(policy, request)), ("Vary", "Origin"))


def granted(origin: str) -> Pairs:
    """Fields for an allowed origin, none for "". F2: never `*`, for credentials are allowed."""
    if not origin:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", EXPOSED),
    )


def preflight_reply(policy: Policy, request: RequestView, request_id: str) -> Reply:
    """Answer a preflight: 204, with permissions only for an allowed origin; `refused_origin = 403` refuses the others.

    request_id: UUID text. Raises ValueError for what is none.
    """
    settings = policy.settings.cors
    origin = allowed_origin(policy, request)
    common = (("Vary", _PREFLIGHT_VARY), ("Cache-Control", "no-store"), (REQUEST_ID, request_id))
    if origin:
        return Reply(HTTPStatus.NO_CONTENT, (*_permissions(settings, origin), *common))
    if request.headers.get("origin") and settings.refused_origin == HTTPStatus.FORBIDDEN:
        head = (("Content-Type", "text/plain; charset=utf-8"), ("Content-Language", "en"))
        guard = (("X-Content-Type-Options", "nosniff"),)
        return Reply(HTTPStatus.FORBIDDEN, (*head, *guard, *common), b"This origin is not allowed.\n")
    return Reply(HTTPStatus.NO_CONTENT, common)


def _permissions(settings: Cors, origin: str) -> Pairs:
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", ", ".join(settings.methods)),
        ("Access-Control-Allow-Headers", ", ".join(settings.headers)),
        ("Access-Control-Max-Age", str(settings.max_age)),
    )
