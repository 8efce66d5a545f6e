"""What a caller, an administrator, a page or time would do about a refusal: its cure, applied.

`Try` is one attempt: who asks, how, from where and when. Rule: nothing here knows the policy; a cure must say enough.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Any

from doorward.core.cure import Act, Cure
from doorward.core.principal import Principal
from doorward.core.request import RequestView
from doorward.core.verdict import Allow, Refusal, Verdict
from kit import NOW, ORIGIN, World, judge, principal, view


@dataclass(frozen=True)
class Try:
    """One attempt. who: None = anonymous; kind: of the credential; fields: further header fields."""

    method: str
    target: str
    who: Principal | None = None
    kind: str = "bearer"
    fields: tuple[tuple[str, str], ...] = ()
    peer: str = "127.0.0.1"
    at: float = NOW

    def request(self, world: World) -> RequestView:
        """The request of this attempt; its identity is planted in the world."""
        presented = world.know(self.who, self.kind) if self.who else {}
        return view(self.method, self.target, presented, self.fields, peer=self.peer, at=self.at)


CURABLE = frozenset(Act) - {Act.NONE, Act.RESEND}


def apply(cure: Cure, attempt: Try, world: World) -> Try:
    """The attempt after its cure. Raises AssertionError for an act nobody can perform."""
    who = attempt.who or principal("someone", scopes="")
    match cure.act:
        case Act.AUTHENTICATE | Act.RENEW:
            kind = cure.schemes[0]
            return replace(
                attempt, who=replace(who, scopes=frozenset() if kind in ("bearer", "apikey") else None), kind=kind
            )
        case Act.STEP_UP:
            return replace(attempt, who=replace(who, auth_time=attempt.at))
        case Act.WIDEN_SCOPE:
            return replace(attempt, who=replace(who, scopes=(who.scopes or frozenset()) | set(cure.scopes)))
        case Act.GAIN_ROLE:
            return replace(attempt, who=replace(who, roles=who.roles | set(cure.roles[:1])))
        case Act.BE_OWNER:
            return replace(attempt, who=replace(who, subject=cure.owner))
        case Act.GAIN_GRANT:
            world.relations.add((who.subjects[0], cure.permission, cure.object))
            return attempt
        case Act.PROVE_ORIGIN:
            return replace(attempt, fields=(("origin", ORIGIN),))
        case Act.COME_FROM:
            return replace(attempt, peer=str(ipaddress.ip_network(cure.networks[0])[1]))
        case Act.COME_BACK:
            assert cure.opens is not None
            return replace(attempt, at=cure.opens)
        case Act.WAIT | Act.RETRY:
            world.exhausted.clear()
            world.down.clear()
            return replace(attempt, at=attempt.at + cure.seconds)
        case _:
            raise AssertionError(cure)


def until_allowed(rules: Any, attempt: Try, world: World, *, most: int = 12) -> tuple[Verdict, list[Act]]:
    """Apply cure after cure. Returns the last verdict and the acts on the way."""
    acts: list[Act] = []
    for _ in range(most):
        verdict: Verdict = judge(rules, attempt.request(world), world)
        if isinstance(verdict, Allow) or verdict.cure.act not in CURABLE:
            return verdict, acts
        acts.append(verdict.cure.act)
        attempt = apply(refusal(verdict).cure, attempt, world)
    return verdict, acts


def refusal(verdict: Verdict) -> Refusal:
    """The verdict as what it is."""
    assert not isinstance(verdict, Allow)
    return verdict
