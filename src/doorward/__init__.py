"""doorward: the access-control layer for HTTP services. Who are you (401), what may you do (403), and why.

Rule: importing this package costs next to nothing; every name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doorward.core.errors import ConfigError, Denied, DependencyError, DoorwardError, PolicyError
    from doorward.core.principal import ANONYMOUS, Principal
    from doorward.core.verdict import Allow, Challenge, Deny, Hide, Malformed, Throttle, Unavailable, Verdict
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
_HOMES = {
    "core.errors": ("ConfigError", "Denied", "DependencyError", "DoorwardError", "PolicyError"),
    "core.principal": ("ANONYMOUS", "Principal"),
    "core.verdict": ("Allow", "Challenge", "Deny", "Hide", "Malformed", "Throttle", "Unavailable", "Verdict"),
    "guard.guard": ("Guard",),
}


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'doorward' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - a command line that prints its help needs none of this

    found = globals()[name] = getattr(import_module(f"doorward.{home}"), name)
    return found
