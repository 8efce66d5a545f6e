"""The fixtures of the integration tests are themselves right: what they record is what was on the wire."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator

import apps
import frames
import pytest
from gateway import read_answer
from recorder import Recorder, recording


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


def send(recorder: Recorder, data: bytes):
    with socket.create_connection(recorder.address, timeout=10) as connection:
        connection.sendall(data)
        return read_answer(connection)


def test_the_recorder_keeps_the_head_as_it_was_on_the_wire(recorder: Recorder) -> None:
    send(recorder, b"PUT /a%2e?x=%00 HTTP/1.1\r\nhost: a\r\nX-Doorward_User: eve\r\nx.doorward.user:  bob \r\n\r\n")
    assert recorder.last.line == "PUT /a%2e?x=%00 HTTP/1.1"
    assert recorder.last.pairs == [("host", "a"), ("X-Doorward_User", "eve"), ("x.doorward.user", "bob")]
    assert recorder.last.values("X-Doorward-User") == ["eve", "bob"]
    assert recorder.last.starting("x-doorward-") == [("X-Doorward_User", "eve"), ("x.doorward.user", "bob")]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_recorder_hashes_the_body_however_it_is_framed(recorder: Recorder, framing: str) -> None:
    body = bytes(range(256)) * 40
    head = b"POST /b HTTP/1.1\r\nHost: a\r\n"
    if framing == "length":
        data = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        data = head + b"Transfer-Encoding: chunked\r\n\r\n%x;e=1\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    assert send(recorder, data).status == 200
    assert (recorder.last.digest, recorder.last.size) == (hashlib.sha256(body).hexdigest(), len(body))


def test_a_websocket_frame_of_every_length_form_comes_back(recorder: Recorder) -> None:
    opened = frames.connect(recorder.address, "/ws", [])
    assert isinstance(opened, frames.WebSocket)
    for size in (0, 125, 126, 65_535, 65_536):
        opened.send("x" * size)
        assert opened.receive() == b"x" * size
    opened.close()


def test_the_accept_value_is_the_one_of_the_specification() -> None:
    assert frames.accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_an_event_stream_ends_after_the_asked_count(recorder: Recorder) -> None:
    answer = send(recorder, b"GET /events?count=2 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.body == b"data: 1\n\ndata: 2\n\n"


def test_a_connection_closed_without_an_answer_is_status_nought() -> None:
    here, there = socket.socketpair()
    there.close()
    with here:
        assert read_answer(here).status == 0


def test_an_application_that_ends_at_once_is_reported_with_its_own_words() -> None:
    command = ["/bin/sh", "-c", "echo no such database; exit 3"]
    with pytest.raises(RuntimeError, match="no such database"), apps.started(command, apps.free_port()):
        pass
