"""From an account to a principal: what the schemes for local accounts share.

Rule: nothing here verifies a credential.
"""

from __future__ import annotations

from types import MappingProxyType

from doorward.core.ask import Account
from doorward.core.policy import Policy
from doorward.core.principal import Principal


def principal_of(
    policy: Policy,
    account: Account,
    scheme: str,
    *,
    auth_time: float | None = None,
    scopes: frozenset[str] | None = None,
    expires: float | None = None,
    session: str = "",
) -> Principal:
    """The principal of a proven local account; roles expanded by the policy's hierarchy. Never raises."""
    return Principal(
        subject=account.subject,
        name=account.name,
        roles=policy.expand(account.roles),
        scopes=scopes,
        scheme=scheme,
        auth_time=auth_time,
        expires=expires,
        session=session,
        account=True,
        attributes=MappingProxyType(dict(account.attributes)),
    )
