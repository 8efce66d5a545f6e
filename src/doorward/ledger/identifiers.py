"""Request ids: UUIDs of version 7, each greater than the one before (RFC 9562 5.7, 6.2 method 1).

Rule: no clock here; the time comes with the request, and a clock set back never makes an id smaller.
"""

from __future__ import annotations

import os
from collections.abc import Callable

SHORT = 12
"""Hex digits of the form that people are shown: the time in milliseconds."""
LONG = 16
"""Hex digits that tell requests of one millisecond apart: version and counter besides."""
_COUNTER = 0x1000
_SEED = 0x7FF
_POOL = 4096
_TAIL = 16
# RFC 9562 4.1: the variant is 10 in the two highest bits.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Identifiers:
    """Makes ids for one process. random: number of bytes -> so many random bytes."""

    __slots__ = ("_at", "_begin", "_counter", "_digits", "_millisecond", "_random")

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random
        self._digits, self._at = "", 0
        self._reach(0, 0)

    def new(self, at: float) -> str:
        """The id of a request at `at` (seconds since the epoch): 36 characters, lower case. Never raises."""
        millisecond = int(at * 1000)
        place = self._at
        if place >= len(self._digits):  # by the page: a system call costs more than the rest of an id
            self._digits, place = self._random(_POOL).hex(), 0
        self._at = place + _TAIL
        tail = self._digits[place : self._at]
        if millisecond > self._millisecond:
            # Half the counter's room is left for what else happens in this millisecond.
            self._reach(millisecond, int(tail[4:7], 16) & _SEED)
        else:
            self._counter += 1
            if self._counter == _COUNTER:
                self._reach(self._millisecond + 1, 0)
        return f"{self._begin}{self._counter:03x}-{_VARIANT[tail[0]]}{tail[1:4]}-{tail[4:]}"

    def _reach(self, millisecond: int, counter: int) -> None:
        self._millisecond, self._counter = millisecond, counter
        text = f"{millisecond:012x}"
        self._begin = f"{text[:8]}-{text[8:]}-7"


def short(request_id: str, digits: int = SHORT) -> str:
    """The first digits of an id, without hyphens."""
    return request_id.replace("-", "")[:digits]


def hyphened(digits: str) -> str:
    """Digits as they stand in an id: hyphens where they belong, as far as the digits reach."""
    text = digits.replace("-", "").lower()
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return "-".join(part for part in parts if part)


def moment(request_id: str) -> float:
    """When an id was made, seconds since the epoch. Raises ValueError for what does not begin like one."""
    return int(short(request_id), 16) / 1000
