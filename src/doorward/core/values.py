"""Values of the core: frozen dataclasses with slots that share their methods, and a lighter kind made per request.

A dataclass compiles six methods of its own at import; sixty of them cost the start of a process a tenth of a second,
so equality, hash and repr are shared here. A frozen one also sets each field through `object.__setattr__`, 0.4 us a
field, a third of a whole cached decision: what is made anew for every request is frozen for the type checker alone.
Rule: nothing here knows any value. Secret fields have repr=False and are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make a class a frozen value with slots."""
    made: type[T] = dataclass(frozen=True, slots=True, eq=False, repr=False)(cls)
    return _shared(made)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def per_request(cls: type[T]) -> type[T]:
    """Make a class a value that costs little to make: frozen for the type checker, at run time by convention."""
    made: type[T] = dataclass(slots=True, eq=False, repr=False)(cls)
    return _shared(made)


def _shared(made: type[T]) -> type[T]:
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _show)):
        setattr(made, name, method)
    return made


def _facts(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, each.name) for each in fields(value) if each.compare)


def _equal(self: Any, other: object) -> bool:
    return type(self) is type(other) and _facts(self) == _facts(other)


def _hash(self: Any) -> int:
    return hash((type(self), _facts(self)))


def _show(self: Any) -> str:
    """As a dataclass shows itself: fields with repr=False, the secret ones, are left out."""
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__name__}({shown})"
