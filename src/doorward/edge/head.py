"""Header blocks, read strictly: request lines, fields, and what they say about framing.

llhttp splits the fields; what it lets pass and we must refuse is checked here. One block is one reading: nothing here
repairs anything. Rule: no socket and no clock; a refusal is an EdgeFault.
Source: RFC 9112 2.2, 3, 5, 6; RFC 9110 5.5, 7.6.1.
"""

from __future__ import annotations

import re
from functools import lru_cache

import httptools

from doorward.core.values import per_request
from doorward.edge.faults import EdgeFault
from doorward.edge.limits import Limits

Pair = tuple[str, str]
RawPair = tuple[bytes, bytes]
# RFC 9112 3: method SP request-target SP HTTP-version, one SP each. Visible ASCII only, so that nobody guesses.
_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP/(1\.[01])")
_LENGTH = re.compile(rb"[0-9]{1,18}")
# RFC 6455 4.1: a base64 text that decodes to 16 bytes.
_KEY = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")
_CHUNKED = -1
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class _Lines:
    """Receives what llhttp finds."""

    __slots__ = ("done", "pairs")

    def __init__(self) -> None:
        self.pairs: list[RawPair] = []
        self.done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name, value))

    def on_message_complete(self) -> None:
        self.done = True


class _Splitter:
    """One llhttp parser kept as long as it stays between messages, because making one costs more than using it."""

    __slots__ = ("_lines", "_parser")

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._lines = _Lines()
        self._parser = httptools.HttpRequestParser(self._lines)

    def split(self, block: bytes) -> list[RawPair] | None:
        """The fields of a block, or None for what is no header block. block: CRLF, lines, empty line."""
        lines = self._lines
        lines.pairs, lines.done = [], False
        try:
            self._parser.feed_data(b"POST / HTTP/1.1" + block)
        except httptools.HttpParserUpgrade:
            self._renew()
        except httptools.HttpParserError:
            self._renew()
            return None
        pairs = lines.pairs
        # A parser that waits for a body, or was told to close, must not see another head.
        if not lines.done or b"\nconnection" in block.lower():
            self._renew()
        # One line, one field: whatever the parser, a fold or a bare LF or CR cannot satisfy both counts.
        ends = len(pairs) + 2
        return pairs if block.count(b"\n") == ends == block.count(b"\r") else None


_splitter = _Splitter()


@lru_cache(maxsize=2048)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


@per_request
class Facts:
    """One header block as read. headers: names lower case, wire order; length: bytes, None: chunked, 0: no body.

    announced: a Content-Length stood there; options: lower-case Connection options; hosts: how many Host fields;
    key: Sec-WebSocket-Key of a complete handshake, else ""; expects: 100-continue is asked for.
    """

    headers: tuple[Pair, ...] = ()
    length: int | None = 0
    announced: bool = False
    options: frozenset[str] = frozenset()
    hosts: int = 0
    host: str = ""
    key: str = ""
    expects: bool = False
    fault: EdgeFault | None = None

    @property
    def plain(self) -> bool:
        """Nothing but fields: no body, no fault, no wish about the connection."""
        return self.length == 0 and self.fault is None and not self.expects and "close" not in self.options


UNREAD = Facts()


def read_line(line: bytes, limits: Limits) -> tuple[str, str, str] | EdgeFault:
    """Method, target (octets as Latin-1) and version of a request line without its CRLF; or why it is none."""
    found = _LINE.fullmatch(line)
    if found is None:
        return EdgeFault("framing-bad", "the request line is malformed")
    method, target, version = found[0].decode("ascii").split(" ")
    if len(target) > limits.target:
        return EdgeFault("target-too-large", "the request target is too long")
    if method == "CONNECT":
        return EdgeFault("framing-bad", "CONNECT is not served here")
    return method, target, version[5:]


def split_block(block: bytes) -> list[RawPair] | None:
    """The fields of a block, octets as they stand but for leading blanks of a value; None: malformed."""
    return _splitter.split(block)


def read_block(block: bytes, limits: Limits) -> Facts:
    """Read the header block of a request. block: from the CRLF of the request line through the empty line.

    Returns facts whose fault is set when it must be refused. Never raises.
    """
    pairs = _splitter.split(block)
    if pairs is None:
        return Facts(fault=EdgeFault("framing-bad", "the header block or its framing is malformed"))
    headers = tuple([(_name(name), value.decode("latin-1").strip(" \t")) for name, value in pairs])
    if len(headers) > limits.fields:
        return Facts(headers, fault=EdgeFault("head-too-large", "there are too many header fields"))
    return _judge(headers, limits)


_SPECIAL = frozenset({"host", "connection", "content-length", "transfer-encoding", "expect", "upgrade"})


def _judge(headers: tuple[Pair, ...], limits: Limits) -> Facts:
    special: dict[str, list[str]] = {}
    for name, value in headers:
        if name in _SPECIAL:
            special.setdefault(name, []).append(value)
    hosts = special.get("host", [])
    if len(special) == len(hosts) == 1:
        return Facts(headers, hosts=1, host=hosts[0])  # nothing but a request: by far the most are
    return _judge_special(headers, special, limits)


def _judge_special(headers: tuple[Pair, ...], special: dict[str, list[str]], limits: Limits) -> Facts:
    length = body_length(special.get("content-length", ()), special.get("transfer-encoding", ()))
    fault = length if isinstance(length, EdgeFault) else None
    size = 0 if isinstance(length, EdgeFault) else length
    expect = special.get("expect", ())
    # RFC 9110 10.1.1: an expectation other than 100-continue cannot be met.
    if fault is None and any(value.lower() != "100-continue" for value in expect):
        fault = EdgeFault("framing-bad", "an expectation that cannot be met")
    if fault is None and limits.body is not None and size is not None and size > limits.body:
        fault = EdgeFault("body-too-large", "the announced body is too long")
    options = connection_options(special.get("connection", ()))
    hosts = special.get("host", ())
    return Facts(
        headers,
        length=size,
        announced="content-length" in special,
        options=options,
        hosts=len(hosts),
        host=hosts[0] if hosts else "",
        key=_handshake(headers, special, options) if size == 0 else "",
        expects=bool(expect) and size != 0,
        fault=fault,
    )


def body_length(lengths: list[str] | tuple[str, ...], codings: list[str] | tuple[str, ...]) -> int | EdgeFault | None:
    """What the framing fields of a message say: bytes, None for chunked, or why they cannot be believed."""
    if codings:
        # RFC 9112 6.1: both fields together "ought to be handled as an error"; other codings we do not undo.
        if lengths:
            return EdgeFault("framing-bad", "Transfer-Encoding and Content-Length together")
        if len(codings) != 1 or codings[0].lower() != "chunked":
            return EdgeFault("framing-bad", "a Transfer-Encoding other than chunked")
        return None
    if not lengths:
        return 0
    # RFC 9112 6.3: differing lengths are an unrecoverable error; equal ones are nobody's honest choice either.
    if len(lengths) != 1 or _LENGTH.fullmatch(lengths[0].encode("latin-1")) is None:
        return EdgeFault("framing-bad", "Content-Length is doubled or no number")
    return int(lengths[0])


def connection_options(values: list[str] | tuple[str, ...]) -> frozenset[str]:
    """The options of Connection fields, lower case."""
    if not values:
        return frozenset()
    return frozenset(part.strip(" \t").lower() for value in values for part in value.split(",")) - {""}


def _handshake(headers: tuple[Pair, ...], special: dict[str, list[str]], options: frozenset[str]) -> str:
    """The key of a complete WebSocket handshake (RFC 6455 4.2.1), else ""."""
    upgrade = special.get("upgrade", ())
    if len(upgrade) != 1 or upgrade[0].lower() != "websocket" or "upgrade" not in options:
        return ""
    keys = [value for name, value in headers if name == "sec-websocket-key"]
    versions = [value for name, value in headers if name == "sec-websocket-version"]
    return keys[0] if len(keys) == 1 and versions == ["13"] and _KEY.fullmatch(keys[0]) else ""


def misfit(facts: Facts, version: str) -> EdgeFault | None:
    """What only the version makes wrong: Host on 1.1, chunked on 1.0."""
    if facts.fault is not None:
        return facts.fault
    # RFC 9112 3.2: exactly one Host; an HTTP/1.0 request may lack it.
    if facts.hosts > 1 or (facts.hosts == 0 and version == "1.1"):
        return EdgeFault("host-bad", "the Host field is missing or doubled")
    # RFC 9112 6.1: a Transfer-Encoding on HTTP/1.0 is "as if the framing is faulty".
    if facts.length is None and version == "1.0":
        return EdgeFault("framing-bad", "Transfer-Encoding on HTTP/1.0")
    return None


def odd_head(data: bytes, end: int, limits: Limits) -> EdgeFault | None:
    """Why a head that is incomplete or too long cannot become right; None: wait for more.

    end: offset behind its empty line, 3 when that was not found.
    """
    complete = end > 3  # noqa: PLR2004 - CRLF CRLF minus the -1 of a find that failed
    if (end if complete else len(data)) > limits.head:
        # The request line without its target is at most 43 octets; what is longer has too long a target.
        if data.find(b"\r\n", 0, limits.target + 45) < 0:
            return EdgeFault("target-too-large", "the request line is too long")
        return EdgeFault("head-too-large", "the header block is too long")
    if data[:1] == b"\r" and len(data) > 1:
        return EdgeFault("framing-bad", "a CR without LF before the request line")
    if data.count(b"\n") != data.count(b"\r\n"):
        return EdgeFault("framing-bad", "a line ends with a bare LF")
    return None
