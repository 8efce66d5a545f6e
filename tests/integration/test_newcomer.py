"""The first ten minutes of somebody who has never seen this: one folder, one application, command after command.

Each step is what the step before told to do; words are checked only where a person would be lost without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway import Gateway, launch
from issuer import basic
from recorder import Recorder, recording
from wires import until

PASSWORD = "correct horse battery"
BROKEN = '\n[[rule]]\nname = "shop"\npth  = "/shop/**"\n'
MENDED = '\n[[rule]]\nname   = "shop"\npath   = "/shop/**"\nmethods = ["GET"]\naccess = "public"\n'
CASES = """
[[case]]
name    = "strangers are asked who they are"
request = "GET /admin/settings"
expect  = { status = 401 }

[[case]]
name    = "members do not settle things"
request = "GET /admin/settings"
as      = { id = "eve", roles = ["member"] }
expect  = { status = 403 }
"""


@pytest.fixture
def application() -> Iterator[Recorder]:
    with recording() as running:
        yield running


class Newcomer:
    """Somebody at a terminal in a fresh folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._terminal = Gateway(folder, process=None)  # type: ignore[arg-type]  # commands alone

    def good(self, *args: str, secret: str | None = None) -> str:
        """A command that works. Returns: everything it said."""
        done = self._terminal.cli(*args, input=secret)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def bad(self, *args: str) -> str:
        """A command that does not. Returns: everything it said, which is for people."""
        done = self._terminal.cli(*args)
        assert done.returncode, done.stdout
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    @property
    def policy(self) -> Path:
        return self.folder / "doorward.toml"


def test_from_an_empty_folder_to_a_guarded_application(tmp_path: Path, application: Recorder) -> None:
    me = Newcomer(tmp_path)
    assert "doorward init" in me.bad("check")
    assert "doorward serve --to" in me.good("init", "--policy", str(me.policy))
    assert "force" in me.bad("init", "--policy", str(me.policy))  # never written over unasked
    assert "0 errors, 0 warnings" in me.good("policy", "lint")
    assert "no problems" in me.good("check", "--to", application.url)
    gateway = launch(tmp_path, application.url)
    try:
        walk(me, gateway, application)
    finally:
        assert gateway.stop() == 0
    assert "stopped" in gateway.text
    assert "Traceback" not in gateway.text


def walk(me: Newcomer, gateway: Gateway, application: Recorder) -> None:
    assert gateway.get("/").status == 200
    refused = gateway.get("/admin/settings")
    assert (refused.status, refused.schemes) == (401, ["Session", "Basic"])
    me.good("user", "add", "olga", "--role", "admin", "--password-stdin", secret=f"{PASSWORD}\n")
    assert gateway.get("/admin/settings", basic("olga", PASSWORD)).status == 200
    assert application.last.values("x-doorward-user") == ["olga"]
    assert gateway.get("/admin/settings", gateway.log_in("olga", PASSWORD)).status == 200
    why(me, refused.one("x-request-id"))
    use_a_key(me, gateway)
    edit(me, gateway)
    write_cases(me)


def why(me: Newcomer, name: str) -> None:
    """A refusal is found by its id, whole or as `tail` shows it."""
    until(lambda: "/admin/settings" in me.good("tail"))
    (short,) = set(re.findall(r"\b[0-9a-f]{12}\b", me.good("tail")))
    for one in (name, short):
        said = me.good("explain", one)
        assert "role admin" in said
        assert "would pass if" in said
    assert "404" in me.bad("explain", "--as", "anonymous", "GET", "/nowhere")
    assert "allowed" in me.good("explain", "--as", "olga", "GET", "/admin/settings")


def use_a_key(me: Newcomer, gateway: Gateway) -> None:
    """`init` leaves keys out, so the command says what is missing; then it works."""
    said = me.good("key", "add", "olga")
    advice = re.search(r"apikey = \{ header = \"X-API-Key\" \}", said)
    assert advice
    key = ("X-API-Key", said.split()[0])
    assert gateway.get("/admin/settings", key).status == 401
    text = me.policy.read_text()
    me.policy.write_text(text.replace("[credentials]", f"[credentials]\n{advice[0]}\n#", 1))
    until(lambda: gateway.get("/admin/settings", key).status == 200)


def edit(me: Newcomer, gateway: Gateway) -> None:
    """A broken policy is not taken, and says so in three places; a mended one counts at once."""
    text = me.policy.read_text()
    me.policy.write_text(text + BROKEN)
    until(lambda: "not taken" in gateway.text)
    assert 'Did you mean "path"?' in gateway.text
    assert gateway.get("/admin/settings", basic("olga", PASSWORD)).status == 200
    assert b'"stale": true' in gateway.ask("GET", "/ready", control=True).body
    assert 'Did you mean "path"?' in me.bad("policy", "lint")
    assert 'Did you mean "path"?' in me.bad("check")
    assert gateway.get("/shop/x").status == 404
    me.policy.write_text(text + MENDED)
    until(lambda: gateway.get("/shop/x").status == 200)
    assert b'"stale": false' in gateway.ask("GET", "/ready", control=True).body
    assert "0 errors" in me.good("policy", "lint")


def write_cases(me: Newcomer) -> None:
    """`policy test` says what to write where there is nothing yet."""
    assert "expect = { status = " in me.bad("policy", "test")
    (me.folder / "doorward.test.toml").write_text(CASES)
    me.good("policy", "test")
    (me.folder / "doorward.test.toml").write_text(CASES.replace("status = 403", "status = 200"))
    assert "403" in me.bad("policy", "test")
