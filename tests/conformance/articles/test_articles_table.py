"""Every row of the founding articles is shown by a test that exists, or waits for a capability that is named."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "articles.py"


@pytest.fixture(scope="module")
def articles() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_every_row_has_its_test_or_its_reason_and_every_mark_its_row(articles: dict[str, Any]) -> None:
    assert articles["faults"]() == []


def test_the_published_table_is_current(articles: dict[str, Any]) -> None:
    assert articles["TABLE"].read_text("utf-8") == articles["table"]()


def test_the_rows_are_those_of_the_articles(articles: dict[str, Any], shared: Path) -> None:
    text = (shared / "reference" / "articles.md").read_text("utf-8")
    assert re.findall(r"^\| (A[0-3]-\d+) \|", text, re.MULTILINE) == list(articles["read_rows"]())
