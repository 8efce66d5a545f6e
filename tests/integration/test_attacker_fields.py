"""Header fields of an attacker: who he says he is, and what he would like the application to see of our secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, product

import pytest
from gateway import Gateway, serving
from issuer import basic, bearer
from recorder import Record, Recorder, recording
from wires import Wire, policy, request

PASSWORD = "correct horse battery"
NAMES = ("X-Doorward-User", "X-Doorward-Roles", "X-Doorward-Scopes", "X-Doorward-Assertion")
OTHERS = ("Remote-User", "X-Remote-User", "X-Auth-Request-User", "X-Forwarded-User", "X-Authenticated-User")
OTHERS += (
    "X-SSL-Client-DN",
    "SSL-Client-Verify",
    "X-WebAuth-User",
    "Client-Cert",
    "Remote-Groups",
    "X-Forwarded-Email",
)
MARKS = ("-", "_", ".", "~", "+", "!", "'", "*", "|", "`", "^", "$", "#", "%", "&")
CORS = '[cors]\norigins = ["https://spa.test"]\n'


@pytest.fixture(scope="module")
def application() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(application: Recorder) -> Iterator[Gateway]:
    # Wrong passwords are part of these tests: they shall not make anybody wait but whom they name.
    with serving(policy('[limits]\nlogin = { address = "10000/minute" }\n'), application.url) as running:
        for name in ("alice", "carol"):
            running.add_user(name, PASSWORD, "member")
        yield running


@pytest.fixture(autouse=True)
def _clear(application: Recorder) -> None:
    application.clear()


def careless(name: str) -> str:
    """A field name as a server reads it that folds every mark (RFC 3875 4.1.18 and what was made of it)."""
    return re.sub(r"[^0-9a-z]", "-", name.lower())


def told(record: Record) -> dict[str, list[str]]:
    """Identity fields as the most careless application finds them."""
    found: dict[str, list[str]] = {}
    for name, value in record.pairs:
        if careless(name) in {careless(one) for one in (*NAMES, *OTHERS)}:
            found.setdefault(careless(name), []).append(value)
    return found


def aliases(name: str) -> Iterator[str]:
    """Spellings of a name that somebody takes for it."""
    words = name.split("-")
    for marks in product(MARKS, repeat=len(words) - 1) if len(words) < 3 else pairwise(MARKS):
        yield words[0] + "".join(mark + word for mark, word in zip(marks, words[1:], strict=False))
    for mark in MARKS:
        spelt = mark.join(words)
        yield from (spelt, spelt.upper(), spelt.lower(), spelt.swapcase())


@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
def test_no_spelling_of_an_identity_field_reaches_the_application(
    gateway: Gateway, application: Recorder, name: str
) -> None:
    spellings = sorted(set(aliases(name)))
    with Wire(gateway.address) as wire:
        for start in range(0, len(spellings), 40):
            part = spellings[start : start + 40]
            for who in ((), (bearer("alice", ["member"]),)):
                application.clear()
                lines = [*((one, "root") for one in part), *who]
                assert wire.ask("GET", "/open/x", *lines).status == 200
                found = told(application.last)
                assert all("root" not in value for values in found.values() for value in values), found
                assert found.get("x-doorward-user", []) == (["alice"] if who else [])


@pytest.mark.parametrize(
    "fields",
    [
        [("Connection", "x-doorward-user"), ("X-Doorward-User", "root")],
        [("Connection", "X-Doorward-User, X-Doorward-Roles, X-Doorward-Assertion, close")],
        [("Connection", "keep-alive, authorization, cookie")],
        [("Trailer", "X-Doorward-User"), ("X-Doorward-User", "root")],
        [("X-Doorward-User", "root"), ("X-Doorward-User", "root"), ("x-doorward-user", "root")],
        [("X-Doorward-User", ""), ("X-Doorward-Roles", "admin")],
        [("TE", "trailers"), ("X_Doorward_User", "root"), ("x.doorward.user", "root")],
        [("X-Doorward-User", "alice\t, root")],
    ],
)
def test_a_client_neither_adds_nor_removes_what_the_application_is_told(
    gateway: Gateway, application: Recorder, fields: list[tuple[str, str]]
) -> None:
    answer = gateway.raw(request("GET", "/mine/x", bearer("alice", ["member"]), *fields))
    assert answer.status == 200
    found = told(application.last)
    assert found["x-doorward-user"] == ["alice"]
    assert found["x-doorward-roles"] == ["member"]
    assert len(found["x-doorward-assertion"]) == 1
    assert found["x-doorward-assertion"][0].count(".") == 2


def test_fields_behind_a_chunked_body_become_no_fields_in_front(gateway: Gateway, application: Recorder) -> None:
    head = request("POST", "/open/x", ("Transfer-Encoding", "chunked"), ("Trailer", "X-Doorward-User"))
    with Wire(gateway.address) as wire:
        wire.send(head + b"3\r\nabc\r\n0\r\nX-Doorward-User: root\r\nAuthorization: Bearer x\r\n\r\n")
        status = wire.answer("POST").status
    assert status in (200, 400)
    assert all(b"root" not in record.head and b"Bearer" not in record.head for record in application.records)
    assert len(application.records) == (status == 200)


CARRIERS = [
    ("Authorization", "Bearer not.a.token"),
    ("Authorization", "bEaReR not.a.token"),
    ("Authorization", "Basic YWxpY2U6d3Jvbmc="),
    ("Authorization", "Basic"),
    ("X-API-Key", "dw_nothing"),
    ("x_api_key", "dw_nothing"),
    ("X.API~Key", "dw_nothing"),
    ("Cookie", "__Host-doorward=stolen"),
    ("Cookie", "__host-DOORWARD=stolen; a=b"),
    ("Cookie", "a=b;__Host-doorward=stolen;c=d"),
    ("Cookie", "a=b; __Host-doorward-login=stolen"),
    ("Proxy-Authorization", "Basic YWxpY2U6d3Jvbmc="),
]
SECRET_NAMES = frozenset({"cookie", "authorization", "x-api-key", "x-doorward-user"})
SECRETS = re.compile(rb"not\.a\.token|YWxpY2U|dw_|stolen|__host-doorward", re.IGNORECASE)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda one: f"{one[0]}-{one[1]}")
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_no_credential_of_the_door_reaches_the_application_good_or_bad(
    gateway: Gateway, application: Recorder, method: str, carrier: tuple[str, str]
) -> None:
    with Wire(gateway.address) as wire:
        wire.send(request(method, "/open/x", carrier, ("X-Other", "kept"), body=b"x" if method == "POST" else b""))
        assert wire.answer(method).status == 200
        assert wire.ask("GET", "/mine/x", carrier).status in (400, 401, 429)  # refused, then tried again without
        assert wire.ask("GET", "/open/y").status == 200
    assert [record.target for record in application.records] == ["/open/x", "/open/y"]
    for record in application.records:
        assert not SECRETS.search(record.head), record.head
    assert application.records[0].values("x-other") == ["kept"]
    if carrier[0] == "Cookie" and "=b" in carrier[1]:
        assert b"a=b" in application.records[0].head


def test_credentials_that_were_good_do_not_reach_the_application_either(
    gateway: Gateway, application: Recorder
) -> None:
    key = ("X-API-Key", gateway.cli("key", "add", "carol", "-q").stdout.split()[0])
    good = (basic("carol", PASSWORD), key, gateway.log_in("carol", PASSWORD), bearer("carol", ["member"]))
    application.clear()
    with Wire(gateway.address) as wire:
        for fields in good:
            for target in ("/mine/x", "/open/x"):
                assert wire.ask("GET", target, fields).status == 200
                secret = fields[1].removeprefix("Basic ").removeprefix("Bearer ").partition("=")[2] or fields[1]
                assert secret.encode() not in application.last.head
                assert not application.last.values(fields[0])
                assert told(application.last)["x-doorward-user"] == ["carol"]


def test_a_preflight_carries_nothing_of_who_asks(application: Recorder) -> None:
    session = ("Cookie", "__Host-doorward=stolen; theme=dark")
    asked = (("Origin", "https://spa.test"), ("Access-Control-Request-Method", "PUT"))
    for table in ("", CORS):
        with serving(policy(table), application.url) as running:
            for fields in (session, ("X-API-Key", "dw_x"), ("Authorization", "Digest x"), bearer("alice", ["admin"])):
                for target in ("/mine/x", "/admin/x", "/open/x", "/nowhere"):
                    application.clear()
                    running.ask("OPTIONS", target, *asked, fields)
                    for record in application.records:
                        names = {careless(name) for name, _ in record.pairs}
                        assert names.isdisjoint({"cookie", "authorization", "x-api-key", "x-doorward-user"}), (
                            record.head
                        )
