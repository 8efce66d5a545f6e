"""Key hygiene: which keys are used, which are dropped, which sets fall as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from doorward.core.errors import ConfigError
from doorward.schemes import key_jwk
from doorward.schemes.jws import Bad, Fault, verify
from doorward.schemes.key_roca import is_roca
from doorward.schemes.keys import (
    SUPPORTED,
    Key,
    KeyFault,
    KeySet,
    KeySetError,
    load_keys,
    load_pem,
    load_secret,
    load_text,
)
from jose_material import SECRET, b64, ec_jwk, ec_key, ed_jwk, ed_key, number, oct_jwk, rsa_jwk, rsa_key, token

RSA_ALGS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def dropped(jwk: Any, algorithms: tuple[str, ...] | None = None) -> KeyFault:
    with pytest.raises(KeySetError) as caught:
        load_keys(jwk, algorithms)
    assert caught.value.fault is KeyFault.SET_HAS_NO_USABLE_KEY
    return caught.value.dropped[0]


def refused(jwks: Any, algorithms: tuple[str, ...] | None = None) -> KeyFault:
    with pytest.raises(KeySetError) as caught:
        load_keys(jwks, algorithms)
    return caught.value.fault


def test_a_key_without_alg_permits_what_its_type_and_length_permit() -> None:
    assert load_keys(rsa_jwk()).keys[0].algs == RSA_ALGS
    assert load_keys(ec_jwk("ES256")).keys[0].algs == {"ES256"}
    assert load_keys(ec_jwk("ES384")).keys[0].algs == {"ES384"}
    assert load_keys(ec_jwk("ES512")).keys[0].algs == {"ES512"}
    assert load_keys(ed_jwk()).keys[0].algs == {"EdDSA", "Ed25519"}
    assert load_keys(oct_jwk(bytes(64))).keys[0].algs == {"HS256", "HS384", "HS512"}
    assert load_keys(oct_jwk(bytes(63))).keys[0].algs == {"HS256", "HS384"}
    assert load_keys(oct_jwk(bytes(32))).keys[0].algs == {"HS256"}
    assert dropped(oct_jwk(bytes(31))) is KeyFault.TOO_SHORT


def test_a_key_with_alg_is_pinned_to_it_and_the_issuer_narrows_further() -> None:
    assert load_keys(rsa_jwk(alg="PS384")).keys[0].algs == {"PS384"}
    assert load_keys(rsa_jwk(), ("RS256", "ES256")).keys[0].algs == {"RS256"}
    assert dropped(rsa_jwk(alg="PS384"), ("RS256",)) is KeyFault.ALG_NOT_ALLOWED
    assert dropped(ec_jwk("ES384"), ("ES256",)) is KeyFault.ALG_NOT_ALLOWED
    assert dropped(rsa_jwk(alg="ES256")) is KeyFault.ALG_UNFIT
    assert dropped(rsa_jwk(alg="none")) is KeyFault.ALG_UNFIT
    assert dropped(ec_jwk("ES256") | {"alg": "ES384"}) is KeyFault.ALG_UNFIT
    assert dropped(oct_jwk(bytes(32), alg="HS512")) is KeyFault.TOO_SHORT


@pytest.mark.parametrize("algorithms", [(), ("none",), ("RS256", "none"), ("ES256K",)])
def test_an_unknown_algorithm_in_the_settings_is_an_error(algorithms: tuple[str, ...]) -> None:
    assert refused(rsa_jwk(), algorithms) is KeyFault.ALGORITHMS_UNKNOWN


def test_symmetric_and_asymmetric_never_stand_side_by_side() -> None:
    assert refused(rsa_jwk(), ("RS256", "HS256")) is KeyFault.SET_MIXES_SYMMETRY
    assert refused([rsa_jwk(kid="a"), oct_jwk(kid="b")]) is KeyFault.SET_MIXES_SYMMETRY
    assert refused([rsa_jwk(kid="a"), oct_jwk(b"", kid="b", use="enc")]) is KeyFault.SET_MIXES_SYMMETRY


def test_two_keys_of_one_name_refuse_the_set_even_when_one_would_be_dropped() -> None:
    assert refused({"keys": [rsa_jwk(kid="a"), ec_jwk(kid="a")]}) is KeyFault.SET_REPEATS_KID
    assert refused({"keys": [rsa_jwk(kid="a"), ec_jwk(kid="a", use="enc")]}) is KeyFault.SET_REPEATS_KID
    assert len(load_keys({"keys": [rsa_jwk(), ec_jwk()]}).keys) == 2


@pytest.mark.parametrize("jwks", [None, 7, "x", {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_what_is_no_set_is_refused(jwks: Any) -> None:
    assert refused(jwks) is KeyFault.SET_MALFORMED


def test_empty_and_huge_sets_are_refused() -> None:
    assert refused({"keys": []}) is KeyFault.SET_HAS_NO_USABLE_KEY
    assert refused([rsa_jwk()] * 129) is KeyFault.SET_TOO_LARGE


@pytest.mark.parametrize("entry", [None, 1, "x", []])
def test_an_entry_that_is_no_object_is_dropped_and_the_others_are_used(entry: Any) -> None:
    keys = load_keys([entry, rsa_jwk()])
    assert len(keys.keys) == 1
    assert keys.dropped == (KeyFault.MALFORMED,)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"use": "enc"}, KeyFault.USE_UNFIT),
        ({"use": None}, KeyFault.USE_UNFIT),
        ({"key_ops": ["sign"]}, KeyFault.USE_UNFIT),
        ({"key_ops": []}, KeyFault.USE_UNFIT),
        ({"key_ops": "verify"}, KeyFault.USE_UNFIT),
        ({"kid": 7}, KeyFault.MALFORMED),
        ({"alg": 7}, KeyFault.MALFORMED),
        ({"d": "AQAB"}, KeyFault.PRIVATE),
        ({"kty": "AKP"}, KeyFault.TYPE_UNKNOWN),
        ({"kty": ["RSA"]}, KeyFault.TYPE_UNKNOWN),
        ({"n": 7}, KeyFault.MALFORMED),
        ({"n": "ü"}, KeyFault.MALFORMED),
        ({"n": "\ud800"}, KeyFault.MALFORMED),
        ({"e": None}, KeyFault.MALFORMED),
        ({"n": ""}, KeyFault.TOO_SHORT),
        ({"n": number((1 << 2047) + 1)[:-8]}, KeyFault.TOO_SHORT),
        ({"n": number(1 << 2047)}, KeyFault.MODULUS_WEAK),
        ({"n": number((1 << 8192) + 1)}, KeyFault.TOO_LONG),
        ({"e": "AQ"}, KeyFault.EXPONENT_WEAK),
        ({"e": ""}, KeyFault.EXPONENT_WEAK),
        ({"e": number(65536)}, KeyFault.EXPONENT_WEAK),
        ({"e": number(2**64 + 1)}, KeyFault.EXPONENT_WEAK),
    ],
)
def test_an_unfit_rsa_key_is_dropped_with_its_reason(more: dict[str, Any], why: KeyFault) -> None:
    assert dropped(rsa_jwk() | more) is why


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"crv": "secp256k1"}, KeyFault.TYPE_UNKNOWN),
        ({"crv": ["P-256"]}, KeyFault.TYPE_UNKNOWN),
        ({"crv": "P-384"}, KeyFault.MALFORMED),
        ({"x": b64(bytes(32))}, KeyFault.POINT_WEAK),
        ({"x": b64(b"\xff" * 32)}, KeyFault.POINT_WEAK),
        ({"x": b64(bytes(33))}, KeyFault.MALFORMED),
        ({"y": None}, KeyFault.MALFORMED),
    ],
)
def test_an_unfit_curve_key_is_dropped_with_its_reason(more: dict[str, Any], why: KeyFault) -> None:
    assert dropped(ec_jwk() | more) is why


def test_an_edwards_key_of_small_order_is_dropped_since_one_signature_would_fit_all() -> None:
    prime = 2**255 - 19
    weak = [*key_jwk._ED25519_SMALL, prime, prime + 1, 2**255 - 1]
    for y in weak:
        for sign_bit in (0, 1 << 255):
            raw = ((y % 2**255) | sign_bit).to_bytes(32, "little")
            assert dropped(ed_jwk() | {"x": b64(raw)}) is KeyFault.POINT_WEAK


def test_the_small_order_points_are_real_ones() -> None:
    """Each listed y satisfies the curve equation with an x whose eightfold is the neutral element."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def add(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        (x1, y1), (x2, y2) = a, b
        t = d * x1 * x2 * y1 * y2 % p
        return (
            (x1 * y2 + x2 * y1) * pow(1 + t, -1, p) % p,
            (y1 * y2 + x1 * x2) * pow(1 - t, -1, p) % p,
        )

    assert len(key_jwk._ED25519_SMALL) == 5
    for y in key_jwk._ED25519_SMALL:
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(square, (p + 3) // 8, p)
        if x * x % p != square:
            x = x * pow(2, (p - 1) // 4, p) % p
        assert x * x % p == square
        point = (x, y)
        for _ in range(3):
            point = add(point, point)
        assert point == (0, 1)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"crv": "X25519"}, KeyFault.TYPE_UNKNOWN),
        ({"crv": "Ed448"}, KeyFault.TYPE_UNKNOWN),
        ({"x": None}, KeyFault.MALFORMED),
        ({"x": b64(bytes(31))}, KeyFault.MALFORMED),
        ({"alg": "ES256"}, KeyFault.ALG_UNFIT),
    ],
)
def test_an_unfit_edwards_key_is_dropped_with_its_reason(more: dict[str, Any], why: KeyFault) -> None:
    assert dropped(ed_jwk() | more) is why


def test_a_secret_that_is_somebodys_public_key_is_dropped() -> None:
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert dropped(oct_jwk(pem)) is KeyFault.SECRET_IS_A_PUBLIC_KEY
    assert dropped(oct_jwk(b"ssh-ed25519 " + bytes(64))) is KeyFault.SECRET_IS_A_PUBLIC_KEY
    assert dropped({"kty": "oct", "k": None}) is KeyFault.MALFORMED
    assert dropped({"kty": "oct"}) is KeyFault.MALFORMED


def test_a_made_up_roca_modulus_is_recognised_and_a_sound_one_is_not() -> None:
    primorial = 1
    for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97):
        primorial *= prime
    for prime in (101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167):
        primorial *= prime
    weak = (3 << 1900) * primorial + pow(65537, 12345, primorial)
    assert is_roca(weak)
    assert not is_roca(rsa_key().public_key().public_numbers().n)
    assert not is_roca(weak + 2)
    assert dropped(rsa_jwk() | {"n": number(weak)}) is KeyFault.MODULUS_WEAK


def test_a_token_with_kid_gets_that_key_only_and_one_without_gets_all_that_fit() -> None:
    keys = load_keys([rsa_jwk(kid="a"), ec_jwk(kid="b"), rsa_jwk(3072, kid="c")])
    assert [key.kid for key in keys.find("c", "RS256")] == ["c"]
    assert keys.find("b", "RS256") == ()
    assert keys.find("zzz", "RS256") == ()
    assert [key.kid for key in keys.find(None, "RS256")] == ["a", "c"]
    assert keys.knows("a")
    assert not keys.knows("zzz")
    assert not keys.knows(None)


def test_a_nameless_key_serves_any_kid_that_no_other_key_has() -> None:
    keys = load_keys([rsa_jwk(), ec_jwk(kid="b")])
    assert [key.kty for key in keys.find("whatever", "RS256")] == ["RSA"]
    assert keys.find("b", "RS256") == ()
    assert keys.knows("whatever")


def test_a_token_without_kid_cannot_make_us_try_more_than_eight_keys() -> None:
    keys = load_keys([oct_jwk(bytes([n]) * 32) for n in range(20)])
    assert len(keys.find(None, "HS256")) == 8


def test_json_text_is_read_strictly() -> None:
    import json

    assert load_text(json.dumps({"keys": [rsa_jwk(kid="a")]}).encode()).keys[0].kid == "a"
    with pytest.raises(KeySetError):
        load_text(b'{"keys":[],"keys":[]}')
    with pytest.raises(KeySetError):
        load_text(b"<html>")


@pytest.mark.parametrize("kind", ["RSA", "EC", "OKP"])
def test_a_public_key_in_pem_form_serves_every_kid(kind: str) -> None:
    private, alg = {"RSA": (rsa_key(), "RS256"), "EC": (ec_key("ES256"), "ES256"), "OKP": (ed_key(), "EdDSA")}[kind]
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    keys = load_pem(pem, (alg,))
    assert keys.keys[0].kty == kind
    assert not isinstance(verify(token(alg, kid="any"), keys.find, SUPPORTED), Bad)
    named = load_pem(pem, None, kid="mine")
    assert verify(token(alg, kid="other"), named.find, SUPPORTED) == Bad(Fault.KEY_UNKNOWN)


def public_pem(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_an_unfit_pem_key_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    for pem, why in (
        (public_pem(weak), KeyFault.TOO_SHORT),
        (public_pem(ec.generate_private_key(ec.SECP256K1())), KeyFault.TYPE_UNKNOWN),
        (public_pem(dsa.generate_private_key(1024)), KeyFault.TYPE_UNKNOWN),
    ):
        with pytest.raises(KeySetError) as caught:
            load_pem(pem)
        assert caught.value.dropped == (why,)


def test_a_private_or_broken_pem_is_refused_and_never_quoted() -> None:
    private = ed_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeySetError) as caught:
        load_pem(private)
    assert caught.value.fault is KeyFault.PRIVATE
    assert private.decode().splitlines()[1] not in str(caught.value)
    with pytest.raises(KeySetError):
        load_pem(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")


def test_a_shared_secret_serves_the_algorithms_it_is_long_enough_for() -> None:
    assert load_secret(SECRET, ("HS256",)).keys[0].algs == {"HS256"}
    with pytest.raises(KeySetError):
        load_secret(SECRET[:31])
    with pytest.raises(KeySetError):
        load_secret(SECRET[:40], ("HS512",))
    assert isinstance(key_jwk.read_secret(SECRET, None, "HS384", None), Key)


def test_a_key_without_a_supported_algorithm_cannot_be_constructed() -> None:
    with pytest.raises(ValueError, match="algorithm"):
        Key("k", "RSA", {})
    with pytest.raises(ValueError, match="algorithm"):
        Key("k", "RSA", {"none": lambda _s, _d: True})
    with pytest.raises(KeySetError):
        KeySet(())


def test_a_refused_set_is_the_operators_error_and_says_why() -> None:
    with pytest.raises(ConfigError, match="modulus-weak"):
        load_keys(rsa_jwk() | {"n": number(1 << 2047)})


def test_an_edwards_public_key_object_is_held_to_the_same_rules() -> None:
    identity = Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    assert key_jwk.read_public(identity, None, None) is KeyFault.POINT_WEAK
