"""What would make a refusal succeed. The verdict's form follows from who can perform it (architecture.md 2.2)."""

from __future__ import annotations

from enum import StrEnum

from doorward.core.values import value


class Act(StrEnum):
    """What must be done, in the order: by the caller, by an administrator, by the page, by time, by nobody."""

    AUTHENTICATE = "authenticate"
    RENEW = "renew"
    STEP_UP = "step-up"
    WIDEN_SCOPE = "widen-scope"
    GAIN_ROLE = "gain-role"
    GAIN_GRANT = "gain-grant"
    BE_OWNER = "be-owner"
    PROVE_ORIGIN = "prove-origin"
    COME_FROM = "come-from"
    COME_BACK = "come-back"
    WAIT = "wait"
    RESEND = "resend"
    RETRY = "retry"
    NONE = "none"


@value
class Cure:
    """One act and its detail; fields that do not belong to the act stay empty.

    schemes: accepted credential kinds; roles: any of; scopes: all of; permission, object: the missing relation;
    owner: the subject that would be owner; max_age, seconds: seconds; networks: CIDR texts; opens: seconds since the
    epoch of the next opening, or None; note: what is wrong with the request, English, safe to show.
    """

    act: Act
    schemes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    permission: str = ""
    object: str = ""
    owner: str = ""
    max_age: int = 0
    seconds: int = 0
    networks: tuple[str, ...] = ()
    opens: float | None = None
    note: str = ""


NOTHING_HELPS = Cure(Act.NONE)
