"""Wycheproof at the JWS layer. Expected verdicts: corpora/README.md, which names the defects of the corpus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from doorward.schemes.jws import Fault, Verified, peek, verify
from doorward.schemes.keys import SUPPORTED, KeySetError, load_keys

if TYPE_CHECKING:
    from pathlib import Path

MISLABELLED_INVALID = {367, 370}  # byte-identical to 357, which is labelled valid
MISLABELLED_VALID = {372, 373}  # contain "?", which is not base64url
EITHER = {346, 347, 350, 351}  # key and header name different algorithms
PINNED_OUT = EITHER  # our choice among the two: RFC 7517 4.4

Case = tuple[dict[str, Any], dict[str, Any]]


def cases(shared: Path, name: str) -> list[Case]:
    data = json.loads((shared / "corpora" / "wycheproof" / f"json_web_{name}_test.json").read_text("utf-8"))
    return [(group, test) for group in data["testGroups"] for test in group["tests"]]


def text_of(test: dict[str, Any]) -> str:
    """The token as it would arrive; JSON serialisations arrive as their text."""
    token = test["jws"] if "jws" in test else test["jwe"]
    return token if isinstance(token, str) else json.dumps(token)


def accepts(group: dict[str, Any], token: str) -> bool:
    """The adapter of corpora/README.md: material = public or private; algorithms = what the keys say."""
    try:
        keys = load_keys(group.get("public") or group["private"])
    except KeySetError:
        return False
    return isinstance(verify(token, keys.find, SUPPORTED), Verified)


def test_every_consistent_signature_vector_gets_the_verdict_of_the_corpus(shared: Path) -> None:
    wrong, right = [], 0
    for group, test in cases(shared, "signature"):
        tc = test["tcId"]
        if tc in MISLABELLED_INVALID | MISLABELLED_VALID:
            continue
        got = accepts(group, text_of(test))
        if tc in EITHER or got == (test["result"] == "valid"):
            right += 1
        else:
            wrong.append((tc, test["comment"], got))
    assert wrong == []
    assert right == 397


def test_the_four_defects_of_the_corpus_are_judged_by_the_rfc(shared: Path) -> None:
    got = {test["tcId"]: accepts(group, text_of(test)) for group, test in cases(shared, "signature")}
    assert {tc: got[tc] for tc in MISLABELLED_INVALID} == dict.fromkeys(MISLABELLED_INVALID, True)
    assert {tc: got[tc] for tc in MISLABELLED_VALID} == dict.fromkeys(MISLABELLED_VALID, False)
    tokens = {test["tcId"]: text_of(test) for _, test in cases(shared, "signature")}
    assert tokens[367] == tokens[370] == tokens[357]


def test_a_key_that_names_another_algorithm_than_the_header_refuses(shared: Path) -> None:
    got = {test["tcId"]: accepts(group, text_of(test)) for group, test in cases(shared, "signature")}
    assert {tc: got[tc] for tc in PINNED_OUT} == dict.fromkeys(PINNED_OUT, False)


def test_the_four_either_vectors_verify_when_the_key_names_no_algorithm(shared: Path) -> None:
    for group, test in cases(shared, "signature"):
        if test["tcId"] in EITHER:
            material = {k: v for k, v in (group.get("public") or group["private"]).items() if k != "alg"}
            assert accepts({"public": material}, text_of(test))


def test_every_key_vector_gets_the_verdict_of_the_corpus(shared: Path) -> None:
    verdicts = [
        (test["tcId"], accepts(group, text_of(test)), test["result"] == "valid") for group, test in cases(shared, "key")
    ]
    assert [tc for tc, got, want in verdicts if got != want] == []
    assert len(verdicts) == 26


def test_a_refused_key_is_refused_for_its_own_fault_not_by_chance(shared: Path) -> None:
    faults = {}
    for group, test in cases(shared, "key"):
        try:
            load_keys(group["private"])
        except KeySetError as error:
            faults[test["tcId"]] = str(error.dropped[0] if error.dropped else error.fault)
    assert faults == {
        1: "set-mixes-symmetry",
        4: "set-repeats-kid",
        6: "use-unfit",
        7: "modulus-weak",
        8: "too-short",
        9: "exponent-weak",
        **dict.fromkeys((10, 11, 12, 16, 17, 18), "too-short"),
        **dict.fromkeys((19, 20), "alg-unfit"),
        21: "use-unfit",
        22: "point-weak",
        23: "malformed",
        24: "malformed",
        **dict.fromkeys((25, 26), "alg-unfit"),
    }


def test_the_web_crypto_file_is_judged_as_labelled_and_no_jwe_is_accepted(shared: Path) -> None:
    jws, jwe, wrong = 0, 0, []
    for group, test in cases(shared, "crypto"):
        jws, jwe = jws + ("jws" in test), jwe + ("jwe" in test)
        if accepts(group, text_of(test)) != ("jws" in test and test["result"] == "valid"):
            wrong.append(test["tcId"])
    assert (jws, jwe, wrong) == (49, 34, [])


def test_a_well_formed_jwe_is_recognised_as_encrypted(shared: Path) -> None:
    tokens = [text_of(test) for _, test in cases(shared, "crypto") if test["result"] == "valid" and "jwe" in test]
    assert tokens
    assert {getattr(peek(token), "fault", None) for token in tokens} == {Fault.ENCRYPTED}


@pytest.mark.parametrize("name", ["signature", "key", "crypto"])
def test_the_verdict_is_the_same_when_the_header_is_already_known(shared: Path, name: str) -> None:
    first = [accepts(group, text_of(test)) for group, test in cases(shared, name)]
    again = [accepts(group, text_of(test)) for group, test in cases(shared, name)]
    assert first == again
