"""What the door changes in an answer of the application: a missing challenge, a cookie of ours, a cache rule.

Rule: header fields only, as octets in wire order; what is not named here passes byte for byte (answers.md H8).
Source: answers.md D10, C9, CA1, H9, X9.
"""

from __future__ import annotations

from http import HTTPStatus

from doorward.core.authenticate import challenges
from doorward.core.policy import Policy, Rule
from doorward.core.request import RequestView
from doorward.wire.fields import fitting, stand_in
from doorward.wire.wish import wish_of

Fields = list[tuple[bytes, bytes]]
ABSENT, ASKING = int(HTTPStatus.NOT_FOUND), int(HTTPStatus.UNAUTHORIZED)
"""Statuses of an application that says a name is not there, or asks who is there."""
_SET_COOKIE, _CACHE_CONTROL, _CHALLENGE = b"set-cookie", b"cache-control", b"www-authenticate"


def repair_401(policy: Policy, rule: Rule, headers: Fields, request: RequestView | None = None) -> Fields:
    """Challenge lines to add to an upstream 401 that has none; empty where there is one or the setting says no.

    request: scripts are not given a challenge that opens a dialogue (D9); None: the full list.
    """
    if not policy.settings.answers.repair_upstream_401:
        return []
    if any(name.lower() == _CHALLENGE and value.strip() for name, value in headers):
        return []
    lines = challenges(policy, rule)
    if request is not None:
        lines = fitting(policy, lines, wish_of(policy, request).kind)
    return [(b"WWW-Authenticate", each.line.encode("ascii")) for each in lines or (stand_in(policy),)]


def without_own_cookies(policy: Policy, headers: Fields) -> Fields:
    """The fields without Set-Cookie for our own cookie names: the session cookie and what is derived from its name.

    Returns the same list where there is nothing to drop.
    """
    if not any(len(name) == len(_SET_COOKIE) and name.lower() == _SET_COOKIE for name, _ in headers):
        return headers
    own = policy.settings.credentials.session.cookie.encode("latin-1")
    return [pair for pair in headers if pair[0].lower() != _SET_COOKIE or not _is_own(pair[1], own)]


def _is_own(value: bytes, own: bytes) -> bool:
    name = value.partition(b";")[0].partition(b"=")[0].strip(b" \t")
    # Some cookie parsers fold case; a name that only differs by it is nobody's honest choice.
    return name.lower() == own.lower() or name.lower().startswith(own.lower() + b"-")


def private(status: int, headers: Fields) -> Fields:
    """`Cache-Control: private` for an authenticated 200 without Cache-Control (CA1), as a list to add."""
    if status != HTTPStatus.OK or any(name.lower() == _CACHE_CONTROL for name, _ in headers):
        return []
    return [(b"Cache-Control", b"private")]


def by_cookie(status: int, headers: Fields, scheme: str) -> Fields:
    """`Vary: Cookie` for a 200 to a session, as a list to add: RFC 9111 3.5 protects Authorization alone (CA1)."""
    if scheme != "session" or status != HTTPStatus.OK:
        return []
    named = {part.strip().lower() for name, value in headers if name.lower() == b"vary" for part in value.split(b",")}
    return [] if named & {b"*", b"cookie"} else [(b"Vary", b"Cookie")]


def edit(
    policy: Policy,
    rule: Rule,
    request: RequestView,
    status: int,
    headers: Fields,
    *,
    scheme: str,
) -> Fields:
    """All edits of a relayed answer, CORS apart. scheme: by which a principal was proven, "" for anonymous.

    Returns the same list object where nothing changes.
    """
    headers = without_own_cookies(policy, headers)
    if status == ASKING:
        added = repair_401(policy, rule, headers, request)
    else:
        added = [*private(status, headers), *by_cookie(status, headers, scheme)] if scheme else []
    return headers + added if added else headers
