"""The reference is what the code says: every page is current, every key and code has its sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import reference  # noqa: E402 - from scripts/, which is no package
from reference_keys import asked_keys  # noqa: E402


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_of_the_reference_is_current(name: str) -> None:
    written = (reference.FOLDER / name).read_text("utf-8")
    assert written == reference.PAGES[name](), f"python scripts/reference.py writes docs/reference/{name}"


def test_every_key_of_the_policy_file_has_a_sentence_and_every_sentence_a_key() -> None:
    asked = asked_keys()
    tables = {name for name in asked if any(other.startswith(f"{name}.") for other in asked)}
    worded = set(reference.WORDS["keys"])
    assert asked.keys() - tables - worded == set()
    assert worded - asked.keys() == set()


def test_every_lint_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert reference.lint_codes() == set(reference.WORDS["lint"])


def test_listening_to_the_readers_leaves_them_as_they_were() -> None:
    before = asked_keys()
    assert asked_keys() == before
