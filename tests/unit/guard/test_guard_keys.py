"""Where the keys of issuers come from, over a reload too."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from doorward.core.ask import FindKeys, Later, SendsAtJwt
from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.guard import keys as module
from doorward.guard.keys import Keyring, open_source
from doorward.idp.fetch import Fetched
from doorward.idp.jwks import JwksCache
from jose_material import oct_jwk, rsa_jwk
from kit import NOW, issuer, policy

RSA = {"algorithms": ("RS256",)}


def asked(name: str = "idp", kid: str | None = "a") -> FindKeys:
    return FindKeys(name, kid, "RS256", NOW)


def trusting(**keys: Any) -> Policy:
    return policy(issuers=[issuer(**RSA, **keys)])


def test_inline_keys_and_a_file_are_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [rsa_jwk(kid="a")]}))
    ring = Keyring()
    for source in ({"keys": (MappingProxyType(rsa_jwk(kid="a")),)}, {"jwks_file": str(file)}):
        ring.load(trusting(**source))
        assert [key.kid for key in ring.find(asked())] == ["a"]
        assert ring.find(asked(kid="b")) == ()


def test_keys_behind_an_address_must_be_waited_for() -> None:
    ring = Keyring()
    ring.load(trusting(jwks="https://idp.example/keys"))
    found = ring.find(asked())
    assert isinstance(found, Later)
    found.awaitable.close()  # nobody waits for it here


def test_a_reload_keeps_a_fetched_set_and_reads_a_file_again(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    ring = Keyring()
    file.write_text(json.dumps({"keys": [rsa_jwk(kid="a")]}))
    named = {
        "url": issuer("url", jwks="https://idp.example/keys", **RSA),
        "file": issuer("file", jwks_file=str(file), **RSA),
    }
    both = policy(issuers=named.values())
    ring.load(both)
    fetched = ring._sources["url"][1]
    file.write_text(json.dumps({"keys": [rsa_jwk(kid="b")]}))
    ring.load(both)
    assert ring._sources["url"][1] is fetched
    assert [key.kid for key in ring.find(asked("file", "b"))] == ["b"]
    moved = issuer("url", jwks="https://idp.example/other", **RSA)
    ring.load(policy(issuers=[moved]))
    assert isinstance(ring._sources["url"][1], JwksCache)
    assert ring._sources["url"][1] is not fetched


def test_a_decision_that_outlives_its_issuer_finds_no_key() -> None:
    ring = Keyring()
    ring.load(trusting(keys=(rsa_jwk(kid="a"),)))
    ring.load(policy(issuers=[]))
    assert ring.find(asked()) == ()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"jwks_file": "/nowhere/jwks.json"}, "No such file"),
        ({"jwks": "http://idp.example/keys"}, "https"),
        ({"keys": ()}, "Key set refused"),
        ({"keys": (oct_jwk(kid="a", k="AAAA"),)}, "Key set refused"),
    ],
    ids=["no-file", "plain-http", "no-key", "unfit-key"],
)
def test_a_source_that_cannot_be_used_names_its_issuer_and_changes_nothing(source: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=r'issuer "idp"') as caught:
        open_source(issuer(**RSA, **source))
    assert says in str(caught.value)
    assert "AAAA" not in str(caught.value)
    ring = Keyring()
    ring.load(trusting(keys=(rsa_jwk(kid="a"),)))
    with pytest.raises(ConfigError):
        ring.load(trusting(**source))
    assert ring.find(asked())


def test_an_issuer_is_remembered_by_the_first_token_that_names_its_kind() -> None:
    ring = Keyring()
    assert not ring.sends_at_jwt(SendsAtJwt("idp", seen=False))
    assert ring.sends_at_jwt(SendsAtJwt("idp", seen=True))
    assert ring.sends_at_jwt(SendsAtJwt("idp", seen=False))
    assert not ring.sends_at_jwt(SendsAtJwt("other", seen=False))


def test_the_operator_is_told_how_each_issuers_keys_are() -> None:
    ring = Keyring()
    fetched = issuer("url", jwks="https://idp.example/keys", **RSA)
    ring.load(policy(issuers=[issuer("inline", keys=(rsa_jwk(kid="a"),), **RSA), fetched]))
    assert ring.states() == {"inline": "ready", "url": "not fetched yet"}
    source = ring._sources["url"][1]
    assert isinstance(source, JwksCache)
    source.fetches = 1
    assert ring.states()["url"] == "ready"
    source.last_error = "idp.example is unavailable."
    assert ring.states()["url"] == "idp.example is unavailable."


def test_keys_for_a_command_are_read_or_fetched_now(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch(url: str) -> Fetched:
        return Fetched(json.dumps({"keys": [rsa_jwk(kid="fetched")]}).encode())

    monkeypatch.setattr(module, "fetch_json", fetch)
    near = asyncio.run(module.keys_of(issuer(keys=(rsa_jwk(kid="a"),), **RSA)))
    far = asyncio.run(module.keys_of(issuer(jwks="https://idp.example/keys", **RSA)))
    assert [key.kid for key in (*near.keys, *far.keys)] == ["a", "fetched"]
