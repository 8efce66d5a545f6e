"""Targets and patterns: what is refused, why, and how a pattern is mended."""

from __future__ import annotations

import pytest

from doorward.core.errors import ConfigError
from doorward.core.path import PathFault, Target, parse_pattern, read_target, safe_return


@pytest.mark.parametrize(
    ("raw", "path", "segments", "query"),
    [
        ("/", "/", (), ""),
        ("/a", "/a", ("a",), ""),
        ("/a/", "/a/", ("a",), ""),
        ("/a/b?x=%2e%2e&y=//;\\", "/a/b", ("a", "b"), "x=%2e%2e&y=//;\\"),
        ("/%61/%C3%A4", "/a/ä", ("a", "ä"), ""),
        ("/x%20y/100%25", "/x y/100%", ("x y", "100%"), ""),
        ("/.env/a.b/..c", "/.env/a.b/..c", (".env", "a.b", "..c"), ""),
        ("/~a/!$&'()*+,=:@", "/~a/!$&'()*+,=:@", ("~a", "!$&'()*+,=:@"), ""),
        ("/?", "/", (), ""),
    ],
)
def test_a_plain_target_is_decoded_once_and_kept_as_it_was(
    raw: str, path: str, segments: tuple[str, ...], query: str
) -> None:
    assert read_target(raw) == Target(raw, path, segments, query)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "begin"),
        ("a", "begin"),
        ("//", "empty segment"),
        ("/a//b", "empty segment"),
        ("/a/./b", "dot segment"),
        ("/a/..", "dot segment"),
        ("/.../a", "dot segment"),
        ("/%2e%2e/a", "dot segment"),
        ("/%2e", "dot segment"),
        ("/a%2fb", "encoded slash"),
        ("/a%5cb", "backslash"),
        ("/a\\b", "backslash"),
        ("/a;b", "';'"),
        ("/a%3bb", "';'"),
        ("/a#b", "fragment"),
        ("/a%", "incomplete"),
        ("/a%2", "incomplete"),
        ("/a%zz", "incomplete"),
        ("/%252e", "twice"),
        ("/%25u002e", "twice"),
        ("/%ef%bc%852e", "twice"),
        ("/%00", "control"),
        ("/%7f", "control"),
        ("/%c2%85", "control"),
        ("/%c0%ae", "UTF-8"),
        ("/%ed%a0%80", "UTF-8"),
        ("/%ff", "UTF-8"),
        ("/%ef%bc%8f", "disguise"),
        ("/%e2%80%a5/x", "disguise"),
        ("/%cd%be", "';'"),
        ("/a b", "percent-encoded"),
        ("/ä", "percent-encoded"),
        ("/a|b", "percent-encoded"),
        ("/\n", "percent-encoded"),
        ("/a?b c", "query"),
        ("/a?b\x00", "query"),
        ("/a?b#c", "query"),
        ("/a?\xff", "query"),
    ],
)
def test_a_target_of_two_readings_is_refused_and_says_why(raw: str, why: str) -> None:
    fault = read_target(raw)
    assert isinstance(fault, PathFault)
    assert why in fault.why


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "does not begin"),
        ("/a//b", "empty segment"),
        ("/**/a", "inside"),
        ("/a*", "inside"),
        ("/a{id}", "mixes"),
        ("/{}", "mixes"),
        ("/{id}/{id}", "twice"),
        ("/a%20b", "never match"),
        ("/a?b", "never match"),
        ("/..", "never match"),
        ("/a;b", "never match"),
        ("/a\\b", "never match"),
        ("/a#b", "never match"),
    ],
)
def test_a_pattern_that_cannot_mean_anything_is_an_error_with_its_mend(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as raised:
        parse_pattern(text)
    assert raised.value.hint


def test_patterns_bind_variables_and_end_where_they_say() -> None:
    pattern = parse_pattern("/u/{id}/**")
    assert pattern.variables == {"id"}
    assert pattern.bind(("u", "7")) == {"id": "7"}
    assert pattern.bind(("u", "7", "x")) == {"id": "7"}
    assert pattern.bind(("u",)) is None
    assert pattern.bind(("v", "7")) is None
    assert parse_pattern("/").bind(()) == {}
    assert parse_pattern("/a/").bind(("a",)) == {}
    assert parse_pattern("/a").bind(("a", "b")) is None
    assert parse_pattern("/**").bind(()) == {}


@pytest.mark.parametrize("value", ["/", "/a/b?x=1", "/doorward", "/%C3%A4"])
def test_a_way_back_of_ours_is_kept(value: str) -> None:
    assert safe_return(value) == value


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            "",
            "a",
            "//evil",
            "/\\evil",
            "/%09/evil",
            "/\t/evil",
            "https://evil",
            "http:evil",
            "javascript:alert(1)",
        ),
        *(
            "/.doorward/logout",
            "/.doorward",
            "/%2edoorward/logout",
            "/a/../b",
            "/" + "a" * 2048,
            "/ä",
            "/a\r\nX: y",
            "?x",
        ),
    ],
)
def test_a_way_back_that_leads_elsewhere_is_dropped(value: str | None) -> None:
    assert safe_return(value) is None
