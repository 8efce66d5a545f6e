"""RFC 7520, RFC 8037 and RFC 7797 examples. Expected verdicts: corpora/README.md, table "jose-cookbook"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from doorward.schemes.jws import Bad, Fault, Verified, verify
from doorward.schemes.keys import SUPPORTED, load_keys

if TYPE_CHECKING:
    from pathlib import Path

COMPACT = {
    "jws/4_1.rsa_v15_signature.json": "RS256",
    "jws/4_2.rsa-pss_signature.json": "PS384",
    "jws/4_3.ecdsa_signature.json": "ES512",
    "jws/4_4.hmac-sha2_integrity_protection.json": "HS256",
    "curve25519/jws.json": "EdDSA",
}


def example(shared: Path, name: str) -> dict[str, Any]:
    return json.loads((shared / "corpora" / "jose-cookbook" / name).read_text("utf-8"))


def judge(shared: Path, name: str, token: str) -> Verified | Bad:
    keys = example(shared, name)["input"]["key"]
    return verify(token, load_keys(keys[0] if isinstance(keys, list) else keys).find, SUPPORTED)


@pytest.mark.parametrize(("name", "alg"), COMPACT.items())
def test_the_five_compact_examples_verify_and_give_back_their_payload(shared: Path, name: str, alg: str) -> None:
    got = judge(shared, name, example(shared, name)["output"]["compact"])
    assert isinstance(got, Verified)
    assert got.header.alg == alg
    assert got.payload == example(shared, name)["input"]["payload"].encode()


def test_a_detached_payload_is_refused_as_a_bearer_token(shared: Path) -> None:
    name = "jws/4_5.signature_with_detached_content.json"
    assert judge(shared, name, example(shared, name)["output"]["compact"]) == Bad(Fault.SIGNATURE_BAD)


def test_an_unencoded_payload_is_refused_because_nobody_here_understands_b64(shared: Path) -> None:
    compact = example(shared, "rfc7797/hmac-sha2_b64_false.json")["output"]["compact"]
    head, _, tail = compact.partition(".")[0], *compact.rpartition(".")[1:]
    for token in (compact, f"{head}.cGF5bG9hZA.{tail}"):
        assert judge(shared, "rfc7797/hmac-sha2_b64_false.json", token) == Bad(Fault.CRIT_UNKNOWN)


def test_b64_without_crit_is_refused_too(shared: Path) -> None:
    flat = example(shared, "rfc7797/4.2.hmac-sha2_b64_false.json")["output"]["json_flat"]
    token = f"{flat['protected']}.JC4wMg.{flat['signature']}"
    assert judge(shared, "rfc7797/4.2.hmac-sha2_b64_false.json", token) == Bad(Fault.CRIT_UNKNOWN)


def test_every_json_serialisation_is_refused(shared: Path) -> None:
    seen = 0
    for path in sorted((shared / "corpora" / "jose-cookbook").glob("*/*.json")):
        name = f"{path.parent.name}/{path.name}"
        for form in ("json", "json_flat"):
            if form in (output := example(shared, name)["output"]):
                seen += 1
                assert isinstance(judge(shared, name, json.dumps(output[form])), Bad)
    assert seen >= 20
