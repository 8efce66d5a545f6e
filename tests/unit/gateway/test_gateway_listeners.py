"""Addresses of listeners: what is read, what is refused, and with which mend."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from doorward.core.errors import ConfigError
from doorward.core.settings import Server as ServerSettings
from doorward.edge.server import Server
from doorward.gateway.listeners import Place, bind, check_control, check_public, read_place, try_place
from kit import policy


@pytest.mark.parametrize(
    ("text", "place", "loopback", "url"),
    [
        ("127.0.0.1:80", Place("127.0.0.1", 80), True, "http://127.0.0.1:80"),
        ("127.9.9.9:80", Place("127.9.9.9", 80), True, "http://127.9.9.9:80"),
        ("localhost:0", Place("localhost", 0), True, "http://localhost:0"),
        ("[::1]:8080", Place("::1", 8080), True, "http://[::1]:8080"),
        (":8080", Place("0.0.0.0", 8080), False, "http://0.0.0.0:8080"),
        ("0.0.0.0:1", Place("0.0.0.0", 1), False, "http://0.0.0.0:1"),
        ("[::]:1", Place("::", 1), False, "http://[::]:1"),
        ("shop.test:1", Place("shop.test", 1), False, "http://shop.test:1"),
    ],
)
def test_an_address_is_read(text: str, place: Place, loopback: bool, url: str) -> None:
    found = read_place(text, "--listen")
    assert (found, found.loopback, found.text) == (place, loopback, url)


@pytest.mark.parametrize("text", ["", "8080", "a", "a:b", "a:123456", "a:65536", "::1:80", "[a]:", "unix:/x", "a b:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="HOST:PORT"):
        read_place(text, "--listen")


def test_a_unix_socket_is_taken_where_it_may_be() -> None:
    found = read_place("unix:/run/x.sock", "--control", unix=True)
    assert (found.path, found.loopback, found.text) == ("/run/x.sock", True, "unix:/run/x.sock")
    with pytest.raises(ConfigError):
        read_place("unix:", "--control", unix=True)


def test_whoever_listens_to_others_must_know_its_names() -> None:
    known = policy(server=ServerSettings(origins=("https://shop.test",)))
    check_public(Place("0.0.0.0", 1), known)
    check_public(Place("127.0.0.1", 1), policy())
    with pytest.raises(ConfigError, match="origins"):
        check_public(Place("0.0.0.0", 1), policy())


def test_the_control_listener_stays_on_this_machine() -> None:
    check_control(Place("::1", 1))
    check_control(Place(path="/x"))
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:8081"):
        check_control(Place("192.0.2.1", 1))


def listening() -> tuple[socket.socket, int]:
    other = socket.create_server(("127.0.0.1", 0))
    return other, other.getsockname()[1]


async def bound(place: Place, *, search: bool = False) -> Place:
    server = Server(lambda _exchange: None, name="x")
    try:
        return await bind(server, place, "--listen", search=search)
    finally:
        await server.drain(0)


def test_a_taken_port_is_said_or_the_next_one_is_used() -> None:
    other, port = listening()
    with other:
        with pytest.raises(ConfigError, match=f"Port {port}.*--listen 127.0.0.1:{port + 1}"):
            asyncio.run(bound(Place("127.0.0.1", port)))
        with pytest.raises(ConfigError, match="is taken"):
            asyncio.run(try_place(Place("127.0.0.1", port), "--listen"))
        found = asyncio.run(bound(Place("127.0.0.1", port), search=True))
        assert found.port > port
    asyncio.run(try_place(Place("127.0.0.1", port), "--listen"))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="Name an address of ours"):
        asyncio.run(bound(Place("192.0.2.1", 0)))


def test_a_socket_left_behind_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert asyncio.run(bound(Place(path=str(path)))).path == str(path)
    path.unlink(missing_ok=True)
    path.write_text("somebody's")
    with pytest.raises(ConfigError):
        asyncio.run(bound(Place(path=str(path))))
    assert path.read_text() == "somebody's"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_takes_no_socket(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        asyncio.run(try_place(Place(path=str(tmp_path / "s")), "--control"))
