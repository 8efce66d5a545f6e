"""Bodies of our own pages: scripts, encodings, sizes, and what has no one reading (rows 28 and 31)."""

from __future__ import annotations

import pytest
from site_scene import BROWSER, COOKIE, FORM, JSON, LOGIN, PROGRAM, SCRIPT, SESSION, Door, inputs

from kit import account


def test_a_script_logs_in_with_json_and_learns_its_csrf_token():
    door = Door()
    reply = door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"})
    assert (reply.status, reply.header("Content-Type")) == (200, "application/json")
    assert reply.body == b'{"subject": "7", "name": "carol", "roles": ["customer"], "csrf_token": "csrf-new-1"}'
    assert door.jar[COOKIE] == "secret-1"
    assert door.get(SESSION, SCRIPT).body == reply.body


def test_a_program_without_any_browser_field_logs_in_with_json():
    assert Door().post_json(LOGIN, {"username": "carol", "password": "pw-carol"}, PROGRAM).status == 200


def test_json_from_a_navigation_is_answered_as_json():
    assert Door().post_json(LOGIN, {"username": "carol", "password": "pw-carol"}, BROWSER).status == 200


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"null",
        b'"carol"',
        b"{",
        b"[" * 8000,
        b'{"username":{"a":1},"password":["pw-carol"]}',
        b'{"username":"carol","username":"carol","password":"pw-carol"}',
        b'{"username":"carol","password":"pw-carol","password":"x"}',
        b'{"username":"carol","password":"\\ud800"}',
        b'{"username":"\\ud83d","password":"pw-carol"}',
        b'{"username":"carol\\u0000","password":"pw-carol"}',
        b'{"username":"carol","password":"pw\\n-carol"}',
        '{"username":"carol","password":"pw-carol"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"username":"carol","password":"pw-carol"}',
        b'{"username":"carol","password":"\xff"}',
        b'{"username":"carol","password":123456}',
    ],
)
def test_json_that_has_no_one_reading_logs_nobody_in(octets):
    door = Door()
    reply = door.post_json(LOGIN, octets)
    assert reply.status == 401
    assert door.opened == 0


@pytest.mark.parametrize(
    "fields",
    [
        b"username=carol&username=carol&password=pw-carol",
        b"username=carol&password=pw-carol&password=pw-carol",
        b"username=carol&password=%ff",
        b"username=carol%00&password=pw-carol",
        b"&".join(b"a%d=1" % n for n in range(30)) + b"&username=carol&password=pw-carol",
        b"username[]=carol&password=pw-carol",
        b"username=carol;password=pw-carol",
        b"\xff\xfe",
    ],
)
def test_a_form_that_has_no_one_reading_logs_nobody_in(fields):
    door = Door()
    token = inputs(door.get(LOGIN, BROWSER))["csrf"].encode()
    reply = door.ask("POST", LOGIN, FORM, BROWSER, body=b"csrf=" + token + b"&" + fields)
    assert reply.status in (401, 403)
    assert door.opened == 0


def test_names_and_passwords_may_be_in_any_script_and_composition():
    door = Door()
    door.world.with_accounts(account("кароль", "11"), account("Zoë", "12"))
    door.world.passwords |= {"кароль": "пароль é", "Zoë": "🔑 schlüssel"}
    assert door.log_in("кароль", "пароль é").status == 303
    assert door.log_in("Zoe\u0308", "🔑 schlu\u0308ssel").status == 303
    assert door.log_in(" carol ").status == 303


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain;application/json",
        "text/plain; charset=utf-8",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded+json",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/json; charset=utf-7",
        "application/xml",
        "*/*",
    ],
)
def test_what_a_foreign_page_could_send_unasked_is_415(kind):
    door = Door()
    octets = b'{"username":"carol","password":"pw-carol"}'
    reply = door.ask("POST", LOGIN, SCRIPT, {"content-type": kind}, body=octets)
    assert (reply.status, door.opened) == (415, 0)
    assert b'"code":"unsupported-content"' in reply.body
    assert door.notes.reasons == ["content-unsupported"]


def test_two_content_types_packed_bodies_and_nameless_bodies_are_415():
    door = Door()
    octets = b'{"username":"carol","password":"pw-carol"}'
    for fields in ([("content-type", "text/plain"), *JSON.items()], [*JSON.items(), ("content-encoding", "gzip")], []):
        assert door.ask("POST", LOGIN, SCRIPT, fields, body=octets).status == 415
    assert (
        door.ask("POST", LOGIN, SCRIPT, {"content-type": 'application/json; charset="UTF-8"'}, body=octets).status
        == 200
    )


def test_an_empty_post_is_an_empty_form():
    assert Door().ask("POST", LOGIN, BROWSER).status == 403


def test_a_giant_body_is_413_whether_announced_or_not():
    door = Door()
    big = b"a" * 8_193
    assert door.ask("POST", LOGIN, FORM, BROWSER, body=big).status == 413
    assert door.ask("POST", LOGIN, FORM, BROWSER, chunks=[b"a" * 5_000, b"b" * 5_000, b"c"]).status == 413
    assert door.ask("POST", LOGIN, FORM, BROWSER, chunks=[b"a" * 8_193]).status == 413
    assert door.ask("POST", LOGIN, FORM, BROWSER, {"content-length": "9" * 5_000}, chunks=[b"a"]).status == 413
    assert door.ask("POST", LOGIN, FORM, BROWSER, {"content-length": "-1"}, chunks=[b"a"]).status == 413
    assert door.ask("POST", LOGIN, JSON, SCRIPT, body=b"{" + b" " * 8_192).status == 413
    assert door.ask("POST", LOGIN, FORM, BROWSER, body=b"a" * 8_192).status == 403


def test_a_body_that_breaks_off_logs_nobody_in():
    door = Door()
    page = door.get(LOGIN, BROWSER)
    whole = f"csrf={inputs(page)['csrf']}&username=carol&password=pw-carol".encode()
    reply = door.ask("POST", LOGIN, FORM, BROWSER, chunks=[whole, None])
    assert reply.status == 413
    assert door.opened == 0
    assert door.ask("POST", LOGIN, FORM, BROWSER, chunks=[whole[:60], whole[60:]]).status == 303


def test_a_body_of_a_get_is_not_even_read():
    door = Door()
    assert door.ask("GET", LOGIN, BROWSER, {"content-type": "text/plain"}, chunks=[None]).status == 200
