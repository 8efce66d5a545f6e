"""Which rules somebody would open, and what is lacking for the others: read off the policy, no request is made.

Rule: whether a rule holds is asked of the core; what depends on the request is said as a condition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from doorward.core.authenticate import accepted
from doorward.core.authorize import lacking, missing_scopes
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.request import Headers, RequestView, Vantage, Via, observe


@dataclass(frozen=True, slots=True)
class Opening:
    """What a rule says to somebody. lacks: empty = it opens, under the conditions."""

    rule: Rule
    lacks: tuple[str, ...]
    conditions: tuple[str, ...]

    @property
    def where(self) -> str:
        """Methods and paths of the rule: "GET, PUT /orders/**"."""
        rule = self.rule
        # A method without an entry in `acl` is not taken by the rule.
        taken = rule.methods if rule.methods is not None or rule.acl is None else frozenset(rule.acl.permissions)
        methods = "any method" if taken is None else ", ".join(sorted(taken))
        return f"{methods} {' '.join(pattern.text for pattern in rule.patterns)}"


def openings(policy: Policy, who: Principal) -> list[Opening]:
    """Every protected rule that somebody with this kind of credential can open, in file order. Never raises."""
    view = observe(
        Vantage(),
        method="GET",
        target="/",
        headers=Headers(()),
        via=Via("127.0.0.1", "127.0.0.1"),
        at=who.auth_time or 0.0,
    )
    return [
        Opening(rule, _lacks(rule, who, view), _conditions(rule))
        for rule in policy.rules
        if rule.access == "authenticated" and who.scheme in {scheme.kind for scheme in accepted(policy, rule)}
    ]


def _lacks(rule: Rule, who: Principal, view: RequestView) -> tuple[str, ...]:
    found = [f"scope {scope}" for scope in missing_scopes(rule, who)]
    refusal = lacking(replace(rule, owner=None), who, view)
    if refusal is not None:
        roles = " or ".join(refusal.cure.roles)
        found.insert(0, f"role {roles}")
    if rule.issuers is not None and who.issuer not in rule.issuers:
        found.insert(0, "a token of another issuer")
    return tuple(found)


def _conditions(rule: Rule) -> tuple[str, ...]:
    found = []
    if rule.owner is not None:
        free = f", or role {' or '.join(rule.or_roles)}" if rule.or_roles else ""
        found.append(f"{{{rule.owner.variable}}} is the subject's own{free}")
    if rule.acl is not None:
        found.append(f"a relation on {rule.acl.object}")
    if rule.networks is not None:
        found.append(f"from {', '.join(map(str, rule.networks))}")
    if rule.when is not None:
        found.append("in its hours")
    if rule.max_age is not None:
        found.append(f"logged in within {rule.max_age} s")
    return tuple(found)
