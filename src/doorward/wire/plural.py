"""Which plural form a number takes in a language: our own table of the CLDR categories for whole numbers.

Rule: numbers and tags only; texts are in messages.json. Source: messages.md ("plural").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Category = Literal["zero", "one", "two", "few", "many", "other"]
_MILLION = 1_000_000


def category(language: str, n: int) -> Category:
    """The category of n (0 or more) in a language; unknown languages have only "other". Never raises."""
    return _FORMS.get(language, _other)(abs(n))


def _other(_n: int) -> Category:
    return "other"


def _one(n: int) -> Category:
    return "one" if n == 1 else "other"


def _romance(n: int) -> Category:
    if n and n % _MILLION == 0:
        return "many"
    return _one(n)


def _from_zero(n: int) -> Category:
    """French and Brazilian Portuguese: nothing is singular too."""
    return "one" if n == 0 else _romance(n)


def _east_slavic(n: int) -> Category:
    if n % 10 == 1 and n % 100 != 11:  # noqa: PLR2004 - the language's table
        return "one"
    return "few" if _few(n) else "many"


def _polish(n: int) -> Category:
    if n == 1:
        return "one"
    return "few" if _few(n) else "many"


def _few(n: int) -> bool:
    return 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14  # noqa: PLR2004 - the languages' table


def _arabic(n: int) -> Category:
    if n <= 2:  # noqa: PLR2004 - the language's table
        return ("zero", "one", "two")[n]
    if 3 <= n % 100 <= 10:  # noqa: PLR2004 - the language's table
        return "few"
    return "many" if n % 100 >= 11 else "other"  # noqa: PLR2004 - the language's table


_FORMS: dict[str, Callable[[int], Category]] = {
    "en": _one,
    "de": _one,
    "ru": _east_slavic,
    "uk": _east_slavic,
    "pl": _polish,
    "es": _romance,
    "fr": _from_zero,
    "pt-BR": _from_zero,
    "ar": _arabic,
}
