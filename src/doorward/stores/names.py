"""What accounts, subjects, scopes and objects may be called.

    name = login_name("Olena")       # NFC; ConfigError when it could never log in or would mislead a reader

Rule: pure functions; every name that reaches a table from the command line passes here. Source: answers.md BA2, BA3.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from doorward.core.errors import ConfigError

NAME_MAX = 256
# RFC 6749 3.3: scope-token.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_ROLE = re.compile(r"[^\s,\"\x00-\x1f\x7f]+")
# Controls, formats (among them those that turn the reading order), surrogates, private and unassigned code points,
# line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def normal(text: str) -> str:
    """NFC, the one spelling in which names and passwords are stored and compared (BA2)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The roles or scopes of a column: one text, parted by blanks. One object for equal columns."""
    return frozenset(text.split())


def login_name(text: str) -> str:
    """A name to log in with. Raises ConfigError: empty, too long, a colon, blanks around it, hidden characters."""
    name = _visible(normal(text), "name")
    # RFC 7617 2: "a user-id containing a colon character is invalid, as the first colon ... separates".
    if ":" in name:
        raise ConfigError("A name has no colon: Basic credentials end the name there.", hint="Choose another name.")
    if name != name.strip():
        raise ConfigError("A name neither begins nor ends with a blank.", hint="Leave the blanks out.")
    return name


def subject_name(text: str) -> str:
    """A stable identity. Raises ConfigError: as a name, and blanks within, which part issuer and subject elsewhere."""
    subject = login_name(text)
    if any(char.isspace() for char in subject):
        raise ConfigError("A subject has no blank.", hint="Name one: --id SUBJECT.")
    return subject


def role_name(text: str) -> str:
    """A role. Raises ConfigError: a blank, comma or quotation mark, since roles travel in one header field."""
    role = _visible(text, "role")
    if not _ROLE.fullmatch(role):
        raise ConfigError(
            "A role has neither blank nor comma nor quotation mark.", hint="Give each role its own --role."
        )
    return role


def scope_name(text: str) -> str:
    """A scope. Raises ConfigError: not a scope-token of RFC 6749 3.3."""
    if not _SCOPE.fullmatch(text) or len(text) > NAME_MAX:
        raise ConfigError("A scope is printable ASCII without blank, quotation mark or backslash.")
    return text


def object_name(text: str) -> str:
    """An object such as document:7. Raises ConfigError: empty, too long, hidden characters."""
    return _visible(text, "object")


def _visible(text: str, what: str) -> str:
    if not text:
        raise ConfigError(f"The {what} is empty.")
    if len(text) > NAME_MAX:
        raise ConfigError(f"The {what} is longer than {NAME_MAX} characters.")
    if any(unicodedata.category(char) in _HIDDEN for char in text):
        raise ConfigError(f"The {what} has characters that cannot be seen.", hint="Type it again without them.")
    return text
