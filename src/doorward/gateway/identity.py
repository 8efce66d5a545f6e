"""Who the caller is, told to the application: header fields and a signed assertion.

Both are rendered once per principal and kept for half a minute. Rule: anonymous requests carry none of it.
Source: answers.md X9, architecture.md 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from urllib.parse import quote

from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.settings import UpstreamHeaders

KEPT = 30.0
_ENTRIES = 10_000
Pairs = tuple[tuple[str, str], ...]
Sign = Callable[[Principal, float], str]


class Told:
    """The fields of one principal. until: seconds since the epoch when they are made anew; head: whatever the control
    listener renders of them, as long as they last.
    """

    __slots__ = ("head", "pairs", "until", "who")

    def __init__(self, who: Principal, until: float, pairs: Pairs) -> None:
        self.who, self.until, self.pairs = who, until, pairs
        self.head = b""

    def fits(self, who: Principal, at: float) -> bool:
        """Whether these are the fields of this principal now."""
        return self.who is who and at < self.until


class Identity:
    """Identity fields by principal. names: as configured; sign: principal and time -> compact JWS.

    nobody: every field without a value, for those who are to delete what the client claims.
    """

    def __init__(self, names: UpstreamHeaders, sign: Sign) -> None:
        self._names = names
        self._sign = sign
        self._kept: dict[int, Told] = {}
        self.nobody: Pairs = tuple((name, "") for name in names.names)
        self._anonymous = Told(ANONYMOUS, inf, ())

    def told(self, who: Principal, at: float) -> Told:
        """Every identity field of a principal, those without value too; none for anonymous."""
        if who.anonymous:
            return self._anonymous
        kept = self._kept.get(id(who))
        # The entry holds the principal, so its id cannot have been given to another object.
        if kept is not None and kept.fits(who, at):
            return kept
        made = Told(who, at + KEPT, self._render(who, at))
        if len(self._kept) >= _ENTRIES:
            self._kept.clear()
        self._kept[id(who)] = made
        return made

    def _render(self, who: Principal, at: float) -> Pairs:
        values = (
            field_text(who.subject),
            ",".join(sorted(map(field_text, who.roles))),
            " ".join(sorted(map(field_text, who.scopes or ()))),
            self._sign(who, at),
        )
        return tuple(zip(self._names.names, values, strict=True))


def field_text(value: str) -> str:
    """A text as a field value: what is not visible ASCII, and "%" and ",", is percent-encoded as UTF-8.

    A subject may hold anything its issuer likes: a line break in it must not become a header, and " root" not root.
    """
    if _SAFE.match(value):
        return value
    return quote(value, safe=_UNRESERVED, errors="replace")


_UNRESERVED = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%,")
_SAFE = re.compile(r"[!-$&-+\-.-~]*\Z")
