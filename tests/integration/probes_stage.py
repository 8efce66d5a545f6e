"""A real `doorward serve` with the personas of the probes, and what is sent to it octet for octet.

    with stage("jwt", "RS256") as face:
        answers = [face.send(raw) for raw in probe.requests(face.cast)]

Rule: nothing here judges an answer.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway import Gateway, serving
from recorder import Recorder, recording

from conformance.probes_cast import PERSONAS, REVOKED_JTI, Cast, Raw, jwks, policy_text
from conformance.probes_table import Answer

COOKIE = "__Host-doorward"


@dataclass(frozen=True)
class Face:
    """A running gateway, the cast that plays on it, and the application behind it."""

    gateway: Gateway
    cast: Cast
    application: Recorder

    def send(self, raw: Raw) -> Answer:
        """Send one raw request on a connection of its own."""
        return send(self.gateway, raw)


def octets(host: str, raw: Raw) -> bytes:
    """The request as it goes on the wire."""
    lines = [f"{raw.method} {raw.target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in raw.headers]
    if raw.body:
        lines.append(f"Content-Length: {len(raw.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + raw.body


def send(gateway: Gateway, raw: Raw) -> Answer:
    """Send one raw request on a connection of its own."""
    got = gateway.raw(octets(gateway.url.removeprefix("http://"), raw))
    return Answer(got.status, tuple(got.headers), got.body)


@contextmanager
def stage(kind: str, alg: str, *, answers: str = "", cors: bool = True) -> Iterator[Face]:
    """Run the gateway for one kind of credential. alg: of tokens; answers, cors: as `policy_text` takes them."""
    with tempfile.TemporaryDirectory() as folder, recording() as application:
        keys = Path(folder) / "keys.json"
        keys.write_text(json.dumps(jwks(alg)))
        text = policy_text(kind, jwks_file=str(keys), alg=alg, answers=answers, cors=cors)
        with serving(text, application.url) as gateway:
            yield Face(gateway, _cast(gateway, kind, alg), application)


def _cast(gateway: Gateway, kind: str, alg: str) -> Cast:
    for one in PERSONAS.values():
        roles = [word for role in one.roles for word in ("--role", role)]
        _run(gateway, "user", "add", one.name, "--id", one.subject, *roles, "--password-stdin", typed=one.password)
    sessions = {name: log_in(gateway, name, one.password) for name, one in PERSONAS.items()}
    csrf = {name: _csrf(gateway, secret) for name, secret in sessions.items()}
    keys = {name: _key(gateway, name, one.scopes) for name, one in PERSONAS.items()}
    for one in PERSONAS.values():
        if one.disabled:
            _run(gateway, "user", "disable", one.name)
    if kind == "jwt":
        _run(gateway, "token", "revoke", REVOKED_JTI, "--until", "2h")
    time.sleep(1.1)  # what commands revoke is refused within a second
    return Cast(kind, time.time(), gateway.url, sessions, keys, csrf, alg)


def _run(gateway: Gateway, *words: str, typed: str = "") -> str:
    done = gateway.cli(*words, input=f"{typed}\n" if typed else None)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def _key(gateway: Gateway, name: str, scopes: Sequence[str]) -> str:
    words = [word for scope in scopes for word in ("--scope", scope)]
    key = json.loads(_run(gateway, "key", "add", name, *words, "--json"))["key"]
    assert isinstance(key, str)
    return key


def log_in(gateway: Gateway, name: str, password: str, host: str = "", origin: str = "") -> str:
    """The cookie of a new session, got as a program does it. host, origin: where they are not the listener's."""
    host = host or gateway.url.removeprefix("http://")
    body = json.dumps({"username": name, "password": password}).encode()
    fields = (
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("Origin", origin or f"http://{host}"),
    )
    done = gateway.raw(octets(host, Raw("POST", "/.doorward/login", fields, body)))
    found = [value.split(";")[0].partition("=") for value in done.all("Set-Cookie")]
    secrets = [secret for key, _, secret in found if key == COOKIE and secret]
    assert secrets, (done.status, done.headers, done.body)
    return secrets[0]


def _csrf(gateway: Gateway, secret: str) -> str:
    fields = (("Cookie", f"{COOKIE}={secret}"), ("Accept", "application/json"))
    token = json.loads(send(gateway, Raw("GET", "/.doorward/session", fields)).body)["csrf_token"]
    assert isinstance(token, str)
    return token
