"""WebSocket frames and a small client (RFC 6455), enough to speak through a tunnel.

Rule: written from the RFC, without the code under test, so that one mistake cannot hide another.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from dataclasses import dataclass

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_SHORT, _LONG = 126, 127


def accept_of(key: str) -> str:
    """The Sec-WebSocket-Accept of a key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def frame(payload: bytes, opcode: int = TEXT, *, masked: bool = True) -> bytes:
    """One final frame; clients mask, servers do not (section 5.1)."""
    size, mark = len(payload), 0x80 if masked else 0
    head = bytes([0x80 | opcode])
    if size < _SHORT:
        head += bytes([mark | size])
    elif size < 1 << 16:
        head += bytes([mark | _SHORT]) + size.to_bytes(2, "big")
    else:
        head += bytes([mark | _LONG]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def parse(data: bytes) -> tuple[bool, int, bytes, int] | None:
    """The first frame of data: final, opcode, payload, octets it took; None when it is not complete yet."""
    if len(data) < 2:
        return None
    final, opcode, masked, size, at = bool(data[0] & 0x80), data[0] & 0x0F, data[1] & 0x80, data[1] & 0x7F, 2
    if size >= _SHORT:
        width = 2 if size == _SHORT else 8
        size, at = int.from_bytes(data[at : at + width], "big"), at + width
    mask = data[at : at + 4] if masked else b""
    at += len(mask)
    if len(data) < at + size:
        return None
    payload = data[at : at + size]
    return final, opcode, _masked(payload, mask) if mask else payload, at + size


@dataclass
class WebSocket:
    """An open WebSocket of a client. connection: after the 101; rest: octets read too far."""

    connection: socket.socket
    rest: bytes = b""

    def send(self, text: str) -> None:
        self.connection.sendall(frame(text.encode()))

    def receive(self) -> bytes:
        """The next message of text or octets; pings are answered. Raises EOFError when the other side is gone."""
        message = b""
        while True:
            found = parse(self.rest)
            if found is None:
                more = self.connection.recv(65_536)
                if not more:
                    raise EOFError("the tunnel was closed")
                self.rest += more
                continue
            final, opcode, payload, size = found
            self.rest = self.rest[size:]
            if opcode == CLOSE:
                raise EOFError("the server closed the WebSocket")
            if opcode == PING:
                self.connection.sendall(frame(payload, PONG))
            elif opcode != PONG:
                message += payload
                if final:
                    return message

    def close(self) -> None:
        self.connection.close()


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake that was not answered 101."""

    status: int
    headers: list[tuple[str, str]]


def connect(address: tuple[str, int], path: str, headers: list[tuple[str, str]]) -> WebSocket | Refused:
    """Shake hands. address: host and port; path: request target; headers: beyond those of the handshake."""
    connection = socket.create_connection(address, timeout=30)
    key = base64.b64encode(os.urandom(16)).decode()
    fields = [("Host", f"{address[0]}:{address[1]}"), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    fields += [("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13"), *headers]
    head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    connection.sendall(head.encode("latin-1"))
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            break
        data += more
    answer, _, rest = data.partition(b"\r\n\r\n")
    lines = answer.decode("latin-1").split("\r\n")
    found = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    status = int(lines[0].split(" ")[1]) if lines[0] else 0
    if status != 101:
        connection.close()
        return Refused(status, found)
    accept = [value for name, value in found if name.lower() == "sec-websocket-accept"]
    assert accept == [accept_of(key)]
    return WebSocket(connection, rest)
