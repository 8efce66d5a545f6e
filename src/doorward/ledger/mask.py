"""Addresses as they may be kept: cut, keyed, whole or not at all.

Rule: what this file returns is all that is ever written of an address. A plain hash is not among the choices: all of
IPv4 is hashed in minutes. Source: answers.md G1-G3, A2-32.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_KEY_LEAST = 32
_DIGITS = 32
DAY = 86_400


def anonymised(text: str, mode: str, key: Callable[[int], bytes], at: float) -> str:
    """An address as `[ledger] ip` wants it kept.

    text: with or without zone, brackets and port; mode: "truncate", "hmac", "full" or "none"; key: day since the epoch
    -> the secret of that day, at least 32 bytes, asked for by "hmac" alone; at: seconds since the epoch.
    Returns: CIDR text, 32 hex digits, an address, or "" (also for what is no address). Never raises for a text.
    """
    if mode == "none":
        return ""
    address = read(text)
    if address is None:
        return ""
    if mode == "truncate":
        return _cut(address)
    if mode == "full":
        return str(address)
    return keyed(address, key(int(at // DAY)))


@lru_cache(maxsize=4096)
def read(text: str) -> Address | None:
    """An address without zone and port; mapped, NAT64 and 6to4 addresses as the IPv4 they stand for; None if none."""
    try:
        address = ipaddress.ip_address(_bare(text))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return _embedded(address) or address
    return address


def _bare(text: str) -> str:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.partition("%")[0]


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour


@lru_cache(maxsize=4096)
def _cut(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return f"{str(address).rpartition('.')[0]}.0/24"
    return f"{ipaddress.IPv6Address(int(address) >> 80 << 80)}/48"


def keyed(address: Address, key: bytes) -> str:
    """A pseudonym of an address under the secret of a day: 32 hex digits. Raises ValueError for a short secret."""
    if len(key) < _KEY_LEAST:
        raise ValueError("the secret of a day has at least 32 bytes")
    return hashlib.blake2b(address.packed, key=key[:64], digest_size=_DIGITS // 2).hexdigest()
