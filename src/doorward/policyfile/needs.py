"""What the keys of one rule mean together: contradictions (E112) and rules nobody can satisfy by mistake (E111).

Rule: a rule with an error of its own is left alone; one cause, one finding. Source: policy.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from doorward.core.policy import Policy, Rule
from doorward.policyfile.finding import Log
from doorward.policyfile.rules import Draft

NEEDS: Final = ("roles", "scopes", "owner", "or_roles", "acl", "fresh")
_CIRCUMSTANCES: Final = ("from", "when")
_CREDENTIALS: Final = ("schemes", "issuers")
_DELEGATED: Final = frozenset({"bearer", "apikey"})
_TIMED: Final = frozenset({"bearer", "session", "basic"})


def check(log: Log, policy: Policy, drafts: Sequence[Draft]) -> None:
    """Look at every rule that has no error of its own, and at the default."""
    kinds = frozenset(policy.settings.credentials.order)
    for draft in drafts:
        if not log.broken("rule", draft.index):
            fault = _contradiction(draft) or _unsatisfiable(draft.rule, kinds)
            if fault:
                code, key, message, hint = fault
                path = ("rule", draft.index, key) if key else ("rule", draft.index, "name")
                log.add(code, path, f'rule "{draft.rule.name}": {message}', hint, draft.rule.name)
    if policy.default == "authenticated" and not kinds and not log.broken("credentials"):
        hint = "Write a table [credentials], for example session = {}."
        log.add("E111", ("default",), 'default = "authenticated", and nobody can log in.', hint)


def protects(policy: Policy, sound: Sequence[Draft]) -> bool:
    """Whether anything asks for identity, so that a realm is named. sound: rules without an error of their own."""
    rules = any(draft.rule.access == "authenticated" for draft in sound)
    return rules or bool(policy.settings.credentials.order) or policy.default == "authenticated"


Fault = tuple[str, str, str, str]
"""Code, key of the rule, message, hint."""


def _contradiction(draft: Draft) -> Fault | None:
    rule, given = draft.rule, draft.given
    named = [key for key in NEEDS if key in given]
    implied = [*named, *(key for key in (*_CIRCUMSTANCES, *_CREDENTIALS) if key in given)]
    if "access" not in given and not implied:
        return "E112", "", "it has neither access nor needs.", 'Write access = "authenticated", or name roles.'
    if rule.access == "public" and named:
        return "E112", named[0], f'access = "public" stands beside {named[0]}.', "Take one of them out."
    if rule.access == "nobody" and implied:
        return "E112", implied[0], f'access = "nobody" stands beside {implied[0]}.', "Take one of them out."
    if "or_roles" in given and "owner" not in given:
        return "E112", "or_roles", "or_roles stands without owner.", "Write roles, or add owner."
    if "scopes_for" in given and "scopes" not in given:
        return "E112", "scopes_for", "scopes_for stands without scopes.", "Add scopes, or take it out."
    return None


def _unsatisfiable(rule: Rule, kinds: frozenset[str]) -> Fault | None:
    if rule.access != "authenticated":
        return None
    accepted = kinds if rule.schemes is None else kinds & rule.schemes
    if not accepted:
        hint = "Write a table [credentials], for example session = {}."
        return "E111", "", "nobody can pass it: no credential is accepted.", hint
    if rule.scopes and not accepted & _DELEGATED:
        hint = "Accept bearer or apikey, or ask for roles."
        return "E111", "scopes", f"no accepted credential has scopes ({', '.join(sorted(accepted))}).", hint
    if rule.max_age is not None and not accepted & _TIMED:
        hint = "Accept bearer, session or basic."
        return "E111", "fresh", "no accepted credential tells when its owner logged in.", hint
    if rule.issuers is not None and rule.issuers <= {"local"} and accepted == {"bearer"}:
        return "E111", "issuers", "a token never comes from local accounts.", "Name an issuer, or accept session."
    return None
