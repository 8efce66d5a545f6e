"""Answers from here: framing, keep-alive, order, limits, timers."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from doorward.edge.exchange import Exchange
from doorward.edge.limits import Limits
from edge_kit import GET, TEXT, dial, edge, on_loops, serving, until


def yes(exchange: Exchange) -> None:
    exchange.reply(200, TEXT, b"yes")


def told(exchange: Exchange) -> None:
    """Says what it saw."""
    fault = exchange.fault.kind if exchange.fault else "none"
    exchange.reply(400 if exchange.fault else 200, TEXT, f"{exchange.method} {exchange.target} {fault}".encode())


@on_loops
async def test_an_answer_has_length_date_and_no_wish_to_close() -> None:
    async with edge(yes) as wire:
        answer = await wire.ask(GET)
        assert (answer.status, answer.body) == (200, b"yes")
        assert answer.all("content-length") == ["3"]
        assert len(answer.all("date")) == 1
        assert answer.all("connection") == []


@on_loops
async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with edge(told) as wire:
        for path in ("/a", "/b", "/a"):
            answer = await wire.ask(f"GET {path} HTTP/1.1\r\nHost: app.test\r\n\r\n".encode())
            assert answer.body == f"GET {path} none".encode()


@on_loops
async def test_equal_header_blocks_give_the_same_object_and_other_blocks_do_not() -> None:
    seen: list[Exchange] = []

    def door(exchange: Exchange) -> None:
        seen.append(exchange)
        yes(exchange)

    async with edge(door) as wire:
        for value in ("1", "1", "2", "1"):
            await wire.ask(f"GET / HTTP/1.1\r\nHost: app.test\r\nX-A: {value}\r\n\r\n".encode())
    assert seen[0].headers is seen[1].headers
    assert [exchange.headers[1] for exchange in seen] == [("x-a", "1"), ("x-a", "1"), ("x-a", "2"), ("x-a", "1")]


@on_loops
async def test_fields_keep_order_and_doubles_and_lose_case_of_names_and_outer_blanks() -> None:
    seen: list[Exchange] = []

    def door(exchange: Exchange) -> None:
        seen.append(exchange)
        yes(exchange)

    async with edge(door) as wire:
        await wire.ask(b"GET /x?y HTTP/1.1\r\nHost: app.test\r\nA:  1 \t\r\nb:\r\na: \xe9\r\n\r\n")
    assert seen[0].headers == (("host", "app.test"), ("a", "1"), ("b", ""), ("a", "\xe9"))
    assert (seen[0].method, seen[0].target, seen[0].version) == ("GET", "/x?y", "1.1")
    assert (seen[0].body, seen[0].has_body, seen[0].upgrade, seen[0].fault) == (0, False, False, None)
    assert seen[0].connection.peer == "127.0.0.1"
    assert seen[0].connection.listener_name == "test"
    assert seen[0].connection.local
    assert not seen[0].connection.secure


@on_loops
async def test_a_head_that_comes_octet_by_octet_is_the_same_head() -> None:
    async with edge(told) as wire:
        for octet in GET:
            wire.writer.write(bytes([octet]))
            await asyncio.sleep(0)
        assert (await wire.answer()).body == b"GET / none"


@on_loops
async def test_head_has_the_length_of_get_and_no_content() -> None:
    async with edge(yes) as wire:
        answer = await wire.ask(b"HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        assert answer.all("content-length") == ["3"]
        assert (await wire.ask(GET)).body == b"yes"


@on_loops
@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_content_has_no_length(status: int) -> None:
    async with edge(lambda exchange: exchange.reply(status, TEXT, b"never seen")) as wire:
        assert (await wire.ask(GET)).all("content-length") == []
        assert (await wire.ask(GET)).status == status


@on_loops
async def test_connection_close_is_granted_and_said() -> None:
    async with edge(yes) as wire:
        answer = await wire.ask(b"GET / HTTP/1.1\r\nHost: app.test\r\nConnection: x, Close\r\n\r\n")
        assert answer.all("connection") == ["close"]
        assert await wire.ended() == b""


@on_loops
async def test_http_1_0_gets_one_answer_and_the_end() -> None:
    async with edge(told) as wire:
        answer = await wire.ask(b"GET /old HTTP/1.0\r\n\r\n")
        assert answer.body == b"GET /old none"
        assert answer.all("connection") == ["close"]
        assert await wire.ended() == b""


@on_loops
async def test_an_empty_line_before_the_request_line_is_ignored() -> None:
    async with edge(told) as wire:
        assert (await wire.ask(b"\r\n" + GET)).body == b"GET / none"
        assert (await wire.ask(GET)).body == b"GET / none"


@on_loops
async def test_pipelined_requests_are_answered_in_order_though_the_first_takes_its_time() -> None:
    waiting: list[Exchange] = []

    def door(exchange: Exchange) -> None:
        if exchange.target == "/slow":
            waiting.append(exchange)
        else:
            told(exchange)

    async with edge(door) as wire:
        await wire.send(b"".join(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in (b"slow", b"b", b"c")))
        await until(lambda: bool(waiting))
        await asyncio.sleep(0.02)
        told(waiting[0])
        assert [(await wire.answer()).body for _ in range(3)] == [b"GET /slow none", b"GET /b none", b"GET /c none"]


@on_loops
async def test_a_request_is_not_decided_before_its_turn() -> None:
    seen: list[Exchange] = []
    async with edge(seen.append) as wire:
        await wire.send(GET + GET)
        await until(lambda: bool(seen))
        await asyncio.sleep(0.02)
        assert len(seen) == 1
        yes(seen[0])
        await until(lambda: len(seen) == 2)
        yes(seen[1])
        assert (await wire.answer()).body + (await wire.answer()).body == b"yesyes"


@on_loops
async def test_hundreds_of_pipelined_requests_are_all_answered() -> None:
    async with edge(told) as wire:
        wire.writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(500)))
        for number in range(500):
            assert (await wire.answer()).body == b"GET /%d none" % number


@on_loops
async def test_a_client_that_pipelines_and_never_reads_is_not_served_from_an_endless_buffer() -> None:
    calls = 0

    def door(exchange: Exchange) -> None:
        nonlocal calls
        calls += 1
        exchange.reply(200, TEXT, b"x" * 65_536)

    async with serving(door) as (server, port), dial(port) as wire:
        wire.writer.transport.pause_reading()
        wire.writer.write(GET * 5000)
        await until(lambda: any(connection.choked for connection in server._clients))
        await asyncio.sleep(0.05)
        assert calls < 1000
        assert max(connection.transport.get_write_buffer_size() for connection in server._clients) < 2**20


@on_loops
async def test_one_exchange_is_answered_once() -> None:
    def door(exchange: Exchange) -> None:
        yes(exchange)
        exchange.reply(500, TEXT, b"again")
        exchange.reply_raw(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    async with edge(door) as wire:
        assert (await wire.ask(GET)).status == 200
        assert (await wire.ask(GET)).status == 200


@on_loops
async def test_rendered_octets_are_sent_as_they_are() -> None:
    payload = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"
    async with edge(lambda exchange: exchange.reply_raw(payload)) as wire:
        await wire.send(GET + GET)
        assert await wire.reader.readexactly(2 * len(payload)) == payload * 2


def repeating(answers: list[bytes | None], calls: list[str]):
    """A door that has its answer repeated as long as there are any."""

    def again() -> bytes | None:
        calls.append("again")
        found = answers.pop(0)
        return None if found is None else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(found) + found

    def door(exchange: Exchange) -> None:
        calls.append(exchange.target)
        exchange.repeat(again)
        exchange.reply_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndoor")

    return door


@on_loops
async def test_the_same_octets_again_are_answered_by_whom_the_door_named() -> None:
    calls: list[str] = []
    async with edge(repeating([b"1", b"2", None, b"3"], calls)) as wire:
        found = [(await wire.ask(GET)).body for _ in range(5)]
    assert found == [b"door", b"1", b"2", b"door", b"3"]
    assert calls == ["/", "again", "again", "again", "/", "again"]


@on_loops
@pytest.mark.parametrize(
    "octets",
    [
        b"GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: app.test\r\nA: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\nhi",
        GET + GET,
        GET[:-2],
        b"\r\n" + GET,
    ],
)
async def test_other_octets_are_not_the_same(octets: bytes) -> None:
    calls: list[str] = []
    async with edge(repeating([b"never"], calls)) as wire:
        await wire.ask(GET)
        await wire.send(octets)
        if octets == GET[:-2]:
            await asyncio.sleep(0.05)  # else the two pieces may arrive as one
            await wire.send(b"\r\n")
        assert (await wire.answer()).body == b"door"
    assert "again" not in calls


@on_loops
@pytest.mark.parametrize("fields", [b"Connection: close\r\n", b"Content-Length: 2\r\n"])
async def test_a_request_with_a_body_or_a_wish_to_close_is_never_repeated(fields: bytes) -> None:
    calls: list[str] = []
    async with serving(repeating([b"never"] * 9, calls)) as (server, port), dial(port) as wire:
        await wire.ask(b"POST / HTTP/1.1\r\nHost: app.test\r\n" + fields + b"\r\nhi")
        assert all(connection.again is None for connection in server._clients)


@on_loops
async def test_nothing_is_repeated_while_the_server_drains() -> None:
    calls: list[str] = []
    async with serving(repeating([b"never"], calls)) as (server, port), dial(port) as wire:
        await wire.ask(GET)
        server.draining = True
        drained = asyncio.ensure_future(server.drain(1))
        await wire.ended()
        await drained
    assert calls == ["/"]


@on_loops
async def test_repeated_answers_stop_for_a_client_that_does_not_read() -> None:
    calls: list[str] = []
    async with serving(repeating([b"x" * 100_000] * 5000, calls)) as (server, port), dial(port) as wire:
        await wire.ask(GET)
        wire.writer.transport.pause_reading()
        for _ in range(400):
            seen = len(calls)
            wire.writer.write(GET)
            await until(lambda seen=seen: len(calls) > seen or any(each.choked for each in server._clients))
        assert any(connection.choked for connection in server._clients)
        assert max(connection.transport.get_write_buffer_size() for connection in server._clients) < 2**20
        wire.writer.transport.abort()


@on_loops
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=y", "a\nb", "a\rb", "a\0b"])
async def test_a_field_that_would_end_its_line_is_never_written(value: str) -> None:
    refused: list[str] = []

    def door(exchange: Exchange) -> None:
        try:
            exchange.reply(200, (("X-A", value),), b"")
        except ValueError:
            refused.append(value)
            yes(exchange)

    async with edge(door) as wire:
        assert (await wire.ask(GET)).all("x-a") == []
    assert refused == [value]


@on_loops
async def test_a_bug_in_the_door_ends_the_connection_and_answers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def door(exchange: Exchange) -> None:
        raise ZeroDivisionError(exchange.target)

    async with edge(door) as wire:
        await wire.send(GET)
        assert await wire.ended() == b""
    assert "a bug in the door" in caplog.text


@on_loops
async def test_a_client_that_leaves_makes_its_exchange_closed() -> None:
    seen: list[Exchange] = []
    async with serving(seen.append) as (server, port):
        async with dial(port) as wire:
            await wire.send(GET)
            await until(lambda: bool(seen))
            # A reset: a FIN alone says only that nothing more will be sent.
            sock = wire.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.writer.transport.abort()
        await until(lambda: seen[0].closed)
        yes(seen[0])
        await until(lambda: server.connections == 0)


@on_loops
async def test_a_client_that_only_stops_sending_still_gets_its_answer() -> None:
    seen: list[Exchange] = []
    async with edge(seen.append) as wire:
        await wire.send(GET)
        await until(lambda: bool(seen))
        wire.writer.write_eof()
        await asyncio.sleep(0.02)
        yes(seen[0])
        assert (await wire.answer()).body == b"yes"
        assert await wire.ended() == b""


@on_loops
async def test_a_client_that_pipelines_and_stops_sending_gets_all_its_answers() -> None:
    seen: list[Exchange] = []
    async with edge(seen.append) as wire:
        await wire.send(GET * 3 + b"GET / HT")
        wire.writer.write_eof()
        for number in range(3):
            await until(lambda number=number: len(seen) > number)
            yes(seen[number])
            assert (await wire.answer()).body == b"yes"
        assert await wire.ended() == b""


# -- limits


@on_loops
@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"target-too-large"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"target-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 17_000 + b"\r\n\r\n", b"head-too-large"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100 + b"\r\n", b"head-too-large"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", b"body-too-large"),
    ],
)
async def test_what_is_too_large_is_said_and_is_the_last(request_: bytes, kind: bytes) -> None:
    async with edge(told, Limits(body=1000)) as wire:
        answer = await wire.ask(request_)
        assert answer.body.endswith(kind)
        assert answer.all("connection") == ["close"]
        assert await wire.ended() == b""


@on_loops
async def test_a_head_without_end_is_refused_as_soon_as_it_is_too_large() -> None:
    async with edge(told) as wire:
        wire.writer.write(b"GET /here HTTP/1.1\r\nA: " + b"b" * 20_000)
        assert (await wire.answer()).body == b"GET /here head-too-large"
        assert await wire.ended() == b""


@on_loops
async def test_a_hundred_fields_and_a_head_of_the_limit_are_served() -> None:
    limits = Limits()
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * (limits.fields - 1)
    async with edge(told) as wire:
        assert (await wire.ask(head + b"\r\n")).status == 200
        head = b"GET / HTTP/1.1\r\nHost: a\r\nA: "
        assert (await wire.ask(head + b"b" * (limits.head - len(head) - 4) + b"\r\n\r\n")).status == 200


@on_loops
async def test_one_client_too_many_is_sent_away() -> None:
    async with serving(yes, Limits(connections=1)) as (_, port), dial(port) as first:
        assert (await first.ask(GET)).status == 200
        async with dial(port) as second:
            assert await second.ended() == b""
        assert (await first.ask(GET)).status == 200


@on_loops
async def test_a_slow_head_is_cut_off_however_busy_it_looks() -> None:
    async with edge(told, Limits(head_timeout=0.1)) as wire:
        await wire.send(b"GET / HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                wire.writer.write(b"A: b\r\n")
                await asyncio.sleep(0.01)

        dripping = asyncio.ensure_future(drip())
        assert await wire.ended() == b""
        dripping.cancel()


@on_loops
async def test_an_idle_connection_is_closed() -> None:
    async with edge(told, Limits(idle_timeout=0.1)) as wire:
        assert (await wire.ask(GET)).status == 200
        assert await wire.ended() == b""


@on_loops
async def test_a_waiting_exchange_is_not_idle() -> None:
    seen: list[Exchange] = []
    async with edge(seen.append, Limits(idle_timeout=0.02, head_timeout=0.02)) as wire:
        await wire.send(GET)
        await asyncio.sleep(0.2)
        yes(seen[0])
        assert (await wire.answer()).body == b"yes"


@on_loops
async def test_a_client_that_does_not_read_is_cut_off() -> None:
    async with (
        serving(lambda exchange: exchange.reply(200, TEXT, b"x" * 2**25), Limits(write_timeout=0.2)) as (
            server,
            port,
        ),
        dial(port) as wire,
    ):
        wire.writer.transport.pause_reading()
        await wire.send(GET)
        await until(lambda: server.connections == 1)
        await until(lambda: server.connections == 0)


# -- drain


@on_loops
async def test_draining_lets_the_exchange_finish_and_then_closes() -> None:
    seen: list[Exchange] = []
    async with serving(seen.append) as (server, port), dial(port) as busy, dial(port) as idle:
        await busy.send(GET)
        await until(lambda: bool(seen) and server.connections == 2)
        drained = asyncio.ensure_future(server.drain(20))
        assert await idle.ended() == b""
        yes(seen[0])
        answer = await busy.answer()
        assert (answer.body, answer.all("connection")) == (b"yes", ["close"])
        await drained
        assert server.connections == 0


@on_loops
async def test_draining_ends_at_last() -> None:
    seen: list[Exchange] = []
    async with serving(seen.append) as (server, port), dial(port) as wire:
        await wire.send(GET)
        await until(lambda: bool(seen))
        await server.drain(0.05)
        assert seen[0].closed
        assert await wire.ended() == b""


@on_loops
async def test_a_unix_socket_is_local_and_has_no_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    from doorward.edge.server import Server
    from edge_kit import Wire

    seen: list[Exchange] = []

    def door(exchange: Exchange) -> None:
        seen.append(exchange)
        yes(exchange)

    path = str(tmp_path_factory.mktemp("s") / "s")
    server = Server(door, name="control")
    await server.start_unix(path)
    wire = Wire(*await asyncio.open_unix_connection(path))
    assert (await wire.ask(GET)).body == b"yes"
    assert seen[0].connection.local
    assert seen[0].connection.peer == ""
    await wire.close()
    await server.drain(0)
