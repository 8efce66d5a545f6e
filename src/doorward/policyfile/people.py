"""`[roles]` and `[groups.NAME]`: who includes whom, and which networks have a name.

Rule: what is read here is only named by rules and gates; `warnings.py` tells what nobody names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from doorward.core.request import Network
from doorward.policyfile import later, units
from doorward.policyfile.table import Table
from doorward.policyfile.words import nearest, visible


@dataclass(slots=True)
class Known:
    """Names that rules and gates may use, and which of them were used.

    includes: role -> roles on its right, as written; named: whether the file has `[roles]`, so that others are unknown;
    groups: name -> networks, None where the group itself is wrong; kinds: accepted credentials; issuers: name -> iss.
    """

    includes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    named: bool = False
    groups: Mapping[str, tuple[Network, ...] | None] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    issuers: Mapping[str, str] = field(default_factory=dict)
    hide: bool = False
    used_groups: set[str] = field(default_factory=set)

    @property
    def roles(self) -> frozenset[str]:
        """Every role of `[roles]`."""
        return frozenset(self.includes).union(*self.includes.values())

    def check_roles(self, table: Table, key: str, roles: tuple[str, ...]) -> tuple[str, ...]:
        """Note unknown roles; where the file has no `[roles]`, any role may be meant."""
        known = sorted(self.roles)
        for role in roles:
            if self.named and role not in known:
                hint = nearest(role, known)
                table.fault(key, f'unknown role "{visible(role)}".', f"{hint} Roles stand in [roles].".strip(), "E105")
        return roles

    def networks(self, table: Table, key: str) -> tuple[Network, ...]:
        """The networks of the groups a key names."""
        found: list[Network] = []
        for name in table.words(key):
            self.used_groups.add(name)
            if name in self.groups:
                found += self.groups[name] or ()
            elif any(mark in name for mark in "/:") or name[:1].isdigit():
                hint = f'Write [groups.NAME] networks = ["{visible(name)}"], and the name here.'
                table.fault(key, f"{key} names a network, not a group.", hint, "E105")
            else:
                hint = nearest(name, list(self.groups)) or f"Write a table [groups.{visible(name)}]."
                table.fault(key, f'unknown group "{visible(name)}".', hint, "E105")
        return tuple(dict.fromkeys(found))


def read_groups(top: Table) -> dict[str, tuple[Network, ...] | None]:
    """`[groups.NAME]`."""
    return {name: read_group(table) for name, table in top.named("groups", "group", later.GROUP).items()}


def read_group(table: Table) -> tuple[Network, ...] | None:
    """The networks of one group; None when something is wrong with it."""
    found = table.each("networks", units.network)
    table.close()
    if not table.log.broken(*table.path) and not found:
        table.fault((), "it has no networks.", 'Write networks = ["10.0.0.0/8"].')
    return None if table.log.broken(*table.path) else found


def read_roles(top: Table) -> dict[str, tuple[str, ...]]:
    """`[roles]`: role -> roles it includes, as written. A cycle is noted."""
    table = top.table("roles", "[roles] ")
    if table is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name in table:
        if not units.is_role(name):
            table.fault(name, f'"{visible(name)}" is no role.', "Write a name without blanks and commas.")
        found[name] = table.each(name, units.role, empty=True)
    for name in found:
        if circle := _circle(found, name):
            chain = " → ".join(visible(role) for role in circle)
            table.fault(name, f'role "{visible(name)}" includes itself: {chain}.', "Take one of them out.", "E113")
    return found


def _circle(includes: Mapping[str, tuple[str, ...]], role: str) -> tuple[str, ...]:
    """The shortest way from a role back to itself; empty when there is none."""
    ways: list[tuple[str, ...]] = [(role,)]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked
        for inner in includes.get(way[-1], ()):
            if inner == role:
                return (*way, role)
            if inner not in seen:
                seen.add(inner)
                ways.append((*way, inner))
    return ()


def expand(includes: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """Role -> every role it includes, itself too, for every role of `[roles]`."""
    names = dict.fromkeys([*includes, *(inner for inners in includes.values() for inner in inners)])
    return {name: _reached(includes, name) for name in names}


def _reached(includes: Mapping[str, tuple[str, ...]], role: str) -> frozenset[str]:
    reached, waiting = {role}, [role]
    while waiting:
        fresh = [inner for inner in includes.get(waiting.pop(), ()) if inner not in reached]
        reached.update(fresh)
        waiting += fresh
    return frozenset(reached)
