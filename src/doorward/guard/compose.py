"""From a loaded policy to one that can decide: its schemes attached, in the order of the file.

Rule: this is the one table that says which scheme belongs to which word of the policy file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from doorward.core.authenticate import Scheme
from doorward.core.policy import Policy
from doorward.schemes import apikey, basic, bearer, session

SCHEMES: dict[str, Callable[[], Scheme]] = {
    "bearer": bearer.scheme,
    "session": session.scheme,
    "apikey": apikey.scheme,
    "basic": basic.scheme,
}


def compose(policy: Policy) -> Policy:
    """The policy with its schemes. policy: as policyfile loaded it."""
    return replace(policy, schemes=tuple(SCHEMES[kind]() for kind in policy.settings.credentials.order))
