"""Jupyter behind the door: without a token of its own, so whoever passes runs code. Kernels speak WebSocket."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator

import apps
import frames
import pytest
from gateway import Gateway, serving
from issuer import POLICY_HEAD, bearer

pytestmark = pytest.mark.apps

POLICY = (
    POLICY_HEAD
    + """
[roles]
scientist = ["reader"]

[[rule]]
name   = "status"
path   = ["/api", "/api/status"]
access = "authenticated"
[[rule]]
name    = "read"
path    = ["/api/contents/**", "/files/**"]
methods = ["GET"]
roles   = ["reader"]
[[rule]]
name    = "write"
path    = "/api/contents/**"
methods = ["PUT", "POST", "PATCH", "DELETE"]
roles   = ["scientist"]
[[rule]]
name  = "kernels"
path  = "/api/kernels/**"
roles = ["scientist"]
"""
)
READER, SCIENTIST = ("rita", ["reader"]), ("sam", ["scientist"])
KERNELS = "/api/kernels"


@pytest.fixture(scope="module")
def door() -> Iterator[Gateway]:
    with apps.jupyter() as app, serving(POLICY, app.url) as gateway:
        gateway.add_user("sam", "correct horse", "scientist")
        gateway.add_user("rita", "correct horse", "reader")
        yield gateway


@pytest.fixture
def kernel(door: Gateway) -> Iterator[str]:
    started = door.ask("POST", KERNELS, bearer(*SCIENTIST), ("Content-Type", "application/json"), body=b"{}")
    assert started.status == 201, started.body
    name = json.loads(started.body)["id"]
    yield f"{KERNELS}/{name}/channels"
    assert door.ask("DELETE", f"{KERNELS}/{name}", bearer(*SCIENTIST)).status == 204


def compute(opened: frames.WebSocket, code: str) -> str:
    """Run code in the kernel and read its result."""
    head = {"msg_id": "1", "username": "", "session": "s", "msg_type": "execute_request", "version": "5.3"}
    content = {"code": code, "silent": False}
    message = {"header": head, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    opened.send(json.dumps({**message, "buffers": []}))
    while True:
        answer = json.loads(opened.receive())
        if answer["msg_type"] == "execute_result":
            return str(answer["content"]["data"]["text/plain"])
        assert answer["msg_type"] != "error", answer["content"]


def test_anonymous_reaches_nothing(door: Gateway) -> None:
    for target in ("/api/status", "/api/contents/x", "/files/x", KERNELS):
        assert door.get(target).status == 401


def test_a_page_that_no_rule_names_is_not_there(door: Gateway) -> None:
    assert door.get("/api/terminals", bearer(*SCIENTIST)).status == 404


def test_a_reader_may_not_start_a_kernel(door: Gateway) -> None:
    answer = door.ask("POST", KERNELS, bearer(*READER), body=b"{}")
    assert (answer.status, answer.schemes) == (403, [])


def test_a_reader_may_not_write(door: Gateway) -> None:
    assert door.ask("PUT", "/api/contents/n.txt", bearer(*READER), body=b"{}").status == 403


def test_code_runs_through_the_tunnel_with_a_token(door: Gateway, kernel: str) -> None:
    opened = frames.connect(door.address, kernel, [bearer(*SCIENTIST)])
    assert isinstance(opened, frames.WebSocket)
    assert compute(opened, "6 * 7") == "42"
    assert compute(opened, "'x' * 200_000") == repr("x" * 200_000)
    opened.close()


def test_code_runs_through_the_tunnel_with_a_session_from_the_own_origin(door: Gateway, kernel: str) -> None:
    cookie = door.log_in("sam", "correct horse")
    opened = frames.connect(door.address, kernel, [cookie, ("Origin", door.url)])
    assert isinstance(opened, frames.WebSocket)
    assert compute(opened, "6 * 7") == "42"
    opened.close()


def test_a_foreign_page_cannot_use_the_session_for_a_websocket(door: Gateway, kernel: str) -> None:
    cookie = door.log_in("sam", "correct horse")
    for origin in ([("Origin", "https://evil.test")], [("Origin", "null")], []):
        answer = frames.connect(door.address, kernel, [cookie, *origin])
        assert isinstance(answer, frames.Refused)
        assert answer.status == 403


def test_a_websocket_is_refused_by_status_before_it_opens(door: Gateway, kernel: str) -> None:
    cases = [([], 401), ([bearer(*SCIENTIST, life=-3_000)], 401), ([bearer(*SCIENTIST, signer="forger")], 401)]
    cases.append(([bearer(*READER)], 403))
    for fields, status in cases:
        answer = frames.connect(door.address, kernel, fields)
        assert isinstance(answer, frames.Refused)
        assert answer.status == status
        assert ("www-authenticate" in {name.lower() for name, _ in answer.headers}) == (status == 401)


def test_a_mebibyte_is_written_and_read_again_unchanged(door: Gateway) -> None:
    data = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(32_768))
    model = {"type": "file", "format": "base64", "content": base64.b64encode(data).decode()}
    json_type = ("Content-Type", "application/json")
    body = json.dumps(model).encode()
    written = door.ask("PUT", "/api/contents/big.bin", bearer(*SCIENTIST), json_type, body=body)
    assert written.status == 201, written.body[:300]
    read = door.get("/files/big.bin", bearer(*READER))
    assert read.status == 200
    assert hashlib.sha256(read.body).digest() == hashlib.sha256(data).digest()


def test_a_session_write_from_a_foreign_page_is_refused(door: Gateway) -> None:
    cookie, body = door.log_in("sam", "correct horse"), b'{"type": "file", "format": "text", "content": "x"}'
    assert door.ask("PUT", "/api/contents/a.txt", cookie, ("Origin", "https://evil.test"), body=body).status == 403
    assert door.get("/api/contents/a.txt", bearer(*READER)).status == 404
    assert door.ask("PUT", "/api/contents/a.txt", cookie, ("Sec-Fetch-Site", "same-origin"), body=body).status == 201
