"""Bytes to TOML, or the one finding that says why not (E101).

Rule: nothing here knows a key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from doorward.policyfile.finding import Finding
from doorward.policyfile.words import printable

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_BOM = b"\xef\xbb\xbf"


def parse(data: bytes) -> tuple[str, Mapping[str, Any] | Finding]:
    """The text and what it says; a finding instead where it is no TOML. Never raises."""
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
    """Tomllib puts the place behind its message."""
    place = _PLACE.search(said)
    line = int(place[1]) if place and place[1] else text.rstrip("\n").count("\n") + 1 if place else 1
    what = _PLACE.sub("", said).rstrip(".")
    twice = "overwrite" in what or "twice" in what
    hint = "A key or table stands twice." if twice else "Text stands in quotation marks, tables in [brackets]."
    return Finding("E101", f"not TOML: {printable(what[:100])}.", hint, line)
