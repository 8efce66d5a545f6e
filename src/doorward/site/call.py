"""One call of our own pages: what is read of an ASGI request, and how it is answered.

Rule: nothing here knows accounts or sessions. Bodies are bounded, read on our own pages alone, and have one reading: a
field that stands twice, an encoding that is not UTF-8 or a text that no form can hold is no field at all.
Source: answers.md rows 28 and 31, CS7.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView
from doorward.core.verdict import Malformed, malformed
from doorward.wire.reply import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Fields = dict[str, str]
Kind = Literal["none", "form", "json"]
BODY_LIMIT = 8_192
VIEW, REQUEST_ID = "doorward.view", "doorward.request_id"
"""Keys of the scope under which the host hands over the view it decided on and the request's id."""
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_MOST_FIELDS = 20
_UTF8 = frozenset({"", "utf-8", "utf8"})
# Control characters and lone surrogates: no account has them in its name, no store takes them all.
_UNFIT = frozenset({"Cc", "Cs"})


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent. kind: how it was written; fields: by name, never in repr."""

    kind: Kind = "none"
    fields: Fields = field(default_factory=dict, repr=False)


async def read_body(view: RequestView, receive: Receive) -> Body | Malformed:
    """The fields of a body: a form or a JSON object of texts. Returns 415 or 413 for what is neither. Never raises."""
    kind = _kind(view.headers)
    if kind is None:
        return malformed(Reason.CONTENT_UNSUPPORTED, "this page takes a form or JSON, in UTF-8")
    octets = await _collect(view.headers, receive)
    if octets is None:
        return malformed(Reason.BODY_TOO_LARGE, "the body is larger than 8 KiB, or did not arrive whole")
    if kind == "none" and octets:
        return malformed(Reason.CONTENT_UNSUPPORTED, "the body does not say what it is")
    return Body(kind, _fields(kind, octets))


def _kind(headers: Headers) -> Kind | None:
    """How the body is written; None for what a foreign page could send unasked, such as text/plain (row 31)."""
    if headers.doubled("content-type") or headers.get("content-encoding", "identity").lower() != "identity":
        return None
    kind, *params = (part.strip().lower() for part in headers.get("content-type").split(";"))
    charsets = [value.strip('"') for name, _, value in (each.partition("=") for each in params) if name == "charset"]
    if not _UTF8.issuperset(charsets):
        return None
    known: dict[str, Kind] = {"": "none", _FORM: "form", _JSON: "json"}
    return known.get(kind)


async def _collect(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body, None when it is too long or broken off."""
    length = headers.get("content-length", "0")
    if len(length) > len(str(BODY_LIMIT)) or not length.isdecimal() or int(length) > BODY_LIMIT:
        return None
    parts: list[bytes] = []
    size = 0
    while size <= BODY_LIMIT:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return b"".join(parts) if size <= BODY_LIMIT else None
    return None


def _fields(kind: Kind, octets: bytes) -> Fields:
    try:
        text = octets.decode("utf-8")
        pairs = _json(text) if kind == "json" else read_query(text)
    except (ValueError, RecursionError):  # 8 KiB of "[" are deeper than any parser goes
        return {}
    return _once([(name, value) for name, value in pairs if _fit(value)])


def _json(text: str) -> list[tuple[str, str]]:
    """The members of an object whose values are texts; duplicates kept."""
    found = json.loads(text, object_pairs_hook=_Members)
    return [(name, value) for name, value in found if isinstance(value, str)] if isinstance(found, _Members) else []


class _Members(list[tuple[str, Any]]):
    """An object as it was written. `dict` would let the last of two equal names win, other parsers the first."""


def read_query(text: str) -> list[tuple[str, str]]:
    """The pairs of a query or form. Raises ValueError for what is not UTF-8, or for too many."""
    return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")


def query_of(view: RequestView) -> Fields:
    """The fields of the query that stand once. Never raises."""
    try:
        return _once(read_query(view.target.query))
    except ValueError:
        return {}


def _once(pairs: Sequence[tuple[str, str]]) -> Fields:
    """Fields that stand once: two are a quarrel about who logs in or where to go, and nobody wins it."""
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _fit(value: str) -> bool:
    return not any(unicodedata.category(char) in _UNFIT for char in value)


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a Reply over ASGI. Whoever serves us adds Content-Length and leaves the content out for HEAD."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
