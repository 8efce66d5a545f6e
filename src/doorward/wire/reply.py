"""What goes out: status, header fields, body; broken answers cannot be constructed.

Rule: nothing here knows verdicts, policies or languages. Framing belongs to whoever sends: edge and host servers add
Content-Length and Date and leave the content out for HEAD; `framed` does it for those that do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

Pairs = tuple[tuple[str, str], ...]
REQUEST_ID = "X-Request-ID"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z", re.ASCII)
# RFC 9110 5.5: visible characters, blank and tab; no CR, LF, NUL. Only ASCII, so that nobody has to guess a charset.
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?\Z|\Z", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.ASCII)
_new, _put = object.__new__, object.__setattr__


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. headers: wire order, without Content-Length, Date and Connection; body: what GET gets, also for HEAD.

    Raises ValueError at construction for a 401 without challenge, a 405 without Allow, a denial that may be stored or
    says not on what it depends, and a field that could end a line. Source: answers.md H1, H15, H17, CA2.
    """

    status: int
    headers: Pairs
    body: bytes = b""

    def __post_init__(self) -> None:
        for name, value in self.headers:
            check_field(name, value)
        if self.status >= HTTPStatus.BAD_REQUEST:
            _check_denial(self.status, {name.lower(): value for name, value in self.headers})

    def header(self, name: str) -> str:
        """The first value of a field, "" without one. name: any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == wanted)

    def framed(self, method: str) -> Reply:
        """The same with Content-Length, and for HEAD without content (RFC 9110 9.3.2); 204 has neither (8.6)."""
        if self.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            return self
        length = (("Content-Length", str(len(self.body))),)
        return Reply(self.status, self.headers + length, b"" if method == "HEAD" else self.body)


def check_field(name: str, value: str) -> None:
    """Raise ValueError for a header field that is none: this is where header injection ends."""
    if not _NAME.match(name):
        raise ValueError(f"not a field name: {name!r}")
    if not _VALUE.match(value):
        raise ValueError(f"not a field value of {name}")


def _check_denial(status: int, fields: dict[str, str]) -> None:
    # RFC 9110 15.5.2: a 401 "MUST send a WWW-Authenticate header field"; 15.5.6: a 405 an Allow.
    if status == HTTPStatus.UNAUTHORIZED and not fields.get("www-authenticate"):
        raise ValueError("a 401 needs a challenge")
    if status == HTTPStatus.METHOD_NOT_ALLOWED and "allow" not in fields:
        raise ValueError("a 405 needs Allow")
    if fields.get("cache-control") != "no-store" or not fields.get("vary"):
        raise ValueError("a denial is never stored and says what it depends on")


def is_request_id(text: str) -> bool:
    """Whether a text is a UUID in its canonical form: 36 characters, lower case."""
    return _ID.match(text) is not None


@dataclass(frozen=True, slots=True)
class Stamp:
    """An answer that is complete but for the request id: checked once, then copied per request.

    headers: all but X-Request-ID, which goes last; before, after: the body around the id; after None: it has no id.
    """

    status: int
    headers: Pairs
    before: bytes
    after: bytes | None = None
    _checked: Reply = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_checked", Reply(self.status, self.headers, self.before))

    def reply(self, request_id: str) -> Reply:
        """The answer to one request. Raises ValueError for what is no request id."""
        if not _ID.match(request_id):
            raise ValueError("not a request id")
        body = self.before if self.after is None else b"".join((self.before, request_id.encode(), self.after))
        # Every part was checked when the stamp was cut; checking again would cost more than the rest of the copy.
        copy = _new(Reply)
        _put(copy, "status", self.status)
        _put(copy, "headers", (*self.headers, (REQUEST_ID, request_id)))
        _put(copy, "body", body)
        return copy


def with_headers(reply: Reply, extra: Iterable[tuple[str, str]]) -> Reply:
    """The same answer with more fields, checked like all others."""
    added = tuple(extra)
    return Reply(reply.status, reply.headers + added, reply.body) if added else reply
