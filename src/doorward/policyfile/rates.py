"""`limit` of a rule or a gate. Rule: what a bucket is stands in `core/gates.py`. Source: policy.md 2.2, 2.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from doorward.core.errors import PolicyError
from doorward.core.policy import Limit
from doorward.policyfile import units
from doorward.policyfile.table import Table
from doorward.policyfile.words import listed, visible

KEYS: Final = ("ip", "principal", "account", "route")
GATE_KEYS: Final = ("ip", "route")
_BURST_MAX: Final = 1_000_000


def read_limits(owner: Table, *, gate: bool, public: bool) -> tuple[Limit, ...]:
    """The limits of a rule or gate: one table, or a list of them. public: nobody's identity is asked there."""
    value = owner.raw("limit")
    if value is None:
        return ()
    if isinstance(value, Mapping) or not isinstance(value, list):
        tables = [owner.inner(("limit",), value, f"{owner.title}limit: ")]
    else:
        tables = [owner.inner(("limit", index), one, f"{owner.title}limit: ") for index, one in enumerate(value)]
    if not tables:
        owner.fault("limit", "limit is empty.", 'Write limit = { rate = "5/minute", by = ["ip"] }.')
    return tuple(_limit(table, gate=gate, public=public) for table in tables)


def _limit(table: Table, *, gate: bool, public: bool) -> Limit:
    number, period = table.parsed("rate", (1, 60), units.rate)
    table.lacks("rate", 'Write for example rate = "5/minute".')
    by = table.each("by", _gate_key if gate else _key) or ("ip",)
    if (public or gate) and any("principal" in key.split("+") for key in by):
        where = "a gate" if gate else "a public rule"
        table.fault("by", f"{where} does not know who asks.", 'Write by = ["ip"].', "E115")
    found = Limit(
        number,
        period,
        table.whole("burst", number, 1, _BURST_MAX),
        by,
        table.choice("status", 429, (429, 403)),
        table.text("name"),
    )
    table.close()
    return found


def _key(text: str) -> str:
    parts = text.split("+")
    if not all(part in KEYS for part in parts) or len(set(parts)) != len(parts):
        hint = f'Write {listed(KEYS)}, or several joined by "+": "ip+account".'
        raise PolicyError("E103", f'by names "{visible(text)}".', hint=hint)
    return text


def _gate_key(text: str) -> str:
    if text not in GATE_KEYS and "principal" not in text.split("+"):
        raise PolicyError("E103", f'by names "{visible(text)}".', hint=f"In a gate write {listed(GATE_KEYS)}.")
    return text
