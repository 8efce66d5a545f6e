"""Texts with a meaning: durations, sizes, rates, networks, hours, days, zones, origins, header names.

Each reader takes a text and returns a value, or raises PolicyError whose hint is the mend; an empty message lets the
caller show key and value. Rule: nothing here knows a key. Source: policy.md section 2.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from zoneinfo import ZoneInfo

from doorward.core.errors import PolicyError
from doorward.core.request import Network, read_host
from doorward.policyfile.words import visible

DAY: Final = 86_400
_LONGEST: Final = 36_525 * DAY
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": DAY}
_PERIODS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": DAY}
_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_SIZE: Final = re.compile(r"([0-9]{1,12}) ?(B|KiB|MiB|GiB|TiB)", re.ASCII)
_RATE: Final = re.compile(r"([0-9]{1,9})/(second|minute|hour|day)", re.ASCII)
_HOURS: Final = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", re.ASCII)
_LOOSE_HOURS: Final = re.compile(
    r"\s*([0-9]{1,2})(?:[:.]?([0-9]{2}))?\s*(?:-|to)\s*([0-9]{1,2})(?:[:.]?([0-9]{2}))?\s*", re.ASCII
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIELD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_METHOD: Final = re.compile(r"[A-Z][A-Z0-9_-]*", re.ASCII)
_VARIABLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_CIDR: Final = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?", re.ASCII)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*", re.ASCII)
_MINUTES: Final = 24 * 60
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


def seconds(text: str) -> int:
    """A duration in seconds: "30s", "5m", "12h", "90d"."""
    found = _DURATION.fullmatch(text)
    if not found or not int(found[1]):
        raise PolicyError("E103", "", hint='Write a number above 0 and a unit: "30s", "5m", "12h", "90d".')
    length = int(found[1]) * _SECONDS[found[2]]
    if length > _LONGEST:
        raise PolicyError("E103", "", hint="Nothing here lasts longer than a century.")
    return length


def octets(text: str) -> int:
    """A size in bytes: "64KiB", "1GiB"."""
    found = _SIZE.fullmatch(text)
    if not found or not int(found[1]):
        raise PolicyError("E103", "", hint='Write a number above 0 and a unit: "64KiB", "10MiB", "1GiB".')
    return int(found[1]) * _BYTES[found[2]]


def rate(text: str) -> tuple[int, int]:
    """A rate as (number, period in seconds): "5/minute"."""
    found = _RATE.fullmatch(text)
    if not found or not int(found[1]):
        raise PolicyError(
            "E103", "", hint='Write a number and a period: "5/second", "600/minute", "5000/hour", "9/day".'
        )
    return int(found[1]), _PERIODS[found[2]]


def network(text: str) -> Network:
    """A network in CIDR form; IPv4-mapped IPv6 as the IPv4 network it means."""
    try:
        loose = ipaddress.ip_network(text if _CIDR.fullmatch(text) else "", strict=False)
        address = ipaddress.ip_interface(text).ip
    except ValueError:
        hint = 'Write CIDR, for example "10.0.0.0/8" or "2001:db8::/32".'
        raise PolicyError("E107", f"{visible(text)} is no network.", hint=hint) from None
    if address != loose.network_address:
        hint = f"Write {loose}, or {address}/{address.max_prefixlen} for one address."
        raise PolicyError("E107", f"{visible(text)} has host bits set.", hint=hint)
    return _unmapped(loose)


def _unmapped(found: Network) -> Network:
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(_MAPPED):
        address = ipaddress.IPv4Address(int(found.network_address) & 0xFFFF_FFFF)
        return ipaddress.IPv4Network((address, found.prefixlen - _MAPPED.prefixlen))
    return found


def hours(text: str) -> tuple[int, int]:
    """Opening hours as minutes of the day, the end excluded; an end before the start lies on the next day."""
    found = _HOURS.fullmatch(text)
    if not found:
        raise PolicyError("E103", "", hint=f'Write "{_meant(text)}".')
    start, end = (int(found[at]) * 60 + int(found[at + 1]) for at in (1, 3))
    sound = int(found[2]) < 60 and int(found[4]) < 60  # noqa: PLR2004 - minutes of an hour
    if not sound or start >= _MINUTES or end > _MINUTES:
        raise PolicyError("E107", f'hours "{text}" name a time that no clock shows.', hint="Write 00:00 to 24:00.")
    if start == end:
        raise PolicyError("E107", f'hours "{text}" are empty.', hint='Write "00:00-24:00" for the whole day.')
    return start, end


def _meant(text: str) -> str:
    """What the writer of `8-18` meant; an example where nobody can tell."""
    found = _LOOSE_HOURS.fullmatch(text)
    if not found:
        return "08:00-18:00"
    return "-".join(f"{int(found[at]):02}:{found[at + 1] or '00'}" for at in (1, 3))


def days(text: str) -> tuple[int, ...]:
    """Days of the week, 0 = Monday: "mon", "mon-fri", "sat-mon"."""
    first, dash, last = text.partition("-")
    if first not in _DAYS or (dash and last not in _DAYS):
        raise PolicyError("E103", "", hint='Write "mon-fri", "sat", or a list of mon, tue, wed, thu, fri, sat, sun.')
    begin = _DAYS.index(first)
    span = (_DAYS.index(last) - begin) % 7 if dash else 0
    return tuple((begin + step) % 7 for step in range(span + 1))


def zone(text: str) -> str:
    """The IANA name of a time zone."""
    try:
        # What is no name must not be looked for on disk.
        ZoneInfo(text if _ZONE.fullmatch(text) else "?")
    except (ValueError, OSError, KeyError):
        raise PolicyError(
            "E107", f"{visible(text)} is no time zone.", hint='Write an IANA name, for example "Europe/Kyiv".'
        ) from None
    return text


def origin(text: str) -> str:
    """An origin: scheme, host, port where it is not the default."""
    scheme, mark, rest = text.partition("://")
    host = read_host(rest, scheme) if mark and scheme in ("http", "https") else ""
    if not host:
        hint = "Write scheme and host, and the port where it is not the default: https://shop.example."
        raise PolicyError("E103", f"{visible(text)} is no origin.", hint=hint)
    if f"{scheme}://{host}" != text:
        raise PolicyError("E103", f"{visible(text)} is not as browsers write it.", hint=f"Write {scheme}://{host}.")
    return text


def field_name(text: str) -> str:
    """The name of a header field."""
    if not FIELD.fullmatch(text):
        raise PolicyError(
            "E103", f"{visible(text)} is no name of a header field.", hint='Write one such as "X-API-Key".'
        )
    return text


def scope(text: str) -> str:
    """One scope (RFC 6749 3.3)."""
    if not _SCOPE.fullmatch(text):
        hint = 'Write one scope a text, without blanks and quotation marks: ["orders:read", "orders:write"].'
        raise PolicyError("E103", f"{visible(text)} is no scope.", hint=hint)
    return text


def role(text: str) -> str:
    """One role: it goes into a header field, where commas part the names."""
    if not is_role(text):
        raise PolicyError("E103", f"{visible(text)} is no role.", hint="Write a name without blanks and commas.")
    return text


def is_role(text: str) -> bool:
    """Whether a text can name a role."""
    return bool(text) and text.isprintable() and not any(char in ' ,"' for char in text)


def method(text: str) -> str:
    """One method in upper case."""
    if not _METHOD.fullmatch(text):
        upper = text.upper()
        mend = f'Write "{upper}".' if _METHOD.fullmatch(upper) else 'Write a name such as "GET".'
        raise PolicyError("E103", f"method {visible(text)}.", hint=f"Methods are upper case. {mend}")
    return text


def printable_ascii(text: str) -> str:
    """A text that can stand in a challenge."""
    if not (text.isascii() and text.isprintable() and text.strip()):
        raise PolicyError("E103", "", hint="Write printable ASCII; it stands in header fields.")
    return text


def variable(text: str) -> str:
    """The name in "{name}"."""
    found = _VARIABLE.fullmatch(text)
    if not found:
        raise PolicyError("E103", "", hint='Write a variable of the path in braces, for example "{id}".')
    return found[1]


def variables(text: str) -> tuple[str, ...]:
    """The variables in a template such as "document:{doc}"."""
    if re.sub(_VARIABLE, "", text).count("{") or re.sub(_VARIABLE, "", text).count("}"):
        raise PolicyError("E103", "", hint='Write variables of the path in braces: "document:{doc}".')
    return tuple(_VARIABLE.findall(text))
