"""Who is asking, and in which form and language the answer should come.

Rule: only header fields are read; nothing here knows the verdict. Whatever arrives, nothing raises.
Source: answers.md section 1.1 ("Script := …", "Navigation := …"), P2; messages.md (RFC 4647 lookup).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from doorward.core.request import Headers, RequestView

Media = Literal["html", "problem", "text"]
FETCH_FIELDS = ("sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site", "sec-fetch-user", "sec-fetch-storage-access")
_Q = re.compile(r"(?:0(?:\.[0-9]*)?|1(?:\.0*)?|\.[0-9]+)\Z", re.ASCII)
_RANGES = 32  # of one field; nobody sane sends more, and every one of them costs
_LONGEST = 1024
# RFC 4647 3.4 truncates from the end; what would end at "zh" in another script must not.
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
_KIN = {"pt": "pt-BR", "zh": "zh-Hans"}


class Kind(StrEnum):
    """A person's browser showing a document, a script in a page, or a program."""

    NAVIGATION = "navigation"
    SCRIPT = "script"
    API = "api"


def client_kind(request: RequestView) -> Kind:
    """Tell navigation, script and API client apart (answers.md 1.1). HEAD counts as GET. Never raises."""
    headers = request.headers
    if any(name in headers for name in FETCH_FIELDS):
        document = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        return Kind.NAVIGATION if document else Kind.SCRIPT
    requested_with = headers.get("x-requested-with")
    if requested_with.lower() == "xmlhttprequest":
        return Kind.SCRIPT
    html = _wants_html(joined(headers, "accept"))
    if html and not requested_with and request.method in ("GET", "HEAD"):
        return Kind.NAVIGATION
    return Kind.SCRIPT if not html and "Mozilla/" in headers.get("user-agent") else Kind.API


def media(request: RequestView) -> Media:
    """The form of a refusal (P2): HTML for navigations of any method, problem+json for JSON and `*/*`, else text.

    gRPC clients get text whatever they accept. Never raises.
    """
    headers = request.headers
    if headers.get("content-type").lower().startswith("application/grpc"):
        return "text"
    kind = client_kind(request)
    if kind is Kind.NAVIGATION:
        return "html"
    accept = joined(headers, "accept")
    if kind is Kind.API and _wants_html(accept) and "x-requested-with" not in headers:
        return "html"
    return _problem_or_text(accept)


def language(request: RequestView, default: str, available: Collection[str]) -> str:
    """The language of a refusal by RFC 4647 lookup. available: tags; default: one of them. Never raises."""
    wished = joined(request.headers, "accept-language")
    return _lookup(wished, default, tuple(available)) if wished else default


def joined(headers: Headers, name: str) -> str:
    """A list field as one text, cut to a length no honest client reaches."""
    value = ", ".join(headers.all(name)) if headers.doubled(name) else headers.get(name)
    return value[:_LONGEST]


def ranges(value: str) -> list[tuple[str, float]]:
    """Elements of Accept or Accept-Language in lower case with their quality; best first, order kept among equals.

    A quality that cannot be read counts as 0: nobody asked for that.
    """
    found = []
    for element in value.split(",")[:_RANGES]:
        name, _, params = element.partition(";")
        if name := name.strip().lower():
            found.append((name, _quality(params)))
    return sorted(found, key=lambda each: -each[1])


def _quality(params: str) -> float:
    for param in params.split(";"):
        name, mark, value = param.partition("=")
        if mark and name.strip().lower() == "q":
            text = value.strip()
            return float(text) if _Q.match(text) else 0.0
    return 1.0


@lru_cache(maxsize=256)
def _wants_html(accept: str) -> bool:
    """Whether text/html is named and no JSON is wished for more."""
    named = ranges(accept)
    html = max((q for name, q in named if name == "text/html"), default=0.0)
    json = max((q for name, q in named if _is_json(name)), default=0.0)
    return html > 0 and html >= json


def _is_json(name: str) -> bool:
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))


@lru_cache(maxsize=256)
def _problem_or_text(accept: str) -> Media:
    if not accept.strip():
        return "problem"
    named = ranges(accept)
    json = [q for name, q in named if _is_json(name)]
    problem = max(json) if json else _by_range(named, "application/*")
    plain = [q for name, q in named if name == "text/plain"]
    text = max(plain) if plain else _by_range(named, "text/*")
    return "problem" if problem > 0 and problem >= text else "text"


def _by_range(named: list[tuple[str, float]], wide: str) -> float:
    """The quality of a type that is not named itself: that of its family, else that of `*/*` (RFC 9110 12.5.1)."""
    for pattern in (wide, "*/*"):
        found = [q for name, q in named if name == pattern]
        if found:
            return max(found)
    return 0.0


@lru_cache(maxsize=512)
def _lookup(wished: str, default: str, available: tuple[str, ...]) -> str:
    named = ranges(wished)
    tags = {tag.lower(): tag for tag in available}
    refused = {_match(name, tags) for name, q in named if q == 0.0 and name != "*"}
    for name, quality in named:
        if quality == 0.0:
            break
        if name == "*":
            return next((tag for tag in (default, *available) if tag not in refused), default)
        tag = _match(name, tags)
        if tag and tag not in refused:
            return tag
    return default


def _match(name: str, tags: dict[str, str]) -> str | None:
    """RFC 4647 3.4: shorten the range from the end until a tag fits."""
    parts = name.split("-")
    if parts[0] == "zh" and not _TRADITIONAL.isdisjoint(parts):
        return tags.get(name)
    while parts:
        tag = "-".join(parts)
        if tag in tags:
            return tags[tag]
        kin = _KIN.get(tag, "").lower()
        if kin in tags:
            return tags[kin]
        parts.pop()
    return None
