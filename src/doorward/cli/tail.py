"""`doorward tail`: refusals as they happen, or the last ones.

Rule: what a rule masks stays masked unless `--unmasked` says otherwise; that is for whoever may read ledger.db itself.
Source: first-minute.md 3.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import click

from doorward.cli.common import Context, cells_of, clean, common_options
from doorward.core.errors import ConfigError
from doorward.core.reason import Reason
from doorward.ledger.event import AuditEvent, shown
from doorward.ledger.export import line
from doorward.ledger.identifiers import LONG, SHORT, short
from doorward.sinks.reading import Reader, Wanted

PERIOD = 0.25
NOBODY, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGE = re.compile(r"([0-9]+)([smhd])\Z")
_WIDEST = 40
_RIGHTS = frozenset({Reason.ROLE_MISSING, Reason.NOT_OWNER, Reason.GRANT_MISSING, Reason.SCOPE_MISSING})
_STYLES = {"4": {"fg": "yellow"}, "5": {"fg": "red"}}


@click.command()
@common_options
@click.option("--status", type=int, help="Only this status, such as 403.")
@click.option("--reason", help="Only this reason, such as role-missing; hidden ones are found by the true reason too.")
@click.option("--rule", help="Only what this rule or gate refused.")
@click.option("--who", help="Only this caller: name or subject.")
@click.option("--since", help="Only from then on: 10m, 24h, 7d, or a local time such as 2026-11-21T14:00.")
@click.option("-n", "--lines", type=click.IntRange(min=0), help="The last so many (20; with --since all).")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--allows", is_flag=True, help="Allowed requests too, where they are recorded.")
@click.option("--unmasked", is_flag=True, help="Show what masked rules hide. For whoever may read the data folder.")
def tail(  # noqa: PLR0917 - click hands over what it was told
    context: Context,
    status: int | None,
    reason: str | None,
    rule: str | None,
    who: str | None,
    since: str | None,
    lines: int | None,
    follow: bool,
    allows: bool,
    unmasked: bool,
) -> int:
    """Show refusals as they happen."""
    begin = None if since is None else moment(since, time.time())
    wanted = Wanted(status, _known_reason(reason), rule or "", who or "", begin, allows)
    reader = Reader(context.data)
    most = lines if lines is not None else 20 if since is None else 100_000
    table = Table(context, unmasked=unmasked)
    table.print(reader.latest(wanted, most))
    if not table.printed and not follow:
        context.note(f"No refusals in {clean(str(context.data / 'ledger.db'))} so far, or none that fits.")
    if follow:
        _follow(reader, wanted, table)
    return 0


def _follow(reader: Reader, wanted: Wanted, table: Table) -> None:
    try:
        while True:
            table.print(reader.later(wanted))
            time.sleep(PERIOD)
    except KeyboardInterrupt:
        return


def _known_reason(reason: str | None) -> str:
    if reason is None:
        return ""
    known = [each.value for each in Reason]
    if reason not in known:
        import difflib

        near = difflib.get_close_matches(reason, known, n=1)
        raise ConfigError(f'There is no reason "{clean(reason)}".', hint=f"Did you mean {near[0]}?" if near else "")
    return reason


def moment(text: str, now: float) -> float:
    """A point in time: an age such as 10m, or a date with or without time, local where no zone is named.

    Returns: seconds since the epoch. Raises ConfigError.
    """
    if age := _AGE.match(text):
        return now - int(age[1]) * _UNITS[age[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ConfigError(f'"{clean(text)}" is no time.', hint="Say 10m, 24h, 7d, or 2026-11-21T14:00.") from None


class Table:
    """Lines with columns that stay where they are: a column grows with what it has seen, and never shrinks.

    printed: lines so far.
    """

    def __init__(self, context: Context, *, unmasked: bool) -> None:
        self._context, self._unmasked = context, unmasked
        self._widths = [8, 3, 13, 4, 14, 1, 1, SHORT]
        self._last = ""
        self.printed = 0

    def print(self, events: list[AuditEvent]) -> None:
        """Print events, oldest first."""
        told = [event if self._unmasked else shown(event) for event in events]
        self.printed += len(told)
        if self._context.json:
            for event in events:
                click.echo(line(event, unmasked=self._unmasked))
            return
        rows = [self._cells(event) for event in told]
        for row in rows:
            self._widths = [max(width, cells_of(cell)) for width, cell in zip(self._widths, row, strict=False)]
        for row in rows:
            self._say(row)

    def _cells(self, event: AuditEvent) -> list[str]:
        name = short(event.id)
        # Requests of one millisecond begin alike: the second needs more digits to be found again.
        name, self._last = (short(event.id, LONG) if name == self._last else name), name
        where = event.resource or NOBODY
        where = where if len(where) <= _WIDEST or self._context.verbose else f"{where[: _WIDEST - 1]}…"
        cells = [_clock(event.at), str(event.status or NOBODY), event.reason, event.method or NOBODY, where]
        return [clean(cell) for cell in (*cells, event.who or NOBODY, event.rule, name, _remark(event))]

    def _say(self, row: list[str]) -> None:
        cells = [cell + " " * (width - cells_of(cell)) for cell, width in zip(row[:-1], self._widths, strict=True)]
        cells[1] = self._context.paint(cells[1], **_STYLES.get(row[1][:1], {}))
        self._context.say("  ".join([*cells, row[-1]]).rstrip())


def _clock(at: float) -> str:
    local = datetime.fromtimestamp(at).astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%m-%d %H:%M:%S")


def _remark(event: AuditEvent) -> str:
    """What was missing, and how many are counted in this line."""
    need = event.required
    if need and event.verdict == "deny" and event.reason in _RIGHTS:
        need = f"needs {need.removeprefix('role ')}"
    times = f"{TIMES}{event.count}" if event.count > 1 else ""
    notes = " ".join(event.notes)
    return "  ".join(part for part in (need, times, notes) if part)
