"""Which rule takes what: E110, W202 and N301, by hand and against every request of a small world."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policytexts import HEAD, load, one, rule, said

from doorward.core.policy import Policy


def rules(*paths: str, methods: str = "") -> str:
    """Rules a, b, c … on these paths; "GET /x" names a method."""
    text = ""
    for name, path in zip("abcdefgh", paths, strict=False):
        verbs, _, where = path.rpartition(" ")
        given_methods = f"[{', '.join(repr(verb) for verb in verbs.split('|'))}]" if verbs else methods
        text += rule(name=f'"{name}"', path=f'"{where}"', roles='"r"', methods=given_methods)
    return text


DEAD = [
    (("/a/**", "/a/b"), 'rule "b" can never match: rule "a" (line 12) takes every request first. Move it up.'),
    (("/{x}", "/a"), 'rule "b" can never match: rule "a" (line 12)'),
    (("/a", "/a"), 'rule "b" can never match: rule "a" (line 12)'),
    (("/a", "/a/"), 'rule "b" can never match: rule "a" (line 12)'),
    (("/**", "/{x}/**"), 'rule "b" can never match: rule "a" (line 12)'),
    (
        ("GET /a", "POST /a", "GET|POST /a"),
        'rule "c" can never match: rule "a" (line 12) and rule "b" (line 17) together',
    ),
    (("GET /a", "HEAD /a"), 'rule "b" can never match: rule "a" (line 12)'),
    (("/a", "/a/{x}/**", "/a/**"), 'rule "c" can never match: rule "a" (line 12) and rule "b" (line 16) together take'),
    (("/.doorward/x",), 'rule "a" can never match: /.doorward/ belongs to doorward itself. Take it out.'),
]
ALIVE = [
    ("/a/b", "/a/**"),
    ("GET /a", "/a"),
    ("/a", "/{x}"),
    ("/a", "/b", "/{x}"),
    ("/a/{x}", "/a/**"),
    ("/a/{x}/c", "/a/b/{y}"),
    ("HEAD /a", "GET /a"),
]


@pytest.mark.parametrize(("paths", "told"), DEAD)
def test_a_rule_that_never_matches_is_told(paths: tuple[str, ...], told: str) -> None:
    found = one(rules(*paths), levels="E")
    assert f"E110 {told}" in found, found


@pytest.mark.parametrize("paths", ALIVE)
def test_a_rule_that_matches_something_is_left_alone(paths: tuple[str, ...]) -> None:
    assert said(rules(*paths), levels="E") == []


def test_a_rule_whose_acl_names_none_of_its_methods_never_matches() -> None:
    body = rule(path='"/{d}"', methods='"GET"', acl='{ object = "{d}", PUT = "write" }')
    assert 'E110 rule "r" can never match: acl names none of its methods. Name them in acl.' in one(body, levels="E")


def test_an_own_login_page_goes_before_every_rule() -> None:
    found = one('[login]\npage = "/login"\n' + rules("GET /login"), levels="E")
    assert 'E110 rule "a" can never match: (login page) takes every request first.' in found


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (("GET /a/**", "/a/b"), 'rule "b" is partly shadowed: GET, HEAD on /a/b goes to rule "a" (line 12).'),
        (("GET /{x}", "GET|POST /a"), 'rule "b" is partly shadowed: GET, HEAD on /a goes to rule "a" (line 12).'),
    ],
)
def test_a_narrower_rule_that_is_partly_shadowed_is_told(paths: tuple[str, ...], told: str) -> None:
    found = one(rules(*paths))
    assert f"W202 {told} Move it up, or name the methods it is for." in found


def test_a_path_of_several_that_is_shadowed_whole_is_told() -> None:
    body = rules("/a/**") + rule(path='["/a/b", "/c"]', roles='"r"')
    assert 'W202 rule "r" is partly shadowed: every method on /a/b goes to rule "a" (line 12).' in one(body)


@pytest.mark.parametrize(
    "paths", [("GET /a/**", "/a/**"), ("GET /a", "GET|POST /a"), ("/a/{x}", "/a/**"), ("GET /a", "POST /a")]
)
def test_methods_split_over_rules_of_one_path_are_no_shadow(paths: tuple[str, ...]) -> None:
    assert said(rules(*paths)) == []


def test_methods_that_nobody_takes_are_noted_once_a_path() -> None:
    assert said(rules("GET /a", "POST /a", "GET|HEAD|POST|PUT|PATCH|DELETE /b", "/c"), levels="N") == [
        '2 N301 rule "a": DELETE, PATCH, PUT on /a are taken by no rule and will be refused.'
    ]


def test_one_method_that_nobody_takes_is_noted_in_the_singular() -> None:
    assert said(rules("GET|POST|PUT|DELETE /a"), levels="N") == [
        '2 N301 rule "a": PATCH on /a is taken by no rule and will be refused.'
    ]


def test_paths_of_a_rule_with_the_same_gap_are_one_note() -> None:
    body = rule(path='["/a", "/b/**", "/c"]', roles='"r"', methods='"GET"') + rule(name='"x"', path='"/c"', roles='"r"')
    assert said(body, levels="N") == [
        '2 N301 rule "r": DELETE, PATCH, POST, PUT on /a, /b/** are taken by no rule and will be refused.'
    ]


def test_a_gap_below_a_rule_that_takes_the_top_alone_is_noted() -> None:
    assert said(rules("/a", "GET /a/**"), levels="N") == [
        '6 N301 rule "b": DELETE, PATCH, POST, PUT on /a/** are taken by no rule and will be refused.'
    ]


# ---- against every request of a small world

SEGMENTS = st.sampled_from(["a", "b", "{x}"])
PATTERNS = st.tuples(st.lists(SEGMENTS, max_size=2), st.booleans()).map(
    lambda drawn: "/" + "/".join([*unique(drawn[0]), *(["**"] if drawn[1] else [])])
)
METHODS = st.sampled_from(["", "GET", "POST", "GET|POST", "HEAD"])
SMALL = st.lists(st.tuples(METHODS, PATTERNS), min_size=1, max_size=4)
WORLD = [path for length in range(5) for path in itertools.product("abc", repeat=length)]
ASKED = ("GET", "HEAD", "POST", "PUT", "ODD")


def unique(segments: list[str]) -> list[str]:
    """Variables need names of their own."""
    return [f"{{x{index}}}" if segment == "{x}" else segment for index, segment in enumerate(segments)]


@given(SMALL)
def test_e110_says_never_exactly_where_no_request_is_decided_by_the_rule(drawn: list[tuple[str, str]]) -> None:
    text = rules(*(f"{methods} {path}" if methods else path for methods, path in drawn))
    findings = load(HEAD + text).findings
    dead = {finding.rule for finding in findings if finding.code == "E110"}
    plain = Policy("", "", rules=tuple(_rules(drawn)))
    reached = {plain.match(method, path).name for path in WORLD for method in ASKED}
    assert dead == {rule.name for rule in plain.rules} - reached


@given(SMALL)
def test_n301_names_exactly_the_common_methods_that_some_path_lacks(drawn: list[tuple[str, str]]) -> None:
    text = rules(*(f"{methods} {path}" if methods else path for methods, path in drawn))
    findings = load(HEAD + text).findings
    noted = {
        word.strip(",")
        for finding in findings
        if finding.code == "N301"
        for word in finding.message.partition(": ")[2].partition(" on ")[0].split()
    }
    plain = Policy("", "", rules=tuple(_rules(drawn)))
    common = ("DELETE", "GET", "PATCH", "POST", "PUT")
    refused = {
        method
        for path in WORLD
        for method in common
        if plain.naming(path) and plain.match(method, path).kind == "unclaimed"
    }
    assert noted == refused


def _rules(drawn: list[tuple[str, str]]) -> list[object]:
    from kit import rule as made

    return [
        made(path, name=name, methods=methods.split("|") if methods else None)
        for name, (methods, path) in zip("abcdefgh", drawn, strict=False)
    ]
