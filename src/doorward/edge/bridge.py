"""An ordinary ASGI application behind one exchange, for our own pages. Rule: not hot; answers are whole, not streamed.

Source: ASGI 3.0 HTTP specification; architecture.md 4.2 "the site is not hot".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from doorward.edge.exchange import Exchange
from doorward.edge.faults import EdgeError

Message = MutableMapping[str, Any]
App = Callable[
    [dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
Failed = Callable[[Exchange, Exception], None]
_LOG = logging.getLogger("doorward.edge")
_OURS = frozenset({"content-length", "date", "connection", "transfer-encoding", "keep-alive"})
_BODY = 65_536
_tasks: set[asyncio.Task[None]] = set()


def run_asgi(
    exchange: Exchange,
    app: App,
    limit: int = _BODY,
    *,
    extra: Mapping[str, Any] | None = None,
    on_error: Failed | None = None,
) -> None:
    """Have an ASGI app answer, in a task of its own.

    limit: bytes of request body; a longer or broken one reaches the app as `http.disconnect`. extra: added to the
    scope. on_error: called when the app raises or ends without an answer, and then has to reply; without it the
    connection is ended. Never raises.
    """
    task = exchange.connection.server.loop.create_task(_guarded(exchange, app, limit, extra or {}, on_error))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _guarded(exchange: Exchange, app: App, limit: int, extra: Mapping[str, Any], on_error: Failed | None) -> None:
    call = _Call(exchange, limit)
    try:
        await app({**scope_of(exchange), **extra}, call.receive, call.send)
        call.finish()
    except Exception as error:  # noqa: BLE001 - the last resort of a task: an app's bug must not leave a client waiting
        # A client that has gone does not make it less of a bug: whoever is told answers nobody, but counts and logs it.
        if on_error is None:
            _LOG.exception("a bug in an application behind listener %s", exchange.connection.listener_name)
            exchange.abort()
        else:
            on_error(exchange, error)


def scope_of(exchange: Exchange) -> dict[str, Any]:
    """The ASGI scope of an exchange; path is decoded, raw_path is what the client wrote."""
    raw, _, query = exchange.target.partition("?")
    connection = exchange.connection
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": exchange.version,
        "method": exchange.method,
        "scheme": "https" if connection.secure else "http",
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in exchange.headers],
        "client": (connection.peer, 0) if connection.peer else None,
        "server": None,
    }


class _Call:
    """The two ends of an ASGI call."""

    def __init__(self, exchange: Exchange, limit: int) -> None:
        self._exchange = exchange
        self._limit = limit
        self._read = self._started = False
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    async def receive(self) -> Message:
        """The whole body in one message, then the end."""
        if self._read or self._exchange.closed:
            return {"type": "http.disconnect"}
        self._read = True
        try:
            body = await self._exchange.read_body(self._limit)
        except EdgeError:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take the answer; it leaves when it is whole."""
        if message["type"] == "http.response.start":
            self._started = True
            self._status = message["status"]
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            self._headers = [pair for pair in pairs if pair[0].lower() not in _OURS]
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._exchange.reply(self._status, self._headers, b"".join(self._body))

    def finish(self) -> None:
        """The app has returned. Raises RuntimeError when it left no answer."""
        if not self._exchange.closed:
            raise RuntimeError("the application ended without an answer")
