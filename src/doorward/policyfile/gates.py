"""`[[gate]]`: what closes for everybody. Rule: a gate has no key that could open. Source: policy.md 2.2."""

from __future__ import annotations

from collections.abc import Mapping

from doorward.core.path import parse_pattern
from doorward.core.policy import Gate
from doorward.core.request import Network
from doorward.policyfile import later, units
from doorward.policyfile.people import Known, read_group
from doorward.policyfile.rates import read_limits
from doorward.policyfile.table import Table

RULE_ONLY = (
    "access",
    "roles",
    "scopes",
    "owner",
    "or_roles",
    "acl",
    "from",
    "when",
    "fresh",
    "csrf",
    "json",
    "hide",
    "mask",
)


def read_gate(table: Table, known: Known) -> Gate:
    """One gate; findings say what is wrong with it."""
    name, line = table.rule, table.log.lines.of(*table.path, "name")
    gate = Gate(
        name,
        table.each("path", parse_pattern) or None,
        _methods(table),
        _networks(table, "block", known) or (),
        _networks(table, "only", known),
        read_limits(table, gate=True, public=False),
        line,
    )
    for key in RULE_ONLY:
        if key in table:
            table.fault(
                key, f"{key} belongs in a [[rule]].", "A gate only closes, before it is known who asks.", "E102"
            )
            table.raw(key)
    if not any(key in table for key in ("block", "only", "limit")):
        table.fault((), "it closes nothing.", "Write block, only or limit.", "E112")
    table.close()
    return gate


def _methods(table: Table) -> frozenset[str] | None:
    """What a gate is for; HEAD follows GET, else a gate on GET would be open to HEAD."""
    named = frozenset(table.each("methods", units.method))
    return named | {"HEAD"} if "GET" in named else named or None


def _networks(table: Table, key: str, known: Known) -> tuple[Network, ...] | None:
    value = table.raw(key)
    if value is None:
        return None
    if isinstance(value, Mapping):
        return read_group(table.inner((key,), value, f"{table.title}{key}: ", later.GROUP))
    return known.networks(table, key)
