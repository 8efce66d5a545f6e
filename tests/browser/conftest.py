"""A Chromium, a door and an application for the tests of this folder; each is started once."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

# The real process behind these tests is started as the integration tests start it.
sys.path.append(str(Path(__file__).resolve().parents[1] / "integration"))

from devtools import Browser, Tab, chromium
from gateway import Gateway, serving

POLICY = """
version = 1
realm   = "shop"
default = "deny"

[credentials]
session = { idle = "30m", absolute = "12h" }
basic   = { accounts = "local" }

[roles]
admin = ["customer"]

[pages]
brand       = "Ember & Oak"
support_url = "https://help.example/"

[[rule]]
name   = "front"
path   = ["/", "/about"]
access = "public"

[[rule]]
name   = "narrow"
path   = "/narrow"
access = "public"
limit  = { rate = "1/hour", by = ["route"] }

[[rule]]
name  = "orders"
path  = ["/orders/**", "/away"]
roles = ["customer"]

[[rule]]
name  = "secret"
path  = "/admin/secret"
roles = ["admin"]
hide  = true

[[rule]]
name  = "admin"
path  = "/admin/**"
roles = ["admin"]
"""
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The shop</title><link rel="icon" href="data:,">
<h1>{path}</h1><p id="who">{who}</p><p id="method">{method}</p>
<form method="post" action="{action}"><input name="a" value="b"><button>Send</button></form></html>"""


class _Shop(http.server.BaseHTTPRequestHandler):
    """An application that knows nothing of the door. /away leads to its other address; ?to= is where its form goes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        here = f"http://{self.server.server_address[0]}:{self.server.server_address[1]}"
        if path == "/away":
            self._say(302, b"", ("Location", f"{here}/landed"))
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        facts = {"path": path, "who": self.headers.get("X-Doorward-User", ""), "method": self.command}
        self._say(200, _PAGE.format(action=query.removeprefix("to="), **facts).encode(), ("Content-Type", "text/html"))

    do_POST = do_GET  # noqa: N815 - the library's name

    def _say(self, status: int, body: bytes, *fields: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*fields, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The application's own address: to the browser another origin of the same site."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def door(shop: str) -> Iterator[Gateway]:
    """`doorward serve` before the shop, with one account a role and some for those who fail."""
    with serving(POLICY, shop) as gateway:
        for name, role in (("carol", "customer"), ("alice", "admin"), ("wanda", "customer"), ("theodor", "customer")):
            gateway.add_user(name, f"pw-{name}", role)
        yield gateway


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A page in a window of its own. At its end: no dialogue was opened, nothing of ours was refused by the browser."""
    with browser.tab() as found:
        found.look()
        yield found
        assert found.dialogues == []
        # "Failed to load resource" is how the console tells the status of an answer: 401 and 403 are what is asked for.
        assert [line for line in found.log if "Failed to load resource" not in line] == []
