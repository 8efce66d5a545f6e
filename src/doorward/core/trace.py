"""Which steps one decision took: cheap enough to be kept always, enough for the ledger and for `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doorward.core.ask import Rejected
    from doorward.core.errors import DependencyError
    from doorward.core.policy import Rule
    from doorward.core.principal import Principal
    from doorward.core.verdict import Throttle

STEPS = (
    "parse",
    "tls",
    "gates",
    "preflight",
    "match",
    "authenticate",
    "limits",
    "csrf",
    "authorise",
    "scope",
    "step-up",
)
"""The straight line, in order (architecture.md 2.4)."""


class Trace:
    """Filled while deciding. step: where the decision stands or ended; who: None until identity is settled;
    proof: what became of the credential, so that no second look at it is needed; unchanged: the refusal is the same for
    an absent neighbour, so it is not concealed.
    """

    __slots__ = ("notes", "proof", "rule", "step", "unchanged", "who")

    def __init__(self) -> None:
        self.step = "parse"
        self.rule: Rule | None = None
        self.who: Principal | None = None
        self.proof: Principal | Rejected | Throttle | DependencyError | None = None
        self.notes: tuple[str, ...] = ()
        self.unchanged = False
