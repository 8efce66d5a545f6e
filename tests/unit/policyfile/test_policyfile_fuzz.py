"""Whatever the bytes, loading returns: a policy or findings, never an exception; and a policy iff there is no error."""

from __future__ import annotations

from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from policytexts import HEAD, ROOT

from doorward.guard.compose import compose
from doorward.policyfile.cases import read_cases
from doorward.policyfile.load import Loaded, load_text
from kit import World, judge, view

SHOP = (ROOT / "examples" / "shop.toml").read_text()
CASES = (ROOT / "examples" / "shop.test.toml").read_text()
WORDS = sorted({word for line in SHOP.splitlines() for word in line.partition("#")[0].split()})
JUNK = ["-1", "0", "nan", '""', '"\\u0000"', "[]", "{}", "[[]]", "[{}]", "true", "1979-05-27", '"*"', '"/**"', '"{id}"',
        '"https://"', '"::/0"', '"__Host-"', "9" * 400]  # fmt: skip


def check(data: bytes) -> Loaded:
    loaded = load_text(data, file="f", folder=Path("/nowhere"))
    failed = any(finding.level == "error" for finding in loaded.findings)
    assert (loaded.policy is None) == failed
    lines = data.count(b"\n") + 1
    for finding in loaded.findings:
        assert 1 <= finding.line <= lines
        assert finding.text("f").isprintable()
        assert finding.message
    if loaded.policy is not None:  # what is loaded can decide
        judge(compose(loaded.policy), view("GET", "/admin/x"), World())
    return loaded


@given(st.binary(max_size=200))
@example(b"\xff")
@example(b"a = " + b"[" * 5_000)
@example(b"[" + b"a." * 5_000 + b"a]")
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join), st.booleans())
def test_any_words_of_a_policy(text: str, behind: bool) -> None:
    check(((HEAD if behind else "") + text.replace("[[rule]]", "\n[[rule]]\n")).encode())


ASSIGNED = [index for index, line in enumerate(SHOP.splitlines()) if "=" in line.partition("#")[0]]


@given(st.lists(st.tuples(st.sampled_from(ASSIGNED), st.sampled_from(JUNK)), min_size=1, max_size=3))
def test_the_shop_with_a_value_replaced_by_anything(changes: list[tuple[int, str]]) -> None:
    lines = SHOP.splitlines()
    for index, junk in changes:
        lines[index] = lines[index].partition("=")[0] + "= " + junk
    check("\n".join(lines).encode())


@given(st.integers(0, len(SHOP)), st.integers(0, 40), st.text(max_size=10))
def test_the_shop_with_a_piece_replaced(start: int, length: int, text: str) -> None:
    check((SHOP[:start] + text + SHOP[start + length :]).encode("utf-8", "surrogatepass"))


@given(st.integers(0, len(CASES)), st.integers(0, 40), st.text(max_size=10))
def test_a_test_file_with_a_piece_replaced(start: int, length: int, text: str) -> None:
    data = (CASES[:start] + text + CASES[start + length :]).encode("utf-8", "surrogatepass")
    found = read_cases(data, "f", {})
    assert found.cases or found.findings
    assert all(finding.text("f").isprintable() for finding in found.findings)


@given(st.binary(max_size=100))
def test_any_bytes_as_a_test_file(data: bytes) -> None:
    assert read_cases(data, "f", {}).findings
