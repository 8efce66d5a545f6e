"""Starting, probing and ending the measured servers; each in a folder of its own, each on its own ports.

Rule: only processes started here are ended here, by their own handle.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 30.0
"""Seconds a server may take to answer for the first time."""


@dataclass(frozen=True)
class Answer:
    """Status, fields (lower-case names, several values joined by a comma) and body of one probe."""

    status: int
    fields: Mapping[str, str]
    body: bytes


@dataclass
class Server:
    """A running server. ports: by role, e.g. "decide", "proxy"."""

    name: str
    ports: Mapping[str, int]
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """The last lines it wrote."""
        return "\n".join((self.folder / "log.txt").read_text(errors="replace").splitlines()[-4:])

    def stop(self) -> None:
        """Ask, wait, kill; the folder goes too."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def new_folder() -> Path:
    """A throw-away folder."""
    return Path(tempfile.mkdtemp(prefix="doorward-bench-"))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; all held open until the last is known, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def spawn(name: str, command: Sequence[str], folder: Path, ports: Mapping[str, int]) -> Server:
    """Start a server; its output goes to log.txt in its folder."""
    # With the variable every start would compile its sources again, which no installation does.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=env)
    return Server(name, ports, folder, process)


def ask(port: int, path: str, fields: Mapping[str, str] | None = None, timeout: float = 5) -> Answer:
    """One GET. Raises OSError where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=dict(fields or {}))
        reply = connection.getresponse()
        found: dict[str, str] = {}
        for key, value in reply.getheaders():
            low = key.lower()
            found[low] = f"{found[low]}, {value}" if low in found else value
        return Answer(reply.status, found, reply.read())
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def wait_ready(server: Server, port: int, path: str = "/", status: int | None = None, pause: float = 0.02) -> float:
    """Seconds until the first answer (with that status, where one is given). Raises RuntimeError with the log."""
    begin = time.monotonic()
    while True:
        try:
            if status in {None, ask(port, path).status}:
                return time.monotonic() - begin
        except OSError:
            pass
        if server.process.poll() is not None or time.monotonic() - begin > PATIENCE:
            message = f"{server.name} never became ready:\n{server.log()}"
            server.stop()
            raise RuntimeError(message)
        time.sleep(pause)
