"""The login form and the session page: what they say, offer, and cannot be made to say."""

from __future__ import annotations

import pytest
from wire_scene import (
    CAROL,
    ID,
    NAVIGATION,
    SESSION,
    Page,
    answer,
    ask_with,
    challenge,
    deny,
    policy,
    settings,
    throttle,
)

from doorward.core.cure import Act, Cure
from doorward.core.reason import Reason
from doorward.core.settings import Pages
from doorward.wire.form import LoginForm
from doorward.wire.pages import login_page, session_page
from doorward.wire.shown import show

LAW = policy(settings=settings(pages=Pages(brand="Ember & Co", support_url="https://help.example/")), navigation="page")
EVIL = "<script>alert(1)</script>\"'{{7*7}}"


def form(law=LAW, refusal=None, **filled):
    asked = ask_with(NAVIGATION, "/.doorward/login")
    reply = login_page(law, asked, LoginForm("tok&en", **filled), ID, refusal)
    return reply, Page(reply.body)


def test_the_login_form_works_with_password_managers_and_without_script():
    reply, seen = form(back="/orders/1?a=b")
    assert reply.status == 200
    assert reply.header("Cache-Control") == "no-store"
    assert "form-action 'self'" in reply.header("Content-Security-Policy")
    assert seen.all("form") == [{"method": "post", "action": "/.doorward/login"}]
    inputs = {attrs["name"]: attrs for attrs in seen.all("input")}
    assert list(inputs) == ["csrf", "next", "username", "password"]
    assert inputs["csrf"]["value"] == "tok&en"
    assert inputs["next"]["value"] == "/orders/1?a=b"
    assert inputs["username"]["autocomplete"] == "username"
    assert inputs["password"]["autocomplete"] == "current-password"
    assert {attrs["for"] for attrs in seen.all("label")} == {"username", "password"}
    assert {attrs.get("role") for attrs in seen.all("div")} >= {"alert"}


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/.doorward/login", "javascript:x", "", "/a b"]
)
def test_the_login_form_goes_back_to_us_or_nowhere(back):
    assert "next" not in [attrs["name"] for attrs in form(back=back)[1].all("input")]


def refused(verdict, law=LAW):
    return show(law, verdict, ask_with(NAVIGATION), None)


def test_a_failed_login_is_a_401_with_a_challenge_and_one_text_for_every_cause():
    texts = set()
    for reason in (Reason.PASSWORD_WRONG, Reason.ACCOUNT_UNKNOWN, Reason.ACCOUNT_DISABLED):
        reply, seen = form(refusal=refused(challenge(reason, SESSION)))
        assert (reply.status, reply.all("WWW-Authenticate")) == (401, (SESSION.line,))
        assert "The user name or password is incorrect." in seen.text
        assert seen.all("input")[-1]["aria-describedby"] == "error"
        texts.add(reply.body)
    assert len(texts) == 1


def test_a_throttled_login_says_how_long():
    reply, seen = form(refusal=refused(throttle(120)))
    assert (reply.status, reply.header("Retry-After")) == (429, "120")
    assert reply.header("RateLimit") == '"burst";r=0;t=120'
    assert "Try again in 2 minutes." in seen.text


def test_an_expired_form_is_told_from_blocked_cookies():
    forged = refused(deny(Reason.CSRF_MISSING))
    reply, seen = form(refusal=forged, notice="cookies")
    assert reply.status == 403
    assert "Allow cookies for this site" in seen.text
    assert "This form has expired." in form(refusal=forged)[1].text


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        ("signed_out", "You are logged out."),
        ("session_expired", "Your session has expired."),
        ("step_up", "Please log in again to continue."),
    ],
)
def test_the_login_form_says_why_one_is_there(notice, text):
    assert text in form(notice=notice)[1].text


def test_a_name_is_typed_once_and_cannot_escape():
    inputs = {attrs["name"]: attrs for attrs in form(name="carol")[1].all("input")}
    assert inputs["username"]["value"] == "carol"
    assert "autofocus" in inputs["password"]
    assert "autofocus" not in inputs["username"]
    assert not form(name=EVIL)[1].all("script")
    assert len(form(name="x" * 9000)[0].body) < 16_000


def test_a_failed_login_under_the_setting_403_says_the_same():
    law = policy(bad_credentials=403)
    reply, seen = form(law, refused(deny(Reason.PASSWORD_WRONG, Cure(Act.AUTHENTICATE)), law))
    assert reply.status == 403
    assert "The user name or password is incorrect." in seen.text


def test_who_is_logged_in_already_need_not_type_a_password():
    _, seen = form(who="Carol Fay", back="/orders/1")
    assert "You are logged in as Carol Fay." in seen.text
    assert "/orders/1" in [a["href"] for a in seen.all("a")]
    assert "/" in [a["href"] for a in form(who="Carol Fay")[1].all("a")]
    assert "Carol" not in form(who="Carol Fay", refusal=refused(throttle()))[1].text


@pytest.mark.parametrize("notice", ["", "cookies", "page.password", "<script>"])
def test_other_notices_say_nothing(notice):
    assert not [p for p in form(notice=notice)[1].all("p") if p.get("class") == "notice"]


def test_the_session_page_names_the_person_and_logs_out_by_post():
    reply = session_page(LAW, ask_with(NAVIGATION), CAROL, csrf="token", request_id=ID)
    seen = Page(reply.body)
    assert reply.status == 200
    assert "You are logged in as Carol Fay." in seen.text
    assert seen.all("form") == [{"method": "post", "action": "/.doorward/logout"}]
    assert seen.all("input")[0]["value"] == "token"
    assert "/.doorward/login" in [a["href"] for a in seen.all("a")]
    alone = policy(settings=settings(pages=Pages(switch_account=False)))
    closed = Page(session_page(alone, ask_with(NAVIGATION), CAROL, csrf="token", request_id=ID).body)
    assert "/.doorward/login" not in [a["href"] for a in closed.all("a")]


def test_only_refusals_carry_an_id_for_support():
    assert ID not in form()[1].text
    assert ID in form(refusal=refused(throttle()))[1].text
    bare = policy()
    assert not Page(login_page(bare, ask_with(NAVIGATION), LoginForm("t"), ID).body).all("footer")


def test_a_form_may_lead_through_us_to_wherever_the_application_sends_and_other_pages_have_none():
    assert "form-action 'self' https: http:;" in form()[0].header("Content-Security-Policy")
    assert "form-action 'self';" in answer(deny(), ask_with(NAVIGATION)).header("Content-Security-Policy")
    session = session_page(LAW, ask_with(NAVIGATION), CAROL, csrf="t", request_id=ID)
    assert "form-action 'self';" in session.header("Content-Security-Policy")
