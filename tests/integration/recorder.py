"""An application that writes down what reaches it: raw head, hash and size of the body. Also SSE and WebSocket echo.

Attack tests ask it "were you reached, and with which identity fields?". It parses as little as it can, so that what it
records is what was on the wire. Rule: it knows nothing of doorward.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from frames import CLOSE, accept_of, frame, parse

_EVENT = 0.02
"""Seconds between two events of the stream."""


@dataclass(frozen=True, slots=True)
class Record:
    """One request as it arrived. head: request line and fields with their line ends; digest: SHA-256 of the body."""

    head: bytes
    digest: str
    size: int

    @property
    def line(self) -> str:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """The request target, as it was written."""
        return self.line.split(" ")[1]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Fields in wire order, names as written."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines if line)]

    def values(self, name: str) -> list[str]:
        """Values of a field and of every alias that a careless reader takes for it (case, `_`, `.`)."""
        wanted = _plain(name)
        return [value for key, value in self.pairs if _plain(key) == wanted]

    def starting(self, prefix: str) -> list[tuple[str, str]]:
        """Fields whose name begins so, aliases included."""
        return [(key, value) for key, value in self.pairs if _plain(key).startswith(_plain(prefix))]


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


@dataclass
class Recorder:
    """A running recorder. url: without a trailing slash; records: every request since the start or `clear`."""

    url: str
    records: list[Record] = field(default_factory=list)
    streams: int = 0
    """Event streams and tunnels that are open now."""

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def clear(self) -> None:
        self.records.clear()

    @property
    def last(self) -> Record:
        """The latest request. Raises IndexError when none came."""
        return self.records[-1]


class _Service:
    """The asyncio side; lives in its own thread."""

    def __init__(self) -> None:
        self.recorder = Recorder("")
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        # Also one that was cancelled before its first step: its connection would be left open.
        self._tasks.pop(task).transport.abort()

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # the loop takes its leave of each transport in a turn of its own

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, ValueError, asyncio.LimitOverrunError):
            while await self._request(reader, writer):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request. Returns: whether the connection goes on."""
        head = await reader.readuntil(b"\r\n\r\n")
        digest, size = await _body(reader, head)
        record = Record(head[:-2], digest, size)
        self.recorder.records.append(record)
        path = record.target.partition("?")[0]
        if record.values("upgrade") and record.values("sec-websocket-key"):
            await self._streaming(_echo(reader, writer, record.values("sec-websocket-key")[0]))
            return False
        if path.endswith("/events"):
            await self._streaming(_events(writer, record.target))
            return False
        _, _, octets = record.target.partition("?bytes=")
        body = (
            b"x" * int(octets)
            if octets
            else json.dumps({"target": record.target, "sha256": digest, "size": size, "fields": record.pairs}).encode()
        )
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        if not record.line.startswith("HEAD "):
            writer.write(body)
        await writer.drain()
        return True

    async def _streaming(self, work: Coroutine[Any, Any, None]) -> None:
        self.recorder.streams += 1
        try:
            await work
        finally:
            self.recorder.streams -= 1


async def _body(reader: asyncio.StreamReader, head: bytes) -> tuple[str, int]:
    low = head.lower()
    digest, size = hashlib.sha256(), 0
    if b"\r\ntransfer-encoding:" in low:
        while length := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            digest.update(await reader.readexactly(length))
            size += length
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
    elif b"\r\ncontent-length:" in low:
        left = size = int(low.split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])
        while left:
            part = await reader.read(min(left, 1 << 20))
            if not part:
                raise asyncio.IncompleteReadError(b"", left)
            digest.update(part)
            left -= len(part)
    return digest.hexdigest(), size


async def _events(writer: asyncio.StreamWriter, target: str) -> None:
    """`/events?count=N`: N events, without count until the reader leaves."""
    _, _, count = target.partition("count=")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    number = 0
    while not count or number < int(count):
        number += 1
        writer.write(b"data: %d\n\n" % number)
        await writer.drain()
        await asyncio.sleep(_EVENT)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
    accept = accept_of(key).encode()
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    data = b""
    while more := await reader.read(65_536):
        data += more
        while found := parse(data):
            _, opcode, payload, size = found
            data = data[size:]
            writer.write(frame(payload, opcode, masked=False))
            await writer.drain()
            if opcode == CLOSE:
                return


@contextmanager
def recording() -> Iterator[Recorder]:
    """Run the recorder on an ephemeral port, in a thread of its own."""
    service, loop, up = _Service(), asyncio.new_event_loop(), threading.Event()
    finish = asyncio.Event()

    async def serve() -> None:
        # Heads up to 64 KiB are recorded: what the door should have refused must be seen, not lost.
        server = await asyncio.start_server(service.accept, "127.0.0.1", 0, limit=65_536)
        service.recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        up.set()
        await finish.wait()
        server.close()
        await service.close()
        await server.wait_closed()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        if not up.wait(10):
            raise RuntimeError("the recorder did not start")
        yield service.recorder
    finally:
        loop.call_soon_threadsafe(finish.set)
        thread.join(10)
        loop.close()
