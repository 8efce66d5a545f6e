"""Challenges as values, and the corners of the reader that the corpus does not reach."""

from __future__ import annotations

import pytest

from doorward.core.challenge import AuthChallenge, Flaw, Parsed, parse_challenges, printable


def test_a_realm_cannot_add_a_field() -> None:
    assert (
        AuthChallenge("Basic", (("realm", printable("\r\nSet-Cookie: a=b")),)).line == 'Basic realm="Set-Cookie: a=b"'
    )


@pytest.mark.parametrize(
    ("scheme", "params"),
    [
        ("Bearer", ()),
        ("", (("realm", "x"),)),
        ("Bea rer", (("realm", "x"),)),
        ("Bearer\n", (("realm", "x"),)),
        ("Bearer", (("realm", "x"), ("Realm", "y"))),
        ("Bearer", (("re alm", "x"),)),
        ("Bearer", (("realm\n", "x"),)),
        ("Bearer", (("realm", "x\r\n"),)),
        ("Bearer", (("realm", "ä"),)),
        ("Bearer", (("realm", "\x7f"),)),
    ],
)
def test_a_challenge_that_breaks_the_grammar_cannot_be_made(scheme: str, params: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValueError, match=r"not |needs|twice"):
        AuthChallenge(scheme, params)


@pytest.mark.parametrize(
    ("field", "right"),
    [
        ("Negotiate abc=, Basic realm=x", [Parsed("negotiate", {}, "abc="), Parsed("basic", {"realm": "x"})]),
        ("a b", [Parsed("a", {}, "b")]),
        ("a, b", [Parsed("a"), Parsed("b")]),
        ("a , b=c", [Parsed("a", {"b": "c"})]),
        ('a b="c\\"d"', [Parsed("a", {"b": 'c"d'})]),
        ("a b = c", [Parsed("a", {"b": "c"})]),
    ],
)
def test_lists_and_token68_are_read(field: str, right: list[Parsed]) -> None:
    assert parse_challenges([field]) == right


@pytest.mark.parametrize(
    "field", ['"x"', "a=b", "a b c", 'a b="c"d', 'a b="', "a b=c, b=d", "a (b)", "a b=, c=d", "a , (b)"]
)
def test_what_is_no_list_of_challenges_is_a_flaw(field: str) -> None:
    assert isinstance(parse_challenges([field]), Flaw)


def test_an_open_quote_is_tolerated_on_request() -> None:
    assert parse_challenges(['a b="c'], lenient=True) == [Parsed("a", {"b": "c"})]
