"""WebSocket tunnels and event streams: opened by a true handshake alone, silent as long as they like, endable."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from doorward.edge.exchange import Replace
from doorward.edge.limits import Limits
from edge_kit import GET, Origin, dial, on_loops, origin, proxying, says, serving, until

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
OPEN = SWITCHED + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


def shake(**changes: str) -> bytes:
    fields = {"Host": "app.test", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade"}
    fields |= {"Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode()


async def echo(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await origin.take(reader)
    writer.write(OPEN + b"Sec-WebSocket-Protocol: chat\r\nX-Extra: 1\r\n\r\nfirst")
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@on_loops
async def test_octets_pass_both_ways_after_a_true_handshake() -> None:
    async with proxying(echo) as (wire, origin, _door):
        answer = await wire.ask(shake())
        assert answer.status == 101
        assert dict(answer.headers)["Sec-WebSocket-Protocol"] == "chat"
        assert (answer.all("connection"), answer.all("upgrade")) == (["Upgrade"], ["websocket"])
        assert await wire.reader.readexactly(5) == b"first"
        data = bytes(range(256)) * 4096
        sending = asyncio.ensure_future(wire.send(data))
        assert await wire.reader.readexactly(len(data)) == data
        await sending
        seen = origin.seen[0]
        assert (seen.all("upgrade"), seen.all("connection")) == (["websocket"], ["Upgrade"])
        assert seen.all("sec-websocket-key") == [KEY]


@on_loops
async def test_octets_sent_with_the_handshake_wait_for_its_answer() -> None:
    async with proxying(echo) as (wire, _, _):
        await wire.send(shake() + b"early")
        assert (await wire.answer()).status == 101
        assert await wire.reader.readexactly(10) == b"firstearly"


@on_loops
async def test_the_end_of_either_side_is_the_end_of_both() -> None:
    async def once(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(OPEN + b"\r\n")
        await reader.readexactly(3)
        writer.write(b"bye")

    async with proxying(once) as (wire, _, door):
        await wire.ask(shake())
        await wire.send(b"end")
        assert await wire.ended() == b"bye"
        await until(lambda: not door.upstream.carriers)
    async with proxying(echo) as (wire, _, door):
        await wire.ask(shake())
        wire.writer.write_eof()
        await until(lambda: not door.upstream.carriers)


@on_loops
@pytest.mark.parametrize(
    "changes",
    [
        {"Sec_WebSocket_Version": "12"},
        {"Sec_WebSocket_Version": ""},
        {"Sec_WebSocket_Key": ""},
        {"Sec_WebSocket_Key": "c2hvcnQ="},
        {"Sec_WebSocket_Key": "x" * 24},
        {"Upgrade": "h2c"},
        {"Upgrade": "websocket, h2c"},
        {"Connection": "keep-alive"},
        {"Content_Length": "3"},
    ],
    ids=str,
)
async def test_half_a_handshake_is_an_ordinary_request(changes: dict[str, str]) -> None:
    async with proxying(says(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")) as (wire, origin, door):
        answer = await wire.ask(shake(**changes) + (b"abc" if "Content_Length" in changes else b""))
        assert answer.status == 426
        assert not door.exchanges[0].upgrade
        assert (origin.seen[0].all("upgrade"), origin.seen[0].all("connection")) == ([], [])


@on_loops
async def test_a_post_is_no_handshake() -> None:
    async with proxying(says(OPEN + b"\r\n")) as (wire, origin, _door):
        assert (await wire.ask(shake().replace(b"GET", b"POST"))).status == 502
        assert origin.seen[0].all("upgrade") == []


@on_loops
@pytest.mark.parametrize(
    "head",
    [
        SWITCHED,
        SWITCHED + b"Sec-WebSocket-Accept: " + ACCEPT[::-1] + b"\r\n",
        OPEN + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n",
        OPEN.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        OPEN.replace(b"Connection: Upgrade", b"Connection: close"),
    ],
)
async def test_a_101_that_is_not_the_answer_to_our_key_opens_nothing(head: bytes) -> None:
    async with proxying(says(head + b"\r\nsecret")) as (wire, _, door):
        answer = await wire.ask(shake())
        assert (answer.status, answer.body) == (502, b"bad-response")
        await until(lambda: not door.upstream.carriers)


@on_loops
async def test_a_refused_handshake_is_an_ordinary_answer_and_the_connection_goes_on() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    async with proxying(says(refusal)) as (wire, _, _):
        for _ in range(2):
            assert (await wire.ask(shake())).body == b"no"
        assert (await wire.ask(GET)).status == 403


@on_loops
async def test_a_door_cannot_put_another_answer_in_place_of_a_101() -> None:
    async with proxying(echo) as (wire, _, door):
        door.on_response = lambda status, fields: Replace(404, (), b"hidden")
        assert (await wire.ask(shake())).status == 502


@on_loops
async def test_a_silent_tunnel_and_a_silent_stream_are_left_alone() -> None:
    short = Limits(idle_timeout=0.05, body_timeout=0.05, upstream_response=0.05, upstream_body=0.05, head_timeout=0.05)

    async def events(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(EVENTS + b"\r\ndata: 1\n\n")
        await asyncio.sleep(0.4)
        writer.write(b"data: 2\n\n")

    async with proxying(events, short) as (wire, _, _):
        assert (await wire.ask(GET)).body == b"data: 1\n\ndata: 2\n\n"
    async with proxying(echo, short) as (wire, _, _):
        await wire.ask(shake())
        await asyncio.sleep(0.4)
        await wire.send(b"still here")
        assert await wire.reader.readexactly(15) == b"firststill here"


@on_loops
async def test_events_are_passed_on_as_they_come() -> None:
    go = asyncio.Event()

    async def events(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(EVENTS + b"Transfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            await go.wait()
            go.clear()
            writer.write(b"9\r\ndata: %d\n\n\r\n" % number)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await origin.take(reader)

    async with proxying(events) as (wire, _, door):
        await wire.send(GET)
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert b"text/event-stream" in head
        for number in range(3):
            go.set()
            assert await wire.reader.readexactly(14) == b"9\r\ndata: %d\n\n\r\n" % number
        assert await wire.reader.readexactly(5) == b"0\r\n\r\n"
        assert door.exchanges[0].connection.server.open_streams == {}


@on_loops
async def test_open_streams_are_known_and_can_be_ended_one_by_one() -> None:
    async def events(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        if "/ws" in origin.seen[-1].line:
            writer.write(OPEN + b"\r\n")
        else:
            writer.write(EVENTS + b"\r\ndata: 1\n\n")
        await writer.drain()
        await reader.read()

    from doorward.edge.upstream import Upstream
    from edge_kit import Proxy

    async with origin(events) as there:
        upstream = Upstream(there.url)
        async with serving(Proxy(upstream)) as (server, port), dial(port) as first, dial(port) as second:
            await first.send(GET)
            await second.send(shake())
            await until(lambda: len(server.open_streams) == 2)
            tunnel = next(each for each in server.open_streams.values() if each.target == "/ws")
            tunnel.abort()
            await second.ended()
            assert [each.target for each in server.open_streams.values()] == ["/"]
            server.end_streams()
            await first.ended()
            await until(lambda: not server.open_streams)
            await until(lambda: not upstream.carriers)
        await upstream.close()


@on_loops
async def test_ending_streams_leaves_answers_that_have_an_end() -> None:
    go = asyncio.Event()

    async def slow(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        await go.wait()
        writer.write(b"later")
        await origin.take(reader)

    async with proxying(slow) as (wire, _, door):
        await wire.send(GET)
        await until(lambda: bool(door.exchanges) and bool(door.exchanges[0].connection.server.open_streams))
        door.exchanges[0].connection.server.end_streams()
        go.set()
        assert (await wire.answer()).body == b"firstlater"


@on_loops
async def test_a_tunnel_to_a_reader_that_does_not_read_holds_little_and_ends_at_last() -> None:
    sent = 0

    async def flood(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await origin.take(reader)
        writer.write(OPEN + b"\r\n")
        while True:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    async with proxying(flood, Limits(write_timeout=0.3)) as (wire, _, door):
        await wire.send(shake())
        wire.writer.transport.pause_reading()
        await until(lambda: bool(door.exchanges) and door.exchanges[0].connection.choked)
        assert door.exchanges[0].connection.transport.get_write_buffer_size() < 2**21
        await until(lambda: not door.upstream.carriers)
        assert sent < 2**26
