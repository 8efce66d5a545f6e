"""Invariants of paths: what is accepted has one reading; patterns and trie agree with the simplest matcher there is."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from hypothesis import example, given
from hypothesis import strategies as st

from doorward.core.path import PathFault, Target, parse_pattern, read_target, safe_return
from doorward.core.policy import Rule
from kit import policy, rule

PIECE = st.sampled_from(
    [
        *(
            "/",
            "//",
            ".",
            "..",
            "a",
            "admin",
            "%",
            "%2e",
            "%2E",
            "%252e",
            "%2f",
            "%5c",
            "\\",
            ";",
            "%3b",
            ";x=1",
            "%00",
            "%0a",
        ),
        *("%c0%af", "%c0%ae", "%e0%80%af", "%ef%bc%8f", "%ef%bc%8e", "%e2%80%a4", "%e2%80%a5", "%cd%be", "%ef%bc%852e"),
        *(
            "%25",
            "2e",
            "2f",
            "%u002e",
            "u002f",
            "%c3%a4",
            "%61",
            "~",
            "\xff",
            " ",
            "\t",
            "#",
            "|",
            "%7f",
            "%c2%85",
            "*",
        ),
    ]
)
RAW = st.lists(PIECE, max_size=10).map(lambda parts: "/" + "".join(parts)) | st.text(max_size=20)


def lenient(raw: str) -> str:
    """The path as a careless application reads it: decode until stable, drop ;params, turn backslashes, merge slashes,
    resolve dots, fold look-alikes, cut at NUL.
    """
    import unicodedata

    text = raw.partition("?")[0].partition("#")[0]
    for _ in range(6):
        text = re.sub(r"%u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text)
        text = unicodedata.normalize(
            "NFKC",
            unquote_to_bytes(text.encode("latin-1", "ignore") if text.isascii() else text.encode()).decode(
                "utf-8", "replace"
            ),
        )
    text = re.sub(r";[^/]*", "", text.replace("\\", "/").partition("\0")[0])
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


@given(RAW)
@example("/a%25u002e%25u002e/b")
@example("/%ef%bc%852e%ef%bc%852e/admin")
@example("/a/%2e%2e/b")
def test_what_is_accepted_is_read_alike_by_the_most_lenient_reader(raw: str) -> None:
    import unicodedata

    read = read_target(raw)
    if isinstance(read, Target):
        assert lenient(raw) == unicodedata.normalize("NFKC", "/" + "/".join(read.segments))
        assert read.raw == raw
        assert all(read.segments)
        assert read.path.startswith("/")
    else:
        assert isinstance(read, PathFault)
        assert read.why.isascii()


@given(RAW)
def test_a_safe_return_target_is_a_path_of_ours(raw: str) -> None:
    kept = safe_return(raw)
    if kept is not None:
        assert re.match(r"/(?![/\\])", kept)
        assert not lenient(kept).startswith("/.doorward")
        assert kept.isascii()


SEGMENT = st.sampled_from(["a", "b", "users", "x y", "ä", ".env", "7"])
PATTERN_PART = SEGMENT | st.sampled_from(["{id}", "{other}"])
PATTERNS = st.builds(
    lambda parts, below: "/" + "/".join([*dict.fromkeys(parts), *(["**"] if below else [])]),
    st.lists(PATTERN_PART, max_size=4),
    st.booleans(),
)
SEGMENTS = st.lists(SEGMENT, max_size=5).map(tuple)


def naive(pattern: str, segments: tuple[str, ...]) -> bool:
    """A regular expression written from policy.md section 2."""
    text = ""
    for piece in pattern.strip("/").split("/"):
        if piece == "**":
            text += "(?:/[^/]+)*"
        elif piece:
            text += "/[^/]+" if piece.startswith("{") else "/" + re.escape(piece)
    return re.fullmatch(text, "".join(f"/{segment}" for segment in segments)) is not None


@given(PATTERNS, SEGMENTS)
def test_a_pattern_matches_what_a_plain_expression_matches(text: str, segments: tuple[str, ...]) -> None:
    bound = parse_pattern(text).bind(segments)
    assert (bound is not None) is naive(text, segments)
    if bound:
        pieces = text.strip("/").split("/")
        assert bound == {piece.strip("{}"): segments[at] for at, piece in enumerate(pieces) if piece.startswith("{")}


METHODS = st.none() | st.lists(st.sampled_from(["GET", "HEAD", "POST"]), min_size=1, max_size=2).map(" ".join)
HIDE: st.SearchStrategy[Any] = st.sampled_from([False, True, "unless-readable"])
RULES = st.lists(st.tuples(st.lists(PATTERNS, min_size=1, max_size=2), METHODS, HIDE), max_size=6)


@given(RULES, SEGMENTS, st.sampled_from(["GET", "HEAD", "POST", "PUT"]))
def test_the_trie_finds_the_rule_that_reading_the_file_from_the_top_finds(
    drawn: list[Any], segments: tuple[str, ...], method: str
) -> None:
    rules = [
        rule([*texts], name=str(at), methods=methods, hide=hide) for at, (texts, methods, hide) in enumerate(drawn)
    ]
    compiled = policy(*rules, default="authenticated")
    for _ in range(2):  # the second answer comes from the memo
        assert compiled.match(method, segments).name == linear(rules, method, segments)
        seen = [one for one in rules if one.hide is False]
        assert compiled.neighbour(method, segments).name == linear(seen, method, segments)
        hiding = [one for one in rules if one.hide and names(one, segments)]
        assert compiled.hiding_rule(segments) is (hiding[0] if hiding else None)


def names(one: Rule, segments: tuple[str, ...]) -> bool:
    return any(naive(pattern.text, segments) for pattern in one.patterns)


def linear(rules: list[Rule], method: str, segments: tuple[str, ...]) -> str:
    naming = [one for one in rules if names(one, segments)]
    wanted = {"GET", "HEAD"} if method == "HEAD" else {method}
    for one in naming:
        if one.methods is None or wanted & one.methods:
            return one.name
    return "(method not claimed)" if naming else "(default)"
