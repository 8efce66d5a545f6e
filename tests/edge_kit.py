"""A server of the edge, clients that send octets as they are, and upstreams that follow a script. Loopback only.

Rule: nothing here repairs a message; what a test sends is what arrives.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import uvloop

from doorward.edge.exchange import Exchange
from doorward.edge.limits import Limits
from doorward.edge.server import Server
from doorward.edge.upstream import Upstream

PATIENCE = 30.0
LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
TEXT = (("Content-Type", "text/plain"),)


def run(work: Callable[[], Awaitable[Any]], loop: str = "uvloop") -> Any:
    """Run one coroutine on a loop of its own, with an end in sight."""

    async def main() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await work()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main())


def on_loops(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test on uvloop and on plain asyncio."""

    def both(loop: str, **values: Any) -> None:
        run(partial(test, **values), loop)

    parameters = list(inspect.signature(test).parameters.values())
    loop = inspect.Parameter("loop", inspect.Parameter.KEYWORD_ONLY)
    both.__signature__ = inspect.Signature([*parameters, loop])  # type: ignore[attr-defined]
    both.__name__, both.__doc__, both.__module__ = test.__name__, test.__doc__, test.__module__
    for mark in getattr(test, "pytestmark", ()):
        both = getattr(pytest.mark, mark.name)(*mark.args, **mark.kwargs)(both)
    return pytest.mark.parametrize("loop", list(LOOPS))(both)


@dataclass
class Answer:
    """One response. head: octets through the empty line; complete: its framing said where it ends, and it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    head: bytes
    complete: bool = True

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Wire:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, method: str = "GET") -> Answer:
        """Read one response, interim ones not skipped."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        answer = Answer(int(lines[0].split(" ")[1]), headers, b"", head)
        if method != "HEAD" and answer.status >= 200 and answer.status not in (204, 304):
            try:
                answer.body = await self._body(answer)
            except asyncio.IncompleteReadError as error:
                answer.body += error.partial
                answer.complete = False
        return answer

    async def _body(self, answer: Answer) -> bytes:
        if answer.all("transfer-encoding") == ["chunked"]:
            while True:
                size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
                data = await self.reader.readexactly(size + 2)
                assert data.endswith(b"\r\n")
                if size == 0:
                    return answer.body
                answer.body += data[:-2]
        length = answer.all("content-length")
        if length:
            return await self.reader.readexactly(int(length[0]))
        return await self.reader.read()

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer(data.split(b" ", 1)[0].decode("latin-1"))

    async def ended(self) -> bytes:
        """What comes until the connection ends, by FIN or by reset."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, OSError):
            await self.writer.wait_closed()


@asynccontextmanager
async def dial(port: int) -> AsyncIterator[Wire]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port, limit=2**20))
    try:
        yield wire
    finally:
        await wire.close()


@asynccontextmanager
async def serving(
    door: Callable[[Exchange], None], limits: Limits | None = None, **options: Any
) -> AsyncIterator[tuple[Server, int]]:
    server = Server(door, limits, name="test", **options)
    _, port = await server.start("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.drain(0)


@asynccontextmanager
async def edge(door: Callable[[Exchange], None], limits: Limits | None = None) -> AsyncIterator[Wire]:
    """A server and one client."""
    async with serving(door, limits) as (_, port), dial(port) as wire:
        yield wire


@dataclass
class Request:
    """What an upstream saw."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    head: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read one request with its body. Raises IncompleteReadError at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    request = Request(lines[0], headers, b"", head)
    if request.all("transfer-encoding"):
        while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
            request.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    elif length := request.all("content-length"):
        request.body = await reader.readexactly(int(length[0]))
    return request


Script = Callable[["Origin", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Origin:
    """A scripted upstream. seen: requests in order of arrival; connections: how many were made."""

    url: str = ""
    seen: list[Request] = field(default_factory=list)
    connections: int = 0

    async def take(self, reader: asyncio.StreamReader) -> Request:
        request = await read_request(reader)
        self.seen.append(request)
        return request


def says(*payloads: bytes) -> Script:
    """Answer requests with these octets in turn, the last for ever; b"" closes the connection."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await origin.take(reader)
            payload = payloads[min(len(origin.seen), len(payloads)) - 1]
            if not payload:
                return
            writer.write(payload)
            await writer.drain()

    return script


@asynccontextmanager
async def origin(script: Script, **options: Any) -> AsyncIterator[Origin]:
    """An upstream on loopback."""
    here = Origin()
    writers: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.connections += 1
        writers.append(writer)
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await script(here, reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError, OSError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, **options)
    scheme = "https" if "ssl" in options else "http"
    here.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield here
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


class Proxy:
    """A door that forwards everything. own: fields it adds; failures: kinds it was told; memo of the last exchange."""

    def __init__(self, upstream: Upstream, own: tuple[tuple[str, str], ...] = ()) -> None:
        self.upstream, self.own = upstream, own
        self.failures: list[str] = []
        self.exchanges: list[Exchange] = []
        self.on_response: Any = None

    def __call__(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        if exchange.fault is not None:
            exchange.reply(400, TEXT, exchange.fault.kind.encode())
            return
        exchange.forward(
            self.upstream,
            exchange.headers,
            self.own,
            on_response=self.on_response,
            on_failure=partial(self.failed, exchange),
        )

    def failed(self, exchange: Exchange, kind: str) -> None:
        self.failures.append(kind)
        exchange.reply(502, TEXT, kind.encode())


@asynccontextmanager
async def proxying(
    script: Script, limits: Limits | None = None, own: tuple[tuple[str, str], ...] = (), **options: Any
) -> AsyncIterator[tuple[Wire, Origin, Proxy]]:
    """A client, a proxy and an upstream."""
    async with origin(script) as there:
        upstream = Upstream(there.url, limits)
        door = Proxy(upstream, own)
        try:
            async with serving(door, limits, **options) as (_, port), dial(port) as wire:
                yield wire, there, door
        finally:
            await upstream.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has to happen at last."""
    while not condition():
        await asyncio.sleep(0.002)
