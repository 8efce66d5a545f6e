"""Request targets and path patterns: one reading, or a refusal.

The application behind the door may decode more than we do, so a target that two parsers could read differently
(dot segments, encoded slashes, `;`, `//`, backslash, NUL, double encoding, overlong UTF-8) is refused before any rule
is matched. Rule: nothing here repairs a path; what is accepted is forwarded byte for byte.
Source: RFC 3986 3.3, RFC 9112 3.2, answers.md row 29 and X7, dataplanes.md R7.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from doorward.core.errors import ConfigError
from doorward.core.values import value

# Unreserved, sub-delims without ";", ":" and "@": RFC 3986 3.3. No escape, no ";": nothing to decode, one reading.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9\-._~!$&'()*+,=:@]*)+\Z", re.ASCII)
# What clients really send besides: "[", "]", "|", "{", "}", "^", '"', "<", ">", "`" raw in paths are not RFC 3986
# and are refused; in a query they mean nothing to us.
_ESCAPED = re.compile(r"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})*)+\Z", re.ASCII)
_BAD_QUERY = re.compile(r"[^\x21-\x7e]|#")
# "%u002e" is what some servers of Windows decode besides.
_DOUBLE = re.compile(r"%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
_DOTS = re.compile(r"\.+\Z")


@value
class Target:
    """An accepted request target.

    raw: as it stood in the request line; path: decoded once, as matched; segments: non-empty decoded segments;
    query: raw text behind the first "?", without it.
    """

    raw: str
    path: str
    segments: tuple[str, ...]
    query: str = ""


@value
class PathFault:
    """Why a target is refused: a short English phrase, safe to show."""

    why: str


def read_target(raw: str) -> Target | PathFault:
    """Read an origin-form target.

    raw: Latin-1 text of the bytes in the request line, absolute form already stripped.
    Returns: Target, or PathFault when two parsers could read it differently. Never raises.
    """
    path, mark, query = raw.partition("?")
    if mark and _BAD_QUERY.search(query):
        return PathFault("the query has a blank, a control character, '#' or a byte outside ASCII")
    if _PLAIN.match(path):
        segments = path.split("/")
        segments.pop(0)
        return _checked(raw, path, segments, query)
    if not path.startswith("/"):
        return PathFault("the path does not begin with '/'")
    if not _ESCAPED.match(path):
        return PathFault(_explain(path))
    return _decoded(raw, path, query)


def _checked(raw: str, path: str, segments: list[str], query: str) -> Target | PathFault:
    last = segments.pop()  # the only one that may be empty: a trailing slash
    if last:
        segments.append(last)
    for segment in segments:
        if not segment:
            return PathFault("the path has an empty segment ('//')")
        if segment[0] == "." and _DOTS.match(segment):
            return PathFault("the path has a dot segment")
    return Target(raw, path, tuple(segments), query)


def _decoded(raw: str, path: str, query: str) -> Target | PathFault:
    try:
        text = unquote_to_bytes(path).decode("utf-8")  # strict: overlong forms and surrogates are refused
    except UnicodeDecodeError:
        return PathFault("the path is not UTF-8")
    if text.count("/") != path.count("/"):
        return PathFault("the path has an encoded slash")
    if fault := _treacherous(text):
        return PathFault(fault)
    segments = text.split("/")
    segments.pop(0)
    return _checked(raw, text, segments, query)


def _treacherous(text: str) -> str:
    """Characters that mean something to one parser and not to another, encoded or not; also after NFKC."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if _DOUBLE.search(folded):
        return "the path is encoded twice"
    if folded.count("/") != text.count("/") or any(_DOTS.match(part) for part in folded.split("/") if part):
        return "the path has a dot segment or slash in disguise"
    for char in folded:
        if char in ";\\" or char < " " or "\x7f" <= char < "\xa0":
            return "the path has an encoded ';', backslash or control character"
    return ""


def _explain(path: str) -> str:
    if "\\" in path:
        return "the path has a backslash"
    if ";" in path:
        return "the path has a ';'"
    if "#" in path:
        return "a fragment is not part of a request target"
    if "%" in path and re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return "the path has an incomplete percent escape"
    return "the path has a character that must be percent-encoded"


@value
class Pattern:
    """A path pattern of the policy file: literal segments, `{name}` variables, `**` at the end.

    text: as written; parts: ("", literal) or (name, "") per segment; below: True for a final `**`.
    """

    text: str
    parts: tuple[tuple[str, str], ...]
    below: bool

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables."""
        return frozenset(name for name, _ in self.parts if name)

    def bind(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Values of the variables if the pattern matches, else None. segments: as in Target."""
        if len(segments) < len(self.parts) or (len(segments) > len(self.parts) and not self.below):
            return None
        values: dict[str, str] = {}
        for (name, literal), segment in zip(self.parts, segments, strict=False):
            if name:
                values[name] = segment
            elif literal != segment:
                return None
        return values


_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}\Z")


def parse_pattern(text: str) -> Pattern:
    """Read a path pattern. Raises ConfigError with the mend as hint. Source: policy.md section 2."""
    if not text.startswith("/"):
        raise ConfigError(f'path "{text}" does not begin with "/".', hint=f'Write "/{text}".')
    pieces = text[1:].split("/") if text != "/" else []
    if pieces and not pieces[-1]:
        pieces.pop()  # a trailing slash does not change the match
    below = bool(pieces) and pieces[-1] == "**"
    if below:
        pieces.pop()
    parts = tuple(_part(text, piece) for piece in pieces)
    names = [name for name, _ in parts if name]
    if len(set(names)) != len(names):
        raise ConfigError(f'path "{text}" has a variable twice.', hint="Give each variable its own name.")
    return Pattern(text, parts, below)


def _part(text: str, piece: str) -> tuple[str, str]:
    if found := _NAME.match(piece):
        return found.group(1), ""
    if not piece:
        raise ConfigError(f'path "{text}" has an empty segment.', hint="Write one slash between segments.")
    if "*" in piece:
        raise ConfigError(
            f'path "{text}" has "*" inside.', hint='"**" stands only as the last segment; one segment is "{name}".'
        )
    if "{" in piece or "}" in piece:
        raise ConfigError(
            f'path "{text}" mixes text and variable in one segment.', hint='A variable fills a whole segment: "/{id}".'
        )
    # Compared with the once-decoded path, so a pattern is written as people read it.
    if "%" in piece or "?" in piece or "#" in piece or ";" in piece or "\\" in piece or _DOTS.match(piece):
        raise ConfigError(
            f'path "{text}" can never match: "{piece}" is refused in requests.',
            hint="Write the decoded form, without query.",
        )
    return "", piece


def safe_return(value: str | None) -> str | None:
    """A return target after login if it is safe, else None.

    Safe: origin-form, at most 2 KiB, accepted by read_target, not under /.doorward/. Source: answers.md F6.
    """
    if not value or len(value) > 2048 or not value.startswith("/") or not value.isascii():  # noqa: PLR2004 - F6
        return None
    target = read_target(value)
    if isinstance(target, PathFault) or target.segments[:1] == (".doorward",):
        return None
    return value
