"""An explanation laid out for people, or as JSON for programs.

Rule: the words come from `guard.explain`; nothing is decided here, and every line is cleaned before a terminal sees it.
Source: first-minute.md 3 and 4.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doorward.cli.common import Context, clean
from doorward.cli.tail import NOBODY, TIMES
from doorward.core.verdict import status
from doorward.ledger.event import DENIED, AuditEvent
from doorward.ledger.export import fields

if TYPE_CHECKING:
    from doorward.guard.explain import Explanation
    from doorward.guard.remedy import Way

_LABEL, _NARROWEST = 17, 40


def print_masked(context: Context, event: AuditEvent) -> None:
    """A refusal of which nothing may be told."""
    if context.json:
        context.emit(fields(event))
        return
    context.say(f"{event.status} {DENIED}   {event.id}")
    context.say(f" {_clock(event.at)}   policy {event.version}")
    _row(context, "masked", "the rule wants its resource kept quiet; --unmasked shows what the data folder holds")


def print_explanation(
    context: Context, found: Explanation, file: str, *, recorded: bool, also: list[str] | None = None
) -> None:
    """Everything there is to say. file: of the policy; recorded: it happened; also: further remarks."""
    if context.json:
        context.emit(_as_values(found, also or []))
        return
    _headline(context, found, file)
    if recorded:
        _when(context, found)
    _steps(context, found, together=recorded)
    if found.ways:
        _row(context, "would pass if", " · or ".join(map(_way, found.ways)))
    elif not found.allowed and found.event.verdict != "bug":
        _row(context, "would pass", "never, as things are: no login, role or scope opens this")
    if not found.allowed:
        for label, text in zip(("answer", *[""] * len(found.answer)), found.answer, strict=False):
            _row(context, label, text)
    for text in also or []:
        _row(context, "also", text)


def _headline(context: Context, found: Explanation, file: str) -> None:
    event = found.event
    line = event.facts.get("line", 0)
    where = f"  {clean(file)}:{line}" if line else ""
    kind = "gate" if event.facts.get("gate") else "rule"
    rule = f'{kind} "{clean(event.rule)}"' if not event.rule.startswith("(") else clean(event.rule)
    title = context.paint(found.title, fg="green" if found.allowed else "red", bold=True)
    codes = "" if found.allowed else f"   {found.codes}"
    context.say(f"{title}{codes}      {rule}{where}")


def _when(context: Context, found: Explanation) -> None:
    event = found.event
    now = f" (in force now: {found.now}{', ' if found.outcome else ''}{found.outcome})" if found.now else ""
    if found.now == event.version:
        now = f" (in force{', ' if found.outcome else ''}{found.outcome})"
    address = f"   {event.address} (anonymised)" if "/" in event.address else f"   {event.address}".rstrip()
    request = f"{event.method} {event.resource}".strip() or NOBODY
    head, policy = f" {_clock(event.at)}   {clean(request)}{clean(address)}", f"policy {event.version}{now}"
    together = f"{head}   {policy}"
    for line in [together] if len(together) <= _columns() else [head, f" {policy}"]:
        context.say(line)
    context.say(f" {event.id}" + (f"   {TIMES}{event.count}" if event.count > 1 else ""))


def _steps(context: Context, found: Explanation, *, together: bool) -> None:
    good, bad = context.paint("✓", fg="green"), context.paint("✗", fg="red")
    silent = [step.name for step in found.steps if step.good and not step.text]
    if together and silent:
        context.say(f" {good} {' · '.join(silent)}")
    for step in found.steps:
        if step.text or not step.good:
            _row(context, step.name, step.text, mark=good if step.good else bad)


def _way(way: Way) -> str:
    if way.still is not None:
        return f"{way.text} (even then {status(way.still)} {way.still.reason})"
    return way.text if way.checked else f"{way.text} (not tried)"


def _row(context: Context, label: str, text: str, *, mark: str = "") -> None:
    head = f" {mark} {label.ljust(_LABEL - 2)}" if mark else f" {label.ljust(_LABEL)}"
    first, *rest = _wrapped(clean(text))
    context.say(f"{head}{first}".rstrip())
    for line in rest:
        context.say(" " * (_LABEL + 1) + line)


def _wrapped(text: str) -> list[str]:
    """Lines that fit the terminal."""
    return textwrap.wrap(text, max(_NARROWEST, _columns() - _LABEL - 2)) or [""] if len(text) > _NARROWEST else [text]


def _columns() -> int:
    """How wide a line may be; without end where the reader is a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="milliseconds")[:23]


def _as_values(found: Explanation, also: list[str]) -> dict[str, Any]:
    event = found.event
    return {
        **fields(event, unmasked=True),
        "allowed": found.allowed,
        "line": event.facts.get("line", 0),
        "steps": [{"step": step.name, "passed": step.good, "evidence": step.text} for step in found.steps],
        "would_pass_if": [{"text": way.text, "checked": way.checked} for way in found.ways],
        "answer": list(found.answer),
        "policy_now": found.now,
        "outcome_now": found.outcome,
        "also": also,
    }
