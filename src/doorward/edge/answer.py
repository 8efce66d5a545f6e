"""Response heads as octets: status lines, dates, fields that cannot end a line early.

Rule: nothing here chooses a status. Source: RFC 9112 4, RFC 9110 6.6.1, 8.6.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"Connection: close\r\n"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Plain numbers: looking a member up costs more than comparing it.
SWITCHING, FIRST_FINAL = int(HTTPStatus.SWITCHING_PROTOCOLS), int(HTTPStatus.OK)
NO_CONTENT = int(HTTPStatus.NO_CONTENT)
_BARE = frozenset({NO_CONTENT, int(HTTPStatus.NOT_MODIFIED)})


@lru_cache(maxsize=512)
def status_line(status: int) -> bytes:
    """The status line with its CRLF; an unregistered code has an empty reason."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


def date_line(at: float | None = None) -> bytes:
    """A Date line with its CRLF. at: seconds since the epoch, None: now."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(time.time() if at is None else at)
    # RFC 9110 5.6.7, IMF-fixdate: English whatever the locale. email.utils says the same and takes 20 ms to import.
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"Date: {_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year} {clock} GMT\r\n".encode("ascii")


def bodiless(status: int) -> bool:
    """Whether an answer of this status never has content (RFC 9110 6.4.1)."""
    return status in _BARE or status < FIRST_FINAL


def field_lines(headers: Sequence[tuple[str, str]]) -> bytes:
    """Field lines with their CRLFs. Raises ValueError for a field that would end its line early or is not Latin-1."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    # This is where header injection ends, whoever let it get this far.
    if text.count("\n") != len(headers) or text.count("\r") != len(headers) or "\0" in text:
        raise ValueError("a header field holds CR, LF or NUL")
    return text.encode("latin-1")


def raw_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The same for octets. Raises ValueError likewise."""
    pairs = list(headers)
    lines = b"".join([b"%b: %b\r\n" % pair for pair in pairs])
    if lines.count(b"\n") != len(pairs) or lines.count(b"\r") != len(pairs) or b"\0" in lines:
        raise ValueError("a header field holds CR, LF or NUL")
    return lines


def render(
    status: int, headers: Sequence[tuple[str, str]], body: bytes, *, date: bytes, close: bool, head_only: bool
) -> bytes:
    """A whole answer. headers: without Content-Length, Date and Connection; head_only: the request was HEAD."""
    # RFC 9110 8.6: no Content-Length in 1xx and 204; 304 may have one, but ours has no selected representation.
    bare = bodiless(status)
    length = b"" if bare else b"Content-Length: %d\r\n" % len(body)
    content = b"" if bare or head_only else body
    closing = CLOSE if close else b""
    return b"".join((status_line(status), date, field_lines(headers), length, closing, b"\r\n", content))
