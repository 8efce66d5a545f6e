"""Our own pages behind the edge: an ASGI application sees the request as it was and answers as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from doorward.edge.bridge import run_asgi
from doorward.edge.exchange import Exchange
from edge_kit import GET, TEXT, edge, on_loops, until


def page(status: int, headers: list[tuple[bytes, bytes]], *parts: bytes):
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": parts[-1]})

    return app


@on_loops
async def test_an_application_sees_the_request_as_it_was() -> None:
    seen: list[dict[str, Any]] = []
    body: list[Any] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)
        body.append(await receive())
        body.append(await receive())
        await page(200, [], b"")(scope, receive, send)

    async with edge(lambda exchange: run_asgi(exchange, app, extra={"mine": 1})) as wire:
        await wire.ask(b"POST /a%2Fb%C3%A9?q=%20 HTTP/1.1\r\nHost: x\r\nA: 1\r\na: 2\r\nContent-Length: 5\r\n\r\nhello")
    scope = seen[0]
    assert (scope["type"], scope["method"], scope["scheme"], scope["http_version"]) == ("http", "POST", "http", "1.1")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a/bé", b"/a%2Fb%C3%A9", b"q=%20")
    assert scope["headers"] == [(b"host", b"x"), (b"a", b"1"), (b"a", b"2"), (b"content-length", b"5")]
    assert (scope["client"][0], scope["mine"]) == ("127.0.0.1", 1)
    assert body == [{"type": "http.request", "body": b"hello", "more_body": False}, {"type": "http.disconnect"}]


@on_loops
async def test_an_answer_in_parts_leaves_whole_with_framing_of_ours() -> None:
    headers = [(b"X", b"1"), (b"Content-Length", b"99"), (b"Connection", b"close"), (b"Transfer-Encoding", b"chunked")]
    async with edge(lambda exchange: run_asgi(exchange, page(201, headers, b"a", b"b", b"c"))) as wire:
        for _ in range(2):
            answer = await wire.ask(GET)
            assert (answer.status, answer.body, answer.all("x")) == (201, b"abc", ["1"])
            assert (answer.all("content-length"), answer.all("connection")) == (["3"], [])
        head = await wire.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (head.all("content-length"), head.body) == (["3"], b"")


@on_loops
async def test_a_body_that_is_too_long_reaches_the_application_as_a_disconnect() -> None:
    told: list[str] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        told.append((await receive())["type"])
        await page(413, [], b"too long")(scope, receive, send)

    async with edge(lambda exchange: run_asgi(exchange, app, 4)) as wire:
        answer = await wire.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        assert (answer.status, told) == (413, ["http.disconnect"])


@on_loops
@pytest.mark.parametrize("silent", [False, True])
async def test_an_application_that_fails_is_answered_by_its_host(silent: bool) -> None:
    failed: list[Exception] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not silent:
            raise ZeroDivisionError

    def on_error(exchange: Exchange, error: Exception) -> None:
        failed.append(error)
        exchange.reply(500, TEXT, b"ours")

    async with edge(lambda exchange: run_asgi(exchange, app, on_error=on_error)) as wire:
        assert (await wire.ask(GET)).body == b"ours"
        assert len(failed) == 1


@on_loops
async def test_without_a_host_that_answers_the_connection_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    async with edge(lambda exchange: run_asgi(exchange, app)) as wire:
        await wire.send(GET)
        assert await wire.ended() == b""
    assert "a bug in an application" in caplog.text


@on_loops
async def test_a_client_that_has_gone_bothers_nobody() -> None:
    ended: list[bool] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await until(lambda: exchanges[0].closed)
        assert (await receive())["type"] == "http.disconnect"
        await page(200, [], b"too late")(scope, receive, send)
        ended.append(True)

    exchanges: list[Exchange] = []

    def door(exchange: Exchange) -> None:
        exchanges.append(exchange)
        run_asgi(exchange, app)

    async with edge(door) as wire:
        await wire.send(GET)
        await until(lambda: bool(exchanges))
        exchanges[0].abort()
        await until(lambda: bool(ended))


@on_loops
@pytest.mark.parametrize("answered", [False, True])
async def test_a_bug_is_told_although_nobody_waits_for_an_answer(answered: bool) -> None:
    """Hanging up, or having been answered, is no way to keep a fault out of the log; the connection goes on."""
    failed: list[Exception] = []
    exchanges: list[Exchange] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if answered:
            await page(200, [], b"done")(scope, receive, send)
        else:
            await until(lambda: exchanges[0].closed)
        raise ZeroDivisionError

    def on_error(exchange: Exchange, error: Exception) -> None:
        failed.append(error)
        exchange.reply(500, TEXT, b"ours")

    def door(exchange: Exchange) -> None:
        exchanges.append(exchange)
        run_asgi(exchange, app, on_error=on_error)

    async with edge(door) as wire:
        if answered:
            assert [(await wire.ask(GET)).status for _ in range(2)] == [200, 200]
            await until(lambda: len(failed) == 2)
        else:
            await wire.send(GET)
            await until(lambda: bool(exchanges))
            exchanges[0].abort()
            await until(lambda: len(failed) == 1)
