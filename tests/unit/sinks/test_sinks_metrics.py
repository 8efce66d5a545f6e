"""The text that Prometheus scrapes, read back by its own parser (articles.md A0-29, A2-30)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from doorward.sinks.metrics import Family, Metrics


def scraped(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families: Any = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_value_is_asked_for_at_each_scrape() -> None:
    metrics, seen = Metrics(), [0]
    metrics.watch("asked_total", "counter", "How often.", lambda: seen.__setitem__(0, seen[0] + 1) or seen[0])
    assert scraped(metrics) == {("asked_total", ()): 1}
    assert scraped(metrics) == {("asked_total", ()): 2}


@pytest.mark.article("A2-30")
def test_a_metric_has_help_and_type() -> None:
    metrics = Metrics()
    metrics.watch("down", "gauge", "1: it is.", lambda: True)
    assert metrics.text() == b"# HELP down 1: it is.\n# TYPE down gauge\ndown 1\n"
    assert metrics.content_type.startswith("text/plain; version=0.0.4")


def test_a_metric_of_the_same_name_takes_the_place_of_the_first() -> None:
    metrics = Metrics()
    metrics.watch("same", "gauge", "", lambda: 1)
    metrics.watch("same", "gauge", "", lambda: 2)
    assert scraped(metrics) == {("same", ()): 2}


@given(
    st.dictionaries(
        st.sampled_from(("rule", "reason", "scheme")),
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])),
        min_size=1,
    )
)
def test_whatever_a_label_says_it_comes_back(labels: dict[str, str]) -> None:
    metrics = Metrics()
    metrics.add(Family("x_total", "counter", "back\\slash\nline", lambda: ((labels, 3),)))
    assert scraped(metrics) == {("x_total", tuple(sorted(labels.items()))): 3}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(value: float) -> None:
    metrics = Metrics()
    metrics.watch("number", "gauge", "", lambda: value)
    assert math.isclose(scraped(metrics)["number", ()], value, abs_tol=1e-300)
