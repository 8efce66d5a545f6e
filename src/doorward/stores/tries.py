"""How fast passwords may be tried: the arithmetic, without a table and without a clock.

Three rows are looked at for each try: (account, address prefix), the prefix, the account. The first two can refuse; the
third can only slow down, so that nobody can lock out somebody else who logs in from elsewhere.
Rule: pure functions. Source: answers.md P5, policy.md 2.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from doorward.core.settings import DAY, LoginLimit

FORGET = float(DAY)
"""Seconds without a try after which the failures of an account from one prefix are forgotten."""
SKEW = 60.0
"""Seconds a row may lie in the future before the clock is taken to have been set back."""
_LEAK = 12.0
"""Seconds in which an account's own count sinks by one."""
_FIRST_SLOWDOWN = 0.25


@dataclass(frozen=True, slots=True)
class Tries:
    """A row. level: tries counted; until: no try before it, of a prefix the end of its queue; last: the last try.

    Times: seconds since the epoch.
    """

    level: float = 0.0
    until: float = 0.0
    last: float = 0.0


NEW = Tries()


def current(row: Tries, at: float) -> Tries:
    """The row, or a new one when it is forgotten or lies in a future that never came."""
    return NEW if at - row.last >= FORGET or row.last > at + SKEW else row


def wait_for_pair(row: Tries, at: float, limit: LoginLimit) -> int:
    """Whole seconds until this account may be tried again from this prefix; 0: now."""
    # A reload may have shortened the longest delay.
    return _seconds(min(row.until, row.last + limit.max_delay) - at)


def wait_for_prefix(row: Tries, at: float, limit: LoginLimit) -> int:
    """Whole seconds until this prefix may try any account again; 0: now. A generic cell rate."""
    gap = limit.address_period / limit.address
    return _seconds(max(row.until, at) + gap - limit.address_period - at)


def count_pair(row: Tries, at: float, limit: LoginLimit) -> Tries:
    """One more try: from the last free one on, each is followed by twice the delay of the one before."""
    level = row.level + 1
    over = level - limit.free
    if over < 0:
        return Tries(level, 0.0, at)
    delay = limit.max_delay if over > 30 else min(limit.first_delay * 2**over, limit.max_delay)  # noqa: PLR2004 - 2**30 s
    return Tries(level, at + delay, at)


def count_prefix(row: Tries, at: float, limit: LoginLimit) -> Tries:
    """One more try from this prefix."""
    return Tries(row.level + 1, max(row.until, at) + limit.address_period / limit.address, at)


def count_account(row: Tries, at: float) -> Tries:
    """One more try on this account, from wherever."""
    return Tries(sunk(row, at) + 1, 0.0, at)


def forgive_account(row: Tries, at: float) -> Tries:
    """The try was right: it is no failure of the account."""
    return Tries(max(0.0, sunk(row, at) - 1), 0.0, at)


def sunk(row: Tries, at: float) -> float:
    """What is left of an account's count."""
    return max(0.0, row.level - max(0.0, at - row.last) / _LEAK)


def slowdown(row: Tries, limit: LoginLimit) -> float:
    """Seconds that this try waits because of tries on the same account from anywhere; never more than the setting."""
    over = row.level - limit.free
    return 0.0 if over <= 0 else min(_FIRST_SLOWDOWN * over, limit.account_delay)


def _seconds(wait: float) -> int:
    # A microsecond is what a float of today's time cannot tell.
    return max(1, math.ceil(wait - 1e-6)) if wait > 1e-6 else 0  # noqa: PLR2004 - as said
