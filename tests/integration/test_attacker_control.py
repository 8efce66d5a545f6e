"""The control listener of an attacker: pages and questions mixed on one connection, other people's browsers."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from gateway import Gateway, serving
from issuer import basic, bearer
from recorder import Recorder, recording
from wires import TRUSTING, Wire, policy, request, somewhere, until

ADMIN, MEMBER = bearer("ada", ["admin"]), bearer("max", ["member"])


@pytest.fixture(scope="module")
def application() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(application: Recorder) -> Iterator[Gateway]:
    with serving(policy(TRUSTING), application.url) as running:
        yield running


@pytest.fixture
def wire(gateway: Gateway) -> Iterator[Wire]:
    host, port = gateway.control.removeprefix("http://").rsplit(":", 1)
    with Wire((host, int(port))) as opened:
        yield opened


def about(method: str, target: str, *fields: tuple[str, str]) -> list[tuple[str, str]]:
    return [("X-Forwarded-Method", method), ("X-Forwarded-Uri", target), *fields]


@pytest.mark.parametrize("page", ["/ready", "/live", "/metrics"])
def test_the_same_fields_for_a_page_and_for_a_question_are_read_each_in_its_way(wire: Wire, page: str) -> None:
    """Both readings are remembered by the octets of the fields, and neither may stand in for the other."""
    fields = about("DELETE", "/admin/x", MEMBER)
    for turn in (page, "/decide", page, page, "/decide", "/decide", page):
        answer = wire.ask("GET", turn, *fields)
        assert answer.status == (403 if turn == "/decide" else 200), (turn, answer)


def test_a_page_that_everybody_may_ask_does_not_lend_its_path_to_a_question(wire: Wire) -> None:
    """/live is no path of the policy; asked about is /open/x, which is public, and then /admin/x, which is not."""
    for target, status in (("/open/x", 200), ("/admin/x", 401), ("/open/x", 200)):
        fields = about("GET", target)
        assert wire.ask("GET", "/live", *fields).status == 200
        assert wire.ask("GET", "/decide", *fields).status == status
        assert wire.ask("GET", "/live", *fields).status == 200


def test_a_question_does_not_lend_its_host_to_a_page(wire: Wire) -> None:
    """DNS rebinding with a field of the script's own: what a proxy says of its client is no name of ours."""
    fields = [*about("GET", "/ready"), ("X-Forwarded-Host", "localhost")]
    for turn in ("/decide", "/ready", "/decide", "/ready"):
        wire.send(request("GET", turn, *fields, host="evil.test"))
        assert wire.answer().status == (404 if turn == "/decide" else 421), turn


def test_thousands_of_questions_on_one_connection_are_each_decided_by_themselves(wire: Wire) -> None:
    dice = random.Random(3)
    people = {"": (), "ada": (ADMIN,), "max": (MEMBER,)}
    for number in range(300):
        sent = []
        for _ in range(dice.choice((1, 2, 8))):
            who = dice.choice(list(people))
            target = dice.choice(("/open/x", "/mine/x", "/admin/x", f"/mine/{number}"))
            sent += [(who, target)] * dice.choice((1, 1, 3))
        wire.send(b"".join(request("GET", "/decide", *about("GET", target, *people[who])) for who, target in sent))
        for who, target in sent:
            answer = wire.answer()
            right = 200 if target == "/open/x" or (who and (who == "ada" or target != "/admin/x")) else 403
            assert answer.status == (right if who or right == 200 else 401), (who, target, answer)
            if answer.status == 200:
                assert answer.all("x-doorward-user") == [who]


@pytest.mark.parametrize(
    "fields",
    [
        [],
        about("GET", "/open/x")[:1],
        about("GET", "/open/x")[1:],
        [*about("GET", "/open/x"), ("X-Forwarded-Uri", "/admin/x")],
        [*about("GET", "/open/x"), ("X-Forwarded-Method", "DELETE")],
        about("GET /admin", "/open/x"),
        about("GET", "http://evil.test/open/x"),
        about("GET", "open/x"),
        about("GET", "/open/../admin/x"),
        about("GET", "/open/%2e%2e/admin/x"),
        about("GET", "/open/..;/admin/x"),
        about("GET", "//open/x"),
        about("GET", "/open/x", ("X-Forwarded-For", "nobody")),
        about("GET", "/open/x", ("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https")),
        about("GET", "/open/x", ("Authorization", "Bearer a, Bearer b")),
        about("GET", "/open/x", MEMBER, ADMIN),
    ],
)
def test_a_question_that_can_be_read_in_two_ways_is_refused(wire: Wire, fields: list[tuple[str, str]]) -> None:
    assert wire.ask("GET", "/decide", *about("GET", "/open/x")).status == 200
    assert wire.ask("GET", "/decide", *fields).status == 400
    assert wire.ask("GET", "/decide", *fields).status == 400


@pytest.mark.parametrize("page", ["/ready", "/live", "/metrics", "/decide", "/.doorward/login", "/open/x", "/"])
@pytest.mark.parametrize(
    ("host", "fields"),
    [
        ("evil.test", ()),
        ("evil.test:8081", ()),
        ("127.0.0.1.evil.test", ()),
        ("localhost.evil.test", ()),
        ("localhost@evil.test", ()),
        ("localhost", (("Origin", "https://evil.test"),)),
        ("localhost", (("Origin", "null"),)),
        ("localhost", (("Origin", "http://localhost"),)),
    ],
)
def test_a_page_of_the_web_learns_nothing_from_the_control_listener(
    wire: Wire, page: str, host: str, fields: tuple[tuple[str, str], ...]
) -> None:
    wire.send(request("GET", page, *fields, host=host))
    answer = wire.answer()
    assert answer.status in (400, 403, 404, 421), answer
    assert not answer.all("access-control-allow-origin")
    assert b"doorward_" not in answer.body


def test_the_public_listener_shows_nothing_of_the_control_listener(gateway: Gateway, application: Recorder) -> None:
    application.clear()
    for page in ("/metrics", "/live", "/ready", "/decide"):
        assert gateway.get(page, *about("GET", "/open/x")).status == 404
        assert gateway.get(f"/.doorward{page}").status == 404
    assert application.records == []


def test_a_question_whose_asker_hangs_up_is_still_recorded_when_it_is_refused(gateway: Gateway) -> None:
    host, port = gateway.control.removeprefix("http://").rsplit(":", 1)
    before = refusals(gateway)
    for _ in range(3):
        gone = Wire((host, int(port)))
        gone.send(request("GET", "/decide", *about("GET", "/mine/x", basic("nobody", "wrong password"), somewhere())))
        gone.reset()
    until(lambda: refusals(gateway) == before + 3)


def refusals(gateway: Gateway) -> int:
    """Wrong passwords in the ledger."""
    done = gateway.cli("tail", "--reason", "account-unknown", "-n", "1000", "--json")
    assert done.returncode == 0, done.stderr
    return len(done.stdout.splitlines())
