"""Events, what of them may leave the house, and lines of JSON (answers.md HP1, G3; articles.md A2-33, A2-34, A0-31)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.ledger.event import DENIED, LONGEST, AuditEvent, clean, shown, word
from doorward.ledger.export import fields, line, timestamp

EVENT = AuditEvent(
    at=1_764_000_000.113,
    id="019ab697-e871-7000-8000-000000000001",
    verdict="deny",
    status=403,
    reason="role-missing",
    code="access-denied",
    rule="oncology-files",
    required="role oncologist",
    subject="12",
    issuer="local",
    name="olga",
    scheme="session",
    address="203.0.113.0/24",
    method="GET",
    resource="/oncology/patient-7",
    version="4be1c0",
    step="authorise",
    facts={"roles": ["editor"]},
)
SECRET_WORDS = ("oncolog", "patient", "olga", "editor", "12")


@pytest.mark.article("A0-31", "A2-34")
def test_an_exported_line_has_the_four_names_and_who_lacked_what() -> None:
    """A2-34: timestamp, error, path, anonymized_ip. A0-31: principal and required."""
    found = json.loads(line(EVENT))
    assert found["timestamp"] == "2025-11-24T16:00:00.113Z"
    assert (found["error"], found["path"], found["anonymized_ip"]) == ("403", "/oncology/patient-7", "203.0.113.0/24")
    assert (found["principal"], found["required"], found["id"]) == ("12", "role oncologist", EVENT.id)


def test_of_a_masked_event_only_access_denied_and_the_id_go_out() -> None:
    """A2-33."""
    masked = replace(EVENT, masked=True)
    text = line(masked)
    found = json.loads(text)
    assert set(found) == {"timestamp", "error", "path", "anonymized_ip", "id", "count"}
    assert (found["path"], found["id"]) == (DENIED, EVENT.id)
    rest = text.replace(EVENT.id, "").replace(found["timestamp"], "")
    assert not [word_ for word_ in SECRET_WORDS if word_ in rest]


def test_whoever_may_read_the_secure_ledger_gets_the_names() -> None:
    assert fields(replace(EVENT, masked=True), unmasked=True)["path"] == "/oncology/patient-7"


def test_what_is_shown_of_a_masked_event_names_neither_thing_nor_person() -> None:
    told = repr(shown(replace(EVENT, masked=True, notes=("oncology",), claimed="olga")))
    rest = told.replace(EVENT.id, "").replace(str(EVENT.at), "")
    assert not [word_ for word_ in SECRET_WORDS if word_ in rest]
    assert shown(EVENT) is EVENT


def test_a_counted_row_says_how_many_and_until_when() -> None:
    counted = replace(EVENT, count=990, until=EVENT.at + 1)
    assert fields(counted)["count"] == 990
    assert fields(counted)["until"] == timestamp(EVENT.at + 1)
    assert fields(replace(counted, masked=True))["until"] == timestamp(EVENT.at + 1)
    assert "until" not in fields(EVENT)


def test_a_caller_is_called_by_name_then_subject_and_a_claim_is_doubted() -> None:
    assert EVENT.who == "olga"
    assert replace(EVENT, name="").who == "12"
    assert replace(EVENT, name="", subject="", claimed="12").who == "12?"
    assert replace(EVENT, name="", subject="").who == ""


@pytest.mark.parametrize("nasty", ["a\nb", "\x1b[31mred", "a\u202eb", "nul\x00", "\ud800", "tab\t", "\u2028"])
def test_a_text_of_a_client_is_one_line_that_moves_no_cursor(nasty: str) -> None:
    found = clean(nasty)
    assert found.isprintable()
    assert "\\" in found
    found.encode()


@given(st.text(max_size=700))
def test_cleaned_texts_are_printable_and_bounded(text: str) -> None:
    assert clean(text).isprintable()
    assert len(clean(text)) <= LONGEST * 10
    assert len(word(text)) <= 640
    assert clean(clean(text, 10_000), 10_000) == clean(text, 10_000)


def test_a_long_text_is_cut() -> None:
    assert clean("x" * 1000) == "x" * (LONGEST - 1) + "…"


@given(
    st.builds(AuditEvent, at=st.floats(0, 4e9), id=st.text(), verdict=st.text(), status=st.integers(), reason=st.text())
)
def test_every_event_is_one_line_of_json(event: AuditEvent) -> None:
    text = line(event)
    assert "\n" not in text
    assert json.loads(text)["error"] == str(event.status)
