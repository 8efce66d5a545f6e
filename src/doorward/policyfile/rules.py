"""`[[rule]]`: path and methods -> needs. Each key becomes the field of the same name in `core/policy.py`.

Rule: one key, one reader; what keys mean together is said in `needs.py`. Source: policy.md 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from doorward.core.path import Pattern, parse_pattern
from doorward.core.policy import Acl, Hours, Owner, Rule
from doorward.policyfile import later, units
from doorward.policyfile.issuers import KINDS, LOCAL
from doorward.policyfile.people import Known
from doorward.policyfile.rates import read_limits
from doorward.policyfile.table import Table
from doorward.policyfile.words import nearest, visible

PERMISSIONS: Final = ("read", "write", "execute")
_EVERY_DAY: Final = tuple(range(7))
_WHOLE_DAY: Final = (0, 24 * 60)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as read. index: its place among `[[rule]]`; given: the keys that stand in the file."""

    rule: Rule
    index: int
    given: frozenset[str]


def read_rule(table: Table, known: Known) -> Draft:
    """One rule; findings say what is wrong with it."""
    patterns = _paths(table)
    access = table.choice("access", "authenticated", ("public", "authenticated", "nobody"))
    acl = _acl(table, patterns)
    rule = Rule(
        table.rule,
        patterns,
        frozenset(table.each("methods", units.method)) or None,
        access,
        schemes=_schemes(table, known),
        issuers=_issuers(table, known),
        roles=known.check_roles(table, "roles", table.each("roles", units.role)),
        scopes=table.each("scopes", units.scope),
        scopes_for=table.choice("scopes_for", "delegated", ("delegated", "all")),
        owner=_owner(table, patterns),
        or_roles=known.check_roles(table, "or_roles", table.each("or_roles", units.role)),
        acl=acl,
        networks=known.networks(table, "from") if "from" in table else None,
        when=_when(table),
        max_age=_fresh(table),
        csrf=table.flag("csrf", default=True),
        json=table.flag("json", default=False),
        limits=read_limits(table, gate=False, public=access == "public"),
        hide=_hide(table, acl, default=known.hide and access == "authenticated"),
        mask=table.flag("mask", default=False),
        message=_message(table),
        realm=table.parsed("realm", "", units.printable_ascii),
        line=table.log.lines.of(*table.path, "name"),
    )
    _gate_keys(table, patterns)
    given = frozenset(table)
    table.close()
    return Draft(rule, int(table.path[1]), given)


def _paths(table: Table) -> tuple[Pattern, ...]:
    patterns = table.each("path", parse_pattern)
    table.lacks("path", 'Write for example path = "/admin/**".')
    return patterns


def _gate_keys(table: Table, patterns: tuple[Pattern, ...]) -> None:
    paths = ", ".join(visible(pattern.text) for pattern in patterns)
    for key in ("block", "only"):
        if key in table:
            table.raw(key)
            hint = f"in a rule on {paths} it would swallow all that follow." if paths else ""
            table.fault(key, f"{key} belongs in a [[gate]]{';' if hint else '.'}", hint, "E116")


def _schemes(table: Table, known: Known) -> frozenset[str] | None:
    if "schemes" not in table:
        return None
    named = table.words("schemes")
    for kind in named:
        if kind in later.CREDENTIALS:
            table.fault("schemes", f"{kind} is not available in this version.", "Take it out.", later.CODE)
        elif kind not in KINDS:
            table.fault("schemes", f'unknown scheme "{visible(kind)}".', nearest(kind, KINDS), "E105")
        elif kind not in known.kinds:
            hint = f"Write {kind} there, or take it out here."
            table.fault("schemes", f'scheme "{kind}" is not in [credentials].', hint, "E105")
    return frozenset(named)


def _issuers(table: Table, known: Known) -> frozenset[str] | None:
    if "issuers" not in table:
        return None
    found = []
    for name in table.words("issuers"):
        if name not in known.issuers and name != LOCAL:
            hint = nearest(name, [*known.issuers, LOCAL])
            table.fault("issuers", f'unknown issuer "{visible(name)}".', hint, "E105")
        found.append(known.issuers.get(name, name))
    return frozenset(found)


def _bound(table: Table, key: str, names: tuple[str, ...], patterns: tuple[Pattern, ...]) -> None:
    """Every variable must have a value whichever path matches."""
    for name in names:
        lacking = [pattern for pattern in patterns if name not in pattern.variables]
        if not lacking:
            continue
        if len(patterns) == 1:
            has = [f"{{{one}}}" for one, _ in lacking[0].parts if one]
            there = f"its path has only {' and '.join(has)}" if has else "its path has no variable"
        else:
            there = f"path {visible(lacking[0].text)} does not have it"
        table.fault(key, f"{key} uses {{{name}}}, but {there}.", code="E106")


def _owner(table: Table, patterns: tuple[Pattern, ...]) -> Owner | None:
    value = table.raw("owner")
    if value is None:
        return None
    attribute = ""
    if isinstance(value, Mapping):
        inner = table.inner(("owner",), value, f"{table.title}owner: ")
        variable = inner.parsed("is", "", units.variable)
        attribute = inner.text("attribute")
        inner.lacks("is", 'Write owner = { is = "{id}", attribute = "customer_no" }.')
        inner.close()
    else:
        variable = table.parsed("owner", "", units.variable)
    if variable:
        _bound(table, "owner", (variable,), patterns)
    return Owner(variable, attribute)


def _acl(table: Table, patterns: tuple[Pattern, ...]) -> Acl | None:
    inner = table.table("acl")
    if inner is None:
        return None
    none: tuple[str, ...] = ()
    names = inner.parsed("object", none, units.variables)
    template = inner.text("object")
    inner.lacks("object", 'Write for example object = "document:{doc}".')
    permissions: dict[str, str] = {}
    for key in inner:
        if not key.isupper():
            continue
        if key == "HEAD":
            inner.fault(key, "HEAD follows GET.", "Take it out.")
        permissions[key] = inner.choice(key, "read", PERMISSIONS)
    if not permissions and not inner.log.broken(*inner.path):
        inner.fault((), "it names no method.", 'Write for example GET = "read", PUT = "write".')
    inner.close()
    _bound(Table(table.log, inner.path, {}, table.title, table.rule), "object", names, patterns)
    return Acl(template, permissions)


def _when(table: Table) -> Hours | None:
    inner = table.table("when", table.title)
    if inner is None:
        return None
    days, hours = inner.each("days", units.days), inner.parsed("hours", _WHOLE_DAY, units.hours)
    zone = inner.parsed("zone", "", units.zone)
    inner.lacks("zone", 'for example zone = "Europe/Kyiv".', text="when needs a zone,")
    if "days" not in inner and "hours" not in inner and not inner.void:
        inner.fault((), "when says neither days nor hours.", 'Write for example hours = "08:00-18:00".')
    inner.close()
    open_days = frozenset(day for span in days for day in span) or frozenset(_EVERY_DAY)
    return Hours(open_days, *hours, zone)


def _fresh(table: Table) -> int | None:
    inner = table.table("fresh", later=later.FRESH)
    if inner is None:
        return None
    found = inner.parsed("max_age", 0, units.seconds)
    if "factor" not in inner:
        inner.lacks("max_age", 'Write for example fresh = { max_age = "5m" }.')
    inner.close()
    return found or None


def _hide(table: Table, acl: Acl | None, *, default: bool) -> Literal[False, True, "unless-readable"]:
    hide: Literal[False, True, "unless-readable"] = table.choice("hide", default, (False, True, "unless-readable"))
    if hide == "unless-readable" and acl is None:
        table.wrong("hide", "Only acl says who may read: write acl, or hide = true.", "E112")
    return hide


def _message(table: Table) -> Mapping[str, str]:
    """Own sentences by language; one text is taken for English."""
    value: Any = table.raw("message")
    if value is None:
        return {}
    if isinstance(value, str):
        return {"en": table.text("message")}
    inner = table.inner(("message",), value, f"{table.title}message: ")
    found = {language: inner.text(language) for language in inner}
    inner.close()
    return {language: text for language, text in found.items() if text}
