"""Where each key of a TOML file stands: `tomllib` reads values but tells no positions.

    lines = locate(text)
    lines.of("rule", 2, "limit", "rate")      # 1-based

Rule: only for text that `tomllib` has accepted; nothing here judges or reads a value. Source: policy.md section 4.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Final

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"[ \t]*")
_GAP: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
# Three quotes may be followed by two more that belong to the text.
_STRING: Final = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.DOTALL
)
_ATOM: Final = re.compile(r"[^,\]}#\n]+")


class Lines:
    """Line of every table, key and array element. Paths: ("rule", 0, "name"), as in the parsed data."""

    __slots__ = ("_found",)

    def __init__(self, found: Mapping[Path, int]) -> None:
        self._found = found

    def of(self, *path: str | int) -> int:
        """The line of a path, or of its nearest ancestor that stands in the file; 1 when none does."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return 1

    @property
    def paths(self) -> frozenset[Path]:
        """Every path that stands in the file."""
        return frozenset(self._found)


def locate(text: str) -> Lines:
    """Find the line of every key. text: TOML that `tomllib` accepts, else the result means nothing."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return Lines(scanner.found)


class _Scanner:
    """One pass over the text. at: position; open: arrays and inline tables around it, with what they belong to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._table: Path = ()
        self._counted = (0, 1)

    def document(self) -> None:
        """All lines up to the end."""
        while True:
            self._skip(_GAP)
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                self._header(2)
            elif self.text[self.at] == "[":
                self._header(1)
            else:
                self._value(self._key(self._table))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _line(self) -> int:
        # Counted on from the last place asked for: counting from the top each time would be quadratic.
        position, line = self._counted
        line += self.text.count("\n", position, self.at)
        self._counted = (self.at, line)
        return line

    def _header(self, brackets: int) -> None:
        line = self._line()
        self.at += brackets
        names = self._names()
        self.at += brackets
        path: Path = ()
        for name in names[:-1]:
            path = self._within((*path, name))
            self.found.setdefault(path, line)
        path = (*path, names[-1])
        if brackets == 1:
            self._table = self._within(path)
        else:
            index = self._counts[path] = self._counts.get(path, -1) + 1
            self.found.setdefault(path, line)
            self._table = (*path, index)
        self.found[self._table] = line  # its own head, even where `[a.b]` above has named `a` before

    def _within(self, path: Path) -> Path:
        """The table a header means: the last one, where the name is an array of tables."""
        return (*path, self._counts[path]) if path in self._counts else path

    def _names(self) -> list[str]:
        """The parts of a dotted key."""
        names: list[str] = []
        while True:
            self._skip(_BLANK)
            found = _BARE.match(self.text, self.at) or _QUOTED.match(self.text, self.at)
            if found is None:  # not TOML: promise nothing, but end
                self.at = len(self.text)
                return [*names, ""]
            self.at = found.end()
            raw = found.group()
            names.append(raw if raw[0] not in "\"'" else next(iter(tomllib.loads(f"{raw}=0"))))
            self._skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def _key(self, table: Path) -> Path:
        """A key with its `=`; returns the path it stands for."""
        line = self._line()
        path = table
        for name in self._names():
            path = (*path, name)
            self.found.setdefault(path, line)
        self.at += 1
        return path

    def _value(self, path: Path) -> None:
        """A value and everything in it. Without recursion: how deep a file nests is not ours to decide."""
        waiting: list[tuple[Path, int]] = []  # open containers; the index of the next element, -1 in an inline table
        while True:
            opened = self._single(path)
            if opened:
                waiting.append((path, 0 if opened == "[" else -1))
            following = self._next(waiting)
            if following is None:
                return
            path = following

    def _single(self, path: Path) -> str:
        """A string or atom, passed over; or the bracket that opens a container."""
        self._skip(_BLANK)
        self.found.setdefault(path, self._line())
        char = self.text[self.at : self.at + 1]
        if char in ("[", "{"):
            self.at += 1
            return char
        self._skip(_STRING if char in ('"', "'") else _ATOM)
        return ""

    def _next(self, waiting: list[tuple[Path, int]]) -> Path | None:
        """Close what is complete; the path of the next value, None when the outermost is done."""
        while waiting:
            self._skip(_GAP)
            if self.text.startswith(",", self.at):
                self.at += 1
                self._skip(_GAP)
            if self.at >= len(self.text):
                return None
            path, index = waiting.pop()
            if self.text[self.at] in "]}":
                self.at += 1
                continue
            waiting.append((path, index + 1 if index >= 0 else -1))
            return (*path, index) if index >= 0 else self._key(path)
        return None
