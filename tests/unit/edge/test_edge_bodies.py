"""Request bodies: decided before they are read, streamed with back-pressure, bounded, never half taken for whole."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from doorward.edge.exchange import Exchange
from doorward.edge.faults import BodyBroken, BodyTooLarge, ClientGone
from doorward.edge.limits import Limits
from edge_kit import GET, TEXT, Origin, dial, edge, on_loops, proxying, says, serving, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
MIB = 1 << 20


def post(fields: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"POST / HTTP/" + version + b"\r\nHost: a\r\n" + fields + b"\r\n" + body


def length(size: int) -> bytes:
    return b"Content-Length: %d\r\n" % size


def no(exchange: Exchange) -> None:
    exchange.reply(403, TEXT, b"no")


# -- decided before the body


@on_loops
async def test_the_door_is_asked_before_a_byte_of_the_body_came() -> None:
    async with edge(no) as wire:
        answer = await wire.ask(post(length(100)))
        assert (answer.status, answer.body) == (403, b"no")


@on_loops
async def test_a_short_refused_body_is_swallowed_and_the_connection_goes_on() -> None:
    async with edge(no) as wire:
        for framing, body in ((length(1000), b"x" * 1000), (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n")):
            await wire.send(post(framing))
            answer = await wire.answer()
            assert answer.all("connection") == []
            await wire.send(body)
            assert (await wire.ask(GET)).status == 403


@on_loops
@pytest.mark.parametrize("framing", [length(10 * MIB), CHUNKED])
async def test_a_long_refused_body_ends_the_connection_and_the_answer_is_still_read(framing: bytes) -> None:
    async with edge(no) as wire:
        await wire.send(post(framing))
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        for _ in range(20):
            wire.writer.write(chunk)
            await asyncio.sleep(0)
        assert (await wire.answer()).status == 403
        assert await wire.ended() == b""


@on_loops
async def test_a_body_that_is_announced_and_refused_is_never_taken_for_a_request() -> None:
    seen: list[str] = []

    def door(exchange: Exchange) -> None:
        seen.append(exchange.target)
        no(exchange)

    hidden = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    async with edge(door) as wire:
        await wire.send(post(length(len(hidden)), hidden) + GET)
        assert [(await wire.answer()).status for _ in range(2)] == [403, 403]
    assert seen == ["/", "/"]


# -- Expect: 100-continue

EXPECT = b"Expect: 100-continue\r\n"


@on_loops
async def test_who_waits_for_continue_is_refused_without_it_and_the_connection_ends() -> None:
    async with edge(no) as wire:
        answer = await wire.ask(post(EXPECT + length(5)))
        assert (answer.status, answer.all("connection")) == (403, ["close"])
        assert await wire.ended() == b""


@on_loops
async def test_who_waits_for_continue_gets_it_when_the_body_is_wanted() -> None:
    async with proxying(says(OK)) as (wire, origin, _):
        await wire.send(post(b"Expect: 100-Continue\r\n" + length(5)))
        assert await wire.reader.readexactly(len(CONTINUE)) == CONTINUE
        await wire.send(b"hello")
        assert (await wire.answer()).body == b"ok"
        assert (origin.seen[0].body, origin.seen[0].all("expect")) == (b"hello", [])
        assert (await wire.ask(GET)).body == b"ok"


@on_loops
async def test_who_does_not_wait_for_continue_gets_no_continue() -> None:
    async with proxying(says(OK)) as (wire, _, _):
        answer = await wire.ask(post(EXPECT + length(5), b"hello"))
        assert (answer.status, answer.body) == (200, b"ok")


@on_loops
async def test_an_expectation_of_http_1_0_or_without_a_body_is_ignored() -> None:
    async with proxying(says(OK)) as (wire, _, _):
        assert (await wire.ask(b"GET / HTTP/1.1\r\nHost: a\r\n" + EXPECT + b"\r\n")).status == 200
        assert (await wire.ask(post(EXPECT + length(5), b"hello", b"1.0"))).status == 200


# -- streamed


@on_loops
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_arrives_unchanged(chunked: bool) -> None:
    body = bytes(range(256)) * 32_768
    async with proxying(says(OK)) as (wire, origin, _):
        wire.writer.write(post(CHUNKED if chunked else length(len(body))))
        for start in range(0, len(body), 100_000):
            piece = body[start : start + 100_000]
            wire.writer.write(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await wire.writer.drain()
        wire.writer.write(b"0\r\nX-Trailer: y\r\n\r\n" if chunked else b"")
        assert (await wire.answer()).body == b"ok"
        assert hashlib.sha256(origin.seen[0].body).digest() == hashlib.sha256(body).digest()
        assert origin.seen[0].all("content-length") == ([] if chunked else [str(len(body))])
        assert (await wire.ask(GET)).body == b"ok"


@on_loops
async def test_chunks_may_come_octet_by_octet() -> None:
    async with proxying(says(OK)) as (wire, origin, _):
        for octet in post(CHUNKED, b"5;x=y\r\nhello\r\n00A\r\n0123456789\r\n0\r\nA: b\r\n\r\n") + GET:
            wire.writer.write(bytes([octet]))
            await asyncio.sleep(0)
        assert [(await wire.answer()).body for _ in range(2)] == [b"ok", b"ok"]
        assert origin.seen[0].body == b"hello0123456789"


BROKEN = {
    "a size that is none": b"xyz\r\nabc\r\n0\r\n\r\n",
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a size with a blank before": b" 3\r\nabc\r\n0\r\n\r\n",
    "a size with a blank behind": b"3 \r\nabc\r\n0\r\n\r\n",
    "a blank before an extension": b"3 ;a=b\r\nabc\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nabc\r\n0\r\n\r\n",
    "a size of thirteen digits": b"0000000000003\r\nabc\r\n0\r\n\r\n",
    "a size that overflows": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a bare LF behind a size": b"3\nabc\r\n0\r\n\r\n",
    "a bare LF behind a chunk": b"3\r\nabc\n0\r\n\r\n",
    "a bare CR behind a size": b"3\rabc\r\n0\r\n\r\n",
    "a chunk that is too long": b"3\r\nabcd\r\n0\r\n\r\n",
    "a chunk that is too short": b"4\r\nabc\r\n0\r\n\r\n",
    "an extension with a CR": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "an extension with NUL": b"3;a\0b\r\nabc\r\n0\r\n\r\n",
    "an extension without end": b"3;" + b"a" * 300,
    "many extensions": b"1;" + b"a" * 250 + b"\r\nx\r\n" + (b"1;" + b"a" * 250 + b"\r\nx\r\n") * 300,
    "a trailer that is none": b"0\r\nnonsense\r\n\r\n",
    "a trailer with a blank before the colon": b"0\r\nA : b\r\n\r\n",
    "a trailer on a folded line": b"0\r\nA: b\r\n c\r\n\r\n",
    "trailers without end": b"0\r\n" + b"A: bcdefgh\r\n" * 1000,
    "a bare LF in the trailers": b"0\r\nA: b\n\r\n",
}


@on_loops
@pytest.mark.parametrize("name", BROKEN)
async def test_chunks_that_have_two_readings_never_become_a_whole_request(name: str) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    async with proxying(says(OK)) as (wire, origin, door):
        await wire.send(post(CHUNKED, BROKEN[name] + smuggled))
        assert (await wire.answer()).body == b"framing-bad"
        assert await wire.ended() == b""
        assert origin.seen == []
        assert [exchange.target for exchange in door.exchanges] == ["/"]


@on_loops
async def test_chunks_beyond_the_limit_are_refused_though_nobody_announced_them() -> None:
    async with proxying(says(OK), Limits(body=1000)) as (wire, origin, _):
        await wire.send(post(CHUNKED, b"258\r\n" + b"x" * 600 + b"\r\n258\r\n" + b"x" * 600 + b"\r\n0\r\n\r\n"))
        assert (await wire.answer()).body == b"body-too-large"
        assert await wire.ended() == b""
        assert origin.seen == []


@on_loops
async def test_a_client_that_stops_sending_breaks_its_request_and_nothing_is_taken_for_whole() -> None:
    async with proxying(says(OK), Limits(body_timeout=0.1)) as (wire, origin, _):
        await wire.send(post(length(1000), b"half"))
        assert await wire.ended() == b""
        assert origin.seen == []


@on_loops
async def test_a_client_that_leaves_in_the_middle_breaks_its_request() -> None:
    async with proxying(says(OK)) as (wire, origin, door):
        await wire.send(post(length(1000), b"half"))
        await until(lambda: origin.connections == 1)
        wire.writer.transport.abort()
        await until(lambda: not door.upstream.carriers)
        assert origin.seen == []


@on_loops
async def test_an_upstream_that_answers_early_is_heard_and_the_rest_is_not_sent() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nmuch")
        await writer.drain()
        await asyncio.sleep(10)

    async with proxying(script) as (wire, _origin, _):
        await wire.send(post(length(100 * MIB), b"x" * 1000))
        answer = await wire.answer()
        assert (answer.status, answer.body, answer.all("connection")) == (413, b"much", ["close"])
        assert await wire.ended() == b""


# -- back-pressure


@on_loops
async def test_a_slow_upstream_slows_the_client_and_memory_stays_small() -> None:
    go = asyncio.Event()

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        await origin.take(reader)
        writer.write(OK)
        await origin.take(reader)

    body = b"x" * (64 * MIB)
    async with proxying(script) as (wire, origin, door):
        wire.writer.write(post(length(len(body))))
        sending = asyncio.ensure_future(wire.send(body))
        await until(lambda: bool(door.upstream.carriers))
        await until(lambda: any(carrier.choked for carrier in door.upstream.carriers))
        await asyncio.sleep(0.1)
        assert sum(carrier.transport.get_write_buffer_size() for carrier in door.upstream.carriers) < 2 * MIB
        assert not sending.done()
        go.set()
        assert (await wire.answer()).body == b"ok"
        await sending
        assert len(origin.seen[0].body) == len(body)


@on_loops
async def test_a_slow_client_slows_the_upstream_and_memory_stays_small() -> None:
    sent = 0
    size = 64 * MIB

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await origin.take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()
        await origin.take(reader)

    async with proxying(script) as (wire, _, door):
        wire.writer.transport.pause_reading()
        await wire.send(GET)
        await until(lambda: bool(door.exchanges) and door.exchanges[0].connection.choked)
        await asyncio.sleep(0.1)
        assert door.exchanges[0].connection.transport.get_write_buffer_size() < 2 * MIB
        assert sent < size
        wire.writer.transport.resume_reading()
        answer = await wire.answer()
        assert len(answer.body) == size


@on_loops
async def test_a_client_that_sends_while_it_waits_is_not_read_without_end() -> None:
    seen: list[Exchange] = []
    async with serving(seen.append) as (_server, port), dial(port) as wire:
        await wire.send(GET)
        await until(lambda: bool(seen))
        wire.writer.write(b"x" * (16 * MIB))
        await until(lambda: seen[0].connection.held)
        await asyncio.sleep(0.05)
        assert len(seen[0].connection.buffer) < 2 * MIB
        wire.writer.transport.abort()


# -- bodies for our own pages


def reading(limit: int, told: list[object]):
    tasks: set[asyncio.Task[None]] = set()

    def door(exchange: Exchange) -> None:
        async def work() -> None:
            try:
                told.append(await exchange.read_body(limit))
            except (BodyTooLarge, BodyBroken, ClientGone) as error:
                told.append(type(error))
            exchange.reply(200, TEXT, b"done")

        task = asyncio.ensure_future(work())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return door


@on_loops
async def test_a_body_is_read_whole_up_to_a_limit() -> None:
    told: list[object] = []
    async with edge(reading(10, told)) as wire:
        await wire.ask(post(length(10), b"0123456789"))
        await wire.ask(post(CHUNKED, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
        await wire.ask(GET)
        assert told == [b"0123456789", b"abcde", b""]
        await wire.send(post(length(11), b"0123456789a"))
        assert (await wire.answer()).status == 200
        await wire.send(post(CHUNKED, b"b\r\n0123456789a\r\n0\r\n\r\n"))
        assert (await wire.answer()).status == 200
        assert told[3:] == [BodyTooLarge, BodyTooLarge]


@on_loops
async def test_a_broken_body_is_told_and_the_answer_is_the_last() -> None:
    told: list[object] = []
    async with edge(reading(100, told)) as wire:
        await wire.send(post(CHUNKED, b"zz\r\n"))
        assert (await wire.answer()).all("connection") == ["close"]
        assert (told, await wire.ended()) == ([BodyBroken], b"")


@on_loops
async def test_a_body_that_never_comes_is_told() -> None:
    told: list[object] = []
    async with edge(reading(100, told), Limits(body_timeout=0.1)) as wire:
        await wire.send(post(length(50), b"half"))
        assert (await wire.answer()).status == 200
        assert told == [ClientGone]
