"""Replies that are wrong cannot be made."""

from __future__ import annotations

import pytest
from wire_scene import ID

from doorward.wire.reply import Reply, Stamp, is_request_id, with_headers

DENIAL = (("Cache-Control", "no-store"), ("Vary", "Accept"))


def test_a_401_without_a_challenge_cannot_be_made():
    with pytest.raises(ValueError, match="challenge"):
        Reply(401, DENIAL)
    with pytest.raises(ValueError, match="challenge"):
        Reply(401, (*DENIAL, ("WWW-Authenticate", "")))
    assert Reply(401, (*DENIAL, ("www-authenticate", 'Bearer realm="a"'))).status == 401


def test_a_405_without_allow_cannot_be_made():
    with pytest.raises(ValueError, match="Allow"):
        Reply(405, DENIAL)
    assert Reply(405, (*DENIAL, ("Allow", "GET"))).header("allow") == "GET"


@pytest.mark.parametrize("head", [DENIAL[:1], DENIAL[1:], (("Cache-Control", "private"), ("Vary", "Accept")), ()])
def test_a_denial_that_may_be_stored_cannot_be_made(head):
    with pytest.raises(ValueError, match="stored"):
        Reply(403, head)


@pytest.mark.parametrize(
    "pair",
    [
        ("X", "a\r\nSet-Cookie: b=c"),
        ("X", "a\nb"),
        ("X", "a\x00"),
        ("X", "ü"),
        ("X", " a"),
        ("X", "a "),
        ("X", "a\n"),
        ("X\n", "a"),
        ("X:", "a"),
        ("", "a"),
        ("X Y", "a"),
    ],
)
def test_no_field_can_end_a_line(pair):
    with pytest.raises(ValueError, match="not a field"):
        Reply(200, (pair,))
    with pytest.raises(ValueError, match="not a field"):
        with_headers(Reply(200, ()), [pair])


def test_an_empty_field_value_is_a_field_value():
    assert Reply(200, (("X", ""),)).all("x") == ("",)
    assert Reply(200, ()).header("x") == ""


def test_head_keeps_the_length_and_loses_the_content():
    reply = Reply(403, DENIAL, b"abc")
    got, head = reply.framed("GET"), reply.framed("HEAD")
    assert got.headers == head.headers
    assert got.header("Content-Length") == "3"
    assert (got.body, head.body) == (b"abc", b"")


def test_a_204_has_no_length():
    assert Reply(204, ()).framed("GET").header("content-length") == ""


def test_a_stamp_checks_once_and_the_id_always():
    stamp = Stamp(403, DENIAL, b"a", b"b")
    assert stamp.reply(ID) == Reply(403, (*DENIAL, ("X-Request-ID", ID)), b"a" + ID.encode() + b"b")
    assert Stamp(403, DENIAL, b"a").reply(ID).body == b"a"
    with pytest.raises(ValueError, match="stored"):
        Stamp(403, (), b"")
    for bad in ("", "x", ID + "\r\n", ID.upper(), ID[:-1] + "\n", "\uff10" * 36):
        assert not is_request_id(bad)
        with pytest.raises(ValueError, match="request id"):
            stamp.reply(bad)


def test_extra_fields_go_last_and_none_change_nothing():
    reply = Reply(200, (("A", "1"),))
    assert with_headers(reply, ()) is reply
    assert with_headers(reply, [("B", "2")]).headers == (("A", "1"), ("B", "2"))
