"""Small answers of our own endpoints that are no refusals: text, JSON, allowed decisions, redirects.

Rule: nothing here chooses whether; the caller knows, this file knows how it looks on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from doorward.wire.reply import Reply

_STORE = ("Cache-Control", "no-store")


def text(body: bytes, kind: str = "text/plain; charset=utf-8") -> Reply:
    """A 200 with a body. kind: Content-Type."""
    return Reply(HTTPStatus.OK, (("Content-Type", kind), _STORE, ("X-Content-Type-Options", "nosniff")), body)


def data(value: object, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """A 200 with JSON. value: what json can write."""
    fixed = (("Content-Type", "application/json"), _STORE, ("X-Content-Type-Options", "nosniff"))
    return Reply(HTTPStatus.OK, (*fixed, *headers), json.dumps(value, ensure_ascii=False).encode())


def published(value: object) -> Reply:
    """A public document that may be cached for five minutes, such as our keys."""
    head = (
        ("Content-Type", "application/json"),
        ("Cache-Control", "public, max-age=300"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Reply(HTTPStatus.OK, head, json.dumps(value).encode())


def allowed(headers: Sequence[tuple[str, str]]) -> Reply:
    """The decision endpoint says yes: 200 exactly; Envoy sends any other 2xx to the client (dataplanes.md R2)."""
    return Reply(HTTPStatus.OK, (_STORE, *headers), b"")


def see_other(location: str, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """303 to a path of ours. location: origin-form, checked by the caller."""
    return Reply(HTTPStatus.SEE_OTHER, (("Location", location), _STORE, *headers), b"")


def done(headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """204: it worked and there is nothing to show; for scripts."""
    return Reply(HTTPStatus.NO_CONTENT, (_STORE, *headers), b"")


def not_ready(why: str) -> Reply:
    """The readiness probe says no."""
    head = (("Content-Type", "application/json"), _STORE, ("Vary", "*"), ("Retry-After", "1"))
    return Reply(HTTPStatus.SERVICE_UNAVAILABLE, head, json.dumps({"ready": False, "why": why}).encode())
