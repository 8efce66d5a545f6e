"""Values that are made anew for every request: frozen for the type checker, cheap at run time.

A frozen dataclass sets each field through `object.__setattr__`, which cost 0.4 us a field, a third of a whole decision;
and each of its methods is compiled at import, which cost the start of a process a tenth of a second. `@per_request`
makes the same kind of class without both: mypy refuses an assignment, equality, hash and repr are shared functions.
Rule: only for what is made per request; everything else is `@dataclass(frozen=True, slots=True)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def per_request(cls: type[T]) -> type[T]:
    """Make a class a value with slots."""
    made: Any = dataclass(slots=True, eq=False, repr=False)(cls)
    made.__eq__, made.__hash__, made.__repr__ = _equal, _hash, _show
    return made  # type: ignore[no-any-return]  # the class that came in, with slots


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
