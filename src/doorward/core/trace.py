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
    "record",
)
"""The straight line, in order (architecture.md 2.4)."""


class Trace:
    """Filled while deciding. step: where the decision stands or ended; who: None until identity is settled;
    kind: of the credential that was presented, "" for none, for one that cannot be read, or before it was looked for;
    proof: what became of the credential, so that no second look at it is needed; unchanged: the refusal is the same for
    an absent neighbour, so it is not concealed.
    """

    # Attributes of the class stand for what was not reached: most requests set few of them.
    step: str = "parse"
    rule: Rule | None = None
    who: Principal | None = None
    kind: str = ""
    proof: Principal | Rejected | Throttle | DependencyError | None = None
    notes: tuple[str, ...] = ()
    unchanged: bool = False
