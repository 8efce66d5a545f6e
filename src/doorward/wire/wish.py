"""What a request wants of an answer, worked out once per combination of header fields.

Rule: `negotiate` says what each field means; this file only remembers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from doorward.core.policy import Policy
from doorward.core.request import RequestView
from doorward.wire.memo import memo_of
from doorward.wire.negotiate import Kind, Media, client_kind, joined, language, media

_LONGEST_KEY = 512
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Wish:
    """Kind of client, form and language of the answer; origin: of `[cors]`, "" when it is none of them.

    key: the four in one text, for memories.
    """

    kind: Kind
    form: Media
    language: str
    origin: str
    key: str


def wish_of(policy: Policy, request: RequestView) -> Wish:
    """The wish of a request. Never raises."""
    memo, key = memo_of(policy).wishes, _facts(request)
    found = memo.get(key)
    if found is None:
        found = _read(policy, request)
        # Long fields are read every time instead of being kept: memory is bounded in bytes, too.
        if sum(len(fact) for fact in key if isinstance(fact, str)) <= _LONGEST_KEY:
            memo.put(key, found)
    return cast("Wish", found)


def _facts(request: RequestView) -> tuple[object, ...]:
    """Every field that can change the wish, in a form that hashes quickly."""
    headers = request.headers
    first = headers._first  # noqa: SLF001 - asked of every refusal: twelve calls of get() would double its price
    get = first.get
    once = len(first) == len(headers.pairs)
    return (
        request.method in _READING,
        get("accept", "") if once else joined(headers, "accept"),
        get("accept-language", "") if once else joined(headers, "accept-language"),
        get("sec-fetch-mode"),
        get("sec-fetch-dest"),
        "sec-fetch-site" in first or "sec-fetch-user" in first or "sec-fetch-storage-access" in first,
        get("x-requested-with"),
        "Mozilla/" in get("user-agent", ""),
        get("origin") if once or not headers.doubled("origin") else "null",
        get("content-type", "")[:16].lower() == "application/grpc",
    )


def _read(policy: Policy, request: RequestView) -> Wish:
    memo = memo_of(policy)
    kind, form = client_kind(request), media(request)
    spoken = language(request, memo.language, memo.catalog.languages)
    origin = allowed_origin(policy, request)
    return Wish(kind, form, spoken, origin, f"{kind} {form} {spoken} {origin}")


def allowed_origin(policy: Policy, request: RequestView) -> str:
    """The Origin if it is one of `[cors] origins`, else "". Compared whole; `null` and two fields never (F5)."""
    origin = request.headers.get("origin")
    if not origin or origin == "null" or request.headers.doubled("origin"):
        return ""
    return origin if origin in policy.settings.cors.origins else ""
