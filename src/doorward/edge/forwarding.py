"""Heads as they travel on: which fields end at this hop, and how the next hop is told about the body.

Rule: no socket; the caller's own fields are never removed, whatever Connection names.
Source: RFC 9110 7.6.1, 7.8; RFC 9112 3.2, 6.1, 9.6; RFC 6455 4.1, 4.2.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache

from doorward.edge.answer import field_lines
from doorward.edge.head import Facts, Pair, RawPair

HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
        "content-length",
        "expect",
    }
)
# A client that could have these removed by naming them in Connection would change who is asked or what was meant.
_STAYING = frozenset({"host"})
_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ENDLESS = -1


def request_fields(facts: Facts, headers: Sequence[Pair], own: Sequence[Pair], authority: str) -> bytes:
    """Field lines of a request for the upstream, framing apart.

    headers: what the Door lets pass of the client's fields; own: its own, untouched; authority: Host where the client
    gave none. Raises ValueError for broken fields.
    """
    named = facts.options - _STAYING
    kept = [pair for pair in headers if (name := pair[0].lower()) not in HOP and name not in named]
    if not any(name.lower() == "host" for name, _ in kept):
        kept.insert(0, ("Host", facts.host or authority))
    return field_lines(kept) + field_lines(own)


def request_head(method: str, target: str, fields: bytes, facts: Facts, *, upgrade: bool) -> bytes:
    """A complete request head; method and target octet for octet as they came."""
    if upgrade:
        framing = _UPGRADE
    elif facts.length is None:
        framing = b"Transfer-Encoding: chunked\r\n"
    else:
        framing = b"Content-Length: %d\r\n" % facts.length if facts.announced else b""
    line = f"{method} {target} HTTP/1.1\r\n".encode("latin-1")
    return b"".join((line, fields, framing, b"\r\n"))


def response_fields(pairs: Sequence[RawPair], options: frozenset[str]) -> list[RawPair]:
    """The end-to-end fields of a response, values without surrounding blanks, order and doubles kept."""
    return [
        (name, value.strip(b" \t"))
        for name, value in pairs
        if (low := name.decode("latin-1").lower()) not in HOP and low not in options
    ]


def framing_line(length: int | None, *, announced: bool, bare: bool, chunks: bool) -> bytes:
    """How the client is told where the body ends.

    length: bytes, None: chunked, ENDLESS: until the connection ends; bare: no content follows; chunks: the client
    understands them; announced: a Content-Length stood in the upstream's answer.
    """
    if bare:
        return b"Content-Length: %d\r\n" % length if announced and length is not None and length >= 0 else b""
    if length is not None and length >= 0:
        return b"Content-Length: %d\r\n" % length
    return b"Transfer-Encoding: chunked\r\n" if chunks else b""


@lru_cache(maxsize=64)
def _accept(key: str) -> str:
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def accepts(key: str, pairs: Sequence[RawPair], options: frozenset[str]) -> bool:
    """Whether a 101 really is the answer to this WebSocket key (RFC 6455 4.1, steps 2 to 4)."""
    fields: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
    proof = fields.get(b"sec-websocket-accept", [])
    upgrade = [value.lower() for value in fields.get(b"upgrade", [])]
    if upgrade != [b"websocket"] or "upgrade" not in options or len(proof) != 1:
        return False
    return hmac.compare_digest(proof[0], _accept(key).encode("ascii"))
