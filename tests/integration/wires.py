"""Keep-alive connections of an attacker: raw octets out, answers in order back, nothing added or repaired.

    with Wire(gateway.address) as wire:
        wire.send(request("GET", "/a") + request("GET", "/b"))
        first, second = wire.answer(), wire.answer()

Rule: nothing here judges an answer, and nothing is imported from doorward.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterable
from itertools import count
from types import TracebackType
from typing import Self

import issuer
from gateway import PATIENCE, Answer, Fields

_RULES = """
[roles]
admin = ["member"]

[[rule]]
name   = "open"
path   = ["/", "/open/**"]
access = "public"

[[rule]]
name = "notes"
path = "/notes/{id}"
acl  = { object = "note:{id}", GET = "read", PUT = "write" }

[[rule]]
name  = "admin"
path  = "/admin/**"
roles = ["admin"]

[[rule]]
name   = "mine"
path   = "/mine/**"
access = "authenticated"
"""


def policy(*tables: str) -> str:
    """Whoever is known may see /mine, administrators /admin, whom it was granted a note, everybody /open.

    tables: further ones.
    """
    head = issuer.POLICY_HEAD.replace("[credentials]\n", '[credentials]\napikey  = { header = "X-API-Key" }\n')
    return "\n".join([head, *tables, _RULES])


TRUSTING = '[proxy]\ntrusted = ["127.0.0.0/8"]\n[tls]\nrequire = false\n'
"""Callers on this machine may say for whom they speak, and nobody needs https."""


def request(method: str, target: str, *fields: tuple[str, str], host: str = "localhost", body: bytes = b"") -> bytes:
    """One HTTP/1.1 request that leaves the connection open."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in fields)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Wire:
    """One connection. Raises ConnectionError where it ends in the middle of an answer; OSError as sockets do."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        """Hang up so that the other side learns it at once: nobody waits for an answer any more."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data: bytes) -> None:
        """Send these octets."""
        self.socket.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer; status 0 when the connection ends in its place. method: of the request it is for."""
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            return Answer(0, [], b"")
        headers: Fields = []
        while (more := self._line()) != b"\r\n":
            name, _, value = more.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        got = Answer(int(line.split(b" ")[1]), headers, b"")
        return Answer(got.status, headers, self._body(got, method))

    def ask(self, method: str, target: str, *fields: tuple[str, str], body: bytes = b"") -> Answer:
        """One request and its answer."""
        self.send(request(method, target, *fields, body=body))
        return self.answer(method)

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended within an answer")
        return line

    def _body(self, got: Answer, method: str) -> bytes:
        if method == "HEAD" or got.status in (101, 204, 304):
            return b""
        if got.one("transfer-encoding"):
            parts = []
            while size := int(self._line().split(b";")[0], 16):
                parts.append(self._exactly(size))
                self._line()
            self._line()
            return b"".join(parts)
        length = got.one("content-length")
        return self._exactly(int(length)) if length else self._file.read()

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionError("the connection ended within a body")
        return data


def until(true: Callable[[], bool], *, pause: float = 0.01) -> float:
    """Wait for something that has to happen at last. Returns: seconds it took. Raises AssertionError: it never did."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE, "it did not happen"
        time.sleep(pause)
    return time.monotonic() - began


def samples(metrics: bytes, name: str) -> Iterable[float]:
    """The values of a metric, whatever its labels."""
    for line in metrics.decode().splitlines():
        if line.startswith((f"{name} ", f"{name}{{")):
            yield float(line.rsplit(" ", 1)[1])


_numbers = count()


def somewhere() -> tuple[str, str]:
    """Another client each time, for TRUSTING: nothing is folded, nobody is throttled for somebody else."""
    number = next(_numbers)
    return "X-Forwarded-For", f"{11 + (number >> 16)}.{number >> 8 & 255}.{number & 255}.7"
