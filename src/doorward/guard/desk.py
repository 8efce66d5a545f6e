"""What our own pages may do with sessions: open, end, and the tokens of their forms.

Rule: secrets go out as cookies and nowhere else; the store keeps digests. Source: answers.md CK1-CK3, CS1, CS3.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from doorward.core.ask import Session
from doorward.core.settings import DAY, SessionSettings

_LONGEST = 400 * DAY


@dataclass(frozen=True, slots=True)
class Desk:
    """The verbs of the site.

    open_session: subject, time -> session and cookie value, once both are on disk; end_session: public id, time;
    csrf_token: public id -> the token bound to it; the key is of the form tokens.
    """

    open_session: Callable[[str, float], Awaitable[tuple[Session, str]]]
    end_session: Callable[[str, float], Awaitable[None]]
    csrf_token: Callable[[str], str]
    _key: bytes = field(repr=False)

    def form_token(self, visitor: str) -> str:
        """The token of the login form for the value of the pre-session cookie (CS3)."""
        return hmac.new(self._key, f"login {visitor}".encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, visitor: str, token: str) -> bool:
        """Whether a token belongs to this pre-session cookie. Constant time."""
        # compare_digest takes texts of ASCII alone, or octets.
        return bool(visitor) and hmac.compare_digest(
            self.form_token(visitor).encode(), token.encode("utf-8", "replace")
        )


def new_visitor() -> str:
    """A fresh value of the pre-session cookie: 128 bits."""
    return secrets.token_urlsafe(16)


def cookie(name: str, value: str, max_age: int | None = None) -> tuple[str, str]:
    """A Set-Cookie field (CK1). max_age: seconds, 0 deletes, None: until the browser ends."""
    life = "" if max_age is None else f"; Max-Age={max_age}"
    return "Set-Cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}"


def session_cookie(settings: SessionSettings, value: str) -> tuple[str, str]:
    """The session cookie, living as long as a session can, and no longer than a cookie may (CK2)."""
    return cookie(settings.cookie, value, min(settings.absolute, _LONGEST))
