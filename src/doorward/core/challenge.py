"""Challenges and credentials of RFC 9110 section 11: build, parse.

Rule: this file reads and writes the grammar; which challenge is sent, and whether a credential is good, is decided
elsewhere. Parsing works on Latin-1 text (one character per octet) and never raises on input.
"""

from __future__ import annotations

import re
from dataclasses import field

from doorward.core.values import per_request, value

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z", re.ASCII)
_WORD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|\Z))", re.ASCII)
_QUOTED = re.compile(r'"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)"')
_QUOTED_OPEN = re.compile(r'"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)\Z')
_OWS = re.compile(r"[ \t]*")
_GAP = re.compile(r"[ \t,]*")
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_B64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"


@value
class AuthChallenge:
    """One challenge: scheme and parameters, in order; values are sent quoted, always.

    Raises ValueError at construction when the grammar is broken or there is no parameter: RFC 6750 section 3 asks for
    at least one, and a bare scheme tells nobody anything.
    """

    scheme: str
    params: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not _TOKEN.match(self.scheme):
            raise ValueError(f"not an auth-scheme: {self.scheme!r}")
        if not self.params:
            raise ValueError(f"a challenge needs a parameter: {self.scheme}")
        names = [name.lower() for name, _ in self.params]
        # RFC 9110 11.2: "each parameter name MUST only occur once per challenge".
        if len(set(names)) != len(names):
            raise ValueError(f"a parameter stands twice in the {self.scheme} challenge")
        for name, text in self.params:
            if not _TOKEN.match(name) or not (text.isascii() and text.isprintable()):
                raise ValueError(f"not a parameter: {name!r}")

    @property
    def line(self) -> str:
        """The field value. RFC 9110 11.5: realm is sent as quoted-string; so is everything else."""
        return f"{self.scheme} " + ", ".join(f'{name}="{_escape(value)}"' for name, value in self.params)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def printable(value: str) -> str:
    """The part of a text that may stand in a challenge: printable ASCII. Source: answers.md H11."""
    return "".join(char for char in value if " " <= char <= "~")


@value
class Parsed:
    """One challenge as somebody else sent it: names lower case, values unquoted; token68 apart."""

    scheme: str
    params: dict[str, str] = field(default_factory=dict)
    token68: str = ""


@value
class Flaw:
    """Why a field value is no list of challenges, and at which character."""

    why: str
    at: int = 0


def parse_challenges(fields: list[str], *, lenient: bool = False) -> list[Parsed] | Flaw:
    """Read WWW-Authenticate field lines.

    fields: one value per line, Latin-1 text; lenient: tolerate an unterminated quote at the end.
    Returns: challenges in order, or Flaw. Never raises. Source: RFC 9110 11.6.1.
    """
    found: list[Parsed] = []
    for text in fields:
        flaw = _Reader(re.sub(r"\r\n[ \t]+", " ", text), lenient=lenient).read(found)
        if flaw:
            return flaw
    return found


class _Reader:
    """Walks one field value. The grammar is ambiguous at commas; what follows `token =` belongs to the challenge."""

    __slots__ = ("at", "lenient", "text")

    def __init__(self, text: str, *, lenient: bool) -> None:
        self.text, self.lenient, self.at = text, lenient, 0

    def read(self, found: list[Parsed]) -> Flaw | None:
        self.skip(_GAP)
        while self.at < len(self.text):
            scheme = self.word()
            if not scheme:
                return Flaw("no auth-scheme", self.at)
            challenge = self.challenge(scheme.lower())
            if isinstance(challenge, Flaw):
                return challenge
            found.append(challenge)
        return None

    def challenge(self, scheme: str) -> Parsed | Flaw:
        blank = self.skip(_OWS)
        if self.at == len(self.text) or (not blank and self.peek() == ","):
            self.skip(_GAP)
            return Parsed(scheme)
        if not blank:
            return Flaw("no blank after the auth-scheme", self.at)
        if self.peek() != "," and (token := self.token68()):
            return Parsed(scheme, {}, token)
        return self.params(scheme)

    def token68(self) -> str:
        # A parameter "a=b" is no token68: "=" may only pad at the end, followed by a comma or the end.
        found = _TOKEN68.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        self.skip(_GAP)
        return found.group()

    def params(self, scheme: str) -> Parsed | Flaw:
        params: dict[str, str] = {}
        begin = self.at
        while True:
            self.skip(_GAP)
            start = self.at
            name = self.word().lower()
            self.skip(_OWS)
            if not name or self.peek() != "=":
                self.at = start
                break
            self.at += 1
            self.skip(_OWS)
            value = self.value()
            if value is None:
                return Flaw("a parameter has no proper value", self.at)
            if name in params:
                return Flaw(f"the parameter {name} stands twice", start)
            params[name] = value
            self.skip(_OWS)
            if self.at < len(self.text) and self.peek() != ",":
                return Flaw("no comma after a parameter", self.at)
        if not params and self.at < len(self.text) and "," not in self.text[begin : self.at]:
            return Flaw("neither a parameter nor a challenge", self.at)
        return Parsed(scheme, params)

    def value(self) -> str | None:
        for pattern in (_QUOTED, _QUOTED_OPEN) if self.lenient else (_QUOTED,):
            if quoted := pattern.match(self.text, self.at):
                self.at = quoted.end()
                return _PAIR.sub(r"\1", quoted.group(1))
        return self.word() or None

    def word(self) -> str:
        found = _WORD.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found.group()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self, pattern: re.Pattern[str]) -> int:
        end = _end(pattern, self.text, self.at)
        moved, self.at = end - self.at, end
        return moved


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


@per_request
class Credential:
    """What was presented, unverified. `secret` never appears in repr.

    kind: "bearer", "basic", "apikey", "session"; where: "authorization", "header", "cookie".
    """

    kind: str
    secret: str = field(repr=False)
    where: str


def split_authorization(value: str) -> tuple[str, str]:
    """Scheme in lower case and the rest of an Authorization value; ("", "") when empty.

    value: Latin-1 text. The rest keeps trailing blanks out. Schemes are case-insensitive (RFC 9110 11.1), one or more
    blanks follow (11.4). Never raises.
    """
    scheme, _, rest = value.strip(" \t").partition(" ")
    return scheme.lower(), rest.strip(" \t")


def is_b64token(text: str) -> bool:
    """True for the grammar of RFC 6750 2.1, `1*(ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/") *"="`."""
    # Twice as fast as a pattern, and a token is read at every request.
    rest = text.encode("latin-1", "replace").translate(None, _B64).decode("latin-1")
    return text != rest and text.endswith(rest) and not rest.strip("=")
