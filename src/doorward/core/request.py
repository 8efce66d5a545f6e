"""What the door looks at: one request, read once.

Faces build a `RequestView` with `observe`; nothing below reads the network or a clock. A request that two parties could
read differently still becomes a view, with `fault` set, so that its refusal can be rendered like any other.
Source: architecture.md 2.6; RFC 9110 7.2, RFC 7239, answers.md X1, X6, rows 27-29.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any

from doorward.core.path import PathFault, Target, read_target
from doorward.core.reason import Reason
from doorward.core.values import per_request, value

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDING_FIELDS = frozenset(
    {
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-server",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "via",
    }
)
"""Fields that only a proxy adds."""
_HOST = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9_\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_\-]*[A-Za-z0-9])?)*)"
    r"(?::(?P<port>[0-9]{1,5}))?\Z",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_NOWHERE = Target("", "", ())


@value
class Fault:
    """Why a request cannot be read: reason and a short English phrase, safe to show."""

    reason: Reason
    why: str


class Headers:
    """Header fields: names lower case, wire order, duplicates kept. Lookups cost one dictionary access.

    pairs: (name, value), value as Latin-1 text without surrounding blanks.
    """

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        self._first = dict(reversed(self.pairs)) if len(self.pairs) > 1 else dict(self.pairs)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field, or the default. name: lower case."""
        return self._first.get(name, default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field in wire order."""
        if name not in self._first:
            return ()
        return tuple(value for key, value in self.pairs if key == name)

    def doubled(self, name: str) -> bool:
        """True when a field occurs more than once."""
        return len(self._first) != len(self.pairs) and name in self._first and len(self.all(name)) > 1

    def any_of(self, names: frozenset[str]) -> bool:
        """Whether one of these fields is there. names: lower case."""
        return not names.isdisjoint(self._first)

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def __repr__(self) -> str:
        # Values may be credentials; a repr is a log line waiting to happen.
        return f"Headers({', '.join(name for name, _ in self.pairs)})"


@value
class Via:
    """How the request came: one object per connection where no trusted proxy speaks for others.

    peer, client_ip: address texts; scheme: "http" or "https"; local_listener: the listener is bound to loopback;
    memo: scratch space of the connection for digests; no part of the value.
    """

    peer: str
    client_ip: str
    scheme: str = "http"
    local_listener: bool = False
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def address_key(self) -> str:
        """The key of limits by address: IPv4 /32, IPv6 /64 (answers.md P8)."""
        return address_key(self.client_ip)


@per_request
class RequestView:
    """One request. at: seconds since the epoch, read once by the face; body: a body was announced;
    upgrade: a complete WebSocket handshake; host: lower case with port, "" when faulty; exposed: forwarding fields
    were present; fault: set when the request must be refused as malformed.
    """

    method: str
    target: Target
    host: str
    headers: Headers
    via: Via
    at: float
    body: bool = False
    upgrade: bool = False
    fault: Fault | None = None

    @property
    def path(self) -> str:
        """The decoded path."""
        return self.target.path

    @property
    def origin(self) -> str:
        """Scheme and host as the client addressed them."""
        return f"{self.via.scheme}://{self.host}"


@value
class Vantage:
    """Where we stand: own origins and whose forwarding fields count.

    origins: ("https://shop.example", …), empty = loopback names only; trusted: networks; header: "x-forwarded-for" or
    "forwarded".
    """

    origins: tuple[str, ...] = ()
    trusted: tuple[Network, ...] = ()
    header: str = "x-forwarded-for"

    def owns(self, host: str) -> bool:
        """Whether a host (lower case, default port stripped) is ours."""
        if not self.origins:
            return host.rsplit(":", 1)[0] in LOOPBACK_NAMES or host in LOOPBACK_NAMES
        return host in _hosts(self.origins)


@lru_cache(maxsize=64)
def _hosts(origins: tuple[str, ...]) -> frozenset[str]:
    return frozenset(origin.partition("://")[2] for origin in origins)


@lru_cache(maxsize=1024)
def read_host(host: str, scheme: str) -> str:
    """A Host value in lower case without the scheme's default port; "" when malformed. Source: RFC 9110 7.2."""
    found = _HOST.match(host)
    if not found:
        return ""
    name, port = found["name"].lower(), found["port"]
    if port and int(port) > 65535:  # noqa: PLR2004 - the largest TCP port
        return ""
    if name.startswith("[") and read_address(name[1:-1]) is None:
        return ""
    return name if not port or port == _DEFAULT_PORTS.get(scheme) else f"{name}:{port}"


def read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, IPv4-mapped IPv6 as IPv4, zone removed; None when it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def address_key(text: str) -> str:
    """IPv4 as it is, IPv6 cut to /64; anything else shares one key."""
    address = read_address(text)
    if address is None:
        return "?"
    if address.version == 4:  # noqa: PLR2004 - the protocol's number
        return str(address)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


@lru_cache(maxsize=4096)
def inside(text: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address text lies in one of the networks; False for what is no address."""
    address = read_address(text)
    return address is not None and any(address in network for network in networks)


@lru_cache(maxsize=4096)
def is_loopback(text: str) -> bool:
    """Whether an address text is a loopback address."""
    address = read_address(text)
    return address is not None and address.is_loopback


def observe(  # noqa: PLR0913 - the facts of a request are what they are; every face passes them by name
    vantage: Vantage,
    *,
    method: str,
    target: str,
    headers: Headers,
    via: Via,
    at: float,
    body: bool = False,
    upgrade: bool = False,
    fault: Fault | None = None,
) -> RequestView:
    """Read a request.

    target: Latin-1 text of the request line; via: peer facts, forwarding fields not yet counted; fault: what the edge
    found wrong already. Returns a view whose `fault` is set when it must be refused. Never raises.
    """
    if vantage.trusted and inside(via.peer, vantage.trusted):
        via, wrong = _forwarded(vantage, headers, via)
        fault = fault or wrong
    authority, target = _origin_form(target, method)
    host, wrong = _read_own_host(vantage, headers, via, authority)
    fault = fault or wrong
    read = _NOWHERE if target == "*" else _remembered(target)
    if isinstance(read, PathFault):
        fault, read = fault or Fault(Reason.PATH_AMBIGUOUS, read.why), _NOWHERE
    return RequestView(method, read, host, headers, via, at, body, upgrade, fault)


# Attackers choose paths: bounded, and long targets are not kept.
_remembered_short = lru_cache(maxsize=4096)(read_target)


def _remembered(target: str) -> Target | PathFault:
    return _remembered_short(target) if len(target) <= 256 else read_target(target)  # noqa: PLR2004 - memory bound


def _origin_form(target: str, method: str) -> tuple[str, str]:
    """Split the absolute form; "*" stays for OPTIONS alone. Returns (authority or "", origin-form)."""
    if target == "*":
        return "", "*" if method == "OPTIONS" else "?"
    lower = target[:8].lower()
    if lower.startswith(("http://", "https://")):
        rest = target[target.index("//") + 2 :]
        cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        return rest[:cut] or "?", rest[cut:] if rest[cut : cut + 1] == "/" else "/" + rest[cut:]
    return "", target


def _read_own_host(vantage: Vantage, headers: Headers, via: Via, authority: str) -> tuple[str, Fault | None]:
    raw = headers.get("host")
    host = read_host(raw, via.scheme)
    # RFC 9112 3.2: exactly one Host. Two are a quarrel between parsers.
    if not host or headers.doubled("host"):
        return "", Fault(Reason.HOST_BAD, "the Host field is missing, doubled or malformed")
    # RFC 9112 3.2.2: the authority of the absolute form wins; we demand that they agree.
    if authority and read_host(authority, via.scheme) != host:
        return host, Fault(Reason.HOST_BAD, "the authority of the request target and the Host field differ")
    if not vantage.owns(host) or (not vantage.origins and not via.local_listener):
        return host, Fault(Reason.HOST_FOREIGN, "this host is not served here")
    return host, None


_Hop = tuple[str, str]
"""An address text, and the scheme by which it came, "" when that was not told."""


def _forwarded(vantage: Vantage, headers: Headers, via: Via) -> tuple[Via, Fault | None]:
    """The client behind trusted proxies: walked from the right to the first address that is not trusted."""
    hops, scheme, fault = (_from_forwarded if vantage.header == "forwarded" else _from_x)(headers)
    client = via.peer
    for hop, proto in reversed(hops):
        address = read_address(hop)
        if address is None:
            fault = fault or Fault(Reason.FORWARDING_BAD, "a forwarding field names no address")
            break
        # What stands further left was said by this hop, so its scheme is what counts if it is the last one trusted.
        client, scheme = str(address), proto or scheme
        if not inside(client, vantage.trusted):
            break
    if scheme and scheme not in _DEFAULT_PORTS:
        fault = fault or Fault(Reason.FORWARDING_BAD, "the forwarded scheme is neither http nor https")
        scheme = ""
    return Via(via.peer, client, scheme or via.scheme, via.local_listener, via.memo), fault


def _from_x(headers: Headers) -> tuple[list[_Hop], str, Fault | None]:
    hops = [(_bare(part), "") for value in headers.all("x-forwarded-for") for part in value.split(",") if part.strip()]
    proto = {part.strip().lower() for value in headers.all("x-forwarded-proto") for part in value.split(",")}
    if len(proto) > 1:
        return hops, "", Fault(Reason.FORWARDING_BAD, "there are several forwarded schemes")
    return hops, proto.pop() if proto else "", None


# A value is a token or one complete quoted string. Anything else could be a client's open quote that swallows what the
# proxy behind it added: `for=10.0.0.5;x="` before `, for="[2001:db8::1]"`.
_PAIR = re.compile(r'[ \t]*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^ \t",;=]*)[ \t]*\Z')


def _from_forwarded(headers: Headers) -> tuple[list[_Hop], str, Fault | None]:
    """RFC 7239 4: `for=` and `proto=` of each element; an element that names no one is a hop nobody knows."""
    hops: list[_Hop] = []
    for element in (part for line in headers.all("forwarded") for part in _split(line, ",")):
        if not element.strip(" \t"):
            continue
        found = [_PAIR.match(part) for part in _split(element, ";")]
        pairs = {pair[1].lower(): pair[2].strip('"') for pair in found if pair}
        if len(pairs) != len(found):
            return [], "", Fault(Reason.FORWARDING_BAD, "the Forwarded field cannot be read")
        hops.append((_bare(pairs.get("for", "")), pairs.get("proto", "").lower()))
    return hops, "", None


def _split(text: str, mark: str) -> list[str]:
    """Parts between marks that stand outside quotes, in one pass: a client chose this text."""
    parts, begin, quoted, at = [], 0, False, 0
    while at < len(text):
        char = text[at]
        if char == '"':
            quoted = not quoted
        elif quoted and char == "\\":
            at += 1
        elif char == mark and not quoted:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*parts, text[begin:]]


def _bare(hop: str) -> str:
    """An address without brackets and port: `[2001:db8::1]:4711`, `192.0.2.1:80`."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
