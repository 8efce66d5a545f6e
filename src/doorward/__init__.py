"""doorward: the access-control layer for HTTP services. Who are you (401), what may you do (403), and why.

Rule: importing this package costs the standard library only; what is heavier is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doorward.core.errors import ConfigError, Denied, DependencyError, DoorwardError, PolicyError
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.verdict import Allow, Challenge, Deny, Hide, Malformed, Throttle, Unavailable, Verdict

if TYPE_CHECKING:
    from doorward.guard.guard import Guard

__version__ = "0.1.0"
__all__ = [
    "ANONYMOUS",
    "Allow",
    "Challenge",
    "ConfigError",
    "Denied",
    "Deny",
    "DependencyError",
    "DoorwardError",
    "Guard",
    "Hide",
    "Malformed",
    "PolicyError",
    "Principal",
    "Throttle",
    "Unavailable",
    "Verdict",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "Guard":
        from doorward.guard.guard import Guard  # noqa: PLC0415 - the guard needs more than the standard library

        return Guard
    raise AttributeError(f"module 'doorward' has no attribute {name!r}")
