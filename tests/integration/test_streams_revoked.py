"""Open tunnels and streams end when who opened them no longer may, whatever took it away; the others go on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from gateway import PATIENCE, Gateway, serving
from issuer import POLICY_HEAD, bearer, token
from recorder import Recorder, recording

RULES = """
[roles]
admin = ["customer"]

[[rule]]
name    = "public"
path    = "/public/**"
methods = ["GET"]
access  = "public"
[[rule]]
name  = "any"
path  = "/any/**"
access = "authenticated"
[[rule]]
name  = "role"
path  = "/role/**"
roles = ["customer"]
[[rule]]
name  = "acl"
path  = "/doc/{doc}/**"
acl   = { object = "document:{doc}", GET = "read" }
[[rule]]
name  = "limited"
path  = "/limited/**"
methods = ["GET"]
access = "public"
limit = { rate = "1/hour", by = ["ip"] }
"""
POLICY = POLICY_HEAD.replace("basic   =", 'apikey  = { header = "X-API-Key" }\nbasic   =') + RULES


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def door(recorder: Recorder) -> Iterator[Gateway]:
    with serving(POLICY, recorder.url) as gateway:
        yield gateway


class Stream:
    """An event stream that somebody reads."""

    def __init__(self, door: Gateway, target: str, *fields: tuple[str, str]) -> None:
        self._socket = socket.create_connection(door.address, timeout=PATIENCE)
        lines = [f"GET {target} HTTP/1.1", f"Host: {door.url.removeprefix('http://')}"]
        lines += [f"{name}: {value}" for name, value in fields]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.status = int(self._socket.recv(12).split(b" ")[1])

    def goes_on(self) -> bool:
        """Whether another event came."""
        self._socket.settimeout(PATIENCE)
        try:
            return self._socket.recv(65_536) != b""
        except ConnectionError:
            return False

    def ends(self) -> bool:
        """Read to the end; False when it goes on for ever."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not self.goes_on():
                return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def opened(door: Gateway) -> Iterator[list[Stream]]:
    streams: list[Stream] = []
    yield streams
    for stream in streams:
        stream.close()


def account(door: Gateway, name: str, *roles: str) -> tuple[str, str]:
    door.add_user(name, "correct horse", *roles)
    return door.log_in(name, "correct horse")


def cli(door: Gateway, *words: str) -> str:
    done = door.cli(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_disabled_account_and_nobody_else(door: Gateway, opened: list[Stream]) -> None:
    gone, stays = account(door, "gone"), account(door, "stays")
    opened += [Stream(door, "/any/events", gone), Stream(door, "/any/events", stays), Stream(door, "/public/events")]
    assert [stream.status for stream in opened] == [200, 200, 200]
    cli(door, "user", "disable", "gone")
    assert opened[0].ends()
    assert opened[1].goes_on()
    assert opened[2].goes_on()


def test_a_session_that_logs_out(door: Gateway, opened: list[Stream]) -> None:
    cookie = account(door, "leaves")
    opened.append(Stream(door, "/any/events", cookie))
    origin = (("Origin", door.url), ("Sec-Fetch-Site", "same-origin"))
    answer = door.ask("POST", "/.doorward/logout", cookie, *origin)
    assert answer.status in {200, 204, 303}
    assert opened[0].ends()


def test_a_lost_role(door: Gateway, opened: list[Stream]) -> None:
    cookie = account(door, "demoted", "customer")
    opened += [Stream(door, "/role/events", cookie), Stream(door, "/any/events", cookie)]
    assert [stream.status for stream in opened] == [200, 200]
    cli(door, "user", "roles", "demoted")
    assert opened[0].ends()
    assert opened[1].goes_on()


def test_a_relation_taken_back(door: Gateway, opened: list[Stream]) -> None:
    cookie = account(door, "reader")
    cli(door, "grant", "reader", "read", "document:7")
    opened.append(Stream(door, "/doc/7/events", cookie))
    assert opened[0].status == 200
    cli(door, "revoke", "reader", "read", "document:7")
    assert opened[0].ends()


def test_a_revoked_key(door: Gateway, opened: list[Stream]) -> None:
    account(door, "machine")
    made = json.loads(cli(door, "key", "add", "machine", "--json"))
    opened.append(Stream(door, "/any/events", ("X-API-Key", made["key"])))
    assert opened[0].status == 200
    cli(door, "key", "revoke", made["id"])
    assert opened[0].ends()


def test_a_revoked_token(door: Gateway, opened: list[Stream]) -> None:
    ours, other = token("t", [], jti="stream-1"), token("t", [], jti="stream-2")
    opened += [Stream(door, "/any/events", ("Authorization", f"Bearer {one}")) for one in (ours, other)]
    assert [stream.status for stream in opened] == [200, 200]
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))
    cli(door, "token", "revoke", "stream-1", "--until", until)
    assert opened[0].ends()
    assert opened[1].goes_on()


def test_an_expired_token(door: Gateway, opened: list[Stream]) -> None:
    # The leeway of the issuer is thirty seconds.
    opened.append(Stream(door, "/any/events", bearer("brief", [], life=-28)))
    assert opened[0].status == 200
    assert opened[0].ends()


def test_a_changed_password_of_basic(door: Gateway, opened: list[Stream]) -> None:
    from issuer import basic

    account(door, "typist")
    opened.append(Stream(door, "/any/events", basic("typist", "correct horse")))
    assert opened[0].status == 200
    done = door.cli("user", "passwd", "typist", "--password-stdin", input="battery staple\n")
    assert done.returncode == 0, done.stderr
    assert opened[0].ends()


def test_a_policy_that_closes_the_path(recorder: Recorder) -> None:
    with serving(POLICY, recorder.url) as door:
        streams = [Stream(door, "/public/events"), Stream(door, "/any/events", bearer("carol", []))]
        assert [stream.status for stream in streams] == [200, 200]
        closed = POLICY.replace('access = "authenticated"', 'access = "nobody"')
        draft = door.folder / "draft"
        draft.write_text(closed)
        draft.replace(door.folder / "doorward.toml")
        assert streams[1].ends()
        assert streams[0].goes_on()
        for stream in streams:
            stream.close()


def test_a_stream_does_not_pay_its_limit_again(door: Gateway, opened: list[Stream]) -> None:
    opened.append(Stream(door, "/limited/events"))
    assert opened[0].status == 200
    door.add_user("stir", "correct horse")
    cli(door, "user", "disable", "stir")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert opened[0].goes_on()
