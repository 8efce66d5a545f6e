"""A policy file becomes a policy, or a list of everything that is wrong with it.

    loaded = load_file(Path("doorward.toml"))
    policy = loaded.require()

The same checks run in `check`, `policy lint`, `serve` and at reload. Rule: whatever the bytes, `load_text` returns.
Source: policy.md sections 2 to 4.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.policyfile.build import build
from doorward.policyfile.finding import Finding, Log
from doorward.policyfile.locate import locate

__all__ = ["Finding", "Loaded", "load_file", "load_text"]

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says. policy: None iff there is an error; findings: errors, warnings, notes, each by line."""

    policy: Policy | None
    findings: tuple[Finding, ...]
    file: str

    def require(self) -> Policy:
        """The policy. Raises PolicyError, the first one."""
        if self.policy is None:
            raise self.findings[0].error(self.file)
        return self.policy


def load_file(path: Path) -> Loaded:
    """Read a policy file. Raises ConfigError only when it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The policy file {path} cannot be read: {error.strerror}.", hint="Name it: --policy."
        ) from error
    return load_text(data, file=str(path), folder=path.parent)


def load_text(data: bytes, *, file: str, folder: Path) -> Loaded:
    """Read the bytes of a policy file.

    file: its name in findings; folder: what relative paths in it are relative to. Never raises.
    """
    text, parsed = _parse(data)
    if isinstance(parsed, Finding):
        return Loaded(None, (parsed,), file)
    log = Log(locate(text))
    policy = build(log, parsed, folder, hashlib.sha256(data).hexdigest()[:6])
    return Loaded(None if log.failed else policy, log.sorted(), file)


def _parse(data: bytes) -> tuple[str, Mapping[str, Any] | Finding]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", Finding("E101", "not UTF-8.", "Save the file as UTF-8.", line)
    if data.startswith(_BOM):
        return "", Finding("E101", "the file begins with a byte order mark.", "Save it as UTF-8 without one.")
    try:
        return text, tomllib.loads(text)
    except RecursionError:
        return "", Finding("E101", "not TOML that can be read: it nests too deeply.", "Flatten it.")
    except ValueError as error:
        return "", _not_toml(str(error), text)


def _not_toml(said: str, text: str) -> Finding:
    """tomllib puts the place behind its message."""
    place = _PLACE.search(said)
    line = int(place[1]) if place and place[1] else text.rstrip("\n").count("\n") + 1 if place else 1
    what = _PLACE.sub("", said).rstrip(".")
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in what[:100])
    return Finding("E101", f"not TOML: {shown}.", "Text stands in quotation marks, tables in [brackets].", line)
