"""Invariants of challenges: what is built is read back; no text makes the reader raise; credentials are split alike."""

from __future__ import annotations

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from doorward.core.challenge import (
    AuthChallenge,
    Flaw,
    Parsed,
    is_b64token,
    parse_challenges,
    printable,
    split_authorization,
)

TOKENS = st.text("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters, min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
PARAMS = st.lists(st.tuples(TOKENS, VALUES), min_size=1, max_size=4, unique_by=lambda pair: pair[0].lower()).map(tuple)
CHALLENGES = st.lists(st.builds(AuthChallenge, TOKENS, PARAMS), min_size=1, max_size=3)
LATIN = st.text(st.characters(max_codepoint=255), max_size=40)


@given(CHALLENGES, st.booleans())
def test_what_is_built_is_read_back_on_one_line_or_on_many(built: list[AuthChallenge], one_line: bool) -> None:
    lines = [challenge.line for challenge in built]
    parsed = parse_challenges([", ".join(lines)] if one_line else lines)
    assert parsed == [
        Parsed(challenge.scheme.lower(), {name.lower(): value for name, value in challenge.params})
        for challenge in built
    ]


@given(st.lists(LATIN | st.text('ab=,"\\ \t\r\n', max_size=20), max_size=3), st.booleans())
def test_no_text_makes_the_reader_raise_and_what_it_reads_is_clean(fields: list[str], lenient: bool) -> None:
    parsed = parse_challenges(fields, lenient=lenient)
    if not isinstance(parsed, Flaw):
        assert all(re.fullmatch(r"[!-~]+", one.scheme) and one.scheme == one.scheme.lower() for one in parsed)


@given(LATIN)
def test_any_realm_may_be_configured_and_none_breaks_out_of_its_quotes(realm: str) -> None:
    line = AuthChallenge("Bearer", (("realm", printable(realm)),)).line
    assert not re.search(r"[\r\n\0]|[^\x20-\x7e]", line)
    assert parse_challenges([line]) == [Parsed("bearer", {"realm": printable(realm)})]


@given(TOKENS, st.integers(1, 4), st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=20))
def test_scheme_and_value_are_parted_by_any_number_of_blanks(word: str, blanks: int, rest: str) -> None:
    assert split_authorization(word + " " * blanks + rest) == (word.lower(), rest)


@given(LATIN)
def test_splitting_never_raises_and_leaves_no_blanks_around(value: str) -> None:
    word, rest = split_authorization(value)
    assert " " not in word
    assert rest == rest.strip(" \t")
    assert (word, rest) == ("", "") or value.strip(" \t")


@given(LATIN | st.text("aZ09-._~+/= ", max_size=12))
def test_a_b64token_is_what_rfc_6750_says(value: str) -> None:
    assert is_b64token(value) is bool(re.fullmatch(r"[A-Za-z0-9\-._~+/]+=*", value) and not value.endswith("\n"))
