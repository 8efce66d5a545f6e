"""`doorward serve` as a real process in front of an application, and the requests tests send to it.

Rule: everything goes through the command line and sockets; nothing is imported from doorward.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import issuer

PATIENCE = 60.0
"""Seconds for anything that has to happen at last, on a loaded machine."""
DOORWARD = str(Path(sys.executable).parent / "doorward")
Fields = list[tuple[str, str]]
SESSION = "__Host-doorward"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. status 0: the connection was closed without an answer; headers: in wire order."""

    status: int
    headers: Fields
    body: bytes

    def __iter__(self) -> Iterator[object]:
        return iter((self.status, self.headers, self.body))

    def all(self, name: str) -> list[str]:
        """Values of a field, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        """The only value of a field; empty when it is absent."""
        found = self.all(name)
        assert len(found) < 2, f"{name} stands {len(found)} times"
        return found[0] if found else ""

    @property
    def schemes(self) -> list[str]:
        """Schemes of the challenges, in order."""
        return [value.split(" ")[0] for value in self.all("WWW-Authenticate")]


class _Inputs(HTMLParser):
    """The fields of the first form of a page: (name, type, value)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values.get("name"):
            self.found.append((str(values["name"]), values.get("type") or "text", values.get("value") or ""))


@dataclass
class Gateway:
    """A running `doorward serve`. url, control: without a trailing slash; output: its lines so far, both streams."""

    folder: Path
    process: subprocess.Popen[str] = field(repr=False)
    output: list[str] = field(default_factory=list, repr=False)
    url: str = ""
    control: str = ""
    _up: threading.Event = field(default_factory=threading.Event, repr=False)
    _readers: list[threading.Thread] = field(default_factory=list, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the public listener."""
        return _address(self.url)

    @property
    def text(self) -> str:
        """All it said."""
        return "\n".join(self.output)

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.output.append(line.rstrip("\n"))
            if found := re.search(r"\blisten\s+(http://\S+:\d+)", line):
                self.url = found[1]
            if found := re.search(r"\bcontrol\s+(http://\S+:\d+)", line):
                self.control = found[1]
            if "ready in" in line:
                self._up.set()
        self._up.set()

    def wait(self) -> None:
        """Until it says that it is ready. Raises RuntimeError with its words when it ends before."""
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            self._readers.append(threading.Thread(target=self._read, args=(stream,), daemon=True))
            self._readers[-1].start()
        if not self._up.wait(PATIENCE) or not self.url or self.process.poll() is not None:
            self.stop()
            raise RuntimeError(f"doorward serve did not become ready:\n{self.text}")

    def stop(self) -> int:
        """End it by its own handle. Returns: its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return self.process.returncode

    def cli(self, *args: str, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002 - as in subprocess
        """Run another command on the same policy and data."""
        return subprocess.run(
            [DOORWARD, *args], input=input, env=_env(self.folder), capture_output=True, text=True, check=False
        )

    def add_user(self, name: str, password: str, *roles: str) -> None:
        """Make a local account."""
        words = [word for role in roles for word in ("--role", role)]
        done = self.cli("user", "add", name, *words, "--password-stdin", input=f"{password}\n")
        assert done.returncode == 0, done.stdout + done.stderr

    def raw(self, data: bytes, *, control: bool = False, timeout: float = PATIENCE) -> Answer:
        """Send these octets on a connection of their own and read one answer; nothing is added or repaired."""
        with socket.create_connection(_address(self.control if control else self.url), timeout=timeout) as connection:
            connection.sendall(data)
            return read_answer(connection, data.split(b" ", 1)[0].decode("latin-1"))

    def ask(self, method: str, target: str, *fields: tuple[str, str], body: bytes = b"", **where: bool) -> Answer:
        """One request with Host, Connection: close and, where there is a body, its Content-Length."""
        host = (self.control if where.get("control") else self.url).removeprefix("http://")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body, control=where.get("control", False))

    def get(self, target: str, *fields: tuple[str, str]) -> Answer:
        """GET."""
        return self.ask("GET", target, *fields)

    def log_in(self, name: str, password: str) -> tuple[str, str]:
        """The Cookie field of a new session, got by the built-in page as a browser does it."""
        page = self.get("/.doorward/login", ("Accept", "text/html"), *NAVIGATION)
        assert page.status == 200, (page.status, page.body)
        form = _Inputs()
        form.feed(page.body.decode())
        filled = {key: _fill(kind, value, name, password) for key, kind, value in form.found}
        cookie = "; ".join(value.split(";")[0] for value in page.all("Set-Cookie"))
        fields = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", self.url)]
        fields += [("Sec-Fetch-Site", "same-origin"), ("Accept", "text/html"), *NAVIGATION]
        fields += [("Cookie", cookie)] if cookie else []
        done = self.ask("POST", "/.doorward/login", *fields, body=urlencode(filled).encode())
        found = [value.split(";")[0] for value in done.all("Set-Cookie") if value.startswith(f"{SESSION}=")]
        assert found, (done.status, done.headers, done.body[:400])
        return "Cookie", found[-1]


NAVIGATION = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))


def _fill(kind: str, value: str, name: str, password: str) -> str:
    return {"hidden": value, "password": password}.get(kind, name)


def _address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
    """One answer from a socket; a closed connection is status 0."""
    reply = http.client.HTTPResponse(connection, method=method)
    try:
        reply.begin()
        return Answer(reply.status, reply.getheaders(), reply.read())
    except (http.client.BadStatusLine, ConnectionError):
        return Answer(0, [], b"")
    finally:
        reply.close()


def _env(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DOORWARD_POLICY": str(folder / "doorward.toml"),
        "DOORWARD_DATA": str(folder / "data"),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def launch(folder: Path, upstream: str, *more: str) -> Gateway:
    """Start `doorward serve` on the policy and data of a folder, and wait until it is ready. more: switches."""
    command = [DOORWARD, "serve", "--policy", str(folder / "doorward.toml"), "--data", str(folder / "data")]
    command += ["--to", upstream, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", *more]
    process = subprocess.Popen(
        command, cwd=folder, env=_env(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    gateway = Gateway(folder, process)
    gateway.wait()
    return gateway


@contextmanager
def workplace(policy: str) -> Iterator[Path]:
    """A folder with this policy and the key set of the tests' issuer, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="doorward-test-"))
    try:
        (folder / "doorward.toml").write_text(policy)
        (folder / "jwks.json").write_text(issuer.jwks())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(policy: str, upstream: str, *more: str) -> Iterator[Gateway]:
    """Run `doorward serve` with this policy in front of a URL. more: further switches."""
    with workplace(policy) as folder:
        gateway = launch(folder, upstream, *more)
        try:
            yield gateway
        finally:
            gateway.stop()
