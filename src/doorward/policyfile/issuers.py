"""`[issuers.NAME]` and `[credentials]`: who may say who somebody is, and how he may present himself.

Rule: keys are named here, never opened; `guard/keys.py` does that. Source: policy.md 2.1, answers.md J8, J13, J14.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from doorward.core.keysource import ASYMMETRIC, SYMMETRIC, check_key_url
from doorward.core.settings import Credentials, Issuer, SessionSettings
from doorward.policyfile import later, units
from doorward.policyfile.files import there
from doorward.policyfile.secret import read_secret
from doorward.policyfile.table import Table
from doorward.policyfile.words import nearest, shown

KINDS: Final = ("bearer", "session", "apikey", "basic")
LOCAL: Final = "local"
_SOURCES: Final = ("jwks", "jwks_file", "keys", "secret")
_LEEWAY_MAX: Final = 300
_RESERVED: Final = frozenset(
    {
        *("authorization", "cookie", "host", "content-length", "content-type", "transfer-encoding", "connection"),
        *("origin", "x-csrf-token", "upgrade", "te", "trailer", "expect", "proxy-authorization"),
    }
)
COOKIE_PREFIX: Final = "__Host-"


def read_issuers(top: Table, folder: FilePath) -> dict[str, Issuer]:
    """All issuers by name. folder: what relative paths are relative to."""
    found: dict[str, Issuer] = {}
    for name, table in top.named("issuers", "issuer", later.ISSUER).items():
        issuer = _issuer(table, name, folder)
        twin = next((other.name for other in found.values() if other.issuer == issuer.issuer), "")
        if twin and issuer.issuer:
            table.fault("issuer", f'issuer "{twin}" has the same name in its tokens.', "Give one of them up.", "E104")
        found[name] = issuer
    return found


def _issuer(table: Table, name: str, folder: FilePath) -> Issuer:
    if name == LOCAL:
        table.fault((), "this name stands for the accounts of doorward itself.", "Choose another.")
    algorithms = _algorithms(table)
    roles = table.text("roles")
    issuer = Issuer(
        name,
        _required(table, "issuer", 'as it stands in "iss", for example "https://idp.example"'),
        algorithms,
        roles=roles,
        scopes=table.text("scopes", "scope"),
        map=_map(table, roles),
        leeway=_leeway(table),
        accounts=table.choice("accounts", "", (LOCAL,)),
        **_keys(table, algorithms, folder),
    )
    table.close()
    return issuer


def _required(table: Table, key: str, example: str) -> str:
    found = table.text(key)
    if not _later(table):
        table.lacks(key, f"Write it {example}.")
    return found


def _later(table: Table) -> bool:
    """Whether it is an issuer of a kind that comes later, so that nothing else about it is worth a word."""
    return any(key in table for key in later.ISSUER)


def _algorithms(table: Table) -> tuple[str, ...]:
    found = table.words("algorithms")
    if not _later(table):
        table.lacks("algorithms", 'Write what its tokens are signed with, for example ["RS256"].')
    for name in found:
        if name.lower() == "none":
            table.fault("algorithms", '"none" is no signature.', "Take it out.", "E114")
        elif name not in SYMMETRIC | ASYMMETRIC:
            hint = nearest(name, sorted(SYMMETRIC | ASYMMETRIC))
            table.fault("algorithms", f"unknown algorithm {shown(name)}.", hint, "E114")
    if SYMMETRIC.intersection(found) and ASYMMETRIC.intersection(found):
        hint = "A public key must never pass for a shared secret: make two issuers."
        table.fault("algorithms", "HS algorithms stand beside others.", hint, "E114")
    return found


def _leeway(table: Table) -> int:
    found = table.parsed("leeway", 30, units.seconds)
    if found > _LEEWAY_MAX:
        table.wrong("leeway", f'Write at most "{_LEEWAY_MAX}s".')
        return 30
    return found


def _map(table: Table, roles: str) -> Mapping[str, str] | None:
    inner = table.table("map")
    if inner is None:
        return None
    if not roles and "roles" not in table:
        table.fault("map", "map has nothing to map.", 'Name the claim that holds the roles: roles = "roles".')
    found = {key: inner.parsed(key, "", units.role) for key in inner}
    return found if not table.log.broken(*inner.path) else {}


def _keys(table: Table, algorithms: tuple[str, ...], folder: FilePath) -> dict[str, Any]:
    """The one source of keys, as a field of Issuer."""
    named = [key for key in _SOURCES if key in table]
    if len(named) > 1:
        table.fault(named[1], f"keys come from {' and '.join(named)}.", "Name one source.")
    read = {
        "jwks": _jwks(table),
        "jwks_file": _jwks_file(table, folder),
        "keys": _inline(table, algorithms),
        "secret": _shared(table, algorithms, folder),
    }
    if not named:
        if not _later(table) and not table.void:
            hint = "Name jwks (an address), jwks_file, keys or secret; discovery is not available in this version."
            table.fault((), "it has no keys.", hint)
        return {}
    field = "keys" if named[0] == "secret" else named[0]
    return {field: read[named[0]]}


def _jwks(table: Table) -> str:
    url = table.text("jwks")
    if url and (fault := check_key_url(url)):
        table.fault("jwks", f"the address of the keys cannot be used: {fault}.", 'Write "https://…".')
    return url


def _jwks_file(table: Table, folder: FilePath) -> str:
    name = table.text("jwks_file")
    if not name:
        return ""
    file = folder / name
    if not there(file, FilePath.is_file):
        table.fault("jwks_file", f"there is no file {shown(str(file))}.", "Relative paths begin at the policy file.")
    return str(file)


def _inline(table: Table, algorithms: tuple[str, ...]) -> tuple[Mapping[str, Any], ...]:
    keys = table.raw("keys")
    if keys is None:
        return ()
    if not isinstance(keys, list) or not keys or not all(isinstance(key, Mapping) for key in keys):
        table.fault(
            "keys", "keys is no list of JWKs.", 'Write keys = [{ kty = "RSA", kid = "…", n = "…", e = "AQAB" }].'
        )
        return ()
    if not SYMMETRIC.isdisjoint(algorithms):
        table.fault("keys", "keys are public, and HS algorithms need a secret.", 'Write secret = { env = "NAME" }.')
    for index, key in enumerate(keys):
        if not isinstance(key.get("kty"), str):
            table.fault(
                ("keys", index), "a key has no kty.", 'Write it as the issuer publishes it: { kty = "RSA", … }.'
            )
    return tuple(keys)


def _shared(table: Table, algorithms: tuple[str, ...], folder: FilePath) -> tuple[Mapping[str, Any], ...]:
    secret = read_secret(table, "secret", folder)
    if "secret" in table and not SYMMETRIC.issuperset(algorithms):
        table.fault(
            "secret", "a secret serves HS algorithms alone.", 'Write algorithms = ["HS256"], or name public keys.'
        )
    if not secret:
        return ()
    # RFC 7518 3.2: "A key of the same size as the hash output or larger MUST be used".
    need = max((int(name[2:]) // 8 for name in algorithms if name in SYMMETRIC), default=0)
    if len(secret) < need:
        hint = f"Make one: openssl rand -base64 {need}."
        table.fault("secret", f"the secret has fewer than {need} octets.", hint)
    return ({"kty": "oct", "k": urlsafe_b64encode(secret).rstrip(b"=").decode()},)


def read_credentials(top: Table, issuers: Mapping[str, Issuer]) -> Credentials:
    """`[credentials]`: the accepted kinds in the order of the file."""
    table = top.table("credentials", "[credentials] ", later.CREDENTIALS)
    if table is None:
        return Credentials()
    order = tuple(kind for kind in table if kind in KINDS)
    named, audience = _bearer(table, issuers)
    found = Credentials(
        order,
        named,
        audience,
        _session(table),
        _apikey(table),
        table.choice("require_at_jwt", "auto", ("auto", "always", "never")),
        table.flag("basic_latin1", default=False),
    )
    table.choice("query_token", False, (False,), later=(True,))
    table.choice("form_token", False, (False,), later=(True,))
    if basic := table.table("basic"):
        basic.choice("accounts", LOCAL, (LOCAL,))
        basic.close()
    table.close()
    return found


def _bearer(table: Table, issuers: Mapping[str, Issuer]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    bearer = table.table("bearer")
    if bearer is None:
        return (), ()
    named = bearer.words("issuers") if "issuers" in bearer else tuple(issuers)
    for name in named:
        if name not in issuers:
            hint = nearest(name, list(issuers)) or f"Write a table [issuers.{name}]."
            bearer.fault("issuers", f"unknown issuer {shown(name)}.", hint, "E105")
    if not issuers:
        bearer.lacks("issuers", "Write a table [issuers.NAME].", "E105", "bearer has no issuer.")
    audience = bearer.words("audience")
    hint = 'Without one any token of the issuer would do. Write audience = "https://shop.example".'
    bearer.lacks("audience", hint, "E114", "bearer has no audience.")
    bearer.close()
    return tuple(name for name in named if name in issuers), audience


def _session(table: Table) -> SessionSettings:
    session = table.table("session")
    if session is None:
        return SessionSettings()
    plain = SessionSettings()
    idle = session.parsed("idle", plain.idle, units.seconds)
    absolute = session.parsed("absolute", max(plain.absolute, idle), units.seconds)
    if idle > absolute:
        session.wrong("idle", "A session cannot rest longer than it lives: make absolute longer.")
    cookie = session.text("cookie", plain.cookie)
    name = cookie.removeprefix(COOKIE_PREFIX)
    if name == cookie or not name or not cookie.isascii() or not all(c.isalnum() or c in "-_." for c in name):
        hint = f'Write "{COOKIE_PREFIX}…": browsers keep such a cookie to this host, over https.'
        session.wrong("cookie", hint)
        cookie = plain.cookie
    session.close()
    return SessionSettings(cookie, idle, absolute)


def _apikey(table: Table) -> str:
    apikey = table.table("apikey")
    if apikey is None:
        return Credentials().key_header
    header = apikey.parsed("header", "X-API-Key", units.field_name).lower()
    if header in _RESERVED:
        apikey.wrong("header", 'This field has a meaning of its own. Write one such as "X-API-Key".')
    apikey.close()
    return header
