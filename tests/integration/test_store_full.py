"""No room for databases: what memory knows goes on, what must be counted is 503, and all comes back with the room.

The limit on file sizes is put on the running process from outside (setrlimit(2): a write beyond it fails with EFBIG).
"""

from __future__ import annotations

import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from gateway import Answer, Gateway, serving
from issuer import basic, bearer
from recorder import recording
from test_kill import recorded
from wires import TRUSTING, Wire, policy, request, samples, somewhere, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2) is a system call of Linux")
PASSWORD = "correct horse battery"


@contextmanager
def full(gateway: Gateway) -> Iterator[None]:
    """No file of the process may grow, or be written beyond its first octet."""
    room = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (1, room[1]))
    try:
        yield
    finally:
        resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, room)


@contextmanager
def stand(*tables: str) -> Iterator[Gateway]:
    with recording() as application, serving(policy(TRUSTING, *tables), application.url) as gateway:
        for name in ("alice", "bob"):
            gateway.add_user(name, PASSWORD, "member")
        yield gateway


def metric(gateway: Gateway, name: str) -> float:
    return sum(samples(gateway.ask("GET", "/metrics", control=True).body, name))


def unavailable(answer: Answer) -> bool:
    """503 that says when to come back."""
    assert answer.status in (200, 401, 403, 503), (answer.status, answer.body)
    return answer.status == 503 and int(answer.one("retry-after")) > 0


def test_what_is_in_memory_goes_on_and_no_password_is_looked_at_uncounted() -> None:
    with stand() as gateway:
        token, alice = bearer("carol", ["member"]), basic("alice", PASSWORD)
        key = ("X-API-Key", gateway.cli("key", "add", "alice", "-q").stdout.split()[0])
        session = gateway.log_in("bob", PASSWORD)
        known = (token, alice, key, session)
        assert [gateway.get("/mine/x", one).status for one in known] == [200] * 4
        with full(gateway):
            for _ in range(3):
                assert [gateway.get("/mine/x", one).status for one in known] == [200] * 4
                assert gateway.get("/open/x").status == 200
                assert gateway.get("/mine/x", bearer("dora", ["member"])).status == 200  # not seen before, but signed
                assert gateway.get("/mine/x").status == 401
                assert gateway.get("/admin/x", token).status == 403
                for password in (PASSWORD, "a wrong password"):  # right or wrong: nobody may find out uncounted
                    assert unavailable(gateway.get("/mine/x", basic("bob", password)))
                    assert unavailable(gateway.get("/mine/x", basic("nobody", password)))
                    body = f'{{"username": "bob", "password": "{password}"}}'.encode()
                    assert unavailable(
                        gateway.ask("POST", "/.doorward/login", ("Content-Type", "application/json"), body=body)
                    )
            assert gateway.ask("GET", "/live", control=True).status == 200
        until(lambda: gateway.get("/mine/x", basic("bob", PASSWORD)).status == 200)
        assert gateway.get("/mine/x", basic("nobody", PASSWORD)).status == 401
        gateway.log_in("bob", PASSWORD)
        assert metric(gateway, "doorward_bugs_total") == 0


def test_refusals_that_the_ledger_cannot_take_wait_then_are_counted_and_logged_once() -> None:
    with stand() as gateway:
        assert metric(gateway, "ledger_lost_total") == 0
        with full(gateway):
            ids = flood(gateway, 6_000)
            until(lambda: metric(gateway, "ledger_lost_total") > 0)
            assert metric(gateway, "ledger_down") == 1
            ids += flood(gateway, 1_000)
        until(lambda: metric(gateway, "ledger_down") == 0)
        until(lambda: metric(gateway, "ledger_queue") == 0)
        kept = recorded(gateway.folder)
        lost = int(metric(gateway, "ledger_lost_total"))
        # What was lost is the oldest, and their number is told.
        assert [name not in kept for name in ids] == [True] * lost + [False] * (len(ids) - lost)
        (after,) = flood(gateway, 1)
        until(lambda: after in recorded(gateway.folder))
        said = gateway.text
        assert said.count("the ledger cannot be written") == 1, said
        assert said.count("could not be recorded so far") == 1, said
        assert said.count("the ledger is written again") == 1, said
        assert f"{lost} refusals were not recorded" in said, said


def flood(gateway: Gateway, number: int) -> list[str]:
    """So many refusals, each from a network of its own. Returns: their ids."""
    ids: list[str] = []
    with Wire(gateway.address) as wire:
        while len(ids) < number:
            turn = min(50, number - len(ids))
            wire.send(b"".join(request("GET", "/mine/x", somewhere()) for _ in range(turn)))
            answers = [wire.answer() for _ in range(turn)]
            assert {answer.status for answer in answers} == {401}
            ids += [answer.one("x-request-id") for answer in answers]
    return ids


@pytest.mark.parametrize("mode", ["batch", "sync"])
def test_no_record_no_access_where_the_policy_says_so(mode: str) -> None:
    with stand(f'[ledger]\nrequired = true\nmode = "{mode}"\n') as gateway:
        token = bearer("carol", ["member"])
        assert gateway.get("/mine/x", token).status == 200
        assert gateway.ask("GET", "/ready", control=True).status == 200
        with full(gateway):
            gateway.get("/mine/x", somewhere())  # the first refusal that cannot be written shows it
            until(lambda: unavailable(gateway.get("/mine/x", token)))
            assert unavailable(gateway.get("/open/x"))
            assert gateway.ask("GET", "/ready", control=True).status == 503
        until(lambda: gateway.get("/mine/x", token).status == 200)
        assert gateway.get("/open/x").status == 200
        until(lambda: gateway.ask("GET", "/ready", control=True).status == 200)


def test_a_store_that_somebody_else_keeps_locked_stops_nobody_but_those_who_must_be_counted() -> None:
    with stand() as gateway:
        token = bearer("carol", ["member"])
        assert gateway.get("/mine/x", token).status == 200
        with closing(sqlite3.connect(gateway.folder / "data" / "doorward.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with Wire(gateway.address) as waiting, Wire(gateway.address) as wire:
                waiting.send(request("GET", "/mine/x", basic("bob", PASSWORD)))
                for _ in range(200):
                    assert wire.ask("GET", "/mine/x", token).status == 200
                    assert wire.ask("GET", "/open/x").status == 200
                assert unavailable(waiting.answer())
            other.execute("ROLLBACK")
        assert gateway.get("/mine/x", basic("bob", PASSWORD)).status == 200
