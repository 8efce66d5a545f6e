"""The same question over and over on one connection: answered from memory, and not a moment longer than it is true."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Self

import pytest
from gateway import PATIENCE, Answer, Gateway, read_answer, serving
from issuer import POLICY_HEAD, basic, bearer

POLICY = (
    POLICY_HEAD
    + """
[[rule]]
name  = "staff"
path  = "/staff/**"
roles = ["staff"]
[[rule]]
name   = "open"
path   = "/open"
access = "public"
"""
)


@pytest.fixture
def door() -> Iterator[Gateway]:
    with serving(POLICY, "http://127.0.0.1:9") as gateway:
        gateway.add_user("carol", "correct horse", "staff")
        yield gateway


class Line:
    """One kept connection to the control listener. Use as a context."""

    def __init__(self, door: Gateway) -> None:
        host, port = door.control.removeprefix("http://").rsplit(":", 1)
        self.host = f"{host}:{port}"
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, target: str, *fields: tuple[str, str], method: str = "GET") -> Answer:
        lines = ["GET /decide HTTP/1.1", f"Host: {self.host}", f"X-Forwarded-Method: {method}"]
        lines += [f"X-Forwarded-Uri: {target}", *(f"{name}: {value}" for name, value in fields), "", ""]
        self.socket.sendall("\r\n".join(lines).encode("latin-1"))
        return read_answer(self.socket)

    def until(self, status: int, target: str, *fields: tuple[str, str]) -> Answer:
        """Ask again and again until this is the answer."""
        end = time.monotonic() + PATIENCE
        while (answer := self.ask(target, *fields)).status != status:
            assert time.monotonic() < end, answer
        return answer


@pytest.fixture
def line(door: Gateway) -> Iterator[Line]:
    with Line(door) as line:
        yield line


def test_each_answer_has_an_id_of_its_own_and_names_who_asked(line: Line) -> None:
    carol = basic("carol", "correct horse")
    answers = [line.ask("/staff/x", carol) for _ in range(20)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.one("X-Doorward-User") for answer in answers} == {"carol"}
    assert len({answer.one("X-Doorward-Decision-Id") for answer in answers}) == 20


def test_another_question_between_is_answered_for_itself(line: Line) -> None:
    carol, dave = basic("carol", "correct horse"), bearer("dave", [])
    for _ in range(10):
        assert line.ask("/staff/x", carol).one("X-Doorward-User") == "carol"
        assert line.ask("/staff/x", dave).status == 403
        assert line.ask("/staff/x").status == 401
        assert line.ask("/open").one("X-Doorward-User") == ""
        assert line.ask("/none", carol).status == 404


def test_what_is_revoked_is_refused_on_the_very_connection(door: Gateway, line: Line) -> None:
    carol = basic("carol", "correct horse")
    for _ in range(10):
        assert line.ask("/staff/x", carol).status == 200
    assert door.cli("user", "disable", "carol").returncode == 0
    assert line.until(401, "/staff/x", carol).schemes[0] == "Basic"


def test_a_new_policy_counts_for_the_very_connection(door: Gateway, line: Line) -> None:
    carol = basic("carol", "correct horse")
    for _ in range(10):
        assert line.ask("/staff/x", carol).status == 200
    (door.folder / "doorward.toml").write_text(POLICY.replace('roles = ["staff"]', 'roles = ["king"]'))
    line.until(403, "/staff/x", carol)


def test_a_token_that_expires_is_refused_on_the_very_connection(line: Line) -> None:
    token = bearer("carol", ["staff"], life=-28)  # 30 s of leeway, so that 2 s are left
    assert line.ask("/staff/x", token).status == 200
    line.until(401, "/staff/x", token)
