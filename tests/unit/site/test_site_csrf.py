"""Login CSRF: nobody is logged in to an account of somebody else's choice (CS3, CK1)."""

from __future__ import annotations

import pytest
from site_scene import BROWSER, COOKIE, LOGIN, LOGIN_COOKIE, PROGRAM, SCRIPT, Door, inputs, said

from kit import ORIGIN

FOREIGN = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
OLD_BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "user-agent": "Mozilla/5.0"}


def test_a_form_without_the_pre_session_cookie_says_that_the_browser_returned_none():
    door = Door()
    page = door.get(LOGIN, BROWSER, jar=False)
    reply = door.submit(page, username="carol", password="pw-carol")
    assert reply.status == 403
    assert "did not send back our cookie" in said(reply)
    assert LOGIN_COOKIE in door.jar
    assert COOKIE not in door.jar
    assert door.world.failures == {}
    assert door.notes.reasons == ["csrf-missing"]
    assert 'value="carol"' not in said(reply)
    assert door.submit(reply, username="carol", password="pw-carol").status == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "é" * 64, "x" * 4000])
def test_a_form_with_a_token_of_somebody_else_logs_nobody_in(token):
    door = Door()
    page = door.get(LOGIN, BROWSER)
    for fields in ({**inputs(page), "csrf": token}, {"username": "carol", "password": "pw-carol"}):
        reply = door.post(LOGIN, {**fields, "username": "carol", "password": "pw-carol"})
        assert reply.status == 403
        assert "This form has expired." in said(reply)
    assert COOKIE not in door.jar
    assert door.notes.reasons == ["csrf-mismatch"] * 2


def test_the_token_of_another_browser_does_not_fit():
    door, other = Door(), Door()
    page = other.get(LOGIN, BROWSER)
    door.get(LOGIN, BROWSER)
    assert door.submit(page, username="carol", password="pw-carol").status == 403


def test_a_tossed_second_pre_session_cookie_counts_as_none():
    door = Door()
    page = door.get(LOGIN, BROWSER)
    mine = f"{LOGIN_COOKIE}={door.jar[LOGIN_COOKIE]}"
    for line in (f"{mine}; {LOGIN_COOKIE}=x", f"{LOGIN_COOKIE}=x; {mine}"):
        fields = {**inputs(page), "username": "carol", "password": "pw-carol"}
        reply = door.post(LOGIN, fields, BROWSER, {"cookie": line}, jar=False)
        assert reply.status == 403


@pytest.mark.parametrize(
    "fields",
    [
        FOREIGN,
        {"origin": "null"},
        {"origin": "http://localhost:8080.evil.example"},
        {"origin": "https://localhost:8080"},
        {"origin": "http://localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_foreign_page_cannot_log_anybody_in_even_with_the_right_token(fields):
    door = Door()
    page = door.get(LOGIN, BROWSER)
    filled = {**inputs(page), "username": "carol", "password": "pw-carol"}
    reply = door.post(LOGIN, filled, {**BROWSER, **fields})
    assert reply.status == 403
    assert COOKIE not in door.jar
    assert door.notes.reasons == ["origin-foreign"]
    reply = door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"}, {**SCRIPT, **fields})
    assert reply.status == 403
    assert door.opened == 0


def test_two_origins_are_no_origin_of_ours():
    door = Door()
    page = door.get(LOGIN, BROWSER)
    filled = {**inputs(page), "username": "carol", "password": "pw-carol"}
    pairs = [("origin", ORIGIN), ("origin", ORIGIN)]
    assert door.post(LOGIN, filled, BROWSER, pairs).status == 403


def test_our_own_origin_is_welcome():
    door = Door()
    page = door.get(LOGIN, BROWSER)
    assert door.submit(page, BROWSER, {"origin": ORIGIN}, username="carol", password="pw-carol").status == 303


def test_a_browser_that_knows_no_sec_fetch_logs_in_by_the_form():
    door = Door()
    page = door.get(LOGIN, OLD_BROWSER)
    assert door.submit(page, OLD_BROWSER, username="carol", password="pw-carol").status == 303
    assert door.submit(door.get(LOGIN, OLD_BROWSER), OLD_BROWSER, username="carol", password="x").status == 401


def test_a_program_that_posts_a_form_gets_no_page():
    reply = Door().post(LOGIN, {"username": "carol", "password": "pw-carol"}, PROGRAM)
    assert (reply.status, reply.header("Content-Type")) == (403, "application/problem+json")
