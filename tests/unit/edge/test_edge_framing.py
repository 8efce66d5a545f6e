"""What two readers could take for different messages is refused, said, and the last on its connection."""

from __future__ import annotations

import asyncio

import pytest

from doorward.edge.exchange import Exchange
from doorward.edge.limits import Limits
from edge_kit import GET, TEXT, dial, edge, on_loops, proxying, says, serving, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HOST = b"Host: app.test\r\n"


def told(exchange: Exchange) -> None:
    fault = exchange.fault.kind if exchange.fault else "none"
    exchange.reply(400 if exchange.fault else 200, TEXT, fault.encode())


def post(fields: bytes, body: bytes = b"") -> bytes:
    return b"POST /x HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: app.test\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
REFUSED = {
    # two lengths, or two ways to say where the body ends
    "TE and CL": post(CHUNKED + b"Content-Length: 4\r\n", b"0\r\n\r\n" + SMUGGLED),
    "CL and TE": post(b"Content-Length: 4\r\n" + CHUNKED, b"0\r\n\r\n" + SMUGGLED),
    "two different CL": post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello" + SMUGGLED),
    "two equal CL": post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "a CL list": post(b"Content-Length: 5, 5\r\n", b"hello"),
    "a signed CL": post(b"Content-Length: +5\r\n", b"hello"),
    "a negative CL": post(b"Content-Length: -1\r\n"),
    "a hexadecimal CL": post(b"Content-Length: 0x5\r\n", b"hello"),
    "a CL with a blank inside": post(b"Content-Length: 1 0\r\n", b"hello"),
    "an empty CL": post(b"Content-Length:\r\n"),
    "a CL of nineteen digits": post(b"Content-Length: 1000000000000000000\r\n"),
    "a CL of other digits": post("Content-Length: \u00b2\r\n".encode("latin-1")),
    "TE twice": post(CHUNKED + CHUNKED, b"0\r\n\r\n"),
    "TE twice, one identity": post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"),
    "TE list": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "TE identity": post(b"Transfer-Encoding: identity\r\n"),
    "TE unknown": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "TE quoted": post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"),
    "TE with a parameter": post(b"Transfer-Encoding: chunked;x=y\r\n", b"0\r\n\r\n"),
    "TE with a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "TE with a form feed behind": post(b"Transfer-Encoding: chunked\x0c\r\n", b"0\r\n\r\n"),
    "TE empty": post(b"Transfer-Encoding:\r\n"),
    "TE with a blank before the colon": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "TE with a tab before the colon": post(b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n"),
    "TE on a folded line": post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "TE on HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n",
    # line ends and folds
    "bare LF after the request line": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF after a field": b"GET / HTTP/1.1\r\nHost: app.test\nX: y\r\n\r\n",
    "bare LF at the end": b"GET / HTTP/1.1\r\nHost: app.test\r\n\n",
    "bare LF everywhere": b"GET / HTTP/1.1\nHost: app.test\n\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
    "bare CR before a name": b"GET / HTTP/1.1\r\n" + HOST + b"\rX: y\r\n\r\n",
    "CR CR LF": b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\r\n\r\n",
    "CR before the request line": b"\rGET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "LF before the request line": b"\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "obs-fold": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "obs-fold with a tab": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n\tb\r\n\r\n",
    "a fold before the first field": b"GET / HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    # names and values
    "a blank before the colon": b"GET / HTTP/1.1\r\n" + HOST + b"X : y\r\n\r\n",
    "Host with a blank before the colon": b"GET / HTTP/1.1\r\nHost : app.test\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\n" + HOST + b": y\r\n\r\n",
    "a name with a bracket": b"GET / HTTP/1.1\r\n" + HOST + b"X(y): z\r\n\r\n",
    "a name with a control character": b"GET / HTTP/1.1\r\n" + HOST + b"X\x01: z\r\n\r\n",
    "a name beyond ASCII": b"GET / HTTP/1.1\r\n" + HOST + b"X\xe9: z\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\n" + HOST + b"X\0: b\r\n\r\n",
    "a control character in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x08b\r\n\r\n",
    "DEL in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x7fb\r\n\r\n",
    # request lines
    "two blanks": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab": b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a blank at the beginning": b" GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a blank at the end": b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
    "a blank in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "an octet beyond ASCII in the target": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET / HTTP/0.9\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/1.10": b"GET / HTTP/1.10\r\n" + HOST + b"\r\n",
    "http in lower case": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": b"CONNECT app.test:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method with a blank": b"GE T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method with a colon": b"GE:T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of 33 letters": b"G" * 33 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    # expectations that cannot be met
    "another expectation": post(b"Expect: 200-maybe\r\nContent-Length: 1\r\n", b"x"),
}
NO_HOST = {
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two equal Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "two Hosts on HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
}


@on_loops
@pytest.mark.parametrize("name", REFUSED)
async def test_what_has_two_readings_is_refused_and_is_the_last(name: str) -> None:
    async with edge(told) as wire:
        answer = await wire.ask(REFUSED[name])
        assert (answer.status, answer.body) == (400, b"framing-bad"), name
        assert answer.all("connection") == ["close"]
        assert await wire.ended() == b"", "octets behind it were answered"


@on_loops
@pytest.mark.parametrize("name", NO_HOST)
async def test_a_request_for_no_host_or_for_two_is_refused(name: str) -> None:
    async with edge(told) as wire:
        assert (await wire.ask(NO_HOST[name])).body == b"host-bad"
        assert await wire.ended() == b""


@pytest.mark.parametrize("name", REFUSED | NO_HOST)
def test_nothing_refused_ever_reaches_an_upstream(name: str) -> None:
    from edge_kit import run

    async def attack() -> None:
        async with proxying(says(OK)) as (wire, origin, _):
            await wire.send((REFUSED | NO_HOST)[name])
            assert (await wire.answer()).status == 400
            await wire.ended()
            assert origin.seen == []

    run(attack)


@on_loops
async def test_a_request_with_a_fault_cannot_be_forwarded_even_by_a_careless_door() -> None:
    async with proxying(says(OK)) as (wire, origin, door):

        def careless(exchange: Exchange) -> None:
            try:
                exchange.forward(door.upstream, exchange.headers, on_failure=lambda _kind: None)
            except ValueError:
                exchange.reply(400, TEXT, b"refused")

        async with serving(careless) as (_, port), dial(port) as other:
            assert (await other.ask(REFUSED["TE and CL"])).body == b"refused"
        assert origin.seen == []
        assert (await wire.ask(GET)).status == 200


GOOD = {
    "an empty value": b"X:\r\n",
    "blanks around a value": b"X: \t y \t\r\n",
    "an octet beyond ASCII in a value": b"X: caf\xe9\r\n",
    "a name of every kind of character": b"!#$%&'*+-.^_`|~0Az: y\r\n",
    "equal names": b"X: 1\r\nx: 2\r\n",
    "a Content-Length of nought": b"Content-Length: 0\r\n",
    "a Content-Length with noughts before": b"Content-Length: 000\r\n",
    "an upgrade nobody knows": b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
}


@on_loops
@pytest.mark.parametrize("name", GOOD)
async def test_what_has_one_reading_is_served_and_the_connection_goes_on(name: str) -> None:
    async with edge(told) as wire:
        assert (await wire.ask(b"GET / HTTP/1.1\r\n" + HOST + GOOD[name] + b"\r\n")).status == 200
        assert (await wire.ask(GET)).status == 200


@on_loops
async def test_the_absolute_form_and_the_asterisk_reach_the_door_as_they_stand() -> None:
    seen: list[str] = []

    def door(exchange: Exchange) -> None:
        seen.append(exchange.target)
        told(exchange)

    async with edge(door) as wire:
        await wire.ask(b"GET http://app.test/x?y HTTP/1.1\r\n" + HOST + b"\r\n")
        await wire.ask(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")
    assert seen == ["http://app.test/x?y", "*"]


@on_loops
async def test_empty_lines_before_a_request_may_come_in_any_pieces() -> None:
    async with edge(told) as wire:
        for piece in (b"\r", b"\n", b"\r\n", b"\r", b"\nG", GET[1:]):
            wire.writer.write(piece)
            await asyncio.sleep(0.01)
        assert (await wire.answer()).status == 200
        assert (await wire.ask(GET)).status == 200


@on_loops
async def test_the_answer_to_a_bad_request_survives_what_the_client_still_sends() -> None:
    async with edge(told, Limits(body=10)) as wire:
        wire.writer.write(post(b"Content-Length: 10000000\r\n"))
        for _ in range(100):
            wire.writer.write(b"x" * 10_000)
            await asyncio.sleep(0)
        answer = await wire.answer()
        assert (answer.status, answer.body) == (400, b"body-too-large")


@on_loops
async def test_an_oversized_head_is_refused_however_slowly_it_comes() -> None:
    async with edge(told, Limits(head=500)) as wire:
        wire.writer.write(b"GET / HTTP/1.1\r\n" + HOST)
        for _ in range(60):
            wire.writer.write(b"X: 1234567\r\n")
            await asyncio.sleep(0)
        assert (await wire.answer()).body == b"head-too-large"


@on_loops
async def test_a_client_that_only_sends_empty_lines_is_idle() -> None:
    async with serving(told, Limits(idle_timeout=0.1)) as (server, port), dial(port) as wire:
        await until(lambda: server.connections == 1)
        while server.connections:
            wire.writer.write(b"\r\n")
            await asyncio.sleep(0.005)
