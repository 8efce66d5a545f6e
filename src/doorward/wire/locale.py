"""Texts for people in eleven languages, read from messages.json: the only source of texts.

Rule: no text is written in code, and none has a place for the name of a resource. Missing texts fall back to English
one by one, so that an override file may be short. Source: messages.md, answers.md A0-35, A2-37, A2-38, A3-17, C15.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from doorward.wire.plural import category

ENGLISH = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "he", "fa", "ur"})
_CAP = 86_400
_MINUTE, _HOUR = 60, 3_600


@cache
def shipped() -> Mapping[str, Mapping[str, Any]]:
    """Language -> key -> text, or a table of plural forms, as shipped."""
    texts: dict[str, dict[str, Any]] = json.loads(files("doorward.wire").joinpath("messages.json").read_bytes())
    return texts


def direction(language: str) -> str:
    """Writing direction, "rtl" or "ltr". language: a tag."""
    return "rtl" if language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


class Catalog:
    """The shipped texts under the overrides of one policy. Immutable after construction."""

    __slots__ = ("_texts", "languages")

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        ours = shipped()
        theirs = overrides or {}
        self.languages: tuple[str, ...] = (*ours, *(tag for tag in theirs if tag not in ours))
        self._texts = {tag: {**ours.get(tag, {}), **_sound(theirs.get(tag, {}))} for tag in self.languages}

    def text(self, language: str, key: str) -> str:
        """A text without a number; English where the language lacks it, the key where English lacks it too."""
        found = self._find(language, key)
        return found if isinstance(found, str) else key

    def counted(self, language: str, key: str, n: int) -> str:
        """A text with a number in the right plural form, the number written in Western digits."""
        spoken = language if key in self._texts.get(language, {}) else ENGLISH
        forms = self._find(language, key)
        if isinstance(forms, str):
            return forms.replace("{n}", str(n))
        if forms is None:
            return key
        form = forms.get(category(spoken, n), forms.get("other", key))
        return str(form).replace("{n}", str(n))

    def wait(self, language: str, seconds: int) -> str:
        """How long to wait, as a sentence: seconds below two minutes, then minutes, then hours, rounded up."""
        seconds = max(1, min(seconds, _CAP))
        if seconds < 2 * _MINUTE:
            return self.counted(language, "rate_limited", seconds)
        minutes = -(-seconds // _MINUTE)
        if minutes % 60 == 0 or seconds > 3 * _HOUR:
            return self.counted(language, "rate_limited_hours", -(-seconds // _HOUR))
        return self.counted(language, "rate_limited_minutes", minutes)

    def _find(self, language: str, key: str) -> str | Mapping[str, str] | None:
        found: str | Mapping[str, str] | None = self._texts.get(language, {}).get(key)
        return found if found is not None else self._texts[ENGLISH].get(key)


def _sound(texts: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides of the right shape: a text, or plural forms that have at least "other"."""
    return {
        key: value
        for key, value in texts.items()
        if isinstance(value, str) or (isinstance(value, Mapping) and isinstance(value.get("other"), str))
    }
