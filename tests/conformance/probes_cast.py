"""Who plays in the 84 probes: personas, tokens, and the policy they are played under; face-independent.

A run makes a `Cast`: kind of credential, time, own origin, and the secrets its face cannot know before (session
cookies, API keys, CSRF tokens), keyed by persona. Rule: nothing here sends or decides anything.
Source: cases/README.md, 3 and 4.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from doorward.core.policy import Policy
from jose_material import b64, oct_jwk, rsa_jwk, rsa_key, token
from kit import issuer, policy, rule

ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
REVOKED_JTI = "revoked-0001"
CORS_ORIGIN = "https://app.example"
LOGIN = "/.doorward/login"
KINDS = ("jwt", "session", "apikey", "basic")
SCHEME = {"jwt": "bearer", "session": "session", "apikey": "apikey", "basic": "basic"}
WORD = {"jwt": "Bearer", "basic": "Basic"}


@dataclass(frozen=True)
class Persona:
    """One account. scopes: of its tokens and API keys; roles: `author` stands in where a session has no scopes."""

    subject: str
    name: str
    password: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    disabled: bool = False


PERSONAS = {
    one.name: one
    for one in (
        Persona("1", "alice", "correct horse", ("author",), ("profile:read", "articles:write")),
        Persona("2", "bob", "battery staple", (), ("profile:read",)),
        Persona("3", "root", "toor-toor-toor", ("admin", "author"), ("profile:read", "articles:write", "admin")),
        Persona("4", "dora", "disabled but right", (), ("profile:read",), disabled=True),
        Persona("5", "zoe", "пароль-ñ", (), ("profile:read",)),
    )
}
GHOST = "404"
"""A subject that stands only in tokens."""


@dataclass(frozen=True)
class Raw:
    """A request as it goes on the wire: Latin-1 texts, field names as sent, no Host, no Content-Length."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Cast:
    """One run. now: seconds since the epoch, what the face takes for the time; origin: own origin of the face.

    sessions, keys, csrf: persona -> cookie value, API key, right CSRF token; alg: of kind jwt.
    """

    kind: str
    now: float
    origin: str
    sessions: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    csrf: Mapping[str, str] = field(default_factory=dict)
    alg: str = "HS256"
    cookie: str = "__Host-doorward"
    key_header: str = "X-API-Key"
    login_path: str = LOGIN

    def token(self, who: str = "alice", *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A signed access token; a claim given as None is left out."""
        person = PERSONAS.get(who)
        given = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": person.subject if person else GHOST,
            "exp": int(self.now) + 3600,
            "iat": int(self.now) - 10,
            "jti": f"jti-{who}",
            "client_id": "probe",
            "scope": " ".join(person.scopes) if person else "profile:read",
            **claims,
        }
        payload = {name: value for name, value in given.items() if value is not None}
        head = {"alg": self.alg, "typ": "at+jwt", **(header or {})}
        return token(self.alg, payload, json.dumps(head).encode())

    def raw_token(self, payload: bytes) -> str:
        """Any octets, rightly signed."""
        return token(self.alg, payload, json.dumps({"alg": self.alg, "typ": "at+jwt"}).encode())

    def secret(self, who: str) -> str:
        """What this kind of credential presents for a persona, without its scheme word."""
        person = PERSONAS[who]
        match self.kind:
            case "jwt":
                return self.token(who)
            case "basic":
                return basic_value(person.name, person.password)
            case "apikey":
                return self.keys[who]
            case _:
                return self.sessions[who]

    def carry(self, secret: str) -> tuple[tuple[str, str], ...]:
        """The fields that carry a secret of this kind."""
        if self.kind in WORD:
            return (("Authorization", f"{WORD[self.kind]} {secret}"),)
        if self.kind == "apikey":
            return ((self.key_header, secret),)
        return (("Cookie", f"{self.cookie}={secret}"),)

    def fields(self, who: str, method: str = "GET") -> tuple[tuple[str, str], ...]:
        """The fields of a request by a persona; a session proves its origin on unsafe methods."""
        proof = (("Origin", self.origin),) if self.kind == "session" and method not in ("GET", "HEAD") else ()
        return (*self.carry(self.secret(who)), *proof)


def basic_value(name: str, password: str) -> str:
    """Base64 of name and password in UTF-8."""
    return encode(f"{name}:{password}".encode())


def encode(octets: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(octets).decode()


def jwks(alg: str) -> dict[str, Any]:
    """The key set the issuer publishes, for a `jwks_file`."""
    key = rsa_jwk(kid="probe") if alg == "RS256" else oct_jwk(kid="probe")
    return {"keys": [{**key, "alg": alg, "use": "sig"}]}


def confused(cast: Cast) -> str:
    """The claims of alice signed HS256 with the RSA public key's PEM as secret."""
    import hashlib
    import hmac

    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, body, _ = cast.token("alice").split(".")
    head = b64(json.dumps({"alg": "HS256", "typ": "at+jwt"}).encode())
    return f"{head}.{body}." + b64(hmac.new(pem, f"{head}.{body}".encode(), hashlib.sha256).digest())


def scoped(kind: str) -> bool:
    """Whether credentials of this kind are delegated, so that a scope can be what is missing."""
    return kind in ("jwt", "apikey")


def probe_policy(kind: str, alg: str = "HS256", **more: Any) -> Policy:
    """The policy of the probes, by hand. more: keyword arguments of `kit.policy`."""
    need: dict[str, Any] = {"scopes": "articles:write"} if scoped(kind) else {"roles": "author"}
    return policy(
        rule("/public", name="public", access="public"),
        rule("/profile", name="profile", methods="GET"),
        rule("/admin", name="admin", methods="GET", roles="admin"),
        rule("/admin/secret", name="secret", methods="DELETE", roles="admin"),
        rule("/articles", name="articles", methods="POST", **need),
        rule("/users/{id}", name="users", methods="PUT", owner="{id}"),
        schemes=kinds_of(kind),
        issuers=(issuer(issuer=ISSUER, algorithms=(alg,), accounts="local"),),
        **{"default": "authenticated", "cors": {"origins": frozenset({CORS_ORIGIN})}, "tls_require": False, **more},
    )


def kinds_of(kind: str) -> str:
    """Accepted credential kinds of a run: the one under test, and the session of our own login."""
    return SCHEME[kind] if kind == "session" else f"{SCHEME[kind]} session"


def policy_text(kind: str, *, jwks_file: str, alg: str = "HS256", answers: str = "", cors: bool = True) -> str:
    """The same policy as a file, for a loopback listener, whose own origin needs no telling.

    jwks_file: path of `jwks(alg)` as JSON; answers: lines of `[answers]`. The limit of password checks per address is
    out of the way, since one address asks all 84; that per account and address is the shipped one.
    """
    need = 'scopes  = ["articles:write"]' if scoped(kind) else 'roles   = ["author"]'
    bearer = f'bearer  = {{ issuers = ["idp"], audience = "{AUDIENCE}" }}\n' if kind == "jwt" else ""
    idp = (
        f'[issuers.idp]\nissuer = "{ISSUER}"\njwks_file = "{jwks_file}"\nalgorithms = ["{alg}"]\naccounts = "local"\n'
        if kind == "jwt"
        else ""
    )
    own = {"apikey": 'apikey  = { header = "X-API-Key" }\n', "basic": 'basic   = { accounts = "local" }\n'}.get(
        kind, ""
    )
    shared = f'[cors]\norigins = ["{CORS_ORIGIN}"]\n' if cors else ""
    return f"""version = 1
realm = "probes"
default = "authenticated"

[tls]
require = false

[limits]
login = {{ address = "10000/minute" }}

[credentials]
{bearer}{own}session = {{ idle = "30m", absolute = "12h" }}

{idp}
{shared}
[answers]
{answers}

[[rule]]
name   = "public"
path   = "/public"
access = "public"

[[rule]]
name    = "profile"
path    = "/profile"
methods = ["GET"]
access  = "authenticated"

[[rule]]
name    = "admin"
path    = "/admin"
methods = ["GET"]
roles   = ["admin"]

[[rule]]
name    = "secret"
path    = "/admin/secret"
methods = ["DELETE"]
roles   = ["admin"]

[[rule]]
name    = "articles"
path    = "/articles"
methods = ["POST"]
{need}

[[rule]]
name    = "users"
path    = "/users/{{id}}"
methods = ["PUT"]
owner   = "{{id}}"
"""
