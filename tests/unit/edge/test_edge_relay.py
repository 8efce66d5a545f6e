"""Requests passed on and answers passed back: framing, fields, reuse, and what happens when the upstream breaks."""

from __future__ import annotations

import asyncio

import pytest

from doorward.edge.exchange import Replace
from doorward.edge.limits import Limits
from doorward.edge.upstream import Upstream
from edge_kit import GET, TEXT, Origin, Proxy, dial, on_loops, origin, proxying, says, serving, until

OK = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n"


def get(fields: bytes = b"", method: bytes = b"GET", target: bytes = b"/", version: bytes = b"1.1") -> bytes:
    return method + b" " + target + b" HTTP/" + version + b"\r\nHost: app.test\r\n" + fields + b"\r\n"


# -- requests


@on_loops
async def test_method_and_target_arrive_octet_for_octet() -> None:
    async with proxying(says(OK)) as (wire, origin, _):
        for target in (b"/a%2fb/%C3%A9?x=%2F&&y", b"//x/../y;z", b"/'\"<>\\^`{|}", b"http://app.test/x"):
            await wire.ask(get(method=b"PUT", target=target))
            assert origin.seen[-1].line == f"PUT {target.decode()} HTTP/1.1"


@on_loops
async def test_fields_pass_in_order_with_their_doubles_and_ours_come_behind() -> None:
    own = (("X-Own", "1"), ("X-Own", "2"))
    async with proxying(says(OK), own=own) as (wire, origin, _):
        await wire.ask(get(b"B: 1\r\nA: 2\r\nb: 3\r\nCookie: x\r\nCookie: y\r\n"))
        assert origin.seen[0].headers == [
            ("host", "app.test"),
            ("b", "1"),
            ("a", "2"),
            ("b", "3"),
            ("cookie", "x"),
            ("cookie", "y"),
            ("X-Own", "1"),
            ("X-Own", "2"),
        ]


@on_loops
async def test_hop_by_hop_fields_and_those_that_connection_names_end_here() -> None:
    fields = b"Connection: close, X-Mine, x-theirs\r\nX-Mine: 1\r\nX-Theirs: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
    fields += b"Trailer: X\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nX-Stays: 3\r\n"
    async with proxying(says(OK)) as (wire, origin, _):
        await wire.ask(get(fields))
        assert [name for name, _ in origin.seen[0].headers] == ["host", "x-stays"]


@on_loops
async def test_our_own_fields_stay_though_connection_names_them() -> None:
    async with proxying(says(OK), own=(("X-User", "alice"),)) as (wire, origin, _):
        await wire.ask(get(b"Connection: x-user, host\r\nX-User: root\r\n"))
        assert origin.seen[0].all("x-user") == ["alice"]
        assert origin.seen[0].all("host") == ["app.test"]


@on_loops
async def test_a_request_of_http_1_0_without_host_is_given_the_upstream_s() -> None:
    async with proxying(says(OK)) as (wire, origin, _):
        answer = await wire.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert origin.seen[0].line == "GET / HTTP/1.1"
        assert origin.seen[0].all("host") == [origin.url.removeprefix("http://")]
        assert answer.all("connection") == ["close"]


# -- answers


@on_loops
async def test_an_answer_passes_with_its_fields_in_order_and_its_doubles() -> None:
    head = b"HTTP/1.1 418 I am\r\nSet-Cookie: a\r\nWWW-Authenticate: Basic realm=x, Bearer\r\nset-cookie: b\r\n"
    head += b"WWW-Authenticate: Digest\r\nX:  y \r\nDate: d\r\nContent-Length: 0\r\n\r\n"
    async with proxying(says(head)) as (wire, _, _):
        answer = await wire.ask(GET)
        assert answer.headers == [
            ("Set-Cookie", "a"),
            ("WWW-Authenticate", "Basic realm=x, Bearer"),
            ("set-cookie", "b"),
            ("WWW-Authenticate", "Digest"),
            ("X", "y"),
            ("Date", "d"),
            ("Content-Length", "0"),
        ]


@on_loops
async def test_an_answer_without_a_date_gets_one_and_only_then() -> None:
    async with proxying(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", OK)) as (wire, _, _):
        assert len((await wire.ask(GET)).all("date")) == 1
        assert (await wire.ask(GET)).all("date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]


@on_loops
async def test_hop_by_hop_fields_of_an_answer_end_here() -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nX: 2\r\n"
    async with proxying(says(head + b"Content-Length: 0\r\n\r\n")) as (wire, _, _):
        assert {name for name, _ in (await wire.ask(GET)).headers} == {"Date", "X", "Content-Length"}


@on_loops
async def test_chunks_are_read_and_written_anew_without_extensions_and_trailers() -> None:
    async with proxying(says(CHUNKS)) as (wire, origin, _):
        answer = await wire.ask(GET)
        assert (answer.body, answer.all("transfer-encoding")) == (b"abcde", ["chunked"])
        assert (await wire.ask(GET)).body == b"abcde"
        assert origin.connections == 1


@on_loops
async def test_chunks_for_http_1_0_become_a_body_until_the_end() -> None:
    async with proxying(says(CHUNKS)) as (wire, _, _):
        answer = await wire.ask(get(version=b"1.0"))
        assert (answer.body, answer.all("transfer-encoding"), answer.all("connection")) == (b"abcde", [], ["close"])
        assert await wire.ended() == b""


@on_loops
async def test_a_body_that_ends_with_its_connection_is_chunked_for_the_client() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async with proxying(script) as (wire, origin, _):
        for count in (1, 2):
            answer = await wire.ask(GET)
            assert (answer.body, answer.complete, origin.connections) == (b"all of it", True, count)


@on_loops
@pytest.mark.parametrize(
    ("payload", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", ["12345"]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", []),
        (b"HTTP/1.1 200 OK\r\n\r\n", []),
    ],
)
async def test_head_has_the_length_of_get_and_the_connection_goes_on(payload: bytes, length: list[str]) -> None:
    async with proxying(says(payload)) as (wire, origin, _):
        for _ in range(2):
            answer = await wire.ask(get(method=b"HEAD"))
            assert (answer.all("content-length"), answer.all("transfer-encoding")) == (length, [])
        assert origin.connections == 1


@on_loops
@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_content_ends_with_its_head(status: int) -> None:
    payload = b"HTTP/1.1 %d X\r\nContent-Length: 99\r\n\r\n" % status
    async with proxying(says(payload)) as (wire, origin, _):
        for _ in range(2):
            answer = await wire.ask(GET)
            assert answer.status == status
            assert answer.all("content-length") == ([] if status == 204 else ["99"])
        assert origin.connections == 1


@on_loops
async def test_interim_answers_end_here_and_the_final_one_passes() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 P\r\n\r\n"
    async with proxying(says(interim + OK)) as (wire, origin, _):
        for _ in range(2):
            answer = await wire.ask(GET)
            assert (answer.status, answer.body, answer.all("link")) == (200, b"ok", [])
        assert origin.connections == 1


@on_loops
async def test_a_large_answer_comes_whole_in_all_framings() -> None:
    body = bytes(range(256)) * 8192
    framed = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    async with proxying(says(framed, chunked)) as (wire, _, _):
        assert (await wire.ask(GET)).body == body
        assert (await wire.ask(GET)).body == body


# -- answers that cannot be believed

UNBELIEVABLE = {
    "TE and CL": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two CL": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "a bad CL": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab",
    "TE gzip": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
    "TE as HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "status 600": b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a 101 nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    "nothing": b"",
}


@on_loops
@pytest.mark.parametrize("name", UNBELIEVABLE)
async def test_an_answer_that_cannot_be_believed_is_none(name: str) -> None:
    async with proxying(says(UNBELIEVABLE[name])) as (wire, _, door):
        answer = await wire.ask(GET)
        assert (answer.status, answer.body) == (502, b"bad-response")
        assert door.failures == ["bad-response"]
        assert (await wire.ask(GET)).status == 502


@on_loops
async def test_what_stands_behind_an_answer_is_nobody_s() -> None:
    extra = OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    async with proxying(says(extra, OK)) as (wire, origin, _):
        assert [(await wire.ask(GET)).body for _ in range(3)] == [b"ok", b"ok", b"ok"]
        assert origin.connections == 2


@on_loops
async def test_an_answer_nobody_asked_for_ends_the_pooled_connection() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        await origin.take(reader)

    async with proxying(script) as (wire, origin, door):
        assert (await wire.ask(GET)).body == b"ok"
        await until(lambda: not door.upstream.carriers)
        assert (await wire.ask(GET)).body == b"ok"
        assert origin.connections == 2


# -- answers that break off

BROKEN = {
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    "chunks with a bare LF": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\n0\r\n\r\n",
}


@on_loops
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_a_truncated_answer_never_looks_complete(name: str, version: bytes) -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(BROKEN[name])
        await writer.drain()
        await asyncio.sleep(0.02)

    async with proxying(script) as (wire, _, door):
        await wire.send(get(version=version))
        try:
            answer = await wire.answer()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # a reset is as visible as anything
        if answer.status == 502:  # broken before anything was said
            assert door.failures == ["bad-response"]
        else:
            assert not answer.complete
            assert await wire.ended() == b""


@on_loops
async def test_an_endless_answer_that_is_reset_never_looks_complete() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.transport.abort()

    import socket
    import struct

    async def reset(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await script(origin, reader, writer)

    async with proxying(reset) as (wire, _, _):
        await wire.send(GET)
        answer = await wire.answer()
        assert (answer.body, answer.complete) == (b"half", False)


# -- the pool


@on_loops
async def test_one_upstream_connection_serves_many_requests_and_clients() -> None:
    async with origin(says(OK)) as there:
        upstream = Upstream(there.url)
        async with serving(Proxy(upstream)) as (_, port):
            for _ in range(3):
                async with dial(port) as wire:
                    assert (await wire.ask(GET)).body == b"ok"
                    assert (await wire.ask(GET)).body == b"ok"
        assert there.connections == 1
        await upstream.close()


@on_loops
async def test_a_connection_that_died_in_the_pool_costs_an_idempotent_request_nothing() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Answers once, then takes one more request and leaves, as a server does whose idle timer fired meanwhile.
        await origin.take(reader)
        writer.write(OK)
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")

    async with proxying(script) as (wire, _origin, door):
        assert (await wire.ask(GET)).body == b"ok"
        for method in (b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"):
            assert (await wire.ask(get(method=method))).status == 200
        assert door.failures == []


@on_loops
async def test_a_post_is_never_sent_twice() -> None:
    arrived = 0

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await origin.take(reader)
        writer.write(OK)
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")
        arrived += 1

    async with proxying(script) as (wire, _, door):
        assert (await wire.ask(GET)).body == b"ok"
        assert (await wire.ask(get(method=b"POST"))).status == 502
        assert (arrived, door.failures) == (1, ["bad-response"])


@on_loops
async def test_connection_close_of_the_upstream_is_obeyed() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with proxying(says(closing)) as (wire, origin, _):
        for count in (1, 2, 3):
            answer = await wire.ask(GET)
            assert (answer.body, answer.all("connection"), origin.connections) == (b"ok", [], count)


@on_loops
async def test_an_answer_of_http_1_0_is_the_last_on_its_connection() -> None:
    async with proxying(says(OK.replace(b"1.1", b"1.0"))) as (wire, origin, _):
        assert [(await wire.ask(GET)).body for _ in range(2)] == [b"ok", b"ok"]
        assert origin.connections == 2


@on_loops
async def test_pipelined_requests_are_forwarded_one_after_the_other_and_answered_in_order() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await origin.take(reader)
            body = request.line.split(" ")[1].encode()
            await asyncio.sleep(0.02 if body == b"/slow" else 0)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with proxying(script) as (wire, origin, _):
        await wire.send(b"".join(get(target=target) for target in (b"/slow", b"/b", b"/c")))
        assert [(await wire.answer()).body for _ in range(3)] == [b"/slow", b"/b", b"/c"]
        assert origin.connections == 1


@on_loops
async def test_nobody_home_is_told_at_once() -> None:
    upstream = Upstream("http://127.0.0.1:1")
    door = Proxy(upstream)
    async with serving(door) as (_, port), dial(port) as wire:
        assert (await wire.ask(GET)).body == b"unreachable"
        assert (await wire.ask(get(b"Content-Length: 5\r\n", b"POST") + b"hello")).body == b"unreachable"
    await upstream.close()


@on_loops
async def test_an_upstream_that_says_nothing_is_given_up() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        await asyncio.sleep(100)

    async with proxying(script, Limits(upstream_response=0.1)) as (wire, _, _):
        assert (await wire.ask(GET)).body == b"timeout"


@on_loops
async def test_an_upstream_that_stops_in_the_middle_is_given_up_and_seen_to_be() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(100)

    async with proxying(script, Limits(upstream_body=0.1)) as (wire, _, _):
        answer = await wire.ask(GET)
        assert (answer.body, answer.complete) == (b"half", False)


@on_loops
async def test_a_client_that_leaves_takes_its_upstream_request_along() -> None:
    gone = asyncio.Event()

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            gone.set()

    async with proxying(script) as (wire, _, door):
        await wire.send(GET)
        await wire.reader.readexactly(100)
        wire.writer.transport.abort()
        await gone.wait()
        await until(lambda: not door.upstream.carriers)


# -- what the Door changes


@on_loops
async def test_an_answer_is_edited_or_replaced_by_the_door() -> None:
    async with proxying(says(OK)) as (wire, origin, door):
        door.on_response = lambda status, fields: [*fields, (b"X-Status", str(status).encode())]
        assert (await wire.ask(GET)).all("x-status") == ["200"]
        door.on_response = lambda status, fields: Replace(404, (("X-Ours", "1"),), b"hidden")
        for method in (b"GET", b"HEAD"):
            answer = await wire.ask(get(method=method))
            assert (answer.status, answer.all("x-ours"), answer.all("content-length")) == (404, ["1"], ["6"])
        door.on_response = None
        assert (await wire.ask(GET)).body == b"ok"
        assert origin.connections >= 1


@on_loops
async def test_a_long_answer_that_is_replaced_leaves_nothing_behind() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    async with proxying(says(long, OK)) as (wire, _, door):
        door.on_response = lambda status, fields: Replace(404, (), b"hidden")
        assert (await wire.ask(GET)).body == b"hidden"
        door.on_response = None
        assert (await wire.ask(GET)).body == b"ok"


@on_loops
@pytest.mark.parametrize("value", [b"a\r\nSet-Cookie: x", b"a\nb", b"\0"])
async def test_an_edit_that_would_end_its_line_is_never_written(value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with proxying(says(OK)) as (wire, _, door):
        door.on_response = lambda status, fields: [*fields, (b"X", value)]
        await wire.send(GET)
        assert await wire.ended() == b""
    assert "a bug in a response callback" in caplog.text


@on_loops
async def test_a_bug_in_an_edit_answers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with proxying(says(OK)) as (wire, _, door):
        door.on_response = lambda status, fields: 1 / 0
        await wire.send(GET)
        assert await wire.ended() == b""
    assert "a bug in a response callback" in caplog.text


@on_loops
async def test_an_exchange_that_is_forwarded_cannot_be_answered_from_here() -> None:
    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.take(reader)
        await asyncio.sleep(0.02)
        writer.write(OK)
        await origin.take(reader)

    async with proxying(script) as (wire, _, door):
        await wire.send(GET)
        await until(lambda: bool(door.exchanges))
        with pytest.raises(RuntimeError):
            door.exchanges[0].reply(200, TEXT, b"mine")
        with pytest.raises(RuntimeError):
            door.exchanges[0].forward(door.upstream, (), on_failure=lambda _kind: None)
        assert (await wire.answer()).body == b"ok"
