"""Octets of an attacker: one request allowed is one request for the application, with the identity of who sent it.

Rule: the recording application is the judge; what it was sent is compared with what was asked, octet by octet.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from gateway import Gateway, read_answer, serving
from issuer import basic, bearer
from recorder import Record, Recorder, recording
from wires import Wire, policy, request

PASSWORD = "correct horse battery"
SMUGGLED = b"GET /admin/smuggled HTTP/1.1\r\nHost: localhost\r\nX-Doorward-User: root\r\n\r\n"
BEHIND = request("GET", "/open/behind", ("Connection", "close"))


@pytest.fixture(scope="module")
def application() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(application: Recorder) -> Iterator[Gateway]:
    with serving(policy(), application.url) as running:
        running.add_user("alice", PASSWORD, "member")
        running.add_user("bob", PASSWORD, "admin")
        yield running


@pytest.fixture(autouse=True)
def _clear(application: Recorder) -> None:
    application.clear()


# -- who is who on a connection that many share


@dataclass(frozen=True)
class Sender:
    """A credential and what it is good for. name: "" = nobody; kind "bad": one that is none."""

    name: str
    kind: str
    fields: tuple[tuple[str, str], ...]
    admin: bool = False

    def expected(self, target: str) -> int:
        """The status of a request."""
        if target.startswith("/open/"):
            return 200
        if not self.name:
            return 401
        return 200 if self.admin or target.startswith("/mine/") else 403


def senders(gateway: Gateway) -> list[Sender]:
    found = [Sender("", "nobody", ())]
    for number in range(12):
        admin = number % 3 == 0
        found.append(
            Sender(f"token{number}", "bearer", (bearer(f"token{number}", ["admin" if admin else "member"]),), admin)
        )
    found.append(Sender("", "bad", (bearer("token0", ["admin"], signer="nobody's key"),)))
    found.append(Sender("", "bad", (bearer("token0", ["admin"], life=-3_600),)))
    found.append(Sender("", "bad", (("X-API-Key", "dw_nothing"),)))
    for name, admin in (("alice", False), ("bob", True)):
        key = gateway.cli("key", "add", name, "-q").stdout.split()[0]
        found.append(Sender(name, "basic", (basic(name, PASSWORD),), admin))
        found.append(Sender(name, "apikey", (("X-API-Key", key),), admin))
        found.append(Sender(name, "session", (gateway.log_in(name, PASSWORD),), admin))
    return found


@dataclass(frozen=True)
class Sent:
    """One request on its way."""

    sender: Sender
    method: str
    target: str
    octets: bytes
    body: bytes


def script(people: Sequence[Sender], seed: int, size: int) -> Iterator[Sent]:
    """Requests in an order that invites mistakes: the same fields again and again, with another line each time."""
    dice = random.Random(seed)
    number = 0
    while number < size:
        sender = dice.choice(people)
        # Credentials that browsers add by themselves need a proof for unsafe methods; that is another matter.
        methods = ["GET", "GET", "GET", "HEAD"] + ([] if sender.kind in ("session", "basic") else ["POST", "DELETE"])
        for _ in range(dice.choice((1, 1, 2, 5))):
            target = f"/{dice.choice(('open', 'mine', 'mine', 'admin'))}/{seed}-{number}"
            method, number = dice.choice(methods), number + 1
            body = f"body of {target}".encode() * dice.choice((1, 1, 200)) if method == "POST" else b""
            extra = [("X-Turn", str(number))] if dice.random() < 0.1 else []
            yield Sent(sender, method, target, request(method, target, *sender.fields, *extra, body=body), body)


def test_requests_of_many_senders_on_one_connection_are_never_taken_for_each_other(
    gateway: Gateway, application: Recorder
) -> None:
    people = senders(gateway)
    application.clear()
    scripts = [list(script(people, seed, 900)) for seed in range(4)]
    wires = [Wire(gateway.address) for _ in scripts]
    faults: list[object] = []
    dice = random.Random(7)
    places = [0] * len(scripts)
    try:
        while any(place < len(each) for place, each in zip(places, scripts, strict=True)):
            turns = []
            for lane, wire in enumerate(wires):  # all are on their way at once, some of them pipelined
                batch = scripts[lane][places[lane] : places[lane] + dice.choice((1, 1, 3, 12))]
                places[lane] += len(batch)
                wire.send(b"".join(sent.octets for sent in batch))
                turns += [(wire, sent) for sent in batch]
            for wire, sent in turns:
                answer = wire.answer(sent.method)
                if answer.status != sent.sender.expected(sent.target):
                    faults.append((sent.sender.name, sent.sender.kind, sent.method, sent.target, answer.status))
                elif answer.status == 200 and sent.method != "HEAD":
                    assert json.loads(answer.body)["target"] == sent.target
    finally:
        for wire in wires:
            wire.close()
    assert faults == []
    arrived: dict[str, list[Record]] = {}
    for record in application.records:
        arrived.setdefault(record.target, []).append(record)
    for sent in (one for each in scripts for one in each):
        judge(sent, arrived.pop(sent.target, []))
    assert arrived == {}


def judge(sent: Sent, records: list[Record]) -> None:
    """What arrived of one request: nothing if it was refused, else exactly it, in the name of who sent it."""
    assert len(records) == (sent.sender.expected(sent.target) == 200), (sent, records)
    for record in records:
        sender = sent.sender
        assert record.line == f"{sent.method} {sent.target} HTTP/1.1"
        assert (record.size, record.digest) == (len(sent.body), hashlib.sha256(sent.body).hexdigest())
        assert record.values("x-doorward-user") == ([sender.name] if sender.name else []), sent
        assert record.values("x-doorward-roles") == (
            ["admin,member" if sender.admin else "member"] if sender.name else []
        ), record.head
        for assertion in record.values("x-doorward-assertion"):
            part = assertion.split(".")[1]
            assert json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"] == sender.name


# -- one request is one request

FRAMINGS = {
    "both lengths": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths, the other order": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "length and blank before the colon": b"Content-Length : 5\r\n\r\nabcde",
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "vertical tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "twice chunked": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity, chunked": b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "quoted": b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "alias with length": b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
    "two equal lengths": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "list of lengths": b"Content-Length: 5, 5\r\n\r\nabcde",
    "signed length": b"Content-Length: +5\r\n\r\nabcde",
    "negative length": b"Content-Length: -1\r\n\r\n",
    "hexadecimal length": b"Content-Length: 0x5\r\n\r\nabcde",
    "length with a mark": b"Content-Length: 1_0\r\n\r\n0123456789",
    "endless length": b"Content-Length: 99999999999999999999\r\n\r\n",
    "empty length": b"Content-Length:\r\n\r\n",
    "folded": b"X-A: b\r\n Content-Length: 5\r\n\r\n",
    "folded coding": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"X-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare CR": b"X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "NUL": b"X-A: b\0Content-Length: 5\r\n\r\n",
    "no colon": b"Content-Length 5\r\n\r\n",
    "empty name": b": 5\r\n\r\n",
    "LF LF": b"X-A: b\n\n",
    "chunk of 0x": b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    "chunk beyond any number": b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nabcde\r\n0\r\n\r\n",
    "chunk with a sign": b"Transfer-Encoding: chunked\r\n\r\n+5\r\nabcde\r\n0\r\n\r\n",
    "chunk with a blank": b"Transfer-Encoding: chunked\r\n\r\n5 \r\nabcde\r\n0\r\n\r\n",
    "chunk without end": b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcdeX\r\n0\r\n\r\n",
    "chunk lines of LF": b"Transfer-Encoding: chunked\r\n\r\n5\nabcde\n0\n\n",
    "chunk extension of LF": b"Transfer-Encoding: chunked\r\n\r\n5;\nabcde\r\n0\r\n\r\n",
    "negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n",
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
    "length that Connection names": b"Connection: content-length\r\nContent-Length: 5\r\n\r\nabcde",
    "coding that Connection names": b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a body of a request": b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
}


@pytest.mark.parametrize("name", FRAMINGS)
@pytest.mark.parametrize("line", [b"POST /open/x HTTP/1.1", b"GET /open/x HTTP/1.1", b"POST /open/x HTTP/1.0"])
def test_no_framing_makes_two_requests_of_one(gateway: Gateway, application: Recorder, name: str, line: bytes) -> None:
    """Behind each stands a request that nobody sent, and one that somebody did."""
    for trailer in (b"", SMUGGLED):
        application.clear()
        data = line + b"\r\nHost: localhost\r\n" + FRAMINGS[name]
        with Wire(gateway.address) as wire:
            wire.send(data + trailer + BEHIND)
            statuses = []
            while status := wire.answer(data[:4].decode().strip()).status:
                statuses.append(status)
                assert len(statuses) < 4
        assert 200 <= statuses[0] < 500 or statuses[0] == 501, statuses
        # Whatever was let through, arrived once; what stood behind as a request of its own, was decided as one.
        assert len(application.records) == statuses.count(200), (statuses, application.records)
        assert all(record.target in ("/open/x", "/open/behind") for record in application.records)
        assert all(b"root" not in record.head for record in application.records)
        for record in application.records:
            assert record.values("host") in (["localhost"], ["localhost:80"])
            assert len(record.values("content-length")) + len(record.values("transfer-encoding")) <= 1


LINES = [
    *(b"GET  /open/x HTTP/1.1", b"GET\t/open/x HTTP/1.1", b"GET /open/x HTTP/1.1 ", b"GET /open/x  HTTP/1.1"),
    *(b"GET /open/x http/1.1", b"GET /open/x HTTP/1.2", b"GET /open/x HTTP/2.0", b"GET /open/x HTTP/11.1"),
    *(b"GET /open/x", b"GET", b"/open/x", b"", b"PRI * HTTP/2.0", b"CONNECT localhost:80 HTTP/1.1"),
    *(b"GET /open/x HTTP/1.1\0", b"GET /open/\0x HTTP/1.1", b"GET /open/\xff HTTP/1.1", b"G\xe9T /open/x HTTP/1.1"),
    *(
        b"GET /open/x\rHTTP/1.1",
        b"GET /open/x HTTP/1.1\r",
        b"\x16\x03\x01\x02",
        b"GET http://evil.test/open/x HTTP/1.1",
    ),
    *(b"GET http://localhost@evil.test/open/x HTTP/1.1", b"GET http://localhost:80@evil/open/x HTTP/1.1"),
    *(b"GET http:/open/x HTTP/1.1", b"GET //admin/x HTTP/1.1", b"GET /open/..;/admin/x HTTP/1.1"),
    *(b"GET /open/%2e%2e/admin/x HTTP/1.1", b"GET /open/..%2fadmin HTTP/1.1", b"GET /open\\..\\admin HTTP/1.1"),
    *(b"GET open/x HTTP/1.1", b"GET * HTTP/1.1", b"GET ?/open/x HTTP/1.1", b"GET #/open/x HTTP/1.1"),
    *(b"GET /open/x#/admin HTTP/1.1", b"GET file:///open/x HTTP/1.1", b"GET https://[::1/open/x HTTP/1.1"),
]


@pytest.mark.parametrize("line", LINES, ids=ascii)
def test_a_request_line_that_two_readers_could_read_differently_reaches_nobody(
    gateway: Gateway, application: Recorder, line: bytes
) -> None:
    with Wire(gateway.address) as wire:
        wire.send(line + b"\r\nHost: localhost\r\n\r\n")
        wire.socket.shutdown(1)
        assert wire.answer().status not in (200, 500)
    assert application.records == []


@pytest.mark.parametrize(
    "target", ["http://localhost/open/x?a=b", "HTTP://LOCALHOST/open/x?a=b", "http://localhost:80/open/x?a=b"]
)
def test_the_absolute_form_is_passed_on_in_origin_form_with_one_host(
    gateway: Gateway, application: Recorder, target: str
) -> None:
    with Wire(gateway.address) as wire:
        assert wire.ask("GET", target).status == 200
        assert wire.ask("GET", "/open/y").status == 200
    assert [record.target for record in application.records] == ["/open/x?a=b", "/open/y"]
    assert [record.values("x-forwarded-host") for record in application.records] == [["localhost"]] * 2


def test_an_older_version_of_http_is_answered_once_and_not_kept(gateway: Gateway, application: Recorder) -> None:
    fields = b"Host: localhost\r\nConnection: keep-alive\r\n\r\n"
    with Wire(gateway.address) as wire:
        wire.send(b"GET /open/x HTTP/1.0\r\n" + fields + b"GET /open/y HTTP/1.0\r\n" + fields)
        assert read_answer(wire.socket).status == 200
    assert [record.line for record in application.records] == ["GET /open/x HTTP/1.1"]
