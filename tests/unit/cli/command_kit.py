"""Run `doorward` as a person does: arguments in, text and exit code out; in this process, in another, on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from doorward.cli.main import main

POLICY = """version = 1
realm   = "shop"
default = "deny"

[credentials]
bearer  = { issuers = ["idp"], audience = "https://api.example" }
session = { idle = "30m", absolute = "12h" }
apikey  = { header = "X-API-Key" }
basic   = { accounts = "local" }

[issuers.idp]
issuer     = "https://issuer.example"
jwks_file  = "jwks.json"
algorithms = ["ES256"]
roles      = "roles"

[roles]
admin = ["editor"]

[[rule]]
name    = "orders-read"
path    = "/orders/**"
methods = ["GET"]
roles   = ["editor"]
scopes  = ["orders:read"]

[[rule]]
name    = "orders-write"
path    = "/orders/**"
methods = ["POST"]
roles   = ["editor"]
scopes  = ["orders:write"]

[[rule]]
name     = "profile"
path     = "/users/{id}/profile"
owner    = "{id}"
or_roles = ["admin"]

[[rule]]
name = "documents"
path = "/documents/{doc}"
acl  = { object = "document:{doc}", GET = "read", PUT = "write" }
when = { days = "mon-fri", hours = "08:00-18:00", zone = "Europe/Kyiv" }
from = "office"
fresh = { max_age = "5m" }

[groups.office]
networks = ["10.0.0.0/8"]

[[rule]]
name  = "settings"
path  = "/settings"
roles = ["admin"]

[[rule]]
name   = "closed"
path   = "/closed"
access = "nobody"

[[rule]]
name    = "machines"
path    = "/machines"
schemes = ["apikey"]
access  = "authenticated"
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """A folder with a policy file and a data folder."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def write_policy(self, text: str = POLICY) -> Path:
        file = self.folder / "doorward.toml"
        file.write_text(text)
        return file

    def __call__(self, *arguments: str, stdin: str | bytes = b"") -> Done:
        """Run a command in this process."""
        octets = stdin.encode() if isinstance(stdin, str) else stdin
        streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (octets, b"", b"")]
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("DOORWARD_DATA", str(self.folder / "data"))
            patch.delenv("DOORWARD_POLICY", raising=False)
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            with pytest.raises(SystemExit) as left:
                main(list(arguments))
        out, err = (_written(stream) for stream in streams[1:])
        code = left.value.code
        assert isinstance(code, int)
        return Done(code, out, err)

    def good(self, *arguments: str, stdin: str | bytes = b"") -> str:
        """Run a command that must end well, without a word on the standard error."""
        done = self(*arguments, stdin=stdin)
        assert (done.code, done.err) == (0, "")
        return done.out


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


RUN = "from doorward.cli.main import main; main()"
ON_TERMINAL = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {RUN}"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What another process sees; no colour setting of ours."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "DOORWARD_POLICY"}}
    return {**kept, "DOORWARD_DATA": str(folder / "data"), "TERM": "xterm", **more}


def process(folder: Path, *arguments: str, stdin: bytes = b"", **more: str) -> Done:
    """Run a command in a process of its own."""
    line = [sys.executable, "-c", RUN, *arguments]
    env = environment(folder, **more)
    done = subprocess.run(line, cwd=folder, env=env, input=stdin, capture_output=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def _heard(terminal: int) -> bytes:
    """What is written next; a command that falls silent fails the test instead of holding it up."""
    ready, _, _ = select.select([terminal], [], [], 60)
    assert ready, "the command neither wrote nor ended"
    return os.read(terminal, 1024)


def on_terminal(folder: Path, *arguments: str, typed: list[tuple[str, str]] | None = None, **more: str) -> Done:
    """Run a command on a terminal of its own. typed: (what is waited for, what is typed then)."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-c", ON_TERMINAL, *arguments]
    env = environment(folder, **more)
    child = subprocess.Popen(
        line, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    for prompt, answer in typed or []:
        while prompt.encode() not in seen.rpartition(b"\x00")[2]:
            seen += _heard(ours)
        os.write(ours, answer.encode() + b"\n")
        seen += b"\x00"
    while True:
        try:
            piece = _heard(ours)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    return Done(child.wait(60), seen.replace(b"\x00", b"").decode(), "")
