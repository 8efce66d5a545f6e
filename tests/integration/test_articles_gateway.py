"""Rows of the founding articles that need a running door: what commands change, and who may look behind it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import issuer
import pytest
from gateway import DOORWARD, PATIENCE, Answer, Gateway, read_answer, serving
from probes_stage import log_in
from recorder import recording

article = pytest.mark.article
ADJUSTED = issuer.POLICY_HEAD.replace("basic   =", 'apikey  = { header = "X-API-Key" }\nbasic   =')
POLICY = (
    ADJUSTED
    + """
[[rule]]
name   = "me"
path   = "/me"
access = "authenticated"

[[rule]]
name  = "doc"
path  = "/doc/{id}"
acl   = { object = "doc:{id}", GET = "read" }
"""
)
WITHIN = 1.0
"""Seconds within which what a command changes is in force everywhere (J17)."""


@pytest.fixture(scope="module")
def door() -> Iterator[Gateway]:
    with recording() as application, serving(POLICY, application.url) as running:
        yield running


@contextmanager
def open_line(gateway: Gateway, target: str, *fields: tuple[str, str]) -> Iterator[Callable[[], Answer]]:
    """A connection that stays open; what is given sends the request once more on it."""
    host = gateway.url.removeprefix("http://")
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in fields), "", ""]
    octets = "\r\n".join(lines).encode()
    with socket.create_connection(gateway.address, timeout=PATIENCE) as connection:

        def again() -> Answer:
            connection.sendall(octets)
            return read_answer(connection)

        yield again


def run(gateway: Gateway, *words: str) -> str:
    done = gateway.cli(*words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def credentials(gateway: Gateway, name: str) -> dict[str, tuple[tuple[str, str], list[str]]]:
    """Each kind of credential of one account, and the command that takes it back."""
    gateway.add_user(name, f"password of {name}")
    key = json.loads(run(gateway, "key", "add", name, "--json"))
    session = log_in(gateway, name, f"password of {name}")
    own = json.loads(run(gateway, "session", "list", name, "--json"))
    token = issuer.token(name, [], jti=f"jti-{name}")
    return {
        "basic": (issuer.basic(name, f"password of {name}"), ["user", "disable", name]),
        "apikey": (("X-API-Key", key["key"]), ["key", "revoke", key["id"]]),
        "session": (("Cookie", f"__Host-doorward={session}"), ["session", "revoke", own[0]["id"]]),
        "token": (("Authorization", f"Bearer {token}"), ["token", "revoke", f"jti-{name}", "--until", "2h"]),
    }


@article("A1-9", "A2-44")
@pytest.mark.parametrize("kind", ["basic", "apikey", "session", "token"])
def test_what_a_command_revokes_is_refused_on_an_open_connection(door: Gateway, kind: str) -> None:
    field, command = credentials(door, f"{kind}-holder")[kind]
    with open_line(door, "/me", field) as ask:
        assert [ask().status for _ in range(3)] == [200] * 3
        run(door, *command)
        time.sleep(WITHIN)
        refused = ask()
        assert refused.status == 401
        assert refused.all("www-authenticate")


@article("A0-11", "A2-44")
def test_a_relation_that_is_granted_or_taken_back_counts_on_an_open_connection(door: Gateway) -> None:
    door.add_user("reader", "password of reader")
    with open_line(door, "/doc/7", issuer.basic("reader", "password of reader")) as ask:
        assert ask().status == 403
        run(door, "grant", "reader", "read", "doc:7")
        time.sleep(WITHIN)
        assert ask().status == 200
        run(door, "revoke", "reader", "read", "doc:7")
        time.sleep(WITHIN)
        assert ask().status == 403


@article("A2-41")
def test_an_account_made_while_the_door_runs_logs_in(door: Gateway) -> None:
    assert door.get("/me", issuer.basic("newcomer", "password of newcomer")).status == 401
    door.add_user("newcomer", "password of newcomer")
    assert door.get("/me", issuer.basic("newcomer", "password of newcomer")).status == 200
    cookie = ("Cookie", f"__Host-doorward={log_in(door, 'newcomer', 'password of newcomer')}")
    assert door.get("/me", cookie).status == 200


@article("A1-48")
def test_guesses_over_the_wire_are_slowed_down_and_sessions_go_on(door: Gateway) -> None:
    door.add_user("target", "password of target")
    cookie = ("Cookie", f"__Host-doorward={log_in(door, 'target', 'password of target')}")
    for name in ("target", "nobody-of-this-name"):
        found = [door.get("/me", issuer.basic(name, f"guess {n}")) for n in range(7)]
        assert [answer.status for answer in found[:6]] == [401] * 5 + [429]
        assert int(found[5].one("retry-after")) >= 1
    assert door.get("/me", issuer.basic("target", "password of target")).status == 429
    assert door.get("/me", cookie).status == 200


@article("A2-42")
def test_the_control_listener_is_for_this_machine_alone(door: Gateway) -> None:
    assert door.ask("GET", "/metrics", control=True).status == 200
    for fields in (("Host", "shop.example"), ("Origin", "https://evil.example")):
        host = "" if fields[0] == "Host" else "Host: localhost\r\n"
        head = f"GET /metrics HTTP/1.1\r\n{host}{fields[0]}: {fields[1]}\r\nConnection: close\r\n\r\n"
        refused = door.raw(head.encode(), control=True)
        assert refused.status in (403, 421)
        assert b"doorward_" not in refused.body
    done = subprocess.run(
        [
            *(DOORWARD, "serve", "--policy", str(door.folder / "doorward.toml"), "--data", str(door.folder / "other")),
            *("--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--control", "0.0.0.0:0"),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr


@article("A2-56")
def test_the_demonstration_gives_five_answers_each_with_its_reason() -> None:
    done = subprocess.run([DOORWARD, "demo", "--once"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.strip()[:3].isdigit()]
    assert [status for status, _ in answers] == ["401", "403", "404", "429", "200"]
    for reason in (
        "No credentials were sent",
        "this needs admin",
        "does not exist",
        "the next try is in",
        "alice is admin",
    ):
        assert reason in done.stdout
