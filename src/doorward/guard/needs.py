"""A cure in words and as plain values: what was missing, for the ledger, `tail` and `explain`.

Rule: texts for operators, English; callers are told by `wire/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.ledger.event import clean

_EMPTY = Cure(Act.NONE)


def required(cure: Cure) -> str:
    """What was missing, in a few words; "" where nothing is (A0-31)."""
    return clean(_rights(cure) or _circumstances(cure))


def _rights(cure: Cure) -> str:
    match cure.act:
        case Act.GAIN_ROLE:
            return f"role {' or '.join(cure.roles)}"
        case Act.WIDEN_SCOPE:
            return f"scope {' and '.join(cure.scopes)}"
        case Act.GAIN_GRANT:
            return f"{cure.permission} on {cure.object}"
        case Act.BE_OWNER:
            role = f" or role {' or '.join(cure.roles)}" if cure.roles else ""
            return f"owner {cure.owner}{role}"
        case _:
            return ""


def _circumstances(cure: Cure) -> str:
    match cure.act:
        case Act.STEP_UP:
            return f"login within {cure.max_age} s"
        case Act.PROVE_ORIGIN:
            return "proof of origin"
        case Act.COME_FROM:
            return f"network {' or '.join(cure.networks)}"
        case Act.COME_BACK:
            return f"open from {moment(cure.opens)}" if cure.opens is not None else ""
        case Act.WAIT | Act.RETRY:
            return f"{cure.seconds} s"
        case Act.RESEND:
            return cure.note
        case _:
            return ""


def moment(at: float) -> str:
    """A time for people, in UTC. at: seconds since the epoch."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def as_values(cure: Cure) -> dict[str, Any]:
    """A cure as JSON values; empty fields are left out."""
    found: dict[str, Any] = {"act": cure.act.value}
    for field in fields(cure):
        value = getattr(cure, field.name)
        if field.name != "act" and value != getattr(_EMPTY, field.name):
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def as_cure(values: Mapping[str, Any]) -> Cure:
    """A cure from its JSON values."""
    if not values:
        return NOTHING_HELPS
    known: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    known["act"] = Act(known["act"])
    return Cure(**known)
