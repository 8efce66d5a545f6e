"""The login of an attacker: forged forms, planted sessions, names found out by the clock, tries that nobody counts."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlencode

import pytest
from gateway import NAVIGATION, SESSION, Answer, Gateway, serving
from html_forms import hidden_fields
from issuer import basic
from recorder import recording
from wires import TRUSTING, Wire, policy, request, somewhere, until

PASSWORD = "correct horse battery"
LOGIN = "/.doorward/login"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
ROUNDS = 5
"""How often a comparison of times may be repeated on a loaded machine."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with recording() as application, serving(policy(TRUSTING), application.url) as running:
        for name in ("alice", "mallory", *KNOWN):
            running.add_user(name, PASSWORD, "member")
        yield running


KNOWN = [f"person{number}" for number in range(8)]
UNKNOWN = [f"nobody{number}" for number in range(8)]


def visit(gateway: Gateway) -> tuple[dict[str, str], str]:
    """The hidden fields of a new form, and the cookie that belongs to it."""
    page = gateway.get(LOGIN, ("Accept", "text/html"), *NAVIGATION)
    assert page.status == 200
    return hidden_fields(page.body), page.one("set-cookie").partition(";")[0]


def post(gateway: Gateway, values: dict[str, str], *fields: tuple[str, str]) -> Answer:
    return gateway.ask("POST", LOGIN, FORM, *fields, somewhere(), body=urlencode(values).encode())


def logged_in(answer: Answer) -> list[str]:
    return [value for value in answer.all("set-cookie") if value.startswith(f"{SESSION}=") and "=;" not in value]


def test_a_form_that_somebody_else_filled_in_logs_nobody_in(gateway: Gateway) -> None:
    """Login CSRF: the victim would work in the account of the attacker, who knows the password."""
    mine, cookie = visit(gateway)
    other, _ = visit(gateway)
    person = {"username": "mallory", "password": PASSWORD}
    own = ("Origin", gateway.url)
    forged = [
        post(gateway, person),
        post(gateway, person, own),
        post(gateway, {**person, **mine}, own),
        post(gateway, {**person, **other}, own, ("Cookie", cookie)),
        post(gateway, {**person, **mine}, ("Origin", "https://evil.test"), ("Cookie", cookie)),
        post(gateway, {**person, **mine}, ("Origin", "null"), ("Cookie", cookie)),
        post(gateway, {**person, **mine}, own, own, ("Cookie", cookie)),
        post(gateway, {**person, **mine}, ("Sec-Fetch-Site", "cross-site"), ("Cookie", cookie)),
        post(gateway, {**person, **mine}, own, ("Cookie", f"{cookie}; {cookie}")),
        post(gateway, {**person, "csrf": mine["csrf"] + "0"}, own, ("Cookie", cookie)),
        post(gateway, {**person, "csrf": ""}, own, ("Cookie", cookie)),
    ]
    assert {answer.status for answer in forged} == {403}
    assert not any(map(logged_in, forged))
    assert logged_in(post(gateway, {**person, **mine}, own, ("Cookie", cookie)))


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "", "application/json+x", "text/json"]
)
def test_json_that_a_foreign_page_could_send_unasked_is_no_login(gateway: Gateway, kind: str) -> None:
    body = json.dumps({"username": "mallory", "password": PASSWORD}).encode()
    fields = [("Content-Type", kind)] if kind else []
    answer = gateway.ask("POST", LOGIN, *fields, somewhere(), body=body)
    assert answer.status == 415
    assert not logged_in(answer)
    squeezed = gateway.ask("POST", LOGIN, FORM, ("Content-Encoding", "gzip"), somewhere(), body=b"\x1f\x8b")
    assert squeezed.status == 415  # nothing is decompressed here


def test_a_session_that_somebody_planted_is_never_the_one_that_is_logged_in(gateway: Gateway) -> None:
    planted = f"{SESSION}=chosen-by-the-attacker"
    mine, cookie = visit(gateway)
    person = {"username": "alice", "password": PASSWORD, **mine}
    answer = post(gateway, person, ("Origin", gateway.url), ("Cookie", f"{cookie}; {planted}"))
    (made,) = logged_in(answer)
    assert "chosen" not in made
    assert gateway.get("/mine/x", ("Cookie", planted)).status == 401
    first = made.partition(";")[0]
    assert gateway.get("/mine/x", ("Cookie", first)).status == 200
    # Whoever logs in again gets another id, and the old one ends: a stolen one is worth nothing.
    again = post(gateway, person, ("Origin", gateway.url), ("Cookie", f"{cookie}; {first}"))
    (second,) = (one.partition(";")[0] for one in logged_in(again))
    assert second != first
    assert gateway.get("/mine/x", ("Cookie", first)).status == 401
    assert gateway.get("/mine/x", ("Cookie", second)).status == 200
    # The cookie of the form is no session, and a session of another name is none.
    assert gateway.get("/mine/x", ("Cookie", f"{SESSION}={cookie.partition('=')[2]}")).status == 401
    assert gateway.get("/mine/x", ("Cookie", f"{second}; {first}")).status == 400


@pytest.mark.parametrize(
    "back",
    [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test/",
        "/%0d%0aLocation:%20//evil.test",
        "/\r\nX: y",
        "/.//evil.test",
    ],
)
def test_a_login_leads_back_to_our_own_pages_alone(gateway: Gateway, back: str) -> None:
    mine, cookie = visit(gateway)
    values = {"username": "alice", "password": PASSWORD, **mine, "next": back}
    answer = post(gateway, values, ("Origin", gateway.url), ("Cookie", cookie), ("Accept", "text/html"), *NAVIGATION)
    assert answer.status == 303
    where = answer.one("location")
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\", "/."))
    assert not answer.all("x")


# -- tries that nobody waits for


def tried(gateway: Gateway, name: str) -> int:
    """Refusals with this name, or for this account, in the ledger."""
    done = gateway.cli("tail", "--who", name, "-n", "1000", "--json")
    assert done.returncode == 0, done.stderr
    return sum(json.loads(line).get("count", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("way", ["basic", "json"])
def test_a_wrong_password_is_recorded_although_nobody_waited_for_the_answer(gateway: Gateway, way: str) -> None:
    name = {"basic": "alice", "json": "mallory"}[way]
    before = tried(gateway, name)
    for _ in range(4):
        wire = Wire(gateway.address)
        body = json.dumps({"username": name, "password": "a wrong one"}).encode()
        if way == "basic":
            wire.send(request("GET", "/mine/x", basic(name, "a wrong one"), somewhere()))
        else:
            kind = ("Content-Type", "application/json")
            wire.send(request("POST", LOGIN, kind, somewhere(), body=body))
        wire.reset()
    until(lambda: tried(gateway, name) == before + 4)


# -- names that the clock tells


def by_basic(name: str) -> bytes:
    return request("GET", "/mine/x", basic(name, "a wrong password"), somewhere())


def by_login(name: str) -> bytes:
    body = json.dumps({"username": name, "password": "a wrong password"}).encode()
    return request("POST", LOGIN, ("Content-Type", "application/json"), somewhere(), body=body)


@pytest.mark.parametrize("form", [by_basic, by_login])
def test_nobody_learns_from_the_clock_whether_an_account_exists(
    gateway: Gateway, form: Callable[[str], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """Medians of times that alternate, within a quarter of each other; two free tries per name in each round."""
    ratio = 0.0
    for turn in range(ROUNDS):
        ratio = compare(gateway, form, KNOWN, [f"{name}-{turn}" for name in UNKNOWN])
        if 0.8 <= ratio <= 1.25:
            break
        until_forgotten(gateway)
    with capsys.disabled():
        print(f"\n  {form.__name__}: time for a known name / for an unknown one = {ratio:.2f}", end="")
    assert 0.8 <= ratio <= 1.25


def compare(gateway: Gateway, form: Callable[[str], bytes], known: Sequence[str], unknown: Sequence[str]) -> float:
    times: tuple[list[float], list[float]] = ([], [])
    bodies: set[tuple[int, str]] = set()
    with Wire(gateway.address) as wire:
        for _ in range(2):
            for pair in zip(known, unknown, strict=True):
                for name, kept in zip(pair, times, strict=True):
                    data = form(name)
                    began = time.perf_counter()
                    wire.send(data)
                    answer = wire.answer()
                    kept.append(time.perf_counter() - began)
                    bodies.add((answer.status, str(json.loads(answer.body)["detail"])))
    assert len(bodies) == 1, bodies
    assert {status for status, _ in bodies} == {401}
    return statistics.median(times[0]) / statistics.median(times[1])


def until_forgotten(gateway: Gateway) -> None:
    """Slow-downs of an account end when somebody logs in."""
    for name in KNOWN:
        gateway.get("/mine/x", basic(name, PASSWORD), somewhere())
