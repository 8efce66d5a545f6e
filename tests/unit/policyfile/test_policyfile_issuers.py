"""Issuers, their keys and secrets: what is named, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from policytexts import load, one, said

from doorward.core import keysource
from doorward.core.settings import Issuer
from doorward.guard.compose import SCHEMES
from doorward.guard.keys import open_source
from doorward.policyfile.issuers import KINDS
from doorward.schemes import key_checks
from jose_material import b64, rsa_jwk

HEAD = """version = 1
realm = "shop"
[credentials]
bearer = { audience = "https://shop.example" }
"""
SECRET = "correct horse battery staple, thirty-two octets and more"
PRIVATE = "-----BEGIN RSA PRIVATE KEY-----MIIEowIBAAKCAQEA"


def issuer(keys: str, name: str = "a", algorithms: str = '["RS256"]') -> str:
    return f'[issuers.{name}]\nissuer = "https://{name}.example"\nalgorithms = {algorithms}\n{keys}\n'


def loaded(keys: str, folder: Path = Path("/nowhere"), algorithms: str = '["RS256"]') -> Issuer:
    return load(HEAD + issuer(keys, algorithms=algorithms), folder).require().settings.issuers["a"]


WRONG: list[tuple[str, str]] = [
    (issuer(""), '1 E103 issuer "a": it has no keys. Name jwks (an address), jwks_file, keys or secret; discovery is '),
    (issuer('jwks = "http://idp.example/k"'), '4 E103 issuer "a": the address of the keys cannot be used: it must be '),
    (issuer('jwks = "https://a\\\\b"'), '4 E103 issuer "a": the address of the keys cannot be used: it must be printa'),
    (issuer('jwks_file = "none.json"'), '4 E103 issuer "a": there is no file "/nowhere/none.json". Relative paths beg'),
    (issuer(f'jwks_file = "{"x" * 300}"'), '4 E103 issuer "a": there is no file "/nowhere/xxx'),
    (issuer('keys = "x"'), '4 E103 issuer "a": keys is no list of JWKs. Write keys = [{ kty = "RSA"'),
    (issuer("keys = []"), '4 E103 issuer "a": keys is no list of JWKs.'),
    (issuer('keys = [{ kid = "1" }]'), '4 E103 issuer "a": a key has no kty. Write it as the issuer publishes it'),
    (issuer('keys = [{ kty = "RSA" }]', algorithms='["HS256"]'), '4 E103 issuer "a": keys are public, and HS algorith'),
    (issuer('jwks = "https://a.example"\nkeys = [{ kty = "RSA" }]'), '5 E103 issuer "a": keys come from jwks and keys'),
    (issuer('jwks = "https://a.example"\nleeway = "10m"'), '5 E103 issuer "a": leeway = "10m". Write at most "300s".'),
    (issuer('jwks = "https://a.example"\naccounts = "ldap"'), '5 E103 issuer "a": accounts = "ldap". Write "local".'),
    (issuer('jwks = "https://a.example"\nmap = { x = "y" }'), '5 E103 issuer "a": map has nothing to map. Name the cl'),
    (issuer('jwks = "https://a.example"\nroles = "r"\nmap = { x = "a b" }'), '6 E103 issuer "a": map: a b is no role.'),
    (issuer('jwks = "https://a.example"\nroles = "r"\nmap = { x = "b" }\n[roles]\nc = []\n[[rule]]\nname = "r"\n'
            'path = "/"\nroles = "c"'), '6 E105 issuer "a": map: unknown role "b". Known here: c. Roles stand in [rol'),
    (issuer('jwks = "https://a.example"\nalg = "x"'), '5 E102 issuer "a": unknown key "alg". Did you mean "algorithms'),
    (issuer('jwks = "https://a.example"', name="local"), '1 E103 issuer "local": this name stands for the accounts of'),
    ('[issuers.a]\njwks = "https://a.example"\nissuer = "a"\n', '1 E103 issuer "a": algorithms is missing. Write what'),
    ('[issuers.a]\njwks = "https://a.example"\nalgorithms = ["RS256"]\n', '1 E103 issuer "a": issuer is missing. Writ'),
    ("[issuers]\na = 7\n", '2 E103 issuer "a": 7 is no table. Write { … }.'),
    (issuer('jwks = "https://a.example"', algorithms='["none"]'), '3 E114 issuer "a": "none" is no signature. Take it'),
    (issuer('jwks = "https://a.example"', algorithms='["RS265"]'), '3 E114 issuer "a": unknown algorithm "RS265". Did'),
    (issuer('jwks = "https://a.example"', algorithms='["HS256", "RS256"]'), '3 E114 issuer "a": HS algorithms stand b'),
    (issuer('secret = { env = "DOORWARD_NO" }', algorithms='["HS256"]'), '4 E103 issuer "a": secret: there is no such'),
    (issuer('secret = { file = "none" }', algorithms='["HS256"]'), '4 E103 issuer "a": secret: the file cannot be rea'),
    (issuer("secret = {}", algorithms='["HS256"]'), '4 E103 issuer "a": secret: it names no source. Write { env = "NA'),
    (issuer('secret = { env = "A", file = "b" }', algorithms='["HS256"]'), '4 E103 issuer "a": secret: it names two s'),
    (issuer("secret = { env = 7 }", algorithms='["HS256"]'), '4 E103 issuer "a": secret: env = 7. Write a text'),
    (issuer(f'secret = "{SECRET}"', algorithms='["HS256"]'), '4 E117 issuer "a": the secret is written into the file.'),
    (issuer("secret = 12345678", algorithms='["HS256"]'), '4 E117 issuer "a": the secret is written into the file. Wr'),
    (issuer('keys = [{ kty = "RSA", n = "x", e = "AQAB", d = "y" }]'), '4 E117 the private member "d" of a key is wri'),
    (issuer('keys = [{ kty = "oct", k = "y" }]'), '4 E117 the private member "k" of a key is written into the file.'),
]  # fmt: skip


@pytest.mark.parametrize(("body", "told"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_in_an_issuer_is_told(body: str, told: str) -> None:
    found = [line for line in said(body, head=HEAD, levels="E") if "must not hold" not in line]
    assert len(found) == 1, found
    assert found[0].startswith(told), found[0]


@pytest.mark.parametrize(
    ("credentials", "told"),
    [
        ("bearer = {}", "1 E105 [credentials] bearer: bearer has no issuer. Write a table [issuers.NAME]."),
        ("bearer = 7", "1 E103 [credentials] bearer: 7 is no table."),
        ('bearer = { issuers = "x" }', '1 E105 [credentials] bearer: unknown issuer "x". Write a table [issuers.x].'),
        ("bearer = { issuers = 7 }", "1 E103 [credentials] bearer: issuers = 7. Write a text in quotation marks."),
        ('session = { cookie = "sid" }', '1 E103 [credentials] session: cookie = "sid". Write "__Host-…"'),
        ('session = { cookie = "__Host-" }', '1 E103 [credentials] session: cookie = "__Host-". Write "__Host-…"'),
        ('session = { cookie = "__Host-a b" }', '1 E103 [credentials] session: cookie = "__Host-a b". Write'),
        ('session = { idle = "2d", absolute = "1d" }', '1 E103 [credentials] session: idle = "2d". A session cannot r'),
        ('apikey = { header = "Cookie" }', '1 E103 [credentials] apikey: header = "Cookie". This field has a meaning'),
        ('apikey = { header = "a b" }', "1 E103 [credentials] apikey: a b is no name of a header field."),
        ('basic = { accounts = "ldap" }', '1 E103 [credentials] basic: accounts = "ldap". Write "local".'),
        ('require_at_jwt = "yes"', '1 E103 [credentials] require_at_jwt = "yes". Write "auto", "always" or "never".'),
        ("basc = {}", '1 E102 [credentials] unknown key "basc". Did you mean "basic"?'),
    ],
)  # fmt: skip
def test_a_mistake_in_the_credentials_is_told(credentials: str, told: str) -> None:
    found = said(credentials + "\n", head='version = 1\nrealm = "x"\n[credentials]\n', levels="E")
    assert found[0].startswith(told), found


def test_bearer_without_an_audience_is_refused() -> None:
    body = "[credentials]\nbearer = {}\n" + issuer('jwks = "https://a.example"')
    assert one(body, head='version = 1\nrealm = "x"\n').startswith(
        "2 E114 [credentials] bearer: bearer has no audience."
    )


def test_bearer_takes_every_issuer_unless_it_names_some() -> None:
    two = issuer('jwks = "https://a.example"') + issuer('jwks = "https://b.example"', name="b")
    assert load(HEAD + two).require().settings.credentials.issuers == ("a", "b")
    head = HEAD.replace("{ audience", '{ issuers = "b", audience')
    assert load(head + two).require().settings.credentials.issuers == ("b",)


def test_the_kinds_are_those_that_the_guard_composes() -> None:
    assert set(KINDS) == set(SCHEMES)


def test_the_algorithms_are_those_that_the_verifier_knows() -> None:
    assert key_checks.SYMMETRIC == keysource.SYMMETRIC
    assert key_checks.SUPPORTED == keysource.SYMMETRIC | keysource.ASYMMETRIC


def test_a_key_address_may_be_https_or_http_to_loopback() -> None:
    assert loaded('jwks = "https://a.example/k"').jwks == "https://a.example/k"
    assert loaded('jwks = "http://127.0.0.1:8000/k"').jwks == "http://127.0.0.1:8000/k"


def test_a_key_file_is_found_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [rsa_jwk(kid="1")]}))
    found = loaded('jwks_file = "jwks.json"', tmp_path)
    assert found.jwks_file == str(tmp_path / "jwks.json")
    assert open_source(found).lookup("1", "RS256", 0.0)
    assert loaded(f'jwks_file = "{tmp_path / "jwks.json"}"').jwks_file == str(tmp_path / "jwks.json")


def toml(value: Any) -> str:
    return "{ " + ", ".join(f"{key} = {json.dumps(part)}" for key, part in value.items()) + " }"


def test_inline_keys_are_usable() -> None:
    public = {key: value for key, value in rsa_jwk(kid="1").items() if key in ("kty", "n", "e", "kid")}
    found = loaded(f"keys = [{toml(public)}]")
    assert open_source(found).lookup("1", "RS256", 0.0)


def test_a_shared_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORWARD_TEST_SECRET", SECRET)
    found = loaded('secret = { env = "DOORWARD_TEST_SECRET" }', algorithms='["HS256"]')
    assert found.keys == ({"kty": "oct", "k": b64(SECRET.encode())},)
    assert open_source(found).lookup(None, "HS256", 0.0)
    assert SECRET not in repr(found)
    assert found.keys[0]["k"] not in repr(found)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_shared_secret_comes_from_a_file_without_the_line_break(tmp_path: Path, end: str) -> None:
    (tmp_path / "idp.secret").write_bytes((SECRET + end).encode())
    found = loaded('secret = { file = "idp.secret" }', tmp_path, '["HS256"]')
    assert found.keys[0]["k"] == b64(SECRET.encode())


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "secret: the file is empty. Put the secret there."),
        (b"\n", "secret: the file is empty. Put the secret there."),
        (b"x" * 31, "the secret has fewer than 32 octets. Make one: openssl rand -base64 32."),
        (b"x" * 70_000, "secret: the file cannot be read: it is longer than 65536 bytes. Name a file"),
    ],
    ids=["empty", "blank", "short", "long"],
)
def test_a_secret_that_cannot_be_used_is_told(tmp_path: Path, octets: bytes, told: str) -> None:
    (tmp_path / "s").write_bytes(octets)
    found = one(issuer('secret = { file = "s" }', algorithms='["HS256"]'), head=HEAD, folder=tmp_path)
    assert found.startswith(f'4 E103 issuer "a": {told}')


def test_a_longer_hash_needs_a_longer_secret(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"x" * 40)
    found = one(issuer('secret = { file = "s" }', algorithms='["HS256", "HS512"]'), head=HEAD, folder=tmp_path)
    assert "fewer than 64 octets" in found


def test_a_secret_serves_no_public_key_algorithm(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"x" * 64)
    found = one(issuer('secret = { file = "s" }'), head=HEAD, folder=tmp_path)
    assert found.startswith('4 E103 issuer "a": a secret serves HS algorithms alone.')


@pytest.mark.parametrize(
    "body",
    [
        issuer(f'secret = "{SECRET}"', algorithms='["HS256"]'),
        issuer(f'secret = {{ env = "{SECRET}" }}', algorithms='["HS256"]'),
        issuer(f'secret = {{ file = "{SECRET}" }}', algorithms='["HS256"]'),
        issuer(f'keys = [{{ kty = "oct", k = "{SECRET}" }}]', algorithms='["HS256"]'),
        issuer(f'jwks = "https://user:{SECRET.replace(" ", "")}@idp.example/k"'),
        issuer(f'client_secret = "{SECRET}"'),
        f'[store]\nurl = "postgres://doorward:{SECRET.replace(" ", "")}@db/doorward"\n',
        f'[store]\npassword = "{SECRET}"\n',
        f'[server]\norigins = ["https://a:{SECRET.replace(" ", "")}@shop.example"]\n',
        f'[answers]\nbody = "{PRIVATE}"\n',
        f'[pages]\nbrand = "{PRIVATE}"\n',
    ],
    ids=range(11),
)
def test_no_finding_quotes_a_secret(body: str) -> None:
    findings = said(body, head=HEAD, levels="EWN")
    assert findings
    for hidden in (SECRET, SECRET.replace(" ", ""), "MIIEow"):
        assert not any(hidden in line for line in findings), findings


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f'[pages]\nbrand = "{PRIVATE}"\n', "2 E117 a private key is written into the file. Write { env"),
        (
            '[pages]\nsupport_url = "https://u:p@a.example"\n',
            "2 E117 an address with a password is written into the file.",
        ),
        ('[server]\npassword = "x"\n', '2 E117 the secret "password" is written into the file.'),
    ],
)
def test_a_secret_is_found_wherever_it_stands(body: str, told: str) -> None:
    assert any(line.startswith(told) for line in said(body, head="version = 1\n"))


def test_a_role_called_secret_is_no_secret() -> None:
    body = '[roles]\nsecret = ["password"]\n[[rule]]\nname = "password"\npath = "/"\nroles = ["secret"]\n'
    head = 'version = 1\nrealm = "x"\n[credentials]\nsession = {}\n'
    assert said(body + 'message = { en = "token" }\n', head=head) == [
        '2 W209 role "password" is neither required by a rule nor including another. Require it, or take it out.'
    ]
