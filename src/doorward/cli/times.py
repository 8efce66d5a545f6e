"""Times on the command line: read from what people type, shown in UTC.

Rule: the present comes in as an argument.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_SECONDS = re.compile(r"[0-9]{9,11}", re.ASCII)
# The first second of the year 10000: beyond it no date library follows.
_END = 253_402_300_800


def read_time(text: str, now: float) -> float:
    """A moment in seconds since the epoch: "90d" from now, "2027-02-19", "2027-02-19T12:00+02:00", or the seconds.

    Without a zone UTC is meant. Raises click.BadParameter with the mend.
    """
    found = _DURATION.fullmatch(text)
    moment = now + int(found[1]) * _UNITS[found[2]] if found else _read_moment(text)
    if moment >= _END:
        raise click.BadParameter(f'"{ascii(text)[1:-1]}" is too far away.')
    return moment


def _read_moment(text: str) -> float:
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f'"{ascii(text)[1:-1]}" is no time. Write 90d, 12h, 2027-02-19 or 2027-02-19T12:00Z.'
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def day(at: float | None, otherwise: str = "-") -> str:
    """A day. at: seconds since the epoch; None: `otherwise`."""
    return otherwise if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def minute(at: float | None, otherwise: str = "-") -> str:
    """A day and minute. at: seconds since the epoch; None: `otherwise`."""
    return otherwise if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso(at: float | None) -> str | None:
    """For programs. at: seconds since the epoch."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
