"""A provider that answers as a test tells it to, on a loopback port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def answer(body: Any, status: str = "200 OK", **fields: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


class Provider:
    """reply: what every request gets; None closes the connection. gate: cleared, requests wait for it."""

    def __init__(self, reply: bytes | None) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await self.gate.wait()
            if self.reply is not None:
                writer.write(self.reply)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def provider(reply: bytes | None, **tls: Any) -> AsyncIterator[Provider]:
    one = Provider(reply)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, **tls)
    port = server.sockets[0].getsockname()[1]
    one.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/keys"
    try:
        yield one
    finally:
        one.gate.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)
