"""Listening sockets, the connections that came through them, and one clock for all their timers.

Rule: one Server, one Door, one event loop. Source: architecture.md 4.2, performance.md D1, D4.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from typing import TYPE_CHECKING

from doorward.core.request import is_loopback
from doorward.edge.answer import date_line
from doorward.edge.connection import Connection
from doorward.edge.exchange import Door, Exchange
from doorward.edge.limits import Limits
from doorward.edge.phases import IDLE
from doorward.edge.timers import sweep

if TYPE_CHECKING:
    from doorward.edge.upstream import Upstream

_BACKLOG = 1024
_HANDSHAKE = 10.0
# Connections looked at in one callback of the sweep: some 0.3 ms.
_SLICE = 1000


class Server:
    """A listener. door: called once per request; name: told to callers; ssl: context for TLS here, None: plain.

    open_streams: live exchanges whose answer goes on (tunnels, event streams, long bodies) by id, for revocation;
    now: loop time of the last sweep, seconds.
    """

    def __init__(
        self, door: Door, limits: Limits | None = None, *, name: str, ssl: tls.SSLContext | None = None
    ) -> None:
        self.door = door
        self.limits = limits or Limits()
        self.name = name
        self.secure = ssl is not None
        self.local = False
        self.draining = False
        self.open_streams: dict[int, Exchange] = {}
        self.upstreams: set[Upstream] = set()
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time()
        self.date = date_line()
        self._ssl = ssl
        self._clients: set[Connection] = set()
        self._listening: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._patience = 0.0

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> tuple[str, int]:
        """Listen on TCP. port: 0 for any. Returns: address and port. Raises OSError."""
        self._listening = await self.loop.create_server(
            lambda: Connection(self),
            host,
            port,
            ssl=self._ssl,
            backlog=_BACKLOG,
            reuse_port=reuse_port or None,
            ssl_handshake_timeout=_HANDSHAKE if self._ssl else None,
        )
        address = self._listening.sockets[0].getsockname()
        self.local = all(is_loopback(str(each.getsockname()[0])) for each in self._listening.sockets)
        self._sweep()
        return str(address[0]), int(address[1])

    async def start_unix(self, path: str) -> None:
        """Listen on a Unix socket. Raises OSError."""
        self._listening = await self.loop.create_unix_server(lambda: Connection(self), path, backlog=_BACKLOG)
        self.local = True
        self._sweep()

    def admit(self, connection: Connection) -> bool:
        """Whether one more client is taken."""
        if self.draining or len(self._clients) >= self.limits.connections:
            return False
        self._clients.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """A client has gone."""
        self._clients.discard(connection)

    def _sweep(self) -> None:
        """Look at the clock for everybody, once per tick."""
        self.now = self.loop.time()
        self.date = date_line()
        self._sweep_slice(list(self._clients))
        for upstream in self.upstreams:
            upstream.sweep(self.now)
        self._timer = self.loop.call_later(self.limits.tick, self._sweep)

    def _sweep_slice(self, clients: list[Connection]) -> None:
        for connection in clients[:_SLICE]:
            sweep(connection, self.now)
        if len(clients) > _SLICE:
            self.loop.call_soon(self._sweep_slice, clients[_SLICE:])

    def end_streams(self) -> None:
        """End tunnels and event streams, which nobody else would: their clients come again, elsewhere."""
        for exchange in list(self.open_streams.values()):
            relay = exchange.connection.relay
            if relay is not None and relay.endless:
                exchange.abort()

    def hurry(self) -> None:
        """Drain no longer: end whoever is still there."""
        self._patience = 0.0

    async def drain(self, seconds: float) -> None:
        """Stop: accept nothing more, end the idle, let the others finish, then end those too."""
        self.draining = True
        if self._listening is not None:
            self._listening.close()
        for connection in list(self._clients):
            connection.again = None
            if connection.phase == IDLE:
                connection.close()
        self._patience = self.loop.time() + seconds
        while self._clients and self.loop.time() < self._patience:  # noqa: ASYNC110 - an event would cost every request
            await asyncio.sleep(0.01)
        for connection in list(self._clients):
            connection.abort()
        while self._clients:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        if self._timer is not None:
            self._timer.cancel()
        if self._listening is not None:
            await self._listening.wait_closed()
