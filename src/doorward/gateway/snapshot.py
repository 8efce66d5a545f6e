"""One policy in force, and what the gateway compiles from it: made at load, swapped as a whole.

Rule: immutable but for its memories; whoever needs two things of it takes it once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from doorward.core.policy import Policy
from doorward.core.request import Network, inside
from doorward.gateway.asking import peers_of
from doorward.gateway.fields import FieldPlan
from doorward.gateway.hiding import Shadow
from doorward.gateway.identity import Identity, Sign

Fields = list[tuple[bytes, bytes]]
Edit = tuple[Fields, tuple[int, str], Fields]
"""Fields of an answer, its status and how the caller was proven, and what the door made of them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """peers: who may ask `/decide`; shadow: paths where an absent name must look hidden; numbered: every request is in
    the ledger, so the application learns its id; edits: the memory of `relayed.py`.
    """

    policy: Policy
    plan: FieldPlan
    identity: Identity
    peers: tuple[Network, ...]
    shadow: Shadow
    numbered: bool
    edits: dict[int, Edit] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, policy: Policy, sign: Sign) -> Snapshot:
        """Compile a policy. sign: principal and time -> assertion."""
        settings = policy.settings
        return cls(
            policy,
            FieldPlan(policy),
            Identity(settings.upstream_headers, sign),
            peers_of(policy),
            Shadow(policy),
            settings.ledger.allows == "all",
        )

    def trusts(self, peer: str) -> bool:
        """Whether a peer may speak for others (X1)."""
        trusted = self.policy.settings.vantage.trusted
        return bool(trusted) and inside(peer, trusted)
