"""What a proxy asks at `/decide`: the request of its client, told in header fields.

Exactly one X-Forwarded-Method and one X-Forwarded-Uri say what is decided upon; anything else is refused, not guessed.
The caller is a proxy, trusted for one hop: its own entry in X-Forwarded-For is the client, or the next proxy.
Rule: reads and refuses; it decides nothing. Source: dataplanes.md R1, R4, R6-R9; answers.md X10.
"""

from __future__ import annotations

import ipaddress
import re

from doorward.core.challenge import split_authorization
from doorward.core.policy import Policy
from doorward.core.reason import Reason
from doorward.core.request import Fault, Headers, Network, RequestView, Vantage, Via, observe, read_address

METHOD, URI, HOST, PROTO, CHAIN = (
    "x-forwarded-method",
    "x-forwarded-uri",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-for",
)
_LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}\Z")
# Two credentials that a proxy joined with a comma; the values of these schemes never have one themselves.
_JOINED = frozenset({"bearer", "basic", "dpop"})
# What a proxy says in place of its client; without these the fields are the client's as they stand.
_REWRITTEN = frozenset({HOST, PROTO, CHAIN})
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_MISSING = Fault(Reason.ORIGINAL_TARGET_MISSING, "exactly one X-Forwarded-Method and one X-Forwarded-Uri are needed")
_AMBIGUOUS = Fault(Reason.CREDENTIALS_AMBIGUOUS, "two credentials were joined into one field")
_CHAIN_BAD = Fault(Reason.FORWARDING_BAD, "X-Forwarded-For names no address")
_PROTO_BAD = Fault(Reason.FORWARDING_BAD, "X-Forwarded-Proto is doubled or no scheme")


def peers_of(policy: Policy) -> tuple[Network, ...]:
    """Who may ask: `[control] peers`, by default this machine."""
    return policy.settings.control_peers or _LOOPBACK


def read_question(vantage: Vantage, headers: Headers, via: Via, at: float) -> RequestView:
    """The request that is asked about. headers: of the call; via: how the call came. Never raises.

    Returns a view whose `fault` is set when nothing may be decided.
    """
    method, target = headers.get(METHOD), headers.get(URI)
    fault = _fault(headers, method, target)
    proto = ""
    if headers.any_of(_REWRITTEN):
        peer, chain, wrong = _one_hop(headers, via.peer)
        fault = fault or wrong
        proto = headers.get(PROTO).lower()
        via = Via(peer, peer, _SCHEMES.get(proto, via.scheme), via.local_listener, via.memo)
        headers = _told(headers, chain)
    return observe(
        vantage,
        method=method if fault is None else "GET",
        target=target if fault is None else "/",
        headers=headers,
        via=via,
        at=at,
        # Whether it is a WebSocket handshake is told by what the proxy happens to leave; in doubt it is one.
        upgrade="sec-websocket-key" in headers or proto in ("ws", "wss"),
        fault=fault,
    )


def _fault(headers: Headers, method: str, target: str) -> Fault | None:
    if headers.doubled(METHOD) or headers.doubled(URI) or headers.doubled(HOST):
        return _MISSING
    if not _METHOD.match(method) or not (target.startswith("/") or (target == "*" and method == "OPTIONS")):
        return _MISSING
    if PROTO in headers and (headers.doubled(PROTO) or headers.get(PROTO).lower() not in _SCHEMES):
        return _PROTO_BAD
    scheme, rest = split_authorization(headers.get("authorization"))
    return _AMBIGUOUS if scheme in _JOINED and "," in rest else None


def _one_hop(headers: Headers, peer: str) -> tuple[str, str, Fault | None]:
    """Whom the proxy spoke for, what its client claimed before, and what is wrong."""
    hops = [part.strip() for value in headers.all(CHAIN) for part in value.split(",")]
    if not hops:
        return peer, "", None
    address = read_address(hops.pop())
    if address is None:
        return peer, "", _CHAIN_BAD
    return str(address), ", ".join(hops), None


def _told(headers: Headers, chain: str) -> Headers:
    """The client's fields: Host as the client wrote it, forwarding fields as it came to the proxy with them."""
    host = headers.get(HOST)
    pairs = [(CHAIN, chain)] if CHAIN in headers else []
    for name, value in headers.pairs:
        if name == "host" and host:
            pairs.append((name, host))
        elif name == PROTO:
            pairs.append((name, _SCHEMES.get(value.lower(), "")))
        elif name not in (METHOD, URI, CHAIN):
            pairs.append((name, value))
    return Headers(pairs)
