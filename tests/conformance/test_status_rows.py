"""Every row of the status table and every settled rule (answers.md section 1) has a test, or waits for a capability.

A test of the core carries the id in its name (`test_row_18_…`, `test_d5_…`); tests of the other floors are named here.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "D7": "test_each_row_of_the_status_table_is_written_as_the_table_says",
    "D9": "test_scripts_never_get_a_dialogue_but_always_a_challenge",
}
"""Settled by `wire/` alone: rendering decides nothing, and who asks decides how a challenge looks."""
WAITS = {
    "12": "countries",
    "14": "DPoP",
    "22": "the token endpoint",
    "23": "the token endpoint",
    "D4": "the token endpoint",
}
_ID = re.compile(r"test_(?:rows?_(\d+)(?:_(and|to)_(\d+))?|d(\d+))_")


def names() -> set[str]:
    found = set()
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
    return found


def shown(name: str) -> set[str]:
    """Ids that a test name carries."""
    found = _ID.match(name)
    if not found:
        return set()
    first, word, last, rule = found.groups()
    if rule:
        return {f"D{rule}"}
    if word == "to":
        return {str(row) for row in range(int(first), int(last) + 1)}
    return {first, last} - {None}


def test_every_row_and_every_settled_rule_has_a_test_or_waits() -> None:
    present = names()
    tested = {row for name in present for row in shown(name)} | {
        row for row, test in ELSEWHERE.items() if test in present
    }
    wanted = {*(str(row) for row in range(1, 32)), *(f"D{rule}" for rule in range(1, 11))}
    assert wanted - tested == set(WAITS)


def test_ids_are_read_from_names() -> None:
    assert shown("test_row_18_a_b") == {"18"}
    assert shown("test_rows_6_and_7_x") == {"6", "7"}
    assert shown("test_rows_28_to_31_x") == {"28", "29", "30", "31"}
    assert shown("test_d10_x") == {"D10"}
    assert shown("test_rowing") == set()
