"""Which keys the policy file has: listened to while its own readers ask for them.

Rule: nothing here knows a key but the sample, which only has to open every table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from doorward.policyfile import units
from doorward.policyfile.load import load_text
from doorward.policyfile.table import Table

SAMPLE: Final = b"""version = 1
realm = "sample"
[credentials]
bearer = { issuers = ["a"], audience = "x" }
session = {}
apikey = {}
basic = {}
[issuers.a]
issuer = "https://a.example"
algorithms = ["RS256"]
keys = [{ kty = "RSA" }]
roles = "roles"
map = { x = "member" }
[issuers.b]
issuer = "https://b.example"
algorithms = ["HS256"]
secret = { env = "HOME" }
[roles]
admin = ["member"]
[groups.office]
networks = ["10.0.0.0/8"]
[limits]
login = {}
[upstream]
headers = {}
[[gate]]
name = "g"
block = { networks = ["192.0.2.0/24"] }
only = "office"
limit = { rate = "1/second" }
[[rule]]
name = "r"
path = "/{id}"
roles = ["admin", "member"]
owner = { is = "{id}" }
or_roles = ["admin"]
scopes = ["s"]
schemes = ["bearer", "session"]
issuers = ["a"]
acl = { object = "thing:{id}", GET = "read" }
from = "office"
when = { hours = "08:00-18:00", zone = "UTC" }
fresh = { max_age = "5m" }
limit = { rate = "1/second" }
message = { en = "No." }
"""
_KINDS: Final[dict[object, str]] = {
    units.seconds: "duration",
    units.octets: "size",
    units.rate: "rate",
    units.network: "network",
    units.origin: "origin",
    units.field_name: "field name",
    units.scope: "scope",
    units.role: "role",
    units.method: "method",
    units.zone: "time zone",
    units.hours: "hours",
    units.days: "days",
    units.printable_ascii: "text, ASCII",
    units.variable: '`"{variable}"`',
    units.variables: "text with `{variable}`",
}
_NAMES: Final = {"a", "b", "office"}
_OPEN: Final = {
    ("issuers", "NAME", "map"): "ROLE",
    ("roles",): "ROLE",
    ("rule", "acl"): "METHOD",
    ("rule", "message"): "LANGUAGE",
}
_SAME: Final = {"gate.limit.": "rule.limit."}


@dataclass(frozen=True, slots=True)
class Asked:
    """A key as a reader asks for it. kind: its type in words; default: as in the code, None when there is none."""

    kind: str = ""
    default: Any = None
    options: tuple[Any, ...] = ()


def asked_keys() -> dict[str, Asked]:
    """Every key of the policy file, dotted, with type and default, in the order of reading; tables too."""
    found: dict[str, Asked] = {}

    def note(table: Table, key: str, asked: Asked) -> None:
        found.setdefault(_name(table, key), asked)

    spied: dict[str, Callable[..., None]] = {
        "text": lambda table, key, default="": note(table, key, Asked("text", default or None)),
        "flag": lambda table, key, *, default: note(table, key, Asked("`true`, `false`", default)),
        "whole": lambda table, key, default, low, high: note(table, key, Asked(f"{low} to {high}", default)),
        "choice": lambda table, key, default, options, **_: note(table, key, Asked("", default, tuple(options))),
        "parsed": lambda table, key, default, parse: note(table, key, Asked(_kind(parse), default)),
        "each": lambda table, key, parse, **_: note(table, key, Asked(f"{_kind(parse)}, or list of")),
    }
    spied["raw"] = lambda table, key: note(table, key, Asked())
    kept = {name: getattr(Table, name) for name in spied}
    try:
        for name, spy in spied.items():
            setattr(Table, name, _spied(kept[name], spy))
        load_text(SAMPLE, file="sample", folder=Path())
    finally:
        for name, method in kept.items():
            setattr(Table, name, method)
    return {name: asked for name, asked in found.items() if not name.startswith(tuple(_SAME))}


def _spied(method: Callable[..., Any], spy: Callable[..., None]) -> Callable[..., Any]:
    def listening(table: Table, key: str, *args: Any, **kwargs: Any) -> Any:
        spy(table, key, *args, **kwargs)
        return method(table, key, *args, **kwargs)

    return listening


def _name(table: Table, key: str) -> str:
    path = ["NAME" if part in _NAMES else part for part in table.path if isinstance(part, str)]
    free = _OPEN.get(tuple(path), "")
    return ".".join([*path, free if free and key != "object" else "NAME" if key in _NAMES else key])


def _kind(parse: object) -> str:
    return _KINDS.get(parse, "text")
