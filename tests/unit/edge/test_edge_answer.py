"""Heads of answers as octets: dates against the standard library's own."""

from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from doorward.edge.answer import date_line


@given(st.floats(0, 32_503_680_000))
def test_a_date_is_what_the_mail_library_writes(at: float) -> None:
    assert date_line(at) == f"Date: {formatdate(at, usegmt=True)}\r\n".encode()
