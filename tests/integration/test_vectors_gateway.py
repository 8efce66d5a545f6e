"""Foreign tokens over HTTP: whatever a test suite for signatures holds, the door answers 401 or 400 and never worse."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import issuer
import pytest
from gateway import PATIENCE, Gateway, read_answer, serving
from recorder import recording

from doorward.core.challenge import is_b64token

RULE = '\n[[rule]]\nname = "all"\npath = "/**"\naccess = "authenticated"\n'


@pytest.fixture(scope="module")
def gateway(shared: Path) -> Iterator[Gateway]:
    with recording() as application, serving(issuer.POLICY_HEAD + RULE, application.url) as running:
        yield running


def vectors(shared: Path) -> list[tuple[dict[str, Any], str]]:
    """Each signature vector and its token as it would arrive."""
    data = json.loads((shared / "corpora" / "wycheproof" / "json_web_signature_test.json").read_text("utf-8"))
    found = []
    for test in (test for group in data["testGroups"] for test in group["tests"]):
        token = test["jws"]
        found.append((test, token if isinstance(token, str) else json.dumps(token)))
    return found


def statuses(gateway: Gateway, tokens: list[str]) -> list[tuple[int, list[str]]]:
    """Status and challenges for each token, each on a connection of its own."""
    host = gateway.url.removeprefix("http://")
    found = []
    for token in tokens:
        head = f"GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        with socket.create_connection(gateway.address, timeout=PATIENCE) as connection:
            connection.sendall(head.encode("latin-1", "replace"))
            answer = read_answer(connection)
            found.append((answer.status, answer.all("www-authenticate")))
    return found


def test_a_good_token_of_the_issuer_passes_here(gateway: Gateway) -> None:
    assert [status for status, _ in statuses(gateway, [issuer.token("alice", [])])] == [200]


def test_no_vector_gets_in_and_none_causes_more_than_a_401_or_400(
    gateway: Gateway, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = vectors(shared)
    wrong, counted = [], {400: 0, 401: 0}
    for (test, token), (status, lines) in zip(given, statuses(gateway, [token for _, token in given]), strict=True):
        right = 401 if is_b64token(token) else 400
        counted[status] = counted.get(status, 0) + 1
        # Valid vectors are signed by nobody we trust: 401 as well, and never 403 or worse.
        if status != right or (status == 401 and not lines):
            wrong.append((test["tcId"], test["result"], test["comment"], status, right))
    with capsys.disabled():
        print(f"\n  signature vectors over HTTP: {len(given)}, of which 401 {counted[401]}, 400 {counted[400]}", end="")
    assert not wrong, "\n".join(map(str, wrong))
    assert len(given) == 401


def test_a_vector_that_claims_our_issuer_is_not_accepted_either(gateway: Gateway, shared: Path) -> None:
    """The payload of a good token between header and signature of each vector: only the signature can be wrong."""
    payload = issuer.token("alice", []).split(".")[1]
    tokens = []
    for _, token in vectors(shared):
        parts = token.split(".")
        if len(parts) == 3 and is_b64token(parts[0]) and is_b64token(parts[2] or "x"):
            tokens.append(f"{parts[0]}.{payload}.{parts[2]}")
    found = statuses(gateway, tokens)
    assert {status for status, _ in found} <= {400, 401}
    assert len(found) > 300
