"""Invariant: whatever arrives, `peek`, `verify` and `check` give a value and never raise; and nothing verifies here
that another library, given the same hygienic keys, refuses."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet as JoserfcKeySet

from doorward.schemes.claims import AtJwt, BadClaims, Claims, Expected, check
from doorward.schemes.jws import Bad, Fault, Header, Peeked, Verified, peek, verify
from doorward.schemes.jws_encoding import decode_object
from doorward.schemes.keys import SUPPORTED, KeySetError, load_keys
from jose_material import ALGORITHMS, jwk_for, token

NOW = 1_800_000_000
EXPECTED = {rule: Expected("i", ("a",), require_at_jwt=rule) for rule in AtJwt}
KEYS = {alg: load_keys(jwk_for(alg, kid="k")) for alg in ALGORITHMS}
BASE64URL = string.ascii_letters + string.digits + "-_"

scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
value = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
header_names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "zip", "enc"])
claim_names = st.sampled_from(
    [
        *("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope", "client_id", "auth_time", "acr", "amr"),
        *("cnf", "typ", "token_use", "token_type", "type", "nonce", "events"),
    ]
)


@given(
    st.text()
    | st.text(alphabet=BASE64URL + ".=+/ ", max_size=80)
    | st.binary(max_size=200).map(lambda b: b.decode("latin-1"))
)
def test_any_text_is_judged_and_never_raises(text: str) -> None:
    assert isinstance(peek(text), Peeked | Bad)
    for keys in KEYS.values():
        assert isinstance(verify(text, keys.find, SUPPORTED), Bad)


@given(st.lists(st.text(alphabet=BASE64URL + "=", max_size=40), min_size=1, max_size=7))
def test_any_number_of_parts_is_judged(parts: list[str]) -> None:
    got = verify(".".join(parts), KEYS["HS256"].find, SUPPORTED)
    assert isinstance(got, Bad)
    if len(parts) == 5:
        assert got.fault is Fault.ENCRYPTED


@given(st.dictionaries(header_names | st.text(max_size=5), value | st.sampled_from(ALGORITHMS)), value)
def test_any_header_over_any_payload_is_judged_though_rightly_signed(header: dict[str, Any], payload: Any) -> None:
    text = token("HS256", json.dumps(payload).encode(), json.dumps(header).encode())
    got = verify(text, KEYS["HS256"].find, SUPPORTED)
    if isinstance(got, Verified):
        assert header["alg"] == "HS256"
        assert "crit" not in header
        assert "b64" not in header


@given(
    st.dictionaries(claim_names, value | st.sampled_from(["i", "a", NOW, NOW + 9, "x y"]), max_size=10),
    st.none() | st.sampled_from(["JWT", "at+jwt", "refresh+jwt"]) | st.text(max_size=8),
    st.sampled_from(list(AtJwt)),
    st.booleans(),
)
def test_any_claims_are_judged_and_what_passes_is_sound(
    extra: dict[str, Any], typ: str | None, rule: AtJwt, sends: bool
) -> None:
    raw = json.dumps({"iss": "i", "aud": "a", "sub": "s", "exp": NOW + 60} | extra).encode()
    read = Verified(Header("HS256", None, typ), raw, decode_object(raw))
    got = check(read, EXPECTED[rule], now=NOW, sends_at_jwt=sends)
    assert isinstance(got, Claims | BadClaims)
    if isinstance(got, Claims):
        assert got.issuer == "i"
        assert "a" in got.audience
        assert got.subject
        assert got.subject.isprintable() or not got.subject.isascii()
        assert NOW - 30 < got.expires < 253402300800
        assert not {"cnf", "events"} & extra.keys()


@given(value | st.lists(value), st.none() | st.lists(st.sampled_from([*ALGORITHMS, "none", ""]), max_size=4))
def test_any_json_as_a_key_set_gives_keys_or_the_one_error(jwks: Any, algorithms: list[str] | None) -> None:
    try:
        keys = load_keys(jwks, algorithms)
    except KeySetError:
        return
    assert keys.keys


@given(
    st.sampled_from(ALGORITHMS),
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "k", "alg", "use", "kid", "key_ops"]), value, max_size=3
    ),
)
def test_any_mutant_of_a_good_key_gives_keys_or_the_one_error(alg: str, mutation: dict[str, Any]) -> None:
    try:
        keys = load_keys(jwk_for(alg) | mutation)
    except KeySetError:
        return
    assert keys.keys[0].algs <= SUPPORTED


def stranger_accepts(text: str, jwk: dict[str, Any]) -> bool:
    """joserfc with our key hygiene: the same JWK, pinned to the algorithms that hygiene left."""
    registry = joserfc_jws.JWSRegistry(
        algorithms=sorted(load_keys(jwk).keys[0].algs),
        strict_check_header=False,  # RFC 7515 4: unknown names are ignored
    )
    try:
        joserfc_jws.deserialize_compact(text.encode(), JoserfcKeySet.import_key_set({"keys": [jwk]}), registry=registry)
    except (JoseError, ValueError, KeyError, TypeError):
        return False
    return True


# joserfc warns of RS*, PS* and EdDSA as a matter of taste; verdicts are compared here.
QUIET = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")


@QUIET
@given(
    st.sampled_from(ALGORITHMS),
    st.sampled_from(ALGORITHMS),
    st.sampled_from(ALGORITHMS),
    st.sampled_from(["k", "other", None]),
    st.binary(max_size=20),
)
def test_for_any_pair_of_key_and_algorithm_both_readers_agree(
    signed_with: str, said: str, key_for: str, kid: str | None, payload: bytes
) -> None:
    header = {"alg": said} | ({"kid": kid} if kid is not None else {})
    text = token(signed_with, payload, json.dumps(header).encode())
    jwk = jwk_for(key_for, kid="k")
    ours = isinstance(verify(text, load_keys(jwk).find, SUPPORTED), Verified)
    assert ours == stranger_accepts(text, jwk)


@given(st.sampled_from(ALGORITHMS), st.data())
def test_no_mutant_of_a_good_token_is_accepted(alg: str, data: st.DataObject) -> None:
    good = token(alg, {"a": 1}, kid="k")
    place = data.draw(st.integers(0, len(good) - 1))
    kind = data.draw(st.sampled_from(["replace", "insert", "delete", "swap", "double"]))
    letter = data.draw(st.sampled_from(BASE64URL + ".=+/ \n"))
    mutant = {
        "replace": good[:place] + letter + good[place + 1 :],
        "insert": good[:place] + letter + good[place:],
        "delete": good[:place] + good[place + 1 :],
        "swap": good[place:] + good[:place],
        "double": good[:place] + good[place : place + 4] + good[place:],
    }[kind]
    assume(mutant != good)
    assert isinstance(verify(good, KEYS[alg].find, SUPPORTED), Verified)
    # One spelling per token: a mutant is another token, and nobody signed it.
    assert isinstance(verify(mutant, KEYS[alg].find, SUPPORTED), Bad)


@QUIET
@given(st.sampled_from(["HS256", "Ed25519"]), st.data())
def test_a_rightly_signed_mutant_of_a_header_passes_here_only_if_it_passes_there(alg: str, data: st.DataObject) -> None:
    good = json.dumps({"alg": alg, "kid": "k", "typ": "JWT", "crit": [], "b64": True}).encode()
    place = data.draw(st.integers(0, len(good) - 1))
    until = data.draw(st.integers(place, len(good)))
    head = good[:place] + data.draw(st.sampled_from([b"", b" ", b'"', b",", b"0", b"}", b"\\u0061"])) + good[until:]
    text = token(alg, b"{}", head)
    if isinstance(verify(text, KEYS[alg].find, SUPPORTED), Verified):
        assert stranger_accepts(text, jwk_for(alg, kid="k"))


@QUIET
def test_both_readers_accept_the_good_token_so_that_the_comparison_means_something() -> None:
    assert all(stranger_accepts(token(alg, b"x", kid="k"), jwk_for(alg, kid="k")) for alg in ALGORITHMS)
    assert not stranger_accepts(token("HS256", b"x", kid="k")[:-2] + "AA", jwk_for("HS256", kid="k"))
