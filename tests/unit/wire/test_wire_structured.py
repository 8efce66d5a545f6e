"""Structured field values, against the public test suite for them."""

from __future__ import annotations

import json

import pytest
from wire_scene import BURST, answer, throttle

from doorward.wire.structured import sf_integer, sf_item, sf_string

FILES = (
    "string.json",
    "string-generated.json",
    "number.json",
    "number-generated.json",
    "serialisation-tests/string-generated.json",
    "serialisation-tests/number.json",
)


def _write(value):
    if isinstance(value, str):
        return sf_string(value)
    return sf_integer(value) if type(value) is int else None


@pytest.mark.parametrize("name", FILES)
def test_strings_and_integers_are_written_as_the_suite_says(shared, name):
    cases = json.loads((shared / "corpora" / "structured-field-tests" / name).read_text(encoding="utf-8"))
    seen = 0
    for case in cases:
        if case["header_type"] != "item" or "expected" not in case or case["expected"][1]:
            continue
        value = case["expected"][0]
        if not isinstance(value, str) and type(value) is not int:
            continue
        seen += 1
        if case.get("must_fail"):
            with pytest.raises(ValueError, match="structured"):
                _write(value)
        else:
            assert [_write(value)] == case.get("canonical", case["raw"]), case["name"]
    assert seen


def test_parameters_keep_their_order():
    assert sf_item("a b", r=0, t=30) == '"a b";r=0;t=30'
    with pytest.raises(ValueError, match="integer"):
        sf_item("a", q=10**15)


def test_the_fields_of_a_429_are_read_back_by_the_grammar():
    reply = answer(throttle(30, BURST))
    for field, names in (("RateLimit", "rt"), ("RateLimit-Policy", "qw")):
        item, *params = reply.header(field).split(";")
        assert item == sf_string("burst")
        assert [param.partition("=")[0] for param in params] == list(names)
        assert all(param.partition("=")[2].isdigit() for param in params)
