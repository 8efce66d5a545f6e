"""The fixture of the attack cases: policy and personas of cases/README-attacks.md 6 to 11 behind a real gateway.

Rule: nothing here judges an answer; requests are octets, and what cannot be said in the policy is listed by its id.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import issuer
from gateway import PATIENCE, Answer, Gateway, read_answer, serving
from probes_stage import log_in
from recorder import Record, Recorder, recording

HOST, OWN, EVIL = "app.test", "https://app.test", "evil.test"
ISSUER_A, ISSUER_B = "https://a.test", "https://b.test"
LEFT_OUT = {
    "multivalue-01": "the policy has no conditions on header values",
    "plane-01": "waits for the Envoy plane (ext_authz over gRPC)",
    "plane-02": "waits for the Traefik plane",
}
"""Cases that this version cannot play, each with its reason."""
MODES = ("gateway", "gateway:trusted_peer", "decide:trusted_peer")
PEOPLE = {"alice": "user", "bob": "user", "root": "admin", "mallory": "user"}

POLICY = """version = 1
realm   = "attacks"
default = "authenticated"

[server]
origins = ["http://app.test", "https://app.test"]

[tls]
require = false

{proxy}
[cors]
origins = ["https://spa.test"]

[credentials]
bearer  = {{ issuers = ["a", "b"], audience = "https://api.test" }}
session = {{ idle = "30m", absolute = "12h" }}

[issuers.a]
issuer     = "https://a.test"
jwks_file  = "jwks.json"
algorithms = ["RS256"]
roles      = "roles"
[issuers.b]
issuer     = "https://b.test"
jwks_file  = "jwks.json"
algorithms = ["RS256"]
roles      = "roles"

[groups.inside]
networks = ["10.0.0.0/8"]

[[rule]]
name   = "public"
path   = ["/public/**", "/healthz"]
access = "public"

[[rule]]
name    = "orders-read"
path    = "/api/orders/{{id}}"
methods = ["GET"]
access  = "authenticated"
schemes = ["bearer"]

[[rule]]
name    = "orders-write"
path    = "/api/orders/{{id}}"
schemes = ["bearer"]
acl     = {{ object = "order:{{id}}", PUT = "write", PATCH = "write", DELETE = "write" }}

[[rule]]
name    = "api"
path    = "/api/**"
access  = "authenticated"
schemes = ["bearer"]

[[rule]]
name  = "admin"
path  = "/admin/**"
roles = ["admin"]

[[rule]]
name    = "app"
path    = "/app/**"
access  = "authenticated"
schemes = ["session"]

[[rule]]
name   = "ws"
path   = "/ws/**"
access = "authenticated"

[[rule]]
name   = "internal"
path   = "/internal/**"
access = "authenticated"
from   = "inside"

[[rule]]
name    = "tenant-a"
path    = "/tenant-a/**"
access  = "authenticated"
issuers = ["a"]

[[rule]]
name    = "tenant-b"
path    = "/tenant-b/**"
access  = "authenticated"
issuers = ["b"]
"""


@dataclass(frozen=True)
class Attack:
    """One case, its words filled in. fields: (name, value) as they go on the wire; body: octets behind the head."""

    id: str
    mode: str
    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    expect: frozenset[int]
    never: frozenset[int]
    upstream: str

    def octets(self, version: str = "HTTP/1.1", *, close: bool = True) -> bytes:
        """The request; nothing is added but Connection: close."""
        lines = [f"{self.method} {self.target} {version}", *(f"{name}: {value}" for name, value in self.fields)]
        if close and not any(name.lower() == "connection" for name, _ in self.fields):
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def with_target(self, target: str) -> Attack:
        """The same at another target."""
        return replace(self, target=target)

    def with_fields(self, fields: Sequence[tuple[str, str]]) -> Attack:
        """The same with other fields."""
        return replace(self, fields=tuple(fields))


def load(file: Path, words: Mapping[str, str]) -> list[Attack]:
    """The cases of the shared file that can be played, `${WORD}` filled in."""
    found = []
    for line in file.read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["id"] not in LEFT_OUT:
            found.append(_attack(case, words))
    return found


def _attack(case: dict[str, Any], words: Mapping[str, str]) -> Attack:
    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace(f"${{{word}}}", value)
        return text

    request = case["request"]
    return Attack(
        case["id"],
        case["mode"],
        request["method"],
        fill(request["target"]),
        tuple((name, fill(value)) for name, value in request["headers"]),
        request.get("body", "").encode("latin-1"),
        frozenset(case["expect_status"]),
        frozenset(case["never_status"]),
        case["upstream"],
    )


@dataclass(frozen=True)
class Scene:
    """A gateway with the fixture policy, the application behind it, the words of the cases."""

    gateway: Gateway
    application: Recorder
    words: Mapping[str, str]

    def play(self, attack: Attack, octets: bytes | None = None) -> tuple[Answer, list[Record]]:
        """Send one case. Returns: the answer, and what reached the application."""
        self.application.clear()
        if attack.mode == "decide:trusted_peer":
            answer = self.gateway.raw(attack.with_target("/decide").octets(), control=True)
        else:
            answer = self.gateway.raw(octets if octets is not None else attack.octets())
        return answer, list(self.application.records)

    def pair(self, first: bytes, second: bytes) -> tuple[list[Answer], list[Record]]:
        """Two requests on one connection, the second behind the first without waiting."""
        self.application.clear()
        answers = []
        with (
            socket.create_connection(self.gateway.address, timeout=PATIENCE) as connection,
            connection.makefile("rb") as file,
        ):
            connection.sendall(first + second)
            for data in (first, second):
                answers.append(read_answer(_Stream(file), data.split(b" ", 1)[0].decode("latin-1")))
                if answers[-1].status == 0:
                    break
        return answers, list(self.application.records)


class _Stream:
    """What `http.client` takes for a socket: one buffered reader for several answers."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def makefile(self, *_args: object, **_words: object) -> Any:
        return _Kept(self._file)


class _Kept:
    """A reader that `http.client` may close without losing what follows."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def close(self) -> None:
        """Stay open for the next answer."""


@contextmanager
def scene(*, trusted: bool = False) -> Iterator[Scene]:
    """Run the fixture. trusted: the client's address is that of a trusted proxy."""
    proxy = '[proxy]\ntrusted = ["127.0.0.0/8"]\n' if trusted else ""
    with recording() as application, serving(POLICY.format(proxy=proxy), application.url) as gateway:
        for name, role in PEOPLE.items():
            gateway.add_user(name, f"password of {name}", role)
        done = gateway.cli("grant", "bob", "write", "order:1")
        assert done.returncode == 0, done.stderr
        yield Scene(gateway, application, _words(gateway))


def _words(gateway: Gateway) -> dict[str, str]:
    sessions = {name: log_in(gateway, name, f"password of {name}", HOST, OWN) for name in PEOPLE}

    def token(name: str, role: str, **more: Any) -> str:
        return issuer.token(name, [role], **{"iss": ISSUER_A, **more})

    return {
        "USER_TOKEN": token("alice", "user"),
        "ADMIN_TOKEN": token("root", "admin"),
        "EXPIRED_TOKEN": token("alice", "user", life=-3_600),
        "ISSUER_A_TOKEN": token("alice", "user"),
        "USER_SESSION": sessions["alice"],
        "ADMIN_SESSION": sessions["root"],
        "ATTACKER_SESSION": sessions["mallory"],
        "VICTIM_SESSION": sessions["bob"],
        "LOGIN": "/.doorward/login",
        "RETURN": "next",
    }
