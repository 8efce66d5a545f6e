"""The compiled policy: gates, rules, roles, and the trie that finds a rule. Immutable; swapped as a whole.

Source: policy.md sections 2 and 3. Rule: nothing here reads a file or decides; it says which rule decides.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from doorward.core.path import Pattern, parse_pattern
from doorward.core.request import Network
from doorward.core.settings import Settings
from doorward.core.values import value

if TYPE_CHECKING:
    from doorward.core.authenticate import Scheme

_EMPTY: Mapping[str, str] = MappingProxyType({})
_MEMO_LIMIT = 4096
_MEMO_LENGTH = 256


@value
class Limit:
    """A rate limit. by: any of "ip", "principal", "account", "route", "ip+account"; period: seconds."""

    rate: int
    period: int
    burst: int
    by: tuple[str, ...]
    status: int = 429
    name: str = ""

    def __post_init__(self) -> None:
        if min(self.rate, self.period, self.burst) < 1:
            raise ValueError("a limit counts from 1")

    @property
    def needs_identity(self) -> bool:
        """Whether the principal must be known first."""
        return any("principal" in key.split("+") for key in self.by)


@value
class Owner:
    """Who owns what a path names. variable: of the path; attribute: of the principal, "" = its subject."""

    variable: str
    attribute: str = ""


@value
class Acl:
    """Stored relations. object: template such as "document:{doc}"; permissions: method -> permission."""

    object: str
    permissions: Mapping[str, str]


@value
class Hours:
    """Opening hours. days: 0 = Monday; start, end: minutes of the day, end may lie on the next; zone: IANA name."""

    days: frozenset[int]
    start: int
    end: int
    zone: str


@value
class Gate:
    """Closes before identity is known. block, only: networks; patterns None = everywhere; line: in the file."""

    name: str
    patterns: tuple[Pattern, ...] | None = None
    methods: frozenset[str] | None = None
    block: tuple[Network, ...] = ()
    only: tuple[Network, ...] | None = None
    limits: tuple[Limit, ...] = ()
    line: int = 0


@value
class Rule:
    """Path and methods -> needs. Every field is as policy.md 2.3 says.

    kind: "rule" from the file; "unclaimed" (a named path, a method no rule takes), "default" (a path nobody names),
    "well-known" (policy.md 3.8). roles, or_roles: any of; scopes: all of; issuers: `iss` values that count
    here, None = every configured one; json: an API that reads JSON alone (row 31).
    """

    name: str
    patterns: tuple[Pattern, ...] = ()
    methods: frozenset[str] | None = None
    access: Literal["public", "authenticated", "nobody"] = "authenticated"
    schemes: frozenset[str] | None = None
    issuers: frozenset[str] | None = None
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    scopes_for: Literal["delegated", "all"] = "delegated"
    owner: Owner | None = None
    or_roles: tuple[str, ...] = ()
    acl: Acl | None = None
    networks: tuple[Network, ...] | None = None
    when: Hours | None = None
    max_age: int | None = None
    csrf: bool = True
    json: bool = False
    limits: tuple[Limit, ...] = ()
    hide: Literal[False, True, "unless-readable"] = False
    mask: bool = False
    message: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    realm: str = ""
    kind: Literal["rule", "unclaimed", "default", "well-known"] = "rule"
    line: int = 0

    @property
    def public(self) -> bool:
        """No needs: anonymous is served."""
        return self.access == "public"

    def takes(self, method: str) -> bool:
        """Whether the rule names this method; HEAD follows GET; a rule with `acl` takes what acl names."""
        asked = "GET" if method == "HEAD" else method
        if self.acl is not None and asked not in self.acl.permissions:
            return False
        return self.methods is None or asked in self.methods or method in self.methods

    def bind(self, segments: tuple[str, ...]) -> dict[str, str]:
        """Values of the path variables; empty when no pattern has any."""
        for pattern in self.patterns:
            values = pattern.bind(segments)
            if values is not None:
                return values
        return {}


WELL_KNOWN = tuple(
    parse_pattern(text)
    for text in (
        "/.well-known/acme-challenge/{token}",
        "/.well-known/security.txt",
        "/.well-known/oauth-protected-resource/**",
        "/.well-known/openid-configuration",
    )
)
"""Public without a rule, GET and HEAD only (answers.md X8)."""


class _Node:
    """One segment of the trie: literal children, one variable child, rules that end here or below."""

    __slots__ = ("below", "here", "literal", "variable")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.variable: _Node | None = None
        self.here: list[int] = []
        self.below: list[int] = []

    def add(self, pattern: Pattern, index: int) -> None:
        node = self
        for name, literal in pattern.parts:
            if name:
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literal.setdefault(literal, _Node())
        (node.below if pattern.below else node.here).append(index)

    def find(self, segments: tuple[str, ...], at: int, found: list[int]) -> None:
        found.extend(self.below)
        if at == len(segments):
            found.extend(self.here)
            return
        # Literal and variable both: the first rule in file order decides, so no branch may be left out.
        if child := self.literal.get(segments[at]):
            child.find(segments, at + 1, found)
        if self.variable:
            self.variable.find(segments, at + 1, found)


@value
class Policy:
    """One policy, compiled. version: short hash of the file's bytes; roles: role -> every role it includes, itself too.

    schemes: in challenge order, composed by the guard; default: what a path nobody names gets; memo: what others made
    of a rule and may make again.
    """

    version: str
    realm: str
    settings: Settings = Settings()
    rules: tuple[Rule, ...] = ()
    gates: tuple[Gate, ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    default: Literal["deny", "authenticated", "public"] = "deny"
    schemes: tuple[Scheme, ...] = ()
    _trie: _Node = field(init=False, repr=False, compare=False, default_factory=_Node)
    _memo: dict[tuple[str, ...], tuple[Rule, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)
    memo: dict[Hashable, tuple[Rule, Any]] = field(init=False, repr=False, compare=False, default_factory=dict)
    _extra: dict[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for index, rule in enumerate(self.rules):
            for pattern in rule.patterns:
                self._trie.add(pattern, index)
        self._extra["unclaimed"] = Rule("(method not claimed)", kind="unclaimed")
        self._extra["well-known"] = Rule("(well-known)", access="public", kind="well-known")
        self._extra["default"] = _default_rule(self.default)
        self._extra["names"] = {rule.name: rule for rule in self.rules}
        self._extra["hiding"] = any(rule.hide for rule in self.rules)

    def naming(self, segments: tuple[str, ...]) -> tuple[Rule, ...]:
        """Every rule that names the path, in file order, whatever the method."""
        known = self._memo.get(segments)
        if known is None:
            found: list[int] = []
            self._trie.find(segments, 0, found)
            known = tuple(self.rules[index] for index in sorted(set(found)))
            if sum(map(len, segments)) > _MEMO_LENGTH:
                return known
            if len(self._memo) >= _MEMO_LIMIT:  # attackers choose paths: the memo is bounded
                self._memo.clear()
            self._memo[segments] = known
        return known

    def match(self, method: str, segments: tuple[str, ...]) -> Rule:
        """The rule that decides; always one. Source: policy.md section 3, 1-5 and 8."""
        named = self.naming(segments)
        for rule in named:
            if rule.takes(method):
                return rule
        return self._otherwise(method, segments, claimed=bool(named))

    def neighbour(self, method: str, segments: tuple[str, ...]) -> Rule:
        """The rule that would decide if the hiding rules did not exist: the absent neighbour's."""
        named = [rule for rule in self.naming(segments) if not rule.hide]
        for rule in named:
            if rule.takes(method):
                return rule
        return self._otherwise(method, segments, claimed=bool(named))

    def _otherwise(self, method: str, segments: tuple[str, ...], *, claimed: bool) -> Rule:
        if claimed:
            rule: Rule = self._extra["unclaimed"]
        elif segments[:1] == (".well-known",) and method in ("GET", "HEAD") and _well_known(segments):
            rule = self._extra["well-known"]
        else:
            rule = self._extra["default"]
        return rule

    def hiding_rule(self, segments: tuple[str, ...]) -> Rule | None:
        """The first hiding rule that names the path, by path alone."""
        if not self._extra["hiding"]:
            return None
        return next((rule for rule in self.naming(segments) if rule.hide), None)

    def rule(self, name: str) -> Rule | None:
        """A rule of the file by its name."""
        found: Rule | None = self._extra["names"].get(name)
        return found

    def expand(self, roles: frozenset[str]) -> frozenset[str]:
        """Roles with everything they include."""
        return frozenset(inner for role in roles for inner in self.roles.get(role, (role,)))


def _well_known(segments: tuple[str, ...]) -> bool:
    return any(pattern.bind(segments) is not None for pattern in WELL_KNOWN)


def _default_rule(default: str) -> Rule:
    if default == "public":
        return Rule("(default)", access="public", kind="default")
    if default == "authenticated":
        return Rule("(default)", kind="default")
    return Rule("(default)", access="nobody", kind="default")
