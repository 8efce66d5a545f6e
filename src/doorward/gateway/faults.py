"""What the edge found wrong, in the words of the core. Rule: translation only."""

from __future__ import annotations

from doorward.core.reason import Reason
from doorward.core.request import Fault
from doorward.core.verdict import Malformed, Unavailable, malformed, upstream_failed
from doorward.edge.faults import EdgeFault, FailureKind

_NOTES = {
    Reason.BODY_TOO_LARGE: "the body is larger than is taken here",
    Reason.FRAMING_BAD: "the body does not end where it says",
}


def fault_of(fault: EdgeFault) -> Fault:
    """A fault of the request as the core knows it: the edge's words are those of the reasons."""
    return Fault(Reason(fault.kind), fault.detail)


def failure_of(kind: FailureKind) -> Malformed | Unavailable:
    """Why no answer could be had: the client's body, or the application behind."""
    if kind in ("body-too-large", "framing-bad"):
        reason = Reason(kind)
        return malformed(reason, _NOTES[reason])
    return upstream_failed(kind)
