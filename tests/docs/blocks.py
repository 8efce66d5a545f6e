"""Fenced code blocks of a document, and what their first line says about them.

    ```toml policy file=doorward.toml       must load and lint without errors; is written to that file
    ```console                              commands after "$ ", each with its output; "…" stands for anything
    ```console serves                       one command that goes on running; its output so far is compared
    ```sh                                   commands that must succeed
    ```nginx file=nginx.conf needs=nginx    left out where that program is not installed
    ```ini not-run: why                     never run, for that reason

Rule: reads; runs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

KINDS = ("console", "sh", "toml", "python", "nginx", "ini", "caddyfile", "json", "text")
WORDS = ("policy", "serves")
_FENCE = re.compile(r"(`{3,})(.*)")
_NOT_RUN = "not-run:"


@dataclass(frozen=True, slots=True)
class Block:
    """One block. kind: language; words: of `WORDS`; file: where it is written, or ""; needs: a program, or "";
    reason: why it is not run, or ""; line: of its fence, 1-based.
    """

    kind: str
    text: str
    line: int
    words: frozenset[str] = frozenset()
    file: str = ""
    needs: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block and the lines that must follow."""

    text: str
    output: tuple[str, ...]
    line: int


def blocks(document: Path) -> list[Block]:
    """The blocks of a document in order. Raises ValueError for a fence that is never closed or says nothing known."""
    found: list[Block] = []
    fence, about, start = "", "", 0
    held: list[str] = []
    for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
        opening = _FENCE.fullmatch(line)
        if not fence and opening:
            fence, about, start, held = opening[1], opening[2].strip(), number, []
        elif fence and line == fence:
            found.append(_block(about, "\n".join(held) + "\n", start, document))
            fence = ""
        elif fence:
            held.append(line)
    if fence:
        raise ValueError(f"{document.name}:{start}: the block is never closed")
    return found


def _block(about: str, text: str, line: int, document: Path) -> Block:
    said, _, reason = about.partition(_NOT_RUN)
    kind, *rest = said.split() or [""]
    marks = dict(word.split("=", 1) for word in rest if "=" in word)
    words = frozenset(word for word in rest if "=" not in word)
    if kind not in KINDS or not words.issubset(WORDS) or not marks.keys() <= {"file", "needs"}:
        raise ValueError(f"{document.name}:{line}: what is ```{about}?")
    if _NOT_RUN in about and not reason.strip():
        raise ValueError(f"{document.name}:{line}: not run, and no reason for it")
    return Block(kind, text, line, words, marks.get("file", ""), marks.get("needs", ""), reason.strip())


def commands(block: Block) -> list[Command]:
    """The commands of a console block. A command goes on in the next line after a backslash, as in a shell.

    Raises ValueError for output that no command precedes.
    """
    found: list[Command] = []
    text, output, began = "", list[str](), 0
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if text.endswith("\\") and not output:
            text = f"{text}\n{line.removeprefix('> ')}"
        elif line.startswith("$ "):
            found += [Command(text, tuple(output), began)] if text else []
            text, output, began = line[2:], [], number
        elif not text:
            raise ValueError(f"line {number}: output without a command")
        else:
            output.append(line)
    return [*found, Command(text, tuple(output), began)] if text else found


_PORT = re.compile(r"(?<=:)\d{4,5}\b")
_TAKEN = re.compile(r" +\(\d+ is taken\)$")


def alike(wanted: tuple[str, ...], said: str) -> bool:
    """Whether an output is the wanted one. "…" in a line: any text; a line "…": any lines; port numbers are alike."""
    pattern = "".join(_line(line) for line in wanted)
    return re.fullmatch(pattern, _plain(said)) is not None


def _line(line: str) -> str:
    if line.strip() == "…":
        return r"(?:.*\n)*?"
    return ".*".join(re.escape(part) for part in _plain(line).rstrip("\n").split("…")) + r"\n"


def _plain(text: str) -> str:
    """Without what differs from run to run: ports, blanks at the end of a line, the line ends of HTTP."""
    lines = [_PORT.sub("port", _TAKEN.sub("", line.rstrip())) for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return "".join(f"{line}\n" for line in lines)
