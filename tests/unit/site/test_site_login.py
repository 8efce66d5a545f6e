"""Logging in by form and by script: what a person, a password manager, an attacker and an outage get."""

from __future__ import annotations

import pytest
from site_scene import (
    BROWSER,
    COOKIE,
    ID,
    LOGIN,
    LOGIN_COOKIE,
    SCRIPT,
    SESSION,
    Door,
    inputs,
    said,
)

from doorward.core.ask import AdmitLogin, ClearLogin, FindSession, VerifyPassword
from doorward.core.settings import Pages
from kit import account, basic_auth, policy

WRONG = "The user name or password is incorrect."


def test_the_form_is_shown_with_a_pre_session_cookie_that_scripts_cannot_read():
    reply = Door().get(LOGIN, BROWSER)
    assert reply.status == 200
    (line,) = reply.all("Set-Cookie")
    name, _, rest = line.partition("=")
    assert name == LOGIN_COOKIE
    assert rest.split("; ")[1:] == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]
    assert len(rest.partition(";")[0]) >= 22
    assert inputs(reply)["csrf"]


def test_the_form_keeps_the_pre_session_cookie_that_came():
    door = Door()
    first = door.get(LOGIN, BROWSER)
    second = door.get(LOGIN, BROWSER)
    assert second.all("Set-Cookie") == ()
    assert inputs(first)["csrf"] == inputs(second)["csrf"]


def test_two_visitors_have_two_tokens():
    assert inputs(Door().get(LOGIN, BROWSER)) != inputs(Door().get(LOGIN, BROWSER))


def test_head_is_answered_like_get():
    door = Door()
    assert door.ask("HEAD", LOGIN, BROWSER).status == 200
    assert door.ask("HEAD", LOGIN, BROWSER).headers == door.get(LOGIN, BROWSER).headers


def test_the_right_password_opens_a_session_and_leads_back():
    door = Door()
    reply = door.log_in(target=f"{LOGIN}?next=%2Forders%2F7%3Fa%3Db")
    assert (reply.status, reply.header("Location")) == (303, "/orders/7?a=b")
    assert reply.header("Cache-Control") == "no-store"
    assert reply.header("X-Request-ID") == ID
    (line,) = reply.all("Set-Cookie")
    assert line.split("; ")[0] == f"{COOKIE}=secret-1"
    assert line.split("; ")[1:] == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=43200"]
    assert door.live("secret-1")
    assert (door.notes.reasons, door.notes.welcomed) == ([], ["7"])


def test_without_a_way_back_the_home_page_is_where_one_goes():
    assert Door().log_in().header("Location") == "/"
    assert Door(policy(login_home="/start")).log_in().header("Location") == "/start"
    assert Door(policy(login_home="")).log_in().header("Location") == "/"


def test_a_cookie_lives_no_longer_than_a_cookie_may():
    from doorward.core.settings import SessionSettings

    door = Door(policy(credentials={"session": SessionSettings(absolute=900 * 86_400, cookie="__Host-own")}))
    (line,) = door.log_in().all("Set-Cookie")
    assert line.startswith("__Host-own=")
    assert line.endswith(f"Max-Age={400 * 86_400}")


EVASIONS = [
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example",
    "https:/evil.example",
    "https:evil.example",
    "http:evil.example",
    "HTTPS://localhost:8080@evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    ".evil.example",
    "evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/a/../..//evil.example",
    "/%2e%2e//evil.example",
    "/%2f%2fevil.example",
    "/;/evil.example",
    "/a\r\nSet-Cookie: x=1",
    "/a%0d%0aSet-Cookie:x=1",
    "/a b",
    "/#//evil.example",
    "/\u00a0/evil.example",
    "/\u2044evil.example",
    "/\uff0fevil.example",
    "/.doorward/logout",
    "/.doorward/login?next=/",
    "/%2edoorward/logout",
    "/.doorward",
    "?x",
    " /orders",
    "/" + "a" * 2048,
    "",
]


@pytest.mark.parametrize("back", EVASIONS)
def test_nobody_is_led_anywhere_but_to_a_page_of_ours(back):
    door = Door()
    reply = door.submit(door.get(LOGIN, BROWSER), username="carol", password="pw-carol", next=back)
    assert (reply.status, reply.header("Location")) == (303, "/")
    from urllib.parse import quote

    shown = Door().get(f"{LOGIN}?next={quote(back.encode(), safe='')}", BROWSER)
    assert shown.status == 200
    assert "next" not in inputs(shown)


def test_a_way_back_that_stands_twice_is_none():
    assert "next" not in inputs(Door().get(f"{LOGIN}?next=%2Fa&next=%2Fb", BROWSER))
    assert "next" not in inputs(Door().get(f"{LOGIN}?next=/a&{'&'.join('x=1' for _ in range(40))}", BROWSER))
    assert "next" not in inputs(Door().get(f"{LOGIN}?next=/a%ff", BROWSER))


def alike(reply):
    return reply.status, reply.headers, reply.body


def test_wrong_password_unknown_name_and_disabled_account_are_one_answer():
    found = []
    for name, password in (("carol", "wrong"), ("nobody", "wrong"), ("olga", "pw-olga"), ("co:lon", "wrong")):
        door = Door()
        door.jar[LOGIN_COOKIE] = "visitor"
        reply = door.log_in(name, password)
        assert reply.status == 401
        assert reply.all("WWW-Authenticate") == ('Session realm="shop"',)
        assert WRONG in said(reply)
        assert 'role="alert"' in said(reply)
        assert f'value="{name}"' in said(reply)
        assert len(door.notes.seen) == 1
        assert door.world.failures if name != "co:lon" else True
        found.append((reply.status, reply.headers, said(reply).replace(f'value="{name}"', "")))
    assert found.count(found[0]) == 4


def test_a_script_gets_one_answer_for_all_three_too():
    replies = [
        Door().post_json(LOGIN, {"username": name, "password": password})
        for name, password in (("carol", "x"), ("nobody", "x"), ("olga", "pw-olga"), ("", ""), ("x" * 300, "y"))
    ]
    assert {alike(reply) for reply in replies} == {alike(replies[0])}
    assert replies[0].status == 401
    assert b'"code":"invalid-credentials"' in replies[0].body


def test_the_ledger_knows_which_it_was():
    door = Door()
    for name, password in (("carol", "x"), ("nobody", "x"), ("olga", "pw-olga")):
        door.log_in(name, password)
    assert door.notes.reasons == ["password-wrong", "account-unknown", "account-disabled"]
    assert [trace.proof.subject for _, trace, _ in door.notes.seen] == ["7", "", "8"]
    assert {trace.kind for _, trace, _ in door.notes.seen} == {"session"}
    assert "pw-olga" not in repr(door.notes.seen)


def test_the_ledger_knows_at_which_step_it_was():
    door = Door()
    door.ask("POST", LOGIN, SCRIPT, {"content-type": "text/plain"}, body=b"x")
    door.get("/.doorward/x")
    door.ask("DELETE", LOGIN)
    door.post(LOGIN, {})
    door.log_in("carol", "x")
    assert door.notes.steps == ["parse", "match", "match", "csrf", "authenticate"]


def test_a_reply_waits_for_the_record_where_it_has_to():
    door = Door(slow=True)
    assert door.log_in("carol", "x").status == 401
    assert door.post_json(LOGIN, {}).status == 401
    assert door.notes.reasons == ["password-wrong", "account-unknown"]


def test_the_way_back_survives_a_wrong_password():
    door = Door()
    again = door.log_in("carol", "wrong", f"{LOGIN}?next=/orders/7")
    assert inputs(again)["next"] == "/orders/7"
    assert door.submit(again, password="pw-carol").header("Location") == "/orders/7"


def test_the_sixth_try_waits_and_a_right_password_waits_alike():
    door = Door()
    for _ in range(5):
        door.log_in("carol", "wrong")
    wrong, right = door.log_in("carol", "wrong"), door.log_in("carol", "pw-carol")
    assert (wrong.status, right.status) == (429, 429)
    assert wrong.header("Retry-After") == "1"
    assert right.header("RateLimit")
    assert "Try again in 1 second." in said(wrong)
    assert "password" in inputs(wrong)
    assert door.notes.reasons[-1] == "locked-out"
    assert door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"}).status == 429


def test_a_right_password_forgets_the_failures():
    door = Door()
    for _ in range(3):
        door.log_in("carol", "wrong")
        door.log_in()
    assert door.world.failures == {}


def test_an_unreachable_limiter_store_or_hasher_is_503_with_a_page_and_never_a_wrong_password():
    for kind in (AdmitLogin, VerifyPassword, ClearLogin):
        door = Door()
        page = door.get(LOGIN, BROWSER)
        door.world.down, door.world.down_name = {kind}, "store"
        reply = door.submit(page, username="carol", password="pw-carol")
        assert (reply.status, reply.header("Retry-After")) == (503, "7")
        assert "not your fault" in said(reply)
        assert door.notes.reasons == ["store-unwritable"]
        assert COOKIE not in door.jar


@pytest.mark.parametrize("failing", ["open", "end"])
def test_a_session_that_cannot_be_written_is_503_and_nothing_has_changed(failing):
    door = Door()
    door.log_in()
    page = door.get(LOGIN, BROWSER)
    door.failing = failing
    assert door.submit(page, username="carol", password="pw-carol").status == 503
    assert door.jar[COOKIE] == "secret-1"
    assert door.live("secret-1")


def test_an_account_that_is_disabled_in_that_very_moment_is_not_let_in():
    door = Door()
    page = door.get(LOGIN, BROWSER)
    door.failing = "disabled"
    reply = door.submit(page, username="carol", password="pw-carol")
    assert (reply.status, reply.all("Set-Cookie")) == (401, ())
    assert WRONG in said(reply)
    assert door.notes.reasons == ["account-disabled"]
    assert door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"}).status == 401


def test_the_id_changes_at_every_login_and_the_old_one_dies():
    door = Door()
    door.log_in()
    door.log_in()
    assert door.jar[COOKIE] == "secret-2"
    assert not door.live("secret-1")
    assert door.live("secret-2")


def test_a_planted_session_is_ended_and_never_taken_over():
    door = Door()
    door.jar[COOKIE] = "s-olga-of-the-attacker"
    door.log_in()
    assert door.jar[COOKIE] == "secret-1"
    door.world.with_accounts(account("mallory", "9"))
    door.jar[COOKIE] = "s-mallory"
    door.log_in()
    assert not door.live("s-mallory")


def test_a_basic_login_that_the_browser_sends_along_hides_no_session():
    door = Door()
    door.log_in()
    page = door.get(LOGIN, BROWSER, basic_auth("carol", "pw-carol"))
    assert "You are logged in as <bdi>carol</bdi>." in said(page)
    door.submit(page, BROWSER, basic_auth("carol", "pw-carol"), username="carol", password="pw-carol")
    assert not door.live("secret-1")


def test_who_is_logged_in_already_may_go_on_or_change():
    door = Door()
    door.log_in()
    page = said(door.get(f"{LOGIN}?next=/orders", BROWSER))
    assert "You are logged in as <bdi>carol</bdi>." in page
    assert 'href="/orders"' in page
    for why in ("again", "expired", "out"):
        assert "logged in as" not in said(door.get(f"{LOGIN}?why={why}", BROWSER))


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("expired", "Your session has expired."),
        ("again", "Please log in again to continue."),
        ("out", "You are logged out."),
        ("x", None),
        ("", None),
    ],
)
def test_the_form_says_why_one_is_there(why, text):
    page = said(Door().get(f"{LOGIN}?why={why}", BROWSER))
    assert (text in page) if text else ("notice" not in page.partition("</style>")[2])


# What no answer may contain


def test_no_answer_holds_a_password_or_a_foreign_token():
    door = Door()
    secret = "pw-carol-is-not-this"
    token = inputs(door.get(LOGIN, BROWSER))["csrf"]
    seen = [
        door.log_in("carol", secret),
        door.post(LOGIN, {"username": "carol", "password": secret, "csrf": "stolen-token"}),
        door.post_json(LOGIN, {"username": "carol", "password": secret, "csrf": "stolen-token"}),
    ]
    for reply in seen:
        everything = said(reply) + repr(reply.headers)
        assert secret not in everything
        assert "stolen-token" not in everything
    assert token not in repr(door.notes.seen)
    assert "(own)" not in said(seen[0]) + said(seen[2])


def test_an_attacker_cannot_write_into_the_page():
    evil = '"><script>alert(1)</script>'
    door = Door()
    assert "<script" not in said(door.log_in(evil, "x"))
    assert "<script" not in said(door.get(f"{LOGIN}?why=%3Cscript%3E&next=/%3Cscript%3E", BROWSER))


def test_a_page_in_arabic_runs_from_right_to_left():
    page = said(Door().get(LOGIN, BROWSER, {"accept-language": "ar"}))
    assert '<html lang="ar" dir="rtl">' in page


@pytest.mark.parametrize("tag", ["en", "ru", "uk", "es", "de", "fr", "pl", "pt-BR", "zh-Hans", "ja", "ar"])
def test_every_page_of_the_login_speaks_every_language(tag):
    door = Door(policy(pages=Pages(brand="Shop")))
    spoken = {"accept-language": tag}
    door.get(LOGIN, BROWSER, spoken)
    pages = [door.get(f"{LOGIN}?why={why}", BROWSER, spoken) for why in ("", "out", "expired", "again")] + [
        door.post(LOGIN, inputs(door.get(LOGIN, BROWSER)), BROWSER, spoken),
        door.post(LOGIN, {}, BROWSER, spoken),
    ]
    door.log_in()
    pages += [door.get(LOGIN, BROWSER, spoken), door.get(SESSION, BROWSER, spoken)]
    for reply in pages:
        assert reply.header("Content-Language") == tag
        assert "page." not in said(reply).partition("</style>")[2]
        if tag != "en":
            for word in ("Log in", "Password", "Request ID", "Continue", "Use another account"):
                assert f">{word}<" not in said(reply)


# The rules of the door hold for its own pages


def test_no_password_is_taken_over_plain_http_from_elsewhere():
    door = Door(policy(vantage=None, tls_require=True))
    asked = {"peer": "192.0.2.7", "local": True}
    assert door.get(LOGIN, BROWSER, **asked).status == 403
    reply = door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"}, SCRIPT, **asked)
    assert (reply.status, door.opened) == (403, 0)
    assert b"tls-required" in reply.body


def test_a_store_that_cannot_say_who_is_here_is_503():
    door = Door()
    door.log_in()
    door.world.down = {FindSession}
    assert door.get(SESSION, BROWSER).status == 503
    assert door.get(SESSION, SCRIPT).status == 503
