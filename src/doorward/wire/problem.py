"""Bodies for programs: problem+json (RFC 9457), simple JSON, one line of text.

Rule: what may be told is in `Shown`; this file chooses words and order, never facts. Source: answers.md P1, P2, P4.
"""

from __future__ import annotations

import json
from typing import Any

from doorward.core.policy import Policy
from doorward.core.reason import Code
from doorward.wire.memo import memo_of
from doorward.wire.shown import Shown

LARGEST = 4096
IANA_QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_UUID_LENGTH = 36
# Sorted by how little it would be missed in a body that grew over LARGEST.
_OPTIONAL = ("reason", "violated-policies", "required_permission", "required_scope", "required_role", "detail")


def sentence(policy: Policy, shown: Shown, language: str) -> str:
    """The sentence for people: the rule's own wording, else the text of the code, the wait in words."""
    if shown.wording:
        return _worded(shown, language, memo_of(policy).language)
    catalog = memo_of(policy).catalog
    return catalog.wait(language, shown.retry_after) if _waits(shown) else catalog.text(language, shown.message)


def _waits(shown: Shown) -> bool:
    return shown.message == "rate_limited"


def _worded(shown: Shown, language: str, default: str) -> str:
    by_tag = dict(shown.wording)
    base = language.partition("-")[0]
    return next((by_tag[tag] for tag in (language, base, default, "en", "") if tag in by_tag), shown.wording[0][1])


def detail(policy: Policy, shown: Shown, language: str) -> str:
    """The second sentence: what is wrong, if there is more to say than the first one says."""
    if shown.note:
        return shown.note
    if shown.detail:
        return memo_of(policy).catalog.text(language, shown.detail)
    return sentence(policy, shown, language)


def title(policy: Policy, shown: Shown, language: str) -> str:
    """The short name of the refusal."""
    return memo_of(policy).catalog.text(language, shown.title)


def type_of(policy: Policy, shown: Shown) -> str:
    """The problem type: a page of documentation, but for the one that IANA registered."""
    if shown.code == Code.QUOTA_EXCEEDED:
        return IANA_QUOTA
    return policy.settings.answers.type_base + shown.code


def problem(policy: Policy, shown: Shown, language: str) -> tuple[bytes, bytes]:
    """The problem document around the request id: what stands before it and what behind. At most 4 KiB together."""
    first = {
        "type": type_of(policy, shown),
        "title": title(policy, shown, language),
        "status": shown.status,
        "detail": detail(policy, shown, language),
    }
    rest = {
        "code": shown.code,
        "error": title(policy, shown, language),
        "message": sentence(policy, shown, language),
        **_needs(shown),
        **_extensions(shown),
    }
    before, after = _join(first, rest)
    for name in _OPTIONAL:
        if len(before) + len(after) + _UUID_LENGTH <= LARGEST:
            break
        first.pop(name, None)
        rest.pop(name, None)
        before, after = _join(first, rest)
    return before, after


def _join(first: dict[str, Any], rest: dict[str, Any]) -> tuple[bytes, bytes]:
    before = f'{_dump(first)[:-1]},"instance":"urn:uuid:'
    return before.encode(), f'",{_dump(rest)[1:]}'.encode()


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _needs(shown: Shown) -> dict[str, str]:
    named = {
        "required_role": shown.required_role,
        "required_permission": shown.required_permission,
        "required_scope": shown.required_scope,
    }
    return {name: value for name, value in named.items() if value}


def _extensions(shown: Shown) -> dict[str, Any]:
    added: dict[str, Any] = {}
    if shown.code == Code.INSUFFICIENT_SCOPE and not shown.mask:
        added["error_description"] = "Insufficient scope."  # A2-54; ASCII, never translated
    if shown.code == Code.QUOTA_EXCEEDED:
        added["violated-policies"] = [state.name for state in shown.limits]
    if shown.reason:
        added["reason"] = shown.reason
    return added


def simple(policy: Policy, shown: Shown, language: str) -> bytes:
    """`[answers] body = "simple"`: error, message, required_*, nothing else (A1-10)."""
    body = {
        "error": title(policy, shown, language),
        "message": sentence(policy, shown, language),
        **_needs(shown),
    }
    return _dump(body).encode()


def line(policy: Policy, shown: Shown, language: str) -> bytes:
    """One line of text."""
    return (" ".join(sentence(policy, shown, language).split()) + "\n").encode()
