"""Figures beside their budgets, as a table and as JSON.

Rule: a budget is data; whether it is met is said, never asserted.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from load import Burst


@dataclass(frozen=True)
class Budget:
    """What doorward may use at most. limit: in the figure's unit."""

    limit: float
    target: str


BUDGETS = {
    "decision, cached token": Budget(10.0, "T1"),
    "decision, 500 tokens": Budget(10.0, "T1"),
    "decision, uncached RS256": Budget(36.0, "T2"),
    "gateway, 1 KiB": Budget(35.0, "T3"),
    "gateway, 1 MiB": Budget(350.0, "T4"),
    "cold doorward --help": Budget(150.0, "T12"),
    "serve ready": Budget(400.0, "T12"),
    "idle memory": Budget(45.0, "T13"),
}
"""Source: performance.md section 1."""


@dataclass(frozen=True)
class Row:
    """One load on one server: every round, and the medians over them."""

    load: str
    server: str
    unit: str
    value: float
    budget: float | None
    verdict: str
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    bad: int = 0
    broken: int = 0
    rounds: list[Burst] = field(default_factory=list)


def verdict(value: float, limit: float) -> str:
    """ "met", or by which factor it was missed."""
    return "met" if value <= limit else f"missed x{value / limit:.2f}"


def single(name: str, unit: str, value: float) -> Row:
    """A figure of doorward alone."""
    limit = BUDGETS[name].limit
    return Row(name, "doorward", unit, value, limit, verdict(value, limit))


def rows(load: str, bursts: dict[str, list[Burst]]) -> list[Row]:
    """One row per server; ratios to nginx are taken round by round, because only one round is one setting."""
    return [_row(load, name, rounds, bursts.get("nginx")) for name, rounds in bursts.items() if rounds]


def _row(load: str, name: str, rounds: list[Burst], nginx: list[Burst] | None) -> Row:
    value = statistics.median(one.cpu_us for one in rounds)
    budget = BUDGETS[load].limit if name == "doorward" else None
    ratio = None
    if nginx:
        ratio = statistics.median(own.cpu_us / its.cpu_us for own, its in zip(rounds, nginx, strict=False))
    figures = [one.cpu_us for one in rounds]
    return Row(
        load,
        name,
        "us",
        value,
        budget,
        verdict(value, budget) if budget is not None else "",
        ratio,
        (min(figures), max(figures)),
        sum(one.bad for one in rounds),
        sum(one.broken for one in rounds),
        rounds,
    )


_HEAD = ("load", "server", "CPU", "unit", "min-max", "x nginx", "budget", "verdict", "errors")


def table(found: Sequence[Row]) -> str:
    """The rows as aligned text."""
    lines = [_HEAD, *(_cells(row) for row in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    shown.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(shown)


def _cells(row: Row) -> tuple[str, ...]:
    errors = f"{row.bad} non-2xx, {row.broken} broken" if row.bad or row.broken else ""
    return (
        row.load,
        row.server,
        f"{row.value:.1f}",
        row.unit,
        f"{row.spread[0]:.1f}-{row.spread[1]:.1f}" if row.spread else "",
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        f"{row.budget:.0f}" if row.budget is not None else "",
        row.verdict,
        errors,
    )


def as_json(found: Sequence[Row]) -> list[dict[str, object]]:
    """The rows as plain data, rounds included."""
    return [asdict(row) for row in found]
