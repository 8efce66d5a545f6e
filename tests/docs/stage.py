"""Where the blocks of one document run: a folder of their own, a shell, an application behind, free ports.

The documents say 3000 for the application, 8080 and 8081 for the gateway, 8088 and 8089 for other proxies; here these
are free ports of this machine, so that documents can run beside each other.
Rule: everything started here is ended here, by its own handle.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

from blocks import Block, alike, commands

from doorward.policyfile.load import load_text

PATIENCE = 60.0
"""Seconds for anything that has to happen at last, on a loaded machine."""
_PORTS = re.compile(r"(?<![\w.])(3000|8080|8081|8088|8089)(?!\w)")
_DEMO = re.compile(r":(\d+)   the shop, guarded")
_END = "\x1e\n"


class Application(BaseHTTPRequestHandler):
    """Says what it was asked, and by whom according to the door."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(size)
        user, roles = self.headers.get("X-Doorward-User", "nobody"), self.headers.get("X-Doorward-Roles", "")
        body = f"{self.command} {self.path} for {user}{f' ({roles})' if roles else ''}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        """Silence."""


class WrongError(AssertionError):
    """A block does not do what it says."""


class Stage:
    """The folder and the processes of one document. programs: those of `needs` that are installed."""

    def __init__(self, folder: Path, programs: frozenset[str]) -> None:
        self.folder = folder
        self._programs = programs
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        own = {name: _free() for name in ("8080", "8081", "8088", "8089")}
        self._own: dict[str, object] = {"3000": self._server.server_address[1], **own}
        self._ports = dict(self._own)
        self._running: list[Running] = []
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        keep = {name: value for name, value in os.environ.items() if not name.startswith("DOORWARD_")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
        return keep | {
            "PATH": path,
            "HOME": str(self.folder),
            "NO_COLOR": "1",
            "COLUMNS": "160",
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }

    def play(self, block: Block) -> None:
        """Do what a block says. Raises WrongError when it does something else."""
        if block.reason or (block.needs and block.needs not in self._programs):
            return
        text = self._placed(block.text)
        if "policy" in block.words:
            findings = load_text(text.encode(), file="block", folder=self.folder).findings
            if wrong := [one.text("block") for one in findings if one.level == "error"]:
                raise WrongError("\n".join(wrong))
        if block.file:
            (self.folder / block.file).write_text(text)
        elif block.kind == "sh":
            self._succeed(text)
        elif block.kind == "console":
            self._talk(block)

    def _succeed(self, text: str) -> None:
        # The first command that fails ends the shell, and with it the document.
        self._run(f"set -e\n{text}set +e")

    def _talk(self, block: Block) -> None:
        if "serves" in block.words:
            self._ports = dict(self._own)
        for command in commands(block):
            text = self._placed(command.text)
            if "serves" in block.words:
                self._serve(text, command.output)
                continue
            said = self._run(text)
            if not alike(command.output, said):
                raise WrongError(_differs(command.text, command.output, said))

    def _placed(self, text: str) -> str:
        return _PORTS.sub(lambda found: str(self._ports[found[1]]), text)

    def _run(self, text: str) -> str:
        """Run a command in the shell of the document. Returns: what it said on both streams."""
        shell = self._shell
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(f"{{ {text}\n}} </dev/null; _s=$?; printf '\\036\\n'; (exit $_s)\n")
        shell.stdin.flush()
        watchdog = threading.Timer(PATIENCE, os.killpg, (shell.pid, signal.SIGKILL))
        watchdog.start()
        try:
            return self._heard(shell.stdout, text)
        finally:
            watchdog.cancel()

    def _heard(self, stream: IO[str], text: str) -> str:
        said = ""
        while True:
            line = stream.readline()
            if not line:
                raise WrongError(f"exit code {self._shell.wait()} of\n{text}\n{said}")
            if line.endswith(_END):
                return said + line.removesuffix(_END)
            said += line

    def _serve(self, text: str, wanted: tuple[str, ...]) -> None:
        """Start a command that goes on running, and wait until it has said what it should."""
        one = Running(text, self.folder, self._environment())
        self._running.append(one)
        if not one.says(wanted):
            raise WrongError(_differs(text, wanted, one.said))
        if found := _DEMO.search(one.said):  # the demo takes the next free port by itself
            self._ports["8080"] = found[1]

    def close(self) -> None:
        """End all that runs."""
        for one in reversed(self._running):
            one.close()
        self._server.shutdown()
        self._server.server_close()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.close()
        _end(self._shell)
        self._shell.stdout.close()


class Running:
    """A command that goes on running, and what it has said so far."""

    def __init__(self, text: str, folder: Path, environment: dict[str, str]) -> None:
        self.said = ""
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-c", f"exec {text}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.said += line
        self._process.wait()  # so that a command that ended is seen to be gone

    def says(self, wanted: tuple[str, ...]) -> bool:
        """Whether it says this before patience ends; a command that ended says no more."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            ended = self._process.poll() is not None
            if ended:
                self._reader.join(PATIENCE)
            if alike(wanted, self.said):
                return True
            if ended:
                return False
            time.sleep(0.05)
        return False

    def close(self) -> None:
        """End it as Ctrl-C would."""
        _end(self._process)
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and what it started: it leads a group of its own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _differs(command: str, wanted: tuple[str, ...], said: str) -> str:
    return "\n".join([f"$ {command}", "-- wanted", *wanted, "-- said", said])


@contextmanager
def staged(folder: Path, programs: frozenset[str] = frozenset()) -> Iterator[Stage]:
    """A stage that is cleared afterwards."""
    stage = Stage(folder, programs)
    try:
        yield stage
    finally:
        stage.close()


def play(document: Path, found: list[Block], stage: Stage) -> None:
    """All blocks of a document, in order. Raises WrongError with file and line."""
    for block in found:
        try:
            stage.play(block)
        except (WrongError, ValueError) as error:
            raise WrongError(f"{document.name}:{block.line}: {error}") from error
