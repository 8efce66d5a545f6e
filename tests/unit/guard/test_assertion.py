"""The assertion for the upstream: readable by strangers, useless at the front door."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from doorward.core.errors import ConfigError
from doorward.core.reason import Reason
from doorward.guard.assertion import AssertionSigner, load_or_create, thumbprint
from doorward.schemes.claims import AtJwt, BadClaims, Expected, check
from doorward.schemes.jws import Verified, verify
from doorward.schemes.keys import SUPPORTED, load_keys
from jose_material import rsa_key

# joserfc prefers the name of RFC 9864; the assertion says EdDSA because most readers know no other.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

NOW = 1_800_000_000
UPSTREAM = "http://127.0.0.1:9000"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def signer(**more: Any) -> AssertionSigner:
    return AssertionSigner(KEY, audience=UPSTREAM, **more)


def claims_of(token: str, made_by: AssertionSigner) -> dict[str, Any]:
    keys = joserfc_jwk.KeySet.import_key_set(made_by.jwks())
    return joserfc_jwt.decode(token, keys, algorithms=["EdDSA"]).claims


def test_strangers_verify_it_with_the_published_key() -> None:
    made_by = signer()
    token = made_by.sign("1", "https://idp.example", {"b", "a"}, {"x:write", "x:read"}, NOW + 0.9)
    expected = {
        "iss": "doorward",
        "aud": UPSTREAM,
        "sub": "1",
        "sub_iss": "https://idp.example",
        "roles": ["a", "b"],
        "scope": "x:read x:write",
        "iat": NOW,
        "exp": NOW + 60,
    }
    assert claims_of(token, made_by) == expected
    keys = joserfc_jwk.KeySet.import_key_set(made_by.jwks())
    decoded = joserfc_jwt.decode(token, keys, algorithms=["EdDSA"])
    assert decoded.claims == expected
    assert decoded.header == {"alg": "EdDSA", "kid": made_by.kid, "typ": "doorward-assertion+jwt"}


@pytest.mark.parametrize("rule", list(AtJwt))
def test_it_is_never_accepted_as_an_access_token_even_where_all_else_fits(rule: AtJwt) -> None:
    made_by = signer()
    token = verify(made_by.sign("1", "", (), (), NOW), load_keys(made_by.jwks()).find, SUPPORTED)
    assert isinstance(token, Verified)
    got = check(token, Expected("doorward", (UPSTREAM,), require_at_jwt=rule), now=NOW)
    assert got == BadClaims(Reason.TOKEN_TYPE, "typ")


def test_it_is_handed_out_again_for_half_its_life_and_then_made_anew() -> None:
    made_by = signer()
    first = made_by.sign("1", "i", ("a",), (), NOW)
    assert made_by.sign("1", "i", ["a"], frozenset(), NOW + 29.9) is first
    assert made_by.sign("1", "i", ("a",), (), NOW + 30) != first
    assert made_by.sign("1", "i", ("a",), (), NOW - 1) != first


def test_two_callers_never_share_one() -> None:
    made_by = signer()
    callers = [
        ("1", "i", ("a",), ()),
        ("1", "j", ("a",), ()),
        ("2", "i", ("a",), ()),
        ("1", "i", (), ("a",)),
        ("1", "i", (), ()),
    ]
    tokens = [made_by.sign(*caller, NOW) for caller in callers]
    assert len(set(tokens)) == len(callers)
    assert [claims_of(token, made_by)["sub"] for token in tokens] == ["1", "1", "2", "1", "1"]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.guard.assertion._KEPT_MAX", 3)
    made_by = signer()
    for n in range(20):
        made_by.sign(str(n), "", (), (), NOW)
        assert len(made_by._kept) <= 3


def test_a_hostile_subject_stays_inside_the_token() -> None:
    made_by = signer()
    subject = 'a\r\nX: y"},{"\u2028зоя'
    token = made_by.sign(subject, "", (), (), NOW)
    assert token.isascii()
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert claims_of(token, made_by)["sub"] == subject


@pytest.mark.parametrize("more", [{"lifetime": 61}, {"lifetime": 0}])
def test_it_lives_a_minute_at_most(more: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        signer(**more)
    with pytest.raises(ConfigError):
        AssertionSigner(KEY, audience="")


def test_its_key_is_named_by_the_thumbprint_of_the_rfc() -> None:
    # RFC 8037 appendix A.1 to A.3
    raw = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert thumbprint(Ed25519PrivateKey.from_private_bytes(raw)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert AssertionSigner(KEY, "mine", audience=UPSTREAM).jwks()["keys"][0]["kid"] == "mine"


def test_no_private_half_is_published_or_shown() -> None:
    made_by = signer()
    assert set(made_by.jwks()["keys"][0]) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert bytes(range(32)).hex() not in repr(made_by)
    assert repr(made_by) == f"AssertionSigner(kid={made_by.kid!r}, audience={UPSTREAM!r})"


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "assertion.pem"
    first = load_or_create(path)
    assert thumbprint(load_or_create(path)) == thumbprint(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["assertion.pem"]


def test_the_umask_cannot_open_the_key_and_a_second_process_keeps_the_first_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "assertion.pem"
    before = os.umask(0)
    try:
        first = load_or_create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # The other process looked before our key was there.
    monkeypatch.setattr(type(path), "exists", lambda _self: False)
    assert thumbprint(load_or_create(path)) == thumbprint(first)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assertion.pem"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="open to others"):
        load_or_create(path)


def test_a_link_a_foreign_key_and_garbage_are_refused(tmp_path: Path) -> None:
    real = tmp_path / "real.pem"
    load_or_create(real)
    link = tmp_path / "link.pem"
    link.symlink_to(real)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_or_create(link)
    foreign = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data in (b"", b"garbage", foreign):
        real.write_bytes(data)
        with pytest.raises(ConfigError, match="no Ed25519 key") as caught:
            load_or_create(real)
        assert "PRIVATE" not in str(caught.value)


def test_a_folder_that_is_not_there_is_the_operators_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read or made"):
        load_or_create(tmp_path / "nowhere" / "assertion.pem")


def test_a_key_file_whose_text_is_no_base64_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "assertion.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\n!!!not base64!!!\n-----END PRIVATE KEY-----\n")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        load_or_create(file)
