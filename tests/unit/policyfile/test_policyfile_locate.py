"""Line numbers: what `tomllib` reads and what `locate` finds are the same keys, each on its line."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policyfile.locate import Path, locate

FEATURES = '''# a comment with [brackets] and "quotes"
title = "x"                       # 2
"quoted key" = 1                  # 3
'literal.key' = 1                 # 4
a.b.c = 1                         # 5
a.b.d = """
several [lines]
x = 1
"""
a.e = \'\'\'it\'s '' two\'\'\'   # 10
list = [
    1,       # 12
    [2,
     3],     # 14
    { x = 1, y = [
        5,
    ] },
] # 18
empty = []
none = {}
when = 1979-05-27 07:32:00

[table]  # 23
key = "a \\" ] } # no comment"
[table.deep."x.y"] # 25
k = true

[[array]]   # 28
name = "one"
[array.sub] # 30
z = 1
[[array.inner]] # 32
q = 1
[[array.inner]] # 34
[[array]]
name = """two\\
   lines"""
[[array.inner]] # 38
q = {a = {b = {c = 1}}, "d" = """"quoted""""" }
'''
WHERE: list[tuple[Path, int]] = [
    (("title",), 2),
    (("quoted key",), 3),
    (("literal.key",), 4),
    (("a", "b", "c"), 5),
    (("a", "b", "d"), 6),
    (("a", "e"), 10),
    (("list",), 11),
    (("list", 0), 12),
    (("list", 1), 13),
    (("list", 1, 1), 14),
    (("list", 2), 15),
    (("list", 2, "x"), 15),
    (("list", 2, "y", 0), 16),
    (("empty",), 19),
    (("none",), 20),
    (("when",), 21),
    (("table",), 23),
    (("table", "key"), 24),
    (("table", "deep", "x.y"), 25),
    (("table", "deep", "x.y", "k"), 26),
    (("array", 0), 28),
    (("array", 0, "name"), 29),
    (("array", 0, "sub", "z"), 31),
    (("array", 0, "inner", 0, "q"), 33),
    (("array", 0, "inner", 1), 34),
    (("array", 1), 35),
    (("array", 1, "name"), 36),
    (("array", 1, "inner", 0), 38),
    (("array", 1, "inner", 0, "q", "a", "b", "c"), 39),
    (("array", 1, "inner", 0, "q", "d"), 39),
]


def paths(value: Any, path: Path = ()) -> set[Path]:
    """Every path of parsed data."""
    found = {path} if path else set()
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found |= paths(one, (*path, key))
    return found


@pytest.mark.parametrize(("path", "line"), WHERE, ids=[".".join(map(str, path)) for path, _ in WHERE])
def test_a_key_is_found_where_it_stands(path: Path, line: int) -> None:
    assert locate(FEATURES).of(*path) == line


@pytest.mark.parametrize("text", [FEATURES, FEATURES.replace("\n", "\r\n"), "", "\n", "# nothing", "a=1"])
def test_all_that_tomllib_reads_is_found_and_nothing_else(text: str) -> None:
    assert locate(text).paths == paths(tomllib.loads(text))


def test_lines_are_the_same_with_either_line_break() -> None:
    one, two = locate(FEATURES), locate(FEATURES.replace("\n", "\r\n"))
    assert all(one.of(*path) == two.of(*path) for path in one.paths)


def test_what_is_not_there_is_found_at_its_nearest_ancestor() -> None:
    lines = locate(FEATURES)
    assert lines.of("table", "nothing", 3) == 23
    assert lines.of("nothing") == 1
    assert lines.of() == 1


def test_a_table_named_before_its_own_head_is_found_at_its_head() -> None:
    lines = locate("[a.b]\nx = 1\n[a]\ny = 1\n")
    assert (lines.of("a"), lines.of("a", "b"), lines.of("a", "y")) == (3, 1, 4)


def test_a_file_that_nests_deeply_is_walked_without_recursion() -> None:
    deep = "a = " + "[" * 2_000 + "]" * 2_000
    assert locate(deep).of("a", *[0] * 1_999) == 1


@pytest.mark.parametrize("text", ["= 1", "a = [", "a = {b", "[", "[[a", 'a = "', "a.", "a = [1, ", "] = }"])
def test_what_is_not_toml_ends_all_the_same(text: str) -> None:
    locate(text)


# ---- generated files: each key is written with the line it stands on

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=0, max_size=4),
)
ATOMS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12),
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
FILES = st.dictionaries(KEYS, VALUES, max_size=4)


class Writer:
    """Writes data as TOML in a form that the draw chooses, and remembers the line of each path."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.where: dict[Path, int] = {}

    def choose(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def key(self, name: str) -> None:
        bare = bool(name) and name.isascii() and all(char.isalnum() or char in "-_" for char in name)
        literal = "'" not in name and name.isprintable()
        forms = [quoted(name)] + ([name] if bare else []) + ([f"'{name}'"] if literal else [])
        self.text += self.choose(*forms)

    def table(self, data: dict[str, Any], path: Path = ()) -> None:
        """Simple keys first, then tables under their own heads where the draw says so."""
        later: list[tuple[str, Any]] = []
        for name, value in data.items():
            headed = isinstance(value, dict) or (
                value and isinstance(value, list) and all(isinstance(v, dict) for v in value)
            )
            if headed and self.choose("inline", "headed") == "headed":
                later.append((name, value))
            else:
                self.text += self.choose("", "\n", "# x = [\n", "  ")
                self.pair((*path, name), value)
                self.text += self.choose("", " # ] } \"\"\" '''") + "\n"
        for name, value in later:
            self.headed((*path, name), value)

    def headed(self, path: Path, value: Any) -> None:
        tables = value if isinstance(value, list) else [value]
        for index, one in enumerate(tables):
            self.text += self.choose("", "\n", "  ")
            line = self.line
            names = [part for part in path if isinstance(part, str)]
            self.text += "[[" if isinstance(value, list) else "["
            for at, name in enumerate(names):
                self.text += self.choose(".", " . ") if at else self.choose("", " ")
                self.key(name)
            self.text += ("]]" if isinstance(value, list) else "]") + self.choose("", "# y") + "\n"
            inner = (*path, index) if isinstance(value, list) else path
            self.where.setdefault(path, line)
            self.where[inner] = line
            self.table(one, inner)

    def pair(self, path: Path, value: Any) -> None:
        self.where[path] = self.line
        self.key(str(path[-1]))
        self.text += self.choose("=", " = ", "\t=\t")
        self.value(path, value)

    def value(self, path: Path, value: Any) -> None:
        if isinstance(value, dict):
            self.inline(path, value)
        elif isinstance(value, list):
            self.array(path, value)
        elif isinstance(value, str):
            self.text += self.string(value)
        else:
            self.text += json.dumps(value)

    def string(self, value: str) -> str:
        forms = [quoted(value)]
        plain = all(char.isprintable() or char == "\n" for char in value)
        if plain and "'''" not in value and not value.endswith("'"):
            forms.append(f"'''{value}'''" if not value.startswith("\n") else f"'''\n{value}'''")
        if plain and "\\" not in value and '"""' not in value and not value.endswith('"'):
            forms.append(f'"""\n{value}"""')
            forms.append(f'"""\\\n   {value}"""' if value and value[0] not in " \n\t" else f'"""\n{value}"""')
        return self.choose(*forms)

    def array(self, path: Path, value: list[Any]) -> None:
        gaps = ("", " ", "\n", " # , ] [\n", "\n\n")
        self.text += "["
        for index, one in enumerate(value):
            self.text += "," if index else ""
            self.text += self.choose(*gaps)
            self.where[(*path, index)] = self.line
            self.value((*path, index), one)
            self.text += self.choose(*gaps)
        self.text += (self.choose("", ",") if value else "") + self.choose(*gaps) + "]"

    def inline(self, path: Path, value: dict[str, Any]) -> None:
        self.text += "{" + self.choose("", " ")
        for at, (name, one) in enumerate(value.items()):
            self.text += self.choose(",", " , ") if at else ""
            self.pair((*path, name), one)
        self.text += self.choose("", " ") + "}"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def files(draw: Any) -> tuple[str, dict[Path, int], dict[str, Any]]:
    """A TOML file, the line of each path, and what it says."""
    writer = Writer(draw)
    data = draw(FILES)
    writer.table(data)
    return writer.text, writer.where, data


@given(files())
def test_whatever_is_written_is_found_on_its_line(file: tuple[str, dict[Path, int], dict[str, Any]]) -> None:
    text, where, data = file
    parsed = tomllib.loads(text)
    assert parsed == data  # the writer writes what it means, so its lines are worth comparing
    lines = locate(text)
    assert lines.paths == paths(parsed)
    assert {path: lines.of(*path) for path in where} == where


DOTTED = st.lists(st.sampled_from(["a", "b", '"c.d"', "'e'"]), min_size=1, max_size=4)


@given(st.lists(st.tuples(DOTTED, st.sampled_from(["key", "[]", "[[]]"]), st.sampled_from(["1", "{x.y=1}", "[\n1]"]))))
def test_dotted_keys_and_heads_agree_with_tomllib(parts: list[tuple[list[str], str, str]]) -> None:
    text = ""
    for names, kind, value in parts:
        dotted = " . ".join(names)
        line = {"key": f"{dotted} = {value}\n", "[]": f"[{dotted}]\n", "[[]]": f"[[{dotted}]]\n"}[kind]
        try:
            tomllib.loads(text + line)
        except tomllib.TOMLDecodeError:
            continue
        text += line
    assert locate(text).paths == paths(tomllib.loads(text))
