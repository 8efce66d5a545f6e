"""The 84 probes: what each sends and what it must get, for every face alike.

    for probe in load(shared / "cases" / "probes.jsonl"):
        if cast.kind in probe.kinds:
            answers = [send(raw) for raw in probe.requests(cast)]
            faults = probe.judge(cast, answers)          # [] = right

`send` belongs to the face: it puts method, target, fields and body on the wire and gives back an `Answer`.
`needs` names what a face must have besides a decision: "login" (our own login page), "edge" (limits of the listener).
Rule: nothing here knows a face. Source: cases/README.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.probes_cast import CORS_ORIGIN, PERSONAS, REVOKED_JTI, WORD, Cast, Raw, basic_value, confused, encode

JSON = (("Content-Type", "application/json"),)
ARTICLE = b'{"t":1}'
BROKEN = b'{"t":'


@dataclass(frozen=True)
class Answer:
    """What came back. headers: names in any case, wire order, Latin-1 texts; body: octets."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Values of a field."""
        return [value for key, value in self.headers if key.lower() == name]


def _get(target: str, *groups: Iterable[tuple[str, str]], method: str = "GET", body: bytes = b"") -> Raw:
    return Raw(method, target, tuple(pair for group in groups for pair in group), body)


def _as(who: str, target: str = "/profile", method: str = "GET", body: bytes = b"") -> Callable[[Cast], list[Raw]]:
    """A request by a persona; one with a body is JSON."""
    kind = JSON if body else ()
    return lambda cast: [_get(target, cast.fields(who, method), kind, method=method, body=body)]


def _anon(target: str, method: str = "GET", body: bytes = b"", *more: tuple[str, str]) -> Callable[[Cast], list[Raw]]:
    kind = JSON if body else ()
    return lambda _: [_get(target, kind, more, method=method, body=body)]


def _secret(make: Callable[[Cast], str], target: str = "/profile") -> Callable[[Cast], list[Raw]]:
    """A request that presents any secret in the carrier of the kind."""
    return lambda cast: [_get(target, cast.carry(make(cast)))]


def _authorization(make: Callable[[Cast], str], target: str = "/profile") -> Callable[[Cast], list[Raw]]:
    """A request with a verbatim Authorization value."""
    return lambda cast: [_get(target, (("Authorization", make(cast)),))]


def _jwt(target: str = "/profile", who: str = "alice", **change: Any) -> Callable[[Cast], list[Raw]]:
    header = change.pop("header", None)
    return _secret(
        lambda cast: cast.token(who, header=header, **{k: v(cast) if callable(v) else v for k, v in change.items()}),
        target,
    )


def _huge(cast: Cast) -> list[Raw]:
    return [_get("/profile", cast.carry("A" * 20_000))]


def _empty(cast: Cast) -> list[Raw]:
    name = cast.key_header if cast.kind == "apikey" else "Authorization"
    return [_get("/profile", ((name, ""),))]


def _twice(first: bool) -> Callable[[Cast], list[Raw]]:
    def requests(cast: Cast) -> list[Raw]:
        both = [*cast.carry(cast.secret("alice")), *cast.carry("garbage")]
        return [_get("/profile", both if first else reversed(both))]

    return requests


def _bad_signature(cast: Cast) -> str:
    good = cast.token("alice")
    return good[:-8] + ("AAAAAAAA" if good[-8:] != "AAAAAAAA" else "BBBBBBBA")


def _alg_none(cast: Cast) -> str:
    return cast.token("alice", header={"alg": "none"}).rpartition(".")[0] + "."


def _csrf(cast: Cast) -> list[Raw]:
    wrong = (("Cookie", f"{cast.cookie}={cast.sessions['alice']}"), ("X-CSRF-Token", "wrong"), *JSON)
    return [
        _get("/articles", wrong, extra, method="POST", body=ARTICLE)
        for extra in ((), (("Sec-Fetch-Site", "same-origin"),), (("Origin", cast.origin),))
    ]


def _login(*pairs: tuple[str, str]) -> Callable[[Cast], list[Raw]]:
    """Our own login as a program uses it: JSON, with the own origin as proof."""

    def requests(cast: Cast) -> list[Raw]:
        own = (*JSON, ("Origin", cast.origin), ("Accept", "application/json"))
        bodies = [json.dumps({"username": name, "password": password}).encode() for name, password in pairs]
        return [_get(cast.login_path, own, method="POST", body=body) for body in bodies]

    return requests


def _throttle(cast: Cast) -> list[Raw]:
    if cast.kind == "basic":
        return [_get("/profile", cast.carry(basic_value("bob", f"wrong-{n}"))) for n in range(30)]
    return _login(*(("bob", f"wrong-{n}") for n in range(30)))(cast)


def _uniform(cast: Cast) -> list[Raw]:
    secrets = (_bad_signature(cast), "not.a.jwt", cast.token("alice", aud="https://other.example"), cast.token("ghost"))
    return [_get("/profile", cast.carry(secret)) for secret in secrets]


def _enumeration(cast: Cast) -> list[Raw]:
    return [_get("/profile", cast.carry(basic_value(name, "nope"))) for name in ("alice", "nobody-of-this-name")]


PREFLIGHT = (
    ("Origin", CORS_ORIGIN),
    ("Access-Control-Request-Method", "GET"),
    ("Access-Control-Request-Headers", "authorization"),
)

TABLE: dict[str, Callable[[Cast], list[Raw]]] = {
    "ctl-profile": _as("alice"),
    "ctl-admin": _as("root", "/admin"),
    "ctl-scope": _as("alice", "/articles", "POST", ARTICLE),
    "ctl-owner": _as("alice", "/users/1", "PUT"),
    "anon-profile": _anon("/profile"),
    "anon-admin": _anon("/admin"),
    "anon-post": _anon("/articles", "POST", ARTICLE),
    "anon-post-bad-body": _anon("/articles", "POST", BROKEN),
    "anon-put-owned": _anon("/users/1", "PUT"),
    "anon-delete-secret": _anon("/admin/secret", "DELETE"),
    "anon-public": _anon("/public"),
    "anon-bad-path-param": _anon("/users/abc", "PUT"),
    "anon-missing-object": lambda _: [_get("/users/9999", method="PUT"), _get("/users/1", method="PUT")],
    "anon-unrouted": _anon("/nope"),
    "anon-method-not-allowed": _anon("/profile", "PATCH"),
    "anon-head": _anon("/profile", "HEAD"),
    "auth-head": _as("alice", "/profile", "HEAD"),
    "preflight": lambda _: [_get("/profile", PREFLIGHT, method="OPTIONS")],
    "empty-authorization": _empty,
    "unknown-scheme": _authorization(lambda _: "Negotiate YIIabc"),
    "wrong-scheme-valid-token": _authorization(lambda cast: f"Token {cast.secret('alice')}"),
    "scheme-only": _authorization(lambda cast: WORD[cast.kind]),
    "scheme-and-space-only": _authorization(lambda cast: WORD[cast.kind] + " "),
    "scheme-lower-case": _authorization(lambda cast: f"{WORD[cast.kind].lower()} {cast.secret('alice')}"),
    "scheme-upper-case": _authorization(lambda cast: f"{WORD[cast.kind].upper()} {cast.secret('alice')}"),
    "two-spaces": _authorization(lambda cast: f"{WORD[cast.kind]}  {cast.secret('alice')}"),
    "two-tokens": _authorization(lambda cast: f"Bearer {cast.secret('alice')} {cast.secret('root')}"),
    "illegal-chars": _authorization(lambda _: 'Bearer abc$%^&{}"<>'),
    "non-ascii-bytes": _secret(lambda _: "\xff\xfe\xc3("),
    "huge-authorization": _huge,
    "duplicate-valid-first": _twice(first=True),
    "duplicate-bad-first": _twice(first=False),
    "token-in-query": lambda cast: [_get(f"/profile?access_token={cast.token()}&token={cast.token()}")],
    "jwt-malformed": _secret(lambda _: "not.a.jwt"),
    "jwt-one-part": _secret(lambda _: "opaque"),
    "jwt-bad-signature": _secret(_bad_signature),
    "jwt-alg-none": _secret(_alg_none),
    "jwt-alg-confusion": _secret(confused),
    "jwt-expired": _jwt(exp=lambda cast: int(cast.now) - 600),
    "jwt-nbf-future": _jwt(nbf=lambda cast: int(cast.now) + 600),
    "jwt-wrong-aud": _jwt(aud="https://other.example"),
    "jwt-wrong-iss": _jwt(iss="https://evil.example"),
    "jwt-missing-exp": _jwt(exp=None),
    "jwt-missing-sub": _jwt(sub=None),
    "jwt-sub-object": _jwt(sub={"id": "1"}),
    "jwt-payload-array": _secret(lambda cast: cast.raw_token(b"[1,2]")),
    "jwt-payload-not-json": _secret(lambda cast: cast.raw_token(b"\xff\xfe")),
    "jwt-exp-string": _jwt(exp="tomorrow"),
    "jwt-exp-huge": _jwt(exp=10**19),
    "jwt-exp-infinity": _secret(
        lambda cast: cast.raw_token(
            b'{"iss":"https://issuer.example","aud":"https://api.example","sub":"1","client_id":"probe","jti":"x",'
            b'"iat":1,"exp":1e999}'
        )
    ),
    "jwt-crit-unknown": _jwt(header={"crit": ["x-must"], "x-must": True}),
    "jwt-refresh-as-access": _jwt(header={"typ": "JWT"}, typ="Refresh"),
    "jwt-five-parts-jwe": _secret(
        lambda _: "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
    ),
    "jwt-scope-array-never-500": lambda cast: [
        _get(
            "/articles",
            cast.carry(cast.token(scope=["profile:read", "articles:write"])),
            JSON,
            method="POST",
            body=ARTICLE,
        )
    ],
    "unknown-user": _jwt(who="ghost"),
    "disabled-user": _as("dora"),
    "jwt-revoked": _jwt(jti=REVOKED_JTI),
    "basic-wrong-password": _secret(lambda _: basic_value("alice", "nope")),
    "basic-bad-base64": _secret(lambda _: "!!!notb64"),
    "basic-no-colon": _secret(lambda _: encode(b"alice")),
    "basic-invalid-utf8": _secret(lambda _: encode(b"al\xff\xfe:\xc3(")),
    "basic-nul": _secret(lambda _: encode(b"ali\0ce:x\0")),
    "basic-utf8-password": _as("zoe"),
    "basic-disabled-user": _as("dora"),
    "basic-no-enumeration": _enumeration,
    "apikey-wrong": _secret(lambda _: "nope"),
    "session-garbage-cookie": lambda cast: [
        _get("/profile", cast.carry("garbage.xx.yy"), (("Accept", "application/json"),))
    ],
    "csrf-invalid": _csrf,
    "role-missing": _as("alice", "/admin"),
    "scope-missing": _as("bob", "/articles", "POST", ARTICLE),
    "scope-missing-bad-body": _as("bob", "/articles", "POST", BROKEN),
    "not-owner": _as("bob", "/users/1", "PUT"),
    "delete-secret-non-admin": _as("alice", "/admin/secret", "DELETE"),
    "missing-object-authenticated": _as("alice", "/users/9999", "PUT"),
    "public-bad-token": _secret(lambda _: "not.a.jwt", "/public"),
    "public-expired-token": _jwt("/public", exp=lambda cast: int(cast.now) - 600),
    "public-malformed-basic": _authorization(lambda _: "Basic !!!", "/public"),
    "uniform-invalid": _uniform,
    "accept-json": _anon("/profile", "GET", b"", ("Accept", "application/json")),
    "accept-html": _anon("/profile", "GET", b"", ("Accept", "text/html")),
    "accept-language-uk": _anon("/profile", "GET", b"", ("Accept-Language", "uk")),
    "throttle-30-wrong-passwords": _throttle,
    "login-wrong-password": _login(("alice", "nope")),
    "login-no-enumeration": _login(
        ("alice", "nope"), ("nobody-of-this-name", "nope"), ("dora", PERSONAS["dora"].password)
    ),
}

_NEEDS = {"huge-authorization": "edge", "login-wrong-password": "login", "login-no-enumeration": "login"}
_ALIKE = frozenset({"anon-missing-object", "basic-no-enumeration", "uniform-invalid", "login-no-enumeration"})
_LAST = frozenset({"throttle-30-wrong-passwords"})
_ONE_CHANGES = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ERROR = re.compile(r'\berror="?([a-z_]+)"?')


@dataclass(frozen=True)
class Probe:
    """One probe: its record, and how to play it. kinds: credential kinds it applies to."""

    id: str
    record: dict[str, Any]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Credential kinds it applies to."""
        return tuple(self.record["credential_kinds"])

    @property
    def needs(self) -> str:
        """What a face must have besides a decision."""
        return _NEEDS.get(self.id, "")

    def requests(self, cast: Cast) -> list[Raw]:
        """What is sent, in order."""
        return TABLE[self.id](cast)

    def statuses(self, cast: Cast, variant: str = "") -> set[int]:
        """Statuses that are right under the shipped settings, or under a variant of cases/README.md 9."""
        if (self.id, variant) in _VARIANTS:
            right: set[int] = _by_kind(_VARIANTS[self.id, variant], cast.kind)
            return right
        status = _by_kind(self.record["default_status"], cast.kind)
        if isinstance(status, dict):  # accept-html: the policies of this table have a login page
            status = status["with login page"]
        return set(status) if isinstance(status, list) else {status}

    def judge(self, cast: Cast, answers: Sequence[Answer], variant: str = "") -> list[str]:
        """What is wrong with the answers; empty = right.

        variant: "", "reject" (bad_credentials_on_public), "no-scope-challenge", "disabled-403", "no-cors".
        """
        judged = answers[-1:] if self.id in _LAST else answers
        faults = [fault for answer in judged for fault in self._faults(cast, answer, variant)]
        faults += [f"{answer.status} on the way" for answer in answers if answer.status >= 500]
        if self.id in _ALIKE and variant != "disabled-403" and len({comparable(answer) for answer in answers}) > 1:
            faults.append("the answers tell the cases apart")
        return faults

    def _faults(self, cast: Cast, answer: Answer, variant: str) -> list[str]:
        right = self.statuses(cast, variant)
        lines = answer.all("www-authenticate")
        faults = [] if answer.status in right else [f"status {answer.status}, right is {sorted(right)}"]
        faults += conforming(answer)
        wish = _by_kind(self.record["challenge"], cast.kind)
        if variant == "no-scope-challenge" and answer.status == 403:
            wish = "absent"
        if wish == "required" and not lines and answer.status not in (303, 403):
            faults.append("no challenge")
        if wish == "absent" and lines and answer.status != 401:
            faults.append(f"a challenge: {lines}")
        return faults + self._error_faults(cast, lines, variant)

    def _error_faults(self, cast: Cast, lines: list[str], variant: str) -> list[str]:
        wish = _by_kind(self.record["bearer_error"], cast.kind)
        if wish is None or isinstance(wish, dict) or variant:
            return []
        bearer = [line for line in lines if line.lower().startswith("bearer")]
        found = [word for line in bearer for word in _ERROR.findall(line)]
        if wish == "none":
            return [f"error {found} told"] if found else []
        return [] if found == [wish] else [f"Bearer error {found}, right is {wish}"]


_VARIANTS: dict[tuple[str, str], Any] = {
    ("public-bad-token", "reject"): {401},
    ("public-expired-token", "reject"): {401},
    ("public-malformed-basic", "reject"): {"basic": {401}, "jwt": {200}},  # where Basic is unknown it counts as absent
    ("disabled-user", "disabled-403"): {403},
    ("basic-disabled-user", "disabled-403"): {403},
    ("login-no-enumeration", "disabled-403"): {
        401,
        403,
    },  # the right password of a disabled account: that is the setting
    ("preflight", "no-cors"): {200, 204},
}


def _by_kind(value: Any, kind: str) -> Any:
    """A field of the record for one credential kind; kinds it does not name are not judged."""
    if isinstance(value, dict) and not value.keys() & {"with login page"}:
        return value.get(kind)
    return value


def conforming(answer: Answer) -> list[str]:
    """What every answer of every face owes (H1, H15, B1, D1)."""
    faults = [f"status {answer.status}"] if answer.status >= 500 else []
    lines = answer.all("www-authenticate")
    if answer.status == 401 and not lines:
        faults.append("401 without challenge")
    if answer.status == 401 and any("realm=" not in line for line in lines):
        faults.append("a challenge without realm")
    if answer.status == 403 and any("insufficient_scope" not in line for line in lines):
        faults.append("a 403 with a challenge that asks for no scope")
    if answer.status == 405 and not answer.all("allow"):
        faults.append("405 without Allow")
    return faults


def comparable(answer: Answer) -> tuple[Any, ...]:
    """What must be equal between answers: all but date, request id and the wait they were made in."""
    changing = {"date", "x-request-id", "set-cookie"}
    headers = tuple((name.lower(), value) for name, value in answer.headers if name.lower() not in changing)
    return answer.status, headers, _ONE_CHANGES.sub(b"", answer.body)


def load(file: Path) -> list[Probe]:
    """The probes of the shared file, in its order."""
    return [Probe(record["id"], record) for record in map(json.loads, file.read_text("utf-8").splitlines())]
