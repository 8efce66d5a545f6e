"""Long bodies, event streams and tunnels through the door, seen from the application's side."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Iterator

import frames
import pytest
from gateway import PATIENCE, Gateway, read_answer, serving
from issuer import POLICY_HEAD, bearer
from recorder import Recorder, recording

POLICY = (
    POLICY_HEAD
    + """
[[rule]]
name   = "public"
path   = "/public/**"
access = "public"
[[rule]]
name   = "any"
path   = "/any/**"
access = "authenticated"
"""
)
MIB = 1 << 20
CAROL = ("carol", [])


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def door(recorder: Recorder) -> Iterator[Gateway]:
    with serving(POLICY, recorder.url) as gateway:
        gateway.add_user("carol", "correct horse")
        yield gateway


@pytest.fixture(autouse=True)
def _fresh(recorder: Recorder) -> None:
    recorder.clear()


def head(door: Gateway, method: str, target: str, *fields: tuple[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {door.url.removeprefix('http://')}", "Connection: close"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in fields), "", ""]).encode()


def eventually(holds, what: str) -> None:
    """Wait until something holds; says what did not."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_of_a_hundred_mebibytes_arrives_unchanged(door: Gateway, recorder: Recorder, framing: str) -> None:
    part, digest = bytes(range(256)) * (MIB // 256), hashlib.sha256()
    chunked = framing == "chunked"
    frame = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(100 * MIB))
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head(door, "POST", "/any/upload", bearer(*CAROL), frame))
        for _ in range(100):
            digest.update(part)
            connection.sendall(b"%x\r\n" % MIB + part + b"\r\n" if chunked else part)
        connection.sendall(b"0\r\n\r\n" if chunked else b"")
        answer = read_answer(connection)
    assert answer.status == 200
    assert (recorder.last.size, recorder.last.digest) == (100 * MIB, digest.hexdigest())


def test_a_refused_upload_is_answered_before_its_body_and_never_reaches_the_application(
    door: Gateway, recorder: Recorder
) -> None:
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head(door, "POST", "/any/upload", ("Content-Length", str(100 * MIB))))
        assert read_answer(connection).status == 401
    assert recorder.records == []


def test_who_expects_to_be_told_to_continue_is_refused_without_it(door: Gateway, recorder: Recorder) -> None:
    fields = (("Content-Length", "5"), ("Expect", "100-continue"))
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head(door, "POST", "/any/upload", *fields))
        assert connection.recv(12) == b"HTTP/1.1 401"
    assert recorder.records == []


def test_events_arrive_one_by_one_while_the_stream_is_open(door: Gateway) -> None:
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head(door, "GET", "/any/events", bearer(*CAROL)))
        data = b""
        while b"data: 3\n\n" not in data:
            more = connection.recv(65_536)
            assert more, data
            data += more
    assert b"200" in data.split(b"\r\n")[0]
    assert b"text/event-stream" in data


def test_a_reader_who_leaves_ends_the_stream_at_the_application(door: Gateway, recorder: Recorder) -> None:
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head(door, "GET", "/any/events", bearer(*CAROL)))
        assert connection.recv(12) == b"HTTP/1.1 200"
        eventually(lambda: recorder.streams == 1, "the stream of a test before goes on")
    eventually(lambda: recorder.streams == 0, "the application still streams to nobody")


def test_a_finished_stream_is_whole(door: Gateway) -> None:
    answer = door.get("/any/events?count=5", bearer(*CAROL))
    assert answer.body == b"".join(b"data: %d\n\n" % number for number in range(1, 6))


def test_an_event_stream_ends_with_its_session(door: Gateway, recorder: Recorder) -> None:
    cookie = door.log_in("carol", "correct horse")
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall(head(door, "GET", "/any/events", cookie))
        assert connection.recv(12) == b"HTTP/1.1 200"
        done = door.cli("session", "revoke", "--all", "carol")
        assert done.returncode == 0, done.stderr
        while connection.recv(65_536):
            pass
    eventually(lambda: recorder.streams == 0, "the application still streams")


def test_a_tunnel_ends_with_its_session(door: Gateway, recorder: Recorder) -> None:
    cookie = door.log_in("carol", "correct horse")
    opened = frames.connect(door.address, "/any/ws", [cookie, ("Origin", door.url)])
    assert isinstance(opened, frames.WebSocket)
    opened.send("hello")
    assert opened.receive() == b"hello"
    assert door.cli("session", "revoke", "--all", "carol").returncode == 0
    with pytest.raises((EOFError, ConnectionError)):
        opened.receive()
    opened.close()
    eventually(lambda: recorder.streams == 0, "the tunnel to the application is still open")


def test_big_frames_go_through_the_tunnel_both_ways(door: Gateway) -> None:
    opened = frames.connect(door.address, "/any/ws", [bearer(*CAROL)])
    assert isinstance(opened, frames.WebSocket)
    opened.send("x" * 300_000)
    assert opened.receive() == b"x" * 300_000
    opened.close()


@pytest.mark.article("A1-32")
def test_the_application_learns_who_it_is_from_the_door_alone(door: Gateway, recorder: Recorder) -> None:
    lies = [(name, "root") for name in ("X-Doorward-User", "x_doorward_user", "X.Doorward.User", "X-DOORWARD_Roles")]
    assert door.get("/any/x", bearer("carol", ["customer"]), *lies).status == 200
    assert recorder.last.values("X-Doorward-User") == ["carol"]
    assert "root" not in json.dumps(recorder.last.pairs)


def test_anonymous_on_a_public_page_carries_no_identity(door: Gateway, recorder: Recorder) -> None:
    assert door.get("/public/x", ("X-Doorward-User", "root"), ("Remote-User", "root")).status == 200
    assert recorder.last.starting("x-doorward-") == []
    assert recorder.last.values("remote-user") == []


def test_the_path_that_was_decided_on_is_forwarded_octet_for_octet(door: Gateway, recorder: Recorder) -> None:
    target = "/public/a%20b/%C3%A9?x=%2F&y=a+b&&z"
    assert door.get(target).status == 200
    assert recorder.last.target == target


def test_the_carriers_stay_at_the_door(door: Gateway, recorder: Recorder) -> None:
    name, value = door.log_in("carol", "correct horse")
    assert door.get("/any/x", (name, f"theme=dark; {value}; lang=uk")).status == 200
    assert "__Host-doorward" not in json.dumps(recorder.last.pairs)
    (cookie,) = recorder.last.values("cookie")
    assert [part.strip() for part in cookie.split(";")] == ["theme=dark", "lang=uk"]


def test_requests_on_one_connection_are_decided_one_by_one(door: Gateway, recorder: Recorder) -> None:
    host = door.url.removeprefix("http://")
    name, value = bearer(*CAROL)
    good = f"GET /any/1 HTTP/1.1\r\nHost: {host}\r\n{name}: {value}\r\n\r\n"
    bare = f"GET /any/2 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(door.address, timeout=PATIENCE) as connection:
        connection.sendall((good + bare).encode())
        data = b""
        while more := connection.recv(65_536):
            data += more
    assert data.count(b"HTTP/1.1 200") == 1
    assert data.count(b"HTTP/1.1 401") == 1
    assert data.index(b"HTTP/1.1 200") < data.index(b"HTTP/1.1 401")
    assert [record.target for record in recorder.records] == ["/any/1"]
