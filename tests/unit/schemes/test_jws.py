"""The verifier: what is refused, in which words, and what is never looked at."""

from __future__ import annotations

import hmac
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from doorward.core.reason import CODES, Code, Reason
from doorward.schemes import jws
from doorward.schemes.jws import Bad, Fault, Header, Peeked, Verified, peek, verify, verify_peeked
from doorward.schemes.keys import SUPPORTED, KeySet, load_keys
from jose_material import ALGORITHMS, SECRET, b64, jwk_for, oct_jwk, rsa_jwk, rsa_key, sign, token

HS = load_keys(oct_jwk())


def fault(text: str, keys: KeySet = HS, algorithms: frozenset[str] = SUPPORTED) -> Fault | None:
    got = verify(text, keys.find, algorithms)
    return got.fault if isinstance(got, Bad) else None


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_algorithm_verifies_its_own_signature(alg: str) -> None:
    got = verify(token(alg, {"iss": "i"}, kid="k", typ="JWT"), load_keys(jwk_for(alg, kid="k")).find, frozenset({alg}))
    assert isinstance(got, Verified)
    assert got.header == Header(alg, "k", "JWT")
    assert got.claims == {"iss": "i"}
    assert got.payload == b'{"iss": "i"}'


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_one_changed_bit_of_signature_payload_or_header_is_refused(alg: str) -> None:
    keys = load_keys(jwk_for(alg))
    head, body, tail = token(alg, {"a": 1}).split(".")
    raw = bytearray(sign(alg, f"{head}.{body}".encode()))
    raw[len(raw) // 2] ^= 1
    assert fault(f"{head}.{body}.{b64(bytes(raw))}", keys) is Fault.SIGNATURE_BAD
    changed = b64(b'{"a": 2}')
    assert fault(f"{head}.{changed}.{tail}", keys) is Fault.SIGNATURE_BAD
    other = b64(json.dumps({"alg": alg, "x": 1}).encode())
    assert fault(f"{other}.{body}.{tail}", keys) is Fault.SIGNATURE_BAD


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_that_is_too_short_or_too_long_is_refused(alg: str) -> None:
    keys = load_keys(jwk_for(alg))
    head, body, _ = token(alg).split(".")
    raw = sign(alg, f"{head}.{body}".encode())
    for wrong in (raw[:-1], raw + b"\0", b"\0" + raw, raw[:1], raw * 2):
        assert fault(f"{head}.{body}.{b64(wrong)}", keys) is Fault.SIGNATURE_BAD


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "not.a.jwt", "...", "..", "a.b.c.d", "e30.e30.e30", "\ud800.a.b", "ü.e.e"]
)
def test_what_is_no_compact_jws_is_malformed(text: str) -> None:
    assert fault(text) is Fault.MALFORMED


def test_a_payload_or_signature_that_is_not_base64url_or_no_signature_at_all_is_malformed() -> None:
    head, body, tail = token("HS256").split(".")
    for text in (
        f"{head}.{body}=.{tail}",
        f"{head}.{body}.{tail}=",
        f"{head}.{body}.",
        f"{head}.a.{tail}",
        f"{head}.{body}. ",
    ):
        assert fault(text) is Fault.MALFORMED


def test_five_parts_are_an_encrypted_token_whatever_they_hold() -> None:
    assert fault("a.b.c.d.e") is Fault.ENCRYPTED
    assert fault("....") is Fault.ENCRYPTED


def test_more_than_8_kib_is_refused_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault(token(payload=b" " * 4000 + b"{}")) is None
    monkeypatch.setattr(jws, "decode_base64url", None)
    monkeypatch.setattr(jws, "decode_object", None)
    assert fault("a" * 8193) is Fault.TOO_LARGE
    assert fault("a." * 4097) is Fault.TOO_LARGE


def test_exactly_8_kib_is_still_read() -> None:
    frame = len(token(payload=b""))
    body = b"0" * ((jws.TOKEN_MAX - frame) * 3 // 4)
    text = token(payload=body)
    assert jws.TOKEN_MAX - 1 <= len(text) <= jws.TOKEN_MAX
    assert fault(text) is None


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("tail", ["", "AA"])
def test_alg_none_is_never_accepted(alg: str, tail: str) -> None:
    head, body, _ = token("HS256", {"a": 1}, json.dumps({"alg": alg}).encode()).split(".")
    for allowed in (SUPPORTED, SUPPORTED | {alg}):
        assert fault(f"{head}.{body}.{tail}", HS, allowed) is not None


def test_a_public_key_is_never_taken_for_an_hmac_secret() -> None:

    keys = load_keys(rsa_jwk(kid="k"))
    public = rsa_key().public_key()
    for encoding in (Encoding.PEM, Encoding.DER):
        raw = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        head, body, _ = token("HS256", {"a": 1}, kid="k").split(".")
        forged = hmac.digest(raw, f"{head}.{body}".encode(), "sha256")
        assert fault(f"{head}.{body}.{b64(forged)}", keys) is Fault.KEY_UNKNOWN
        assert fault(f"{head}.{body}.{b64(forged)}", keys, frozenset({"RS256"})) is Fault.ALG_REFUSED


def test_an_algorithm_the_issuer_may_not_use_is_refused_though_the_key_could() -> None:
    assert fault(token("RS256"), load_keys(rsa_jwk()), frozenset({"PS256"})) is Fault.ALG_REFUSED


def test_a_key_that_the_caller_hands_over_wrongly_is_still_pinned() -> None:
    peeked = peek(token("HS256"))
    assert isinstance(peeked, Peeked)
    assert verify_peeked(peeked, load_keys(rsa_jwk()).keys, SUPPORTED) == Bad(Fault.KEY_UNKNOWN)
    assert verify_peeked(peeked, (), SUPPORTED) == Bad(Fault.KEY_UNKNOWN)
    both = (*load_keys(rsa_jwk()).keys, *HS.keys)
    assert isinstance(verify_peeked(peeked, both, SUPPORTED), Verified)


@pytest.mark.parametrize(
    "more",
    [{"crit": ["x-must"], "x-must": 1}, {"crit": []}, {"crit": ["b64"], "b64": True}, {"crit": None}, {"b64": False}],
)
def test_whatever_is_critical_is_refused_since_we_understand_nothing(more: dict) -> None:
    assert fault(token("HS256", **more)) is Fault.CRIT_UNKNOWN


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"HS256","alg":"HS256"}',
        b'{"alg":"none","alg":"HS256"}',
        b'{"alg":"HS256","kid":"a","kid":"b"}',
        b'{"alg":"HS256","kid":1}',
        b'{"alg":"HS256","kid":null}',
        b'{"alg":"HS256","typ":["at+jwt"]}',
        b'{"alg":["HS256"]}',
        b'{"alg":null}',
        b"{}",
        b"[]",
        b"",
        b"\xff",
        b'{"alg":"HS256"',
    ],
)
def test_a_header_that_two_readers_could_read_differently_is_malformed(header: bytes) -> None:
    assert fault(token("HS256", header=header)) is Fault.MALFORMED


def test_keys_inside_the_token_are_ignored() -> None:
    for name, value in (
        ("jwk", oct_jwk()),
        ("jku", "https://evil.example/"),
        ("x5u", "https://evil.example/"),
        ("x5c", ["AA"]),
    ):
        assert fault(token("HS256", **{name: value})) is None
        assert fault(token("HS256", **{name: value}), load_keys(oct_jwk(bytes(64)))) is Fault.SIGNATURE_BAD


def test_repeated_claims_verify_as_a_signature_but_are_no_claims() -> None:
    got = verify(token(payload=b'{"sub":"a","sub":"root"}'), HS.find, SUPPORTED)
    assert isinstance(got, Verified)
    assert got.claims is None


def test_the_issuer_is_read_before_the_signature_and_only_when_it_is_a_text() -> None:
    def issuer(payload: bytes) -> str | None:
        peeked = peek(token(payload=payload))
        assert isinstance(peeked, Peeked)
        return peeked.issuer

    assert issuer(b'{"iss":"https://a"}') == "https://a"
    assert issuer(b'{"iss":["https://a"]}') is None
    assert issuer(b'{"iss":"https://a","iss":"https://b"}') is None
    assert issuer(b"foo") is None


def test_a_header_is_remembered_only_after_its_signature_was_right(monkeypatch: pytest.MonkeyPatch) -> None:
    memo: dict[bytes, Header] = {}
    monkeypatch.setattr(jws, "_HEADERS", memo)
    monkeypatch.setattr(jws, "_HEADERS_MAX", 2)
    assert fault(token(payload=b"1", n=0), load_keys(oct_jwk(bytes(64)))) is Fault.SIGNATURE_BAD
    assert memo == {}
    for n in range(5):
        assert fault(token(n=n)) is None
        assert fault(token(n=n)) is None
        assert 1 <= len(memo) <= 2


def test_nothing_secret_is_in_a_repr() -> None:
    text = token("HS256", {"sub": "alice"})
    shown = repr(peek(text)) + repr(verify(text, HS.find, SUPPORTED)) + repr(HS) + repr(HS.keys)
    for part in [*text.split(".")[1:], "alice", repr(SECRET)[2:40], b64(SECRET)]:
        assert part not in shown


def test_each_fault_has_a_reason_whose_public_code_is_invalid_token() -> None:
    assert {CODES[Bad(f).reason] for f in Fault} == {Code.INVALID_TOKEN}
    assert Bad(Fault.SIGNATURE_BAD).reason is Reason.TOKEN_SIGNATURE
    assert Bad(Fault.KEY_UNKNOWN).reason is Reason.KEY_UNKNOWN
