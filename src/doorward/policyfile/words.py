"""Values of the file in sentences for people: shortened, and without anything a terminal would obey.

Rule: nothing here judges; whoever shows a value knows that it is no secret.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence

_LONGEST = 48
_LOGIN = re.compile(r"://[^/?#]*@")


def visible(text: str) -> str:
    """A text without anything a terminal would obey, at most 48 characters, and without what looks like a secret."""
    text = _LOGIN.sub("://…@", text) if "@" in text else text
    if "PRIVATE KEY" in text:
        return "…"
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return printable(short)


def printable(text: str) -> str:
    """A text without anything a terminal would obey, whole."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def shown(value: object) -> str:
    """A value as it would stand in the file, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return visible(json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping):
        return "{ … }"
    if isinstance(value, list):
        return visible(f"[{', '.join(shown(each) for each in value[:4])}{', …' if len(value) > 4 else ''}]")  # noqa: PLR2004 - enough to recognise it
    return visible(str(value)) if not isinstance(value, int) or abs(value) < 1 << 63 else "a very large number"


def listed(words: Sequence[object], last: str = "or") -> str:
    """Words as a phrase: "a", "b" or "c"."""
    texts = [shown(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def nearest(word: str, known: Sequence[str], offered: Sequence[str] | None = None) -> str:
    """The hint for a word nobody knows. offered: what is named where nothing is near; None = all that is known."""
    near = difflib.get_close_matches(word[:_LONGEST], known, n=1)
    near = near or [each for each in known if len(word) > 2 and each.startswith(word)][:1]  # noqa: PLR2004 - "alg" is a beginning, "a" is none
    if near:
        return f'Did you mean "{near[0]}"?'
    offered = known if offered is None else offered
    return f"Known here: {', '.join(offered)}." if offered else ""
