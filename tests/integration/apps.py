"""Third-party applications that stand behind the door in tests: httpbin, datasette, jupyter-server.

They live in a virtual environment of their own (`.apps-venv`, kept between runs, ignored by git), so that their
dependencies never meet ours. Rule: nothing here knows doorward; an application is a process with a URL.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(os.environ.get("DOORWARD_APPS_VENV", ROOT / ".apps-venv"))
# httpbin still asks for pkg_resources, which setuptools dropped in 81.
PACKAGES = ("setuptools<81", "httpbin", "datasette", "jupyter-server", "ipykernel")
PATIENCE = 60.0
"""Seconds an application may take to answer for the first time, on a loaded machine."""


@dataclass(frozen=True, slots=True)
class App:
    """A running application. url: without a trailing slash; process: its pid's owner; folder: its own files."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


def python() -> Path:
    """The interpreter of the applications' environment."""
    return VENV / "bin" / "python"


def ensure_apps() -> str:
    """Create the environment when it is absent. Returns: why it cannot be had, empty when it can."""
    with VENV.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may begin at once
        return _made()


def _made() -> str:
    mark = VENV / ".ready"
    wanted = "\n".join(PACKAGES)
    if mark.is_file() and mark.read_text() == wanted:
        return ""
    steps = (
        [sys.executable, "-m", "venv", str(VENV)],
        [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            return f"third-party applications cannot be installed: {last[0]}"
    (VENV / ".gitignore").write_text("*\n")
    mark.write_text(wanted)
    return ""


def need_apps() -> None:
    """Skip the test, with the reason, where the applications cannot be had."""
    reason = ensure_apps()
    if reason:
        pytest.skip(reason)


def free_port() -> int:
    """A port nobody listens on right now; for programs that cannot bind port 0 and say which they got."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process we started: ask, wait, then kill."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the first answer, of whatever status. Raises RuntimeError with the log when the process ends first."""
    end = time.monotonic() + PATIENCE
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{url} never answered:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


@contextmanager
def started(command: list[str], port: int, probe: str = "/", env: dict[str, str] | None = None) -> Iterator[App]:
    """Run a command that listens on 127.0.0.1:port, in a throw-away folder; `{folder}` in it is replaced."""
    folder = Path(tempfile.mkdtemp(prefix="doorward-app-"))
    log = folder / "log.txt"
    url = f"http://127.0.0.1:{port}"
    words = [word.replace("{folder}", str(folder)) for word in command]
    surroundings = {**os.environ, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=folder, env=surroundings, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(url + probe, process, log)
        yield App(url, process, folder)
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


HTTPBIN = """
import sys
from httpbin import app
from werkzeug.serving import WSGIRequestHandler, make_server
WSGIRequestHandler.protocol_version = "HTTP/1.1"  # keep-alive, as in front of a real server
make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
"""


@contextmanager
def httpbin() -> Iterator[App]:
    """httpbin on threads: every method, uploads, redirects, cookies, streams, its own 401."""
    need_apps()
    port = free_port()
    with started([str(python()), "-c", HTTPBIN, str(port)], port, "/get") as app:
        yield app


ITEMS = ((1, "lamp", "carol"), (2, "chair", "dave"), (3, "desk", "carol"))


def _database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, owner TEXT)")
        db.executemany("INSERT INTO items VALUES (?, ?, ?)", ITEMS)
        db.execute("CREATE TABLE salaries (id INTEGER PRIMARY KEY, amount INTEGER)")
        db.execute("INSERT INTO salaries VALUES (1, 4200)")
    db.close()


@contextmanager
def datasette() -> Iterator[App]:
    """Datasette over one database `shop` with the tables items and salaries."""
    need_apps()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        _database(path)
        command = [str(VENV / "bin" / "datasette"), "serve", str(path), "--host", "127.0.0.1", "--port", str(port)]
        with started(command, port, "/-/versions.json") as app:
            yield app


@contextmanager
def jupyter() -> Iterator[App]:
    """jupyter-server without its own token: whoever reaches it may run code, so the door is all there is."""
    need_apps()
    port = free_port()
    command = [
        str(python()),
        "-m",
        "jupyter_server",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.allow_origin=*",
    ]
    # The kernels are found inside the environment, never in the account of whoever runs the tests (HOME is the folder).
    env = {"JUPYTER_PREFER_ENV_PATH": "1", "VIRTUAL_ENV": str(VENV)}
    with started(command, port, "/api/status", env) as app:
        yield app


def version(package: str) -> str:
    """Version of an installed application, for the printed head of a run."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([str(python()), "-c", code], capture_output=True, text=True, check=False)
    found = re.search(r"[\d.]+\S*", done.stdout)
    return found[0] if found else "unknown"
