"""Correctness before timing: good, missing, forged and under-privileged requests, and the bytes that come through.

A server that answers wrongly is fast for the wrong reason; it is not measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from peers import content
from process import Answer, Server, ask


@dataclass(frozen=True)
class Tokens:
    """One token of each kind; forged: a wrong signature; weak: signed, without the role."""

    good: str
    forged: str
    weak: str


def decision_fields(file: str) -> dict[str, str]:
    """What a proxy says about the request it asks for."""
    return {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": f"/{file}"}


def faults(server: Server, tokens: Tokens) -> list[str]:
    """What this server answers wrongly, empty when nothing; nginx checks no token and is asked for its bytes only."""
    guarded = server.name != "nginx"
    found: list[str] = []
    for role, path, extra in (("decide", "/decide", decision_fields("1k.bin")), ("proxy", "/1k.bin", {})):
        found += [f"{role}: {fault}" for fault in _verdicts(server.ports[role], path, extra, tokens, guarded=guarded)]
    for file in ("1k.bin", "1m.bin"):
        answer = ask(server.ports["proxy"], f"/{file}", _bearer(tokens.good))
        if hashlib.sha256(answer.body).digest() != hashlib.sha256(content(file)).digest():
            found.append(f"proxy: {file} came through changed ({len(answer.body)} bytes)")
    return found


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _verdicts(port: int, path: str, extra: Mapping[str, str], tokens: Tokens, *, guarded: bool) -> list[str]:
    good = {HTTPStatus.OK, HTTPStatus.NO_CONTENT}
    cases = [("good", _bearer(tokens.good), good, False)]
    if guarded:
        unknown = {HTTPStatus.UNAUTHORIZED}
        cases.append(("missing", {}, unknown, True))
        cases.append(("forged", _bearer(tokens.forged), unknown, True))
        cases.append(("under-privileged", _bearer(tokens.weak), {HTTPStatus.FORBIDDEN}, False))
    found = []
    for name, fields, wanted, challenged in cases:
        answer = ask(port, path, {**extra, **fields})
        found += [f"{name} token: {fault}" for fault in _judge(answer, wanted, challenged=challenged)]
    return found


def _judge(answer: Answer, wanted: set[HTTPStatus], *, challenged: bool) -> list[str]:
    found = []
    if answer.status not in wanted:
        found.append(f"answered {answer.status}, not {' or '.join(str(int(one)) for one in sorted(wanted))}")
    # A 403 for a role must not invite to log in again; a 401 without a challenge invites to nothing.
    if challenged != ("www-authenticate" in answer.fields):
        found.append(f"{answer.status} {'without' if challenged else 'with'} WWW-Authenticate")
    return found
