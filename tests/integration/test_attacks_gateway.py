"""Requests of the kinds that got past real gateways, through raw sockets, as listed and in variations.

A variation may be answered more strictly than the case, never more laxly (cases/README-attacks.md 13).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from attacks_stage import EVIL, HOST, LEFT_OUT, MODES, OWN, Attack, Scene, load, scene
from gateway import NAVIGATION, Answer
from recorder import Record

REDIRECTS = frozenset({301, 302, 303, 307, 308})
IDENTITY = ("x-doorward-user", "x-doorward-roles", "x-doorward-scopes", "x-doorward-assertion")
BEHIND = f"GET /public/behind HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


@pytest.fixture(scope="module")
def plain(shared: Path) -> Iterator[Scene]:
    with scene() as running:
        yield running


@pytest.fixture(scope="module")
def trusting(shared: Path) -> Iterator[Scene]:
    with scene(trusted=True) as running:
        yield running


@pytest.fixture(scope="module")
def attacks(shared: Path, plain: Scene) -> list[Attack]:
    return load(shared / "cases" / "attacks.jsonl", plain.words)


def judge(attack: Attack, answer: Answer, records: list[Record], *, exact: bool = True) -> list[str]:
    """What is wrong with an answer. exact: the status must be one that the case names, else it may be stricter."""
    faults = []
    if answer.status in attack.never or answer.status >= 500:
        faults.append(f"status {answer.status}")
    if exact and answer.status not in attack.expect:
        faults.append(f"status {answer.status}, right is {sorted(attack.expect)}")
    if answer.status == 401 and not answer.all("www-authenticate"):
        faults.append("401 without challenge")
    return faults + _reached(attack, records)


def _reached(attack: Attack, records: list[Record]) -> list[str]:
    if attack.upstream == "not_reached":
        return [f"the application was reached: {record.line}" for record in records]
    told = [[value for name in IDENTITY[:1] for value in record.values(name)] for record in records]
    if attack.upstream.startswith("reached only with") and any(one != ["alice"] for one in told):
        return [f"the application was told {told}"]
    if attack.upstream.startswith("reached without") and any(
        record.values(name) for record in records for name in IDENTITY
    ):
        return ["the application was told an identity"]
    return []


def test_every_case_is_played_or_left_out_with_a_reason(shared: Path, attacks: list[Attack]) -> None:
    listed = [json.loads(line) for line in (shared / "cases" / "attacks.jsonl").read_text("utf-8").splitlines()]
    assert {case["id"] for case in listed} == {attack.id for attack in attacks} | set(LEFT_OUT)
    assert all(attack.mode in MODES for attack in attacks)
    assert len(listed) == 55


def test_each_case_is_answered_rightly(
    plain: Scene, trusting: Scene, attacks: list[Attack], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {}
    for attack in attacks:
        at = trusting if "trusted_peer" in attack.mode else plain
        if attack.id == "credential-06":  # first where it is good, then where it is not
            assert at.play(attack.with_target("/tenant-a/x"))[0].status == 200
        wrong[attack.id] = judge(attack, *at.play(attack))
    with capsys.disabled():
        right = sum(not faults for faults in wrong.values())
        print(f"\n  attacks, gateway: {right} of {len(attacks)} right; left out:", end="")
        for name, reason in LEFT_OUT.items():
            print(f"\n    {name}: {reason}", end="")
    assert {name: faults for name, faults in wrong.items() if faults} == {}


def spellings(target: str) -> set[str]:
    """A target with its escapes in other case, doubled, deeper, behind a query; the same trick in other words."""
    path, mark, query = target.partition("?")
    found = {
        path.upper(),
        path.lower(),
        path.replace("%2e", "%2E"),
        path.replace("..", "%2e%2e"),
        path.replace("..", ".%2E"),
    }
    found |= {path.replace("..", "%252e%252e"), path.replace("/../", "/%2e%2e%5c"), path.replace("/../", "/..%2f")}
    found |= {f"/public{path}", f"/public/x/y{path}", f"{path}/", f"{path}%20", f"{path}/.", f"/.{path}", f"/{path}"}
    found |= {path.replace("/admin", "//admin"), path.replace("/admin", "/;/admin"), path.replace("/admin", "/%61dmin")}
    found |= {path.replace("admin", "ＡＤＭＩＮ".encode().decode("latin-1")), path.replace("/", "%2f"), path + "%00"}
    return {f"{one}{mark}{query}" for one in found}


def names_admin(record: Record) -> bool:
    """Whether any reader could take what arrived for the admin area: decoded, folded, resolved as far as one can."""
    from urllib.parse import unquote

    text = record.target.partition("?")[0]
    for _ in range(3):
        text = unquote(text)
    parts: list[str] = []
    for part in text.replace("\\", "/").lower().split("/"):
        name = part.partition(";")[0].strip()
        if name == "..":
            parts[-1:] = []
        elif name not in ("", "."):
            parts.append(name)
    return parts[:1] == ["admin"]


def test_no_spelling_of_a_path_leads_a_stranger_into_the_admin_area(plain: Scene, attacks: list[Attack]) -> None:
    holes, sent = [], 0
    for attack in attacks:
        if not attack.id.startswith("path-"):
            continue
        for target in spellings(attack.target):
            answer, records = plain.play(attack.with_target(target))
            sent += 1
            if any(map(names_admin, records)) or answer.status >= 500:
                holes.append((attack.id, target, answer.status, [record.line for record in records]))
    assert not holes, "\n".join(map(str, holes))
    assert sent > 250


def variations(attack: Attack) -> Iterator[tuple[str, bytes]]:
    """The same request in other clothes: case and order of fields, an older version of HTTP, a field more."""
    fields = attack.fields
    yield "lower case", attack.with_fields([(name.lower(), value) for name, value in fields]).octets()
    yield "upper case", attack.with_fields([(name.upper(), value) for name, value in fields]).octets()
    yield "another order", attack.with_fields(fields[::-1]).octets()
    yield "blanks around", attack.with_fields([(name, f"  {value} \t") for name, value in fields]).octets()
    yield "HTTP/1.0", attack.octets("HTTP/1.0")
    yield "a query", attack.with_target(f"{attack.target}{'&' if '?' in attack.target else '?'}a=/public/").octets()
    yield "a lower method", attack.octets().replace(attack.method.encode(), attack.method.lower().encode(), 1)


def test_the_same_in_other_clothes_is_answered_no_more_laxly(plain: Scene, attacks: list[Attack]) -> None:
    holes = []
    for attack in attacks:
        if attack.mode != "gateway":
            continue
        for name, octets in variations(attack):
            faults = judge(attack, *plain.play(attack, octets), exact=False)
            holes += [(attack.id, name, fault) for fault in faults]
    assert not holes, "\n".join(map(str, holes))


def test_a_request_behind_an_attack_is_a_request_of_its_own(plain: Scene, attacks: list[Attack]) -> None:
    holes = []
    for attack in attacks:
        if attack.mode != "gateway" or attack.id == "identity-04":
            continue
        answers, records = plain.pair(attack.octets(close=False), BEHIND)
        behind = [record for record in records if record.target == "/public/behind"]
        others = [record for record in records if record.target != "/public/behind"]
        faults = judge(attack, answers[0], others, exact=False)
        if any(record.values(name) for record in behind for name in IDENTITY):
            faults.append("the identity of the first went with the second")
        if len(answers) == 2 and answers[1].status not in (0, 200, 400):
            faults.append(f"the second was answered {answers[1].status}")
        holes += [(attack.id, fault) for fault in faults]
    assert not holes, "\n".join(map(str, holes))


def test_an_upgraded_connection_carries_the_identity_of_its_handshake_alone(
    plain: Scene, attacks: list[Attack]
) -> None:
    attack = next(one for one in attacks if one.id == "identity-04")
    answer, records = plain.play(attack)
    assert judge(attack, answer, records) == []
    if answer.status == 101:
        assert [record.values("x-doorward-user") for record in records] == [["alice"]]


@pytest.mark.parametrize(
    "back",
    [
        *("//evil.test/", "/\t/evil.test/", "/%09/evil.test/", "https://app.test.evil.test/", "javascript:alert(1)"),
        *("http:evil.test", "/\\evil.test", "https:evil.test", "///evil.test", "/.doorward/logout", "/%2f/evil.test"),
        "\u2044/evil.test",
    ],
)
def test_a_login_leads_nowhere_but_to_a_page_of_ours(plain: Scene, back: str) -> None:
    """Class open-redirect: the form is shown, filled in and followed."""
    from html.parser import HTMLParser

    hidden: dict[str, str] = {}

    class Form(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = {key: value or "" for key, value in attrs}
            if tag == "input" and values.get("type") == "hidden":
                hidden[values["name"]] = values.get("value", "")

    host = f"Host: {HOST}\r\nAccept: text/html\r\nConnection: close\r\n"
    host += "".join(f"{name}: {value}\r\n" for name, value in NAVIGATION)
    page = plain.gateway.raw(f"GET /.doorward/login?next={quote(back, safe='')} HTTP/1.1\r\n{host}\r\n".encode())
    assert page.status == 200
    Form().feed(page.body.decode())
    assert EVIL not in hidden.get("next", "")
    for way in (hidden.get("next", ""), back):  # as the form says, and as a page of an attacker would post it
        body = "&".join(
            f"{key}={quote(value, safe='')}"
            for key, value in {**hidden, "next": way, "username": "alice", "password": "password of alice"}.items()
        ).encode()
        cookie = page.all("set-cookie")[0].partition(";")[0]
        extra = f"Origin: {OWN}\r\nCookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        head = f"POST /.doorward/login HTTP/1.1\r\n{host}{extra}Content-Length: {len(body)}\r\n\r\n"
        done = plain.gateway.raw(head.encode() + body)
        assert done.status in REDIRECTS
        location = done.one("location")
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\", "/.doorward"))
        assert EVIL not in location
