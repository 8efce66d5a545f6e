"""What is wrong with a policy file: findings, each with its line and its mend, and how they are written.

Rule: nothing here judges; a text never holds a value that could be a secret. Source: policy.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from doorward.core.errors import PolicyError
from doorward.policyfile.locate import Lines, Path
from doorward.policyfile.words import printable

Level = Literal["error", "warning", "note"]
_LEVELS: dict[str, Level] = {"E": "error", "W": "warning", "N": "note"}
_ORDER = "EWN"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. code: E101 …, stable; message: what, where; hint: what to do; line: 1-based; rule: name or ""."""

    code: str
    message: str
    hint: str = ""
    line: int = 1
    rule: str = ""

    @property
    def level(self) -> Level:
        """What it does to the load: an error stops it."""
        return _LEVELS[self.code[0]]

    def text(self, file: str) -> str:
        """One line for people and editors."""
        return f"{file}:{self.line}: {self.said}"

    @property
    def said(self) -> str:
        """The line without its place."""
        return f"{self.code} {self.message} {self.hint}".rstrip()

    def error(self, file: str) -> PolicyError:
        """The finding as an exception."""
        return PolicyError(self.code, self.message, file=file, line=self.line, rule=self.rule, hint=self.hint)


class Log:
    """Collects the findings of one file. lines: where things stand."""

    __slots__ = ("_broken", "_found", "lines")

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self._found: list[Finding] = []
        self._broken: set[Path] = set()

    def add(self, code: str, path: Path, message: str, hint: str = "", rule: str = "") -> None:
        """Note a finding at a path of the file. An error marks everything around it as broken."""
        # Words of the file may come by way of the core, which does not know that this goes to a terminal.
        self._found.append(Finding(code, printable(message), printable(hint), self.lines.of(*path), rule))
        if code.startswith("E"):
            self._broken.update(path[:end] for end in range(len(path) + 1))

    def broken(self, *path: str | int) -> bool:
        """Whether an error stands at a path or below."""
        return path in self._broken

    @property
    def failed(self) -> bool:
        """Whether there is any error."""
        return bool(self._broken)

    def sorted(self) -> tuple[Finding, ...]:
        """Errors first, then warnings, then notes, each by line; equal ones once."""
        unique = dict.fromkeys(self._found)
        return tuple(sorted(unique, key=lambda one: (_ORDER.index(one.code[0]), one.line)))


def report(file: str, findings: Iterable[Finding]) -> list[str]:
    """The findings as lines, codes under one another."""
    places = [(f"{file}:{one.line}:", one.said) for one in findings]
    width = max((len(place) for place, _ in places), default=0)
    return [f"{place.ljust(width)} {said}" for place, said in places]


def summary(findings: Iterable[Finding], *, strict: bool = False) -> str:
    """The last line: counts, and whether the file would be loaded."""
    levels = [one.level for one in findings]
    errors, warnings = levels.count("error"), levels.count("warning")
    counts = [_counted(levels.count(level), level) for level in ("error", "warning", "note")]
    stopped = errors or (strict and warnings)
    return f"{', '.join(counts)}.{' Not loaded.' if stopped else ''}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
