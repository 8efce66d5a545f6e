"""One call of our own pages: what the site reads of an ASGI request, and how it answers.

Rule: nothing here knows accounts or sessions; bodies are bounded and read only on our own pages.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from doorward.core.request import RequestView
from doorward.wire.reply import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
BODY_LIMIT = 8_192
VIEW, REQUEST_ID = "doorward.view", "doorward.request_id"
"""Keys of the scope under which the host hands over the view it decided on and the request's id."""


class TooLarge(Exception):  # noqa: N818 - a body that is over the limit, answered as such
    """The body is over BODY_LIMIT."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to one of our own pages. fields: of the form or JSON body, first value each; never in repr."""

    view: RequestView
    request_id: str
    query: dict[str, str]
    fields: dict[str, str] = field(repr=False)
    scripted: bool = False

    @property
    def path(self) -> str:
        """The decoded path without a trailing slash."""
        return self.view.path.rstrip("/")


async def read_call(scope: Scope, receive: Receive) -> Call:
    """Read a call. Raises TooLarge; a body that is no form and no JSON object has no fields."""
    view: RequestView = scope[VIEW]
    query = {name: values[0] for name, values in parse_qs(view.target.query, max_num_fields=20).items()}
    kind = view.headers.get("content-type").partition(";")[0].strip().lower()
    body = await _read_body(receive) if view.method == "POST" else b""
    scripted = kind == "application/json"
    return Call(view, scope[REQUEST_ID], query, _json(body) if scripted else _form(kind, body), scripted)


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(parts)


def _form(kind: str, body: bytes) -> dict[str, str]:
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        return {}
    # A field that stands twice is a quarrel about who logs in: nobody does.
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _json(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a Reply over ASGI."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
