"""Whatever octets a client sends: what h11 refuses as a request never reaches an upstream, and what reaches it is what
h11 read of the same octets: method, target, fields, body. The connection ends in answers or a close, never in a crash.

h11 is the second pair of eyes on both sides: of what the client sent, and of what the upstream got.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import h11
import pytest
import uvloop
from hypothesis import example, given
from hypothesis import strategies as st

from doorward.edge.exchange import Exchange
from doorward.edge.forwarding import HOP
from doorward.edge.limits import Limits
from doorward.edge.server import Server
from doorward.edge.upstream import Upstream

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Read:
    """One request as one reader sees it: hop-by-hop fields apart, which are each hop's own."""

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


def _read(request: h11.Request, body: bytes) -> Read:
    named = {
        part.strip(b" \t").lower()
        for name, value in request.headers
        if name == b"connection"
        for part in value.split(b",")
    }
    named = {name.decode("latin-1") for name in named} - {"host"}
    ends = (HOP | named) - {"host"}
    fields = [(name, value) for name, value in request.headers if name.decode("latin-1") not in ends]
    # Where a request of HTTP/1.0 has no Host, the gateway adds one.
    return Read(request.method, request.target, tuple(pair for pair in fields if pair[0] != b"host"), body)


def as_h11_reads(data: bytes) -> list[Read]:
    """Every complete request in these octets, up to the first that h11 refuses or that is the last."""
    found: list[Read] = []
    while True:
        while data.startswith(b"\r\n"):
            data = data[2:]  # RFC 9112 2.2 ignores empty lines there; h11 does not
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(data)
        request, body = None, b""
        try:
            while type(event := connection.next_event()) is not h11.EndOfMessage:
                if isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    return found
        except h11.RemoteProtocolError:
            return found
        assert request is not None
        found.append(_read(request, body))
        if connection.their_state is h11.MUST_CLOSE:
            return found
        data = connection.trailing_data[0]


@dataclass
class Stage:
    """An edge in front of an upstream that reads with h11. got: what arrived whole; wrong: what h11 refused there."""

    port: int = 0
    got: list[Read] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    async def upstream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        request, body = None, b""
        with suppress(ConnectionError):
            while True:
                try:
                    event = connection.next_event()
                except h11.RemoteProtocolError as error:
                    if connection.their_state is not h11.CLOSED and "peer" not in str(error):
                        self.wrong.append(str(error))
                    break
                if event is h11.NEED_DATA:
                    data = await reader.read(65_536)
                    connection.receive_data(data)
                elif isinstance(event, h11.Request):
                    request, body = event, b""
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    assert request is not None
                    self.got.append(_read(request, body))
                    writer.write(ANSWER)
                    if connection.their_state is not h11.DONE:
                        break
                    connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                    connection.send(h11.EndOfMessage())
                    connection.start_next_cycle()
                else:
                    break
        writer.close()

    async def send(self, pieces: list[bytes]) -> bytes:
        """Send octets on a connection of their own, say that this was all, and read to the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answers = b""
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            writer.write_eof()
            answers = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answers


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, asyncio.Runner]]:
    here = Stage()

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            here.log.append(self.format(record))

    notes = Notes()
    logging.getLogger("doorward.edge").addHandler(notes)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

        async def start() -> tuple[Server, Upstream, asyncio.Server]:
            behind = await asyncio.start_server(here.upstream, "127.0.0.1", 0)
            upstream = Upstream(f"http://127.0.0.1:{behind.sockets[0].getsockname()[1]}")

            def door(exchange: Exchange) -> None:
                def failed(kind: str) -> None:
                    exchange.reply(502, (), kind.encode())

                if exchange.fault is not None:
                    exchange.reply(400, (), exchange.fault.detail.encode())
                else:
                    exchange.forward(upstream, exchange.headers, on_failure=failed)

            server = Server(door, Limits(), name="fuzz")
            _, here.port = await server.start("127.0.0.1", 0)
            runner.get_loop().set_exception_handler(lambda _loop, context: here.log.append(str(context)))
            return server, upstream, behind

        server, upstream, behind = runner.run(start())
        yield here, runner

        async def end() -> None:
            await server.drain(0)
            await upstream.close()
            behind.close()

        runner.run(end())
    logging.getLogger("doorward.edge").removeHandler(notes)


def check(stage: tuple[Stage, asyncio.Runner], pieces: list[bytes]) -> None:
    here, runner = stage
    here.got.clear()
    answers = runner.run(here.send(pieces))
    assert here.log == []
    assert here.wrong == []
    wanted = as_h11_reads(b"".join(pieces))
    assert here.got == wanted[: len(here.got)]
    assert answers == b"" or answers.startswith(b"HTTP/1.1 ")


# -- octets: mostly right, so that most streams get somewhere, with something wrong in them here and there


def _mostly(good: list[bytes], odd: list[bytes], sides: int = 24) -> st.SearchStrategy[bytes]:
    """One of the odd in one of so many cases."""
    return st.integers(1, sides).flatmap(lambda dice: st.sampled_from(odd if dice == sides else good))


_methods = _mostly(
    [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE"], [b"get", b"M-SEARCH", b"PRI", b"", b"G\0"]
)
_targets = _mostly([b"/", b"/a?b", b"*", b"http://a/b", b"/%00", b"//"], [b"a:1", b"/\xff", b"/a b", b""])
_versions = _mostly([b"HTTP/1.1"], [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.2", b"http/1.1", b"HTTP/1.1 ", b""])
_blanks = _mostly([b" "], [b"  ", b"\t", b""])
_ends = _mostly([b"\r\n"], [b"\n", b"\r", b"\r\r\n", b"\n\r", b""])
_colons = _mostly([b": ", b":", b":\t"], [b" :", b" : ", b"", b"\r\n ", b":\r\n "])
_names = _mostly(
    [b"X", b"X-Y", b"Cookie", b"Content_Length", b"Accept", b"Keep-Alive", b"TE", b"Trailer"],
    [
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Expect",
        b"Upgrade",
        b"Host",
        b"X Y",
        b"",
        b"X\0",
        b"\xe9",
    ],
)
_VALUES = "0 3 5 +5 5,5 0x5 -1 05 chunked Chunked chunked,chunked identity gzip,chunked close keep-alive X 100-continue"
_values = st.one_of(
    st.sampled_from(
        [*(word.encode() for word in _VALUES.split()), b"", b"a\tb", b"\xe9", b" a ", b"close, X-Y", b"h2c"]
    ),
    _mostly([b"plain"], [b"\x00", b"\x0b", b"a\rb", b"a\nb", b"\x7f"]),
)


@st.composite
def _fields(draw: st.DrawFn) -> bytes:
    host = draw(_mostly([b"Host: a.test\r\n"], [b"", b"Host: a\r\nHost: b\r\n", b"Host : a\r\n"]))
    lines = draw(st.lists(st.tuples(_names, _colons, _values, _ends), max_size=3))
    return host + b"".join(b"".join(line) for line in lines)


@st.composite
def _chunks(draw: st.DrawFn) -> bytes:
    out = b""
    for content in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=3)):
        size = draw(
            _mostly([b"%x", b"%X", b"0%x", b"%x;a=b", b"%x;\xff"], [b"%x ;a", b"%x ", b" %x", b"0x%x", b"+%x"], 8)
        )
        out += size % len(content) + draw(_ends) + content + draw(_ends)
    trailer = draw(_mostly([b"", b"", b"A: b\r\n"], [b"A : b\r\n", b"nonsense\r\n", b"A: b\r\n c\r\n", b"A: b\n"]))
    return out + draw(_mostly([b"0", b"00", b"0;x"], [b"", b"0 "])) + draw(_ends) + trailer + draw(_ends)


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    line = draw(_methods) + draw(_blanks) + draw(_targets) + draw(_blanks) + draw(_versions) + draw(_ends)
    framing = draw(st.sampled_from(["none", "length", "chunked", "wild"]))
    if framing == "length":
        body = draw(st.binary(max_size=30))
        off = draw(_mostly([b"0"], [b"1", b"-1"]))
        return line + draw(_fields()) + b"Content-Length: %d\r\n\r\n" % max(0, len(body) + int(off)) + body
    if framing == "chunked":
        return line + draw(_fields()) + b"Transfer-Encoding: chunked\r\n\r\n" + draw(_chunks())
    return line + draw(_fields()) + draw(_ends) + (draw(_chunks()) if framing == "wild" else b"")


@st.composite
def _streams(draw: st.DrawFn) -> list[bytes]:
    data = b"".join(
        draw(st.lists(st.one_of(_requests(), _requests(), _requests(), st.just(b"\r\n")), min_size=1, max_size=4))
    )
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=2)) + data[at + draw(st.integers(0, 2)) :]
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


_PLAIN = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


@example([_PLAIN * 3])
@example([b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n" + _PLAIN])
@example([b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _PLAIN])
@example([b"\r", b"\n", _PLAIN])
@given(_streams())
def test_what_h11_refuses_is_not_forwarded_and_what_is_forwarded_is_what_h11_read(
    stage: tuple[Stage, asyncio.Runner], pieces: list[bytes]
) -> None:
    check(stage, pieces)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_noise_ends_in_an_answer_or_a_close(stage: tuple[Stage, asyncio.Runner], pieces: list[bytes]) -> None:
    check(stage, pieces)


def test_the_two_readers_agree_on_plain_requests(stage: tuple[Stage, asyncio.Runner]) -> None:
    """The test itself sees what is forwarded: a comparison of two empty lists would prove nothing."""
    data = _PLAIN + b"POST /b HTTP/1.1\r\nHost: a\r\nX: 1\r\nContent-Length: 2\r\n\r\nhi" + _PLAIN
    check(stage, [data])
    assert [read.body for read in stage[0].got] == [b"", b"hi", b""]
