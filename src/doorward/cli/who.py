"""Whom and what a command means: accounts by name, subjects of relations, roles and scopes of the policy.

Rule: nothing is changed here; an unknown name is told together with the nearest known one.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from doorward.cli.common import Context, clean
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.core.ask import Account
    from doorward.core.policy import Policy
    from doorward.stores.store import Store


def nearest(word: str, known: Iterable[str]) -> str:
    """'Did you mean "…"?', or nothing."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f'Did you mean "{clean(found[0])}"?' if found else ""


def known_account(store: Store, who: str) -> Account:
    """The account with this name or subject. Raises ConfigError with the nearest name."""
    account = store.accounts.find_any(who)
    if account is None:
        tip = nearest(who, [one.name for one in store.accounts.all()])
        raise ConfigError(f'There is no account "{clean(who)}".', hint=tip or "doorward user list shows them.")
    return account


def subject_of(store: Store, policy: Policy | None, who: str) -> str:
    """The subject of a relation: an account, `role:NAME`, or `ISSUER SUBJECT` with the issuer's name or address.

    Raises ConfigError when it is none of these.
    """
    if who.startswith("role:") and len(who) > len("role:"):
        return who
    issuer, blank, subject = who.partition(" ")
    if blank and issuer and subject:
        return f"{_address(policy, issuer)} {subject}"
    return known_account(store, who).subject


def _address(policy: Policy | None, issuer: str) -> str:
    known = policy.settings.issuers if policy is not None else {}
    if issuer in known:
        return known[issuer].issuer
    if "://" in issuer:
        return issuer
    hint = nearest(issuer, known) or "Write its name in the policy file, or its address."
    raise ConfigError(f'There is no issuer "{clean(issuer)}".', hint=hint)


def roles_of(policy: Policy) -> frozenset[str]:
    """Every role that the policy names."""
    inner = {role for roles in policy.roles.values() for role in roles}
    asked = {role for rule in policy.rules for role in (*rule.roles, *rule.or_roles)}
    mapped = {role for issuer in policy.settings.issuers.values() for role in (issuer.map or {}).values()}
    return frozenset(inner | asked | mapped | set(policy.roles))


def scopes_of(policy: Policy) -> frozenset[str]:
    """Every scope that the policy asks for."""
    return frozenset(scope for rule in policy.rules for scope in rule.scopes)


def warn_unknown(context: Context, what: str, given: Iterable[str], known: Collection[str]) -> None:
    """Warn of names that the policy does not know. It is no error: the policy may follow."""
    for name in given:
        if name not in known:
            tip = nearest(name, known)
            context.warn(
                f'warning: no rule of {clean(str(context.policy))} asks for the {what} "{clean(name)}". {tip}'.rstrip()
            )
