"""Killed in the middle of load, again and again on the same data: nothing that was acknowledged is lost.

Rule: what was acknowledged is what arrived at a client; how long a loss reaches back is measured and printed, not
asserted in seconds. Source: architecture.md 3.3, 5.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from gateway import Gateway, launch, workplace
from issuer import basic, bearer
from recorder import recording
from wires import TRUSTING, Wire, policy, somewhere, until

ROUNDS = 4
ENOUGH = 1_000
"""Refusals per round before the kill."""
PASSWORD = "correct horse battery"


@dataclass
class Load:
    """What clients got before the connections broke. refused: request id -> time of its arrival."""

    gateway: Gateway
    key: str
    refused: dict[str, float] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)
    allowed: int = 0
    faults: list[str] = field(default_factory=list)
    killed: float = 0.0

    def run(self) -> None:
        """Everything at once, until the process is killed in the middle of it."""
        parts: list[Callable[[Wire], None]] = [self._nobody, self._nobody, self._alice, self._wrong, self._key]
        parts += [self._login, self._burst]
        threads = [threading.Thread(target=self._repeat, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        try:
            until(self._enough)
        finally:
            self.gateway.process.kill()
            self.killed = time.monotonic()
            for thread in threads:
                thread.join()

    def _enough(self) -> bool:
        return bool(self.faults) or (len(self.refused) >= ENOUGH and bool(self.sessions) and self.allowed > 0)

    def _repeat(self, part: Callable[[Wire], None]) -> None:
        with suppress(OSError), Wire(self.gateway.address) as wire:
            while self.gateway.process.poll() is None:
                part(wire)

    def _take(self, wire: Wire, expected: int, method: str = "GET") -> None:
        answer = wire.answer(method)
        if answer.status == expected and expected >= 400:
            self.refused[answer.one("x-request-id")] = time.monotonic()
        elif answer.status not in (0, expected):
            self.faults.append(f"{answer.status} in place of {expected}: {answer.body[:200]!r}")
        elif answer.status == 200:
            self.allowed += 1

    def _ask(self, wire: Wire, expected: int, target: str, *fields: tuple[str, str]) -> None:
        wire.send(_get(target, somewhere(), *fields))
        self._take(wire, expected)

    def _nobody(self, wire: Wire) -> None:
        self._ask(wire, 401, "/mine/x")

    def _alice(self, wire: Wire) -> None:
        self._ask(wire, 403, "/admin/x", bearer("alice", ["member"]))

    def _wrong(self, wire: Wire) -> None:
        self._ask(wire, 401, "/mine/x", basic(f"nobody{somewhere()[1]}", PASSWORD))

    def _key(self, wire: Wire) -> None:
        self._ask(wire, 200, "/mine/x", ("X-API-Key", self.key))

    def _burst(self, wire: Wire) -> None:
        """Sixteen in one segment: many replies stand at the door of one commit."""
        wire.send(b"".join(_get("/admin/x", somewhere()) for _ in range(16)))
        for _ in range(16):
            self._take(wire, 401)

    def _login(self, wire: Wire) -> None:
        body = json.dumps({"username": "alice", "password": PASSWORD}).encode()
        answer = wire.ask("POST", "/.doorward/login", somewhere(), ("Content-Type", "application/json"), body=body)
        if answer.status == 200:
            self.sessions.append(answer.one("set-cookie").partition(";")[0])
        elif answer.status:
            self.faults.append(f"{answer.status} at login: {answer.body[:200]!r}")


def _get(target: str, *fields: tuple[str, str]) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode()


def recorded(folder: Path) -> set[str]:
    """The request ids in the ledger, as the next process finds it."""
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as db:
        return {name for (name,) in db.execute("SELECT id FROM event")}


def sound(folder: Path) -> None:
    for name in ("ledger.db", "doorward.db"):
        with closing(sqlite3.connect(folder / "data" / name)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], name
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["sync", "batch"])
def test_a_kill_in_the_middle_of_load_loses_nothing_that_was_acknowledged(
    mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = []
    with recording() as application, workplace(policy(TRUSTING, f'[ledger]\nmode = "{mode}"\n')) as folder:
        key, sessions, known = "", [], set[str]()
        for turn in range(ROUNDS):
            gateway = launch(folder, application.url)
            try:
                if not turn:
                    gateway.add_user("alice", PASSWORD, "member")
                    key = gateway.cli("key", "add", "alice", "-q").stdout.split()[0]
                for cookie in sessions[-3:]:  # of the process that was killed
                    assert gateway.get("/mine/x", ("Cookie", cookie)).status == 200
                load = Load(gateway, key)
                load.run()
            finally:
                gateway.stop()
            assert load.faults == []
            sound(folder)
            found = recorded(folder)
            assert known <= found
            missing = sorted(load.refused.keys() - found)
            lines.append(told(load, missing))
            if mode == "sync":
                assert missing == []
            else:
                # Ids rise, and commits keep their order: what is lost is the end, and nothing before it.
                assert all(name < missing[0] for name in load.refused.keys() & found if missing)
            known |= load.refused.keys() & found
            sessions += load.sessions
        explained = gateway.cli("explain", max(known))
        assert max(known) in explained.stdout, explained
    with capsys.disabled():
        print(f"\n  killed under load, ledger mode {mode}:", *lines, sep="\n    ", end="")


def told(load: Load, missing: list[str]) -> str:
    """One line for people."""
    back = max((load.killed - load.refused[name] for name in missing), default=0.0)
    return (
        f"{len(load.refused)} refusals acknowledged, {len(missing)} of them lost"
        f"{f', the first arrived {back * 1_000:.0f} ms before the kill' if missing else ''};"
        f" {len(load.sessions)} sessions opened, {load.allowed} keys used"
    )
