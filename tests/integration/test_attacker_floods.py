"""Attackers with much time or many octets: others are served meanwhile, and what must end, ends."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from gateway import Gateway, serving
from issuer import bearer
from recorder import Recorder, recording
from wires import Wire, policy, request, until

IDLE = 2_000
SLOW = 300
SERVER = '[server]\nhead_timeout = "2s"\nmax_body = "1MiB"\n'
MEMORY = 200 << 20
"""Bytes that the process may grow by; a fraction of what is thrown at it."""


@pytest.fixture(scope="module")
def application() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(application: Recorder) -> Iterator[Gateway]:
    with serving(policy(SERVER), application.url) as running:
        yield running


def resident(gateway: Gateway) -> int:
    """Bytes of memory that the gateway takes."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1_024


def ended(connection: socket.socket) -> bool:
    """Whether the other side has hung up; what it said before that is thrown away."""
    with suppress(BlockingIOError):
        try:
            while connection.recv(4_096, socket.MSG_DONTWAIT):
                pass
        except ConnectionError:
            return True
        return True
    return False


def test_thousands_of_silent_connections_and_slow_heads_stop_nobody(gateway: Gateway) -> None:
    token = bearer("alice", ["member"])
    before = resident(gateway)
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(gateway.address)) for _ in range(IDLE)]
        slow = [stack.enter_context(socket.create_connection(gateway.address)) for _ in range(SLOW)]
        for connection in slow:
            connection.sendall(b"GET /mine/x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        with Wire(gateway.address) as wire:
            while slow:
                for connection in slow:
                    with suppress(OSError):
                        connection.send(b"a")  # one more octet each time: progress that never ends
                assert [wire.ask("GET", "/mine/x", token).status for _ in range(5)] == [200] * 5
                slow = [connection for connection in slow if not ended(connection)]
        # Whoever says nothing at all may stay until his time is over; he costs little.
        assert not any(map(ended, idle))
        assert resident(gateway) - before < MEMORY
        for connection in idle[:5]:
            connection.sendall(request("GET", "/open/x", ("Connection", "close")))
            assert connection.recv(4_096).startswith(b"HTTP/1.1 200 ")
    assert gateway.get("/open/x").status == 200


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        (b"GET /open/x HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * (8 << 20), {431}),
        (b"GET /open/x HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: a\r\n" * 200_000, {431}),
        (b"GET /open/" + b"a" * (8 << 20), {414}),
        (b"GET /open/x HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a=b; " * 500_000, {431}),
        (b"A" * (8 << 20), {400, 414, 431}),
        (b"\r\n" * (1 << 20), {0, 400}),
    ],
    ids=["one field", "many fields", "target", "cookies", "no line", "empty lines"],
)
def test_a_head_without_end_is_refused_before_it_is_held(
    gateway: Gateway, application: Recorder, head: bytes, statuses: set[int]
) -> None:
    application.clear()
    before = resident(gateway)
    for _ in range(10):
        with Wire(gateway.address) as wire:
            with suppress(ConnectionError):  # it need not listen to the end
                wire.send(head)
            if head.startswith(b"\r\n"):
                wire.socket.shutdown(socket.SHUT_WR)
            try:
                status = wire.answer().status
            except ConnectionError:
                status = 0
            assert status in statuses | {0}
    assert application.records == []
    assert resident(gateway) - before < MEMORY
    assert gateway.get("/open/x").status == 200


def test_what_is_compressed_passes_unopened(gateway: Gateway, application: Recorder) -> None:
    bomb = gzip.compress(b"\0" * (100 << 20))
    application.clear()
    before = resident(gateway)
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        answer = gateway.ask("POST", "/open/x", ("Content-Encoding", coding), body=bomb)
        assert answer.status == 200
        assert application.last.digest == hashlib.sha256(bomb).hexdigest()
        assert application.last.values("content-encoding") == [coding]
    assert resident(gateway) - before < MEMORY
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert gateway.ask("POST", "/.doorward/login", form, ("Content-Encoding", "gzip"), body=bomb).status == 415


def test_a_body_beyond_the_limit_is_refused_announced_or_not(gateway: Gateway, application: Recorder) -> None:
    application.clear()
    announced = request("POST", "/open/x", ("Content-Length", str(2 << 20)))
    with Wire(gateway.address) as wire:
        wire.send(announced)
        assert wire.answer("POST").status == 413
    assert application.records == []
    with Wire(gateway.address) as wire:
        wire.send(request("POST", "/open/x", ("Transfer-Encoding", "chunked")))
        with suppress(ConnectionError):
            for _ in range(64):
                wire.send(b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
        with suppress(ConnectionError):
            assert wire.answer("POST").status in (0, 413)
    assert application.records == []  # it never had the whole of it
    assert gateway.get("/open/x").status == 200


def test_connections_that_break_in_every_place_leave_nothing_behind(gateway: Gateway) -> None:
    data = request("POST", "/mine/x", bearer("alice", ["member"]), body=b"a" * 400)
    before = descriptors(gateway)
    for end in range(0, len(data), 7):
        wire = Wire(gateway.address)
        wire.send(data[:end])
        wire.reset()
    assert gateway.get("/open/x").status == 200
    until(lambda: descriptors(gateway) <= before + 16)  # some to the application are kept for the next


def descriptors(gateway: Gateway) -> int:
    """Open files of the gateway."""
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))
