"""What can be wrong with a message or its sender, as values and as errors. Rule: words only, never a status number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from doorward.core.errors import DoorwardError

FaultKind = Literal["framing-bad", "head-too-large", "target-too-large", "body-too-large", "host-bad"]
FailureKind = Literal["unreachable", "timeout", "bad-response", "body-too-large", "framing-bad"]


@dataclass(frozen=True, slots=True)
class EdgeFault:
    """Why a request must be refused before anybody looks at it. detail: for people, without the client's octets."""

    kind: FaultKind
    detail: str


class EdgeError(DoorwardError):
    """A request body that could not be had; the client's doing."""

    code = "edge-error"


class BodyTooLarge(EdgeError):  # noqa: N818 - the name says what happened
    """The body is longer than the caller takes."""

    code = "body-too-large"


class BodyBroken(EdgeError):  # noqa: N818 - the name says what happened
    """The chunked framing of the body is not what RFC 9112 allows."""

    code = "body-broken"


class ClientGone(EdgeError):  # noqa: N818 - the name says what happened
    """The client went away, or stopped sending, before its body was complete."""

    code = "client-gone"
