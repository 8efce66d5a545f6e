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
_TAIL = 8
_VARIANT, _TAIL_MASK = 0x8000_0000_0000_0000, 0x3FFF_FFFF_FFFF_FFFF


class Identifiers:
    """Makes ids for one process. random: number of bytes -> so many random bytes."""

    __slots__ = ("_at", "_counter", "_millisecond", "_pool", "_random")

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random
        self._pool, self._at = b"", 0
        self._millisecond = self._counter = 0

    def new(self, at: float) -> str:
        """The id of a request at `at` (seconds since the epoch): 36 characters, lower case. Never raises."""
        millisecond = int(at * 1000)
        tail = self._draw()
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            # Half the counter's room is left for what else happens in this millisecond.
            self._counter = (tail >> 48) & _SEED
        else:
            self._counter += 1
            if self._counter == _COUNTER:
                self._millisecond, self._counter = self._millisecond + 1, 0
        text = f"{self._millisecond:012x}7{self._counter:03x}{tail & _TAIL_MASK | _VARIANT:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _draw(self) -> int:
        """Eight random bytes; drawn by the page, because a system call costs more than the rest of an id."""
        at = self._at
        if at >= len(self._pool):
            self._pool, at = self._random(_POOL), 0
        self._at = at + _TAIL
        return int.from_bytes(self._pool[at : at + _TAIL], "big")


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
