"""Challenges as other servers send them: every case of the shared corpus, read as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from doorward.core.challenge import Flaw, Parsed, parse_challenges


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared / "corpora/challenge/www-authenticate.json").read_text("utf-8"))[
        "cases"
    ]
    return found


def read(case: dict[str, Any], *, lenient: bool = False) -> Any:
    parsed = parse_challenges(case["fields"], lenient=lenient)
    if isinstance(parsed, Flaw):
        return "error"
    return [{"scheme": one.scheme, "params": one.params} for one in parsed]


def test_every_case_is_read_as_the_corpus_says(cases: list[dict[str, Any]]) -> None:
    wrong = {}
    for case in cases:
        right = {"ok": [case["challenges"]], "error": ["error"], "either": ["error", case["challenges"]]}[
            case["strict"]
        ]
        if read(case) not in right:
            wrong[case["name"]] = read(case)
    assert wrong == {}
    assert len(cases) == 32


def test_an_unterminated_quote_is_tolerated_on_request_alone(cases: list[dict[str, Any]]) -> None:
    case = next(case for case in cases if case["name"] == "missingquote")
    assert read(case) == "error"
    assert read(case, lenient=True) == [{"scheme": "basic", "params": {"realm": "basic"}}]


@pytest.mark.parametrize(
    ("field", "right"),
    [
        ("Negotiate YIIabc==", [Parsed("negotiate", {}, "YIIabc==")]),
        ("Negotiate abc=, Basic realm=x", [Parsed("negotiate", {}, "abc="), Parsed("basic", {"realm": "x"})]),
        ("Negotiate , Basic realm=x", [Parsed("negotiate"), Parsed("basic", {"realm": "x"})]),
        ("Digest qop=auth", [Parsed("digest", {"qop": "auth"})]),
        ("a b", [Parsed("a", {}, "b")]),
        ("a b=", [Parsed("a", {}, "b=")]),
        ("", []),
        (" , ,", []),
        ("a\t b=c\t,\td=e", [Parsed("a", {"b": "c", "d": "e"})]),
    ],
)
def test_token68_and_lists_are_read(field: str, right: list[Parsed]) -> None:
    assert parse_challenges([field]) == right


@pytest.mark.parametrize(
    "field", ['"x"', "a=b", "a(b", 'a b="c"d', "a b=, c=d", "a b c", "a b c=d", 'a b="\x00"', "a b=c c=d", "a (b)"]
)
def test_what_is_no_challenge_is_a_flaw_with_its_place(field: str) -> None:
    flaw = parse_challenges(["Basic realm=x", field])
    assert isinstance(flaw, Flaw)
    assert flaw.why
    assert 0 <= flaw.at <= len(field)
