"""Whatever bytes arrive at our own pages: an answer of the status table, never an error of ours, never a session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from site_scene import BROWSER, FORM, JSON, LOGIN, LOGOUT, PROGRAM, SCRIPT, SESSION, Door

KINDS = (FORM, JSON, {"content-type": "text/plain"}, {"content-type": 'application/json; charset="'}, {})
CLIENTS = (BROWSER, SCRIPT, PROGRAM, {"accept": "text/plain", "accept-language": "ar"})
PATHS = (LOGIN, LOGOUT, SESSION, "/.doorward", "/.doorward/x")
# Pieces that parsers take apart, and anything between them.
WORDS = (b"username=", b"password=", b"csrf=", b"next=", b"carol", b'"username"', b'"password"', b"//evil.example")
MARKS = (
    b"&",
    b"=",
    b"%",
    b"%ff",
    b"+",
    b"{",
    b"}",
    b'"',
    b":",
    b"[",
    b",",
    b"\\u0000",
    b"\\ud800",
    b"\x00",
    b"\r\n",
    b"\xc3(",
)
PIECES = st.sampled_from((*WORDS, *MARKS))
BODIES = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join))
LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60)
ANSWERS = {200, 204, 303, 400, 401, 403, 404, 405, 413, 415}


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "DELETE"]),
    path=st.sampled_from(PATHS),
    kind=st.sampled_from(KINDS),
    client=st.sampled_from(CLIENTS),
    body=BODIES,
    cookie=LATIN,
)
def test_any_bytes_get_an_answer_and_open_nothing(method, path, kind, client, body, cookie):
    door = Door()
    fields = [("cookie", f"__Host-doorward-login={cookie}; __Host-doorward={cookie}")]
    reply = door.ask(method, path, kind, client, fields, body=body, jar=False)
    assert reply.status in ANSWERS
    assert door.opened == 0
    assert all(door.live(secret) for secret in door.world.sessions)
    for _, value in reply.headers:
        assert value.isascii()
        assert value.isprintable()


@given(
    back=st.one_of(
        LATIN, st.lists(st.sampled_from(["/", "\\", ".", "%2f", "%5c", "evil", ":", "@", "?", "#"])).map("".join)
    )
)
def test_any_way_back_stays_with_us(back):
    door = Door()
    reply = door.log_in(next=back)
    where = reply.header("Location")
    assert reply.status == 303
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\", "/.doorward"))
