"""A request body as one value, for our own pages. Rule: bounded by its caller; framing is read elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from doorward.edge.faults import BodyTooLarge, ClientGone, EdgeError

if TYPE_CHECKING:
    from doorward.edge.exchange import Exchange


class Collector:
    """Gathers a body into a future. limit: bytes."""

    __slots__ = ("_limit", "_parts", "_size", "future")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self.future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def feed(self, pieces: list[bytes], done: bool) -> None:  # noqa: FBT001 - named in the one interface of sinks
        """Take pieces of the body; done: these were the last."""
        self._size += sum(map(len, pieces))
        if self._size > self._limit:
            self._parts.clear()
            self.fail(BodyTooLarge("the body is longer than this page takes."))
            return
        self._parts.extend(pieces)
        if done and not self.future.done():
            self.future.set_result(b"".join(self._parts))

    def fail(self, error: EdgeError) -> None:
        """There will be no more."""
        if not self.future.done():
            self.future.set_exception(error)


async def collect(exchange: Exchange, limit: int) -> bytes:
    """Read the body of an exchange. Raises BodyTooLarge, BodyBroken, ClientGone."""
    if exchange.closed:
        raise ClientGone("the client is gone.")
    if exchange.body is not None and exchange.body > limit:
        raise BodyTooLarge("the body is longer than this page takes.")
    if not exchange.connection.unread:
        return b""
    sink = Collector(limit)
    exchange.connection.start_body(sink)
    return await sink.future
