"""Counters in the Prometheus text format.

Counting is a dictionary and an integer; the text is made when somebody asks. It is written by hand: prometheus-client
takes a tenth of a second and several MiB to import, at the first scrape and inside the event loop; the tests read what
stands here with its parser. Rule: every label has a bounded set of values; none comes from a client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Samples = Iterable[tuple[Mapping[str, str], float]]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: name, kind ("counter", "gauge"), a sentence, and how to read its samples."""

    name: str
    kind: str
    about: str
    read: Callable[[], Samples] = field(repr=False)

    def lines(self) -> Iterable[str]:
        """The metric as text, line by line."""
        yield f"# HELP {self.name} {_escape(self.about)}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.read():
            inner = ",".join(f'{key}="{_escape(text, quote=True)}"' for key, text in labels.items())
            yield f"{self.name}{{{inner}}} {_number(value)}" if inner else f"{self.name} {_number(value)}"


class Metrics:
    """All metrics of one process."""

    content_type = CONTENT_TYPE

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}

    def add(self, family: Family) -> None:
        """Add a metric, or put another in its place."""
        self._families[family.name] = family

    def watch(self, name: str, kind: str, about: str, value: Callable[[], float]) -> None:
        """Add a metric without labels whose value is asked for at each scrape."""
        self.add(Family(name, kind, about, lambda: (({}, value()),)))

    def text(self) -> bytes:
        """Everything, as of now."""
        lines = [line for family in self._families.values() for line in family.lines()]
        return ("\n".join(lines) + "\n").encode()


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escape(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text
