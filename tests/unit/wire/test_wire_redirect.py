"""To the login page, to https, and nowhere else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_scene import ID, NAVIGATION, OLD_BROWSER, SCRIPT, answer, ask_with, challenge, deny, policy, request, settings

from doorward.core.path import safe_return
from doorward.core.policy import Rule
from doorward.core.reason import Reason
from doorward.core.request import Vantage
from doorward.wire.redirect import login_url
from doorward.wire.shown import show

PLAIN = {"scheme": "http"}
PLAIN_401 = show(policy(), challenge(), request(), None)


def test_a_navigation_is_sent_to_the_login_page_with_the_way_back():
    for method in ("GET", "HEAD"):
        reply = answer(challenge(), ask_with(NAVIGATION, "/profile", method))
        assert (reply.status, reply.header("Location")) == (303, "/.doorward/login?next=%2Fprofile")
        assert (reply.header("Cache-Control"), reply.header("X-Request-ID")) == ("no-store", ID)
        assert reply.header("Vary")
        assert not reply.header("WWW-Authenticate")
        assert reply.body == b""
    assert answer(challenge(), ask_with(OLD_BROWSER)).status == 303


def test_the_way_back_keeps_its_query():
    asked = ask_with(NAVIGATION, "/a?b=c&d=%26#".removesuffix("#"))
    location = answer(challenge(), asked).header("Location")
    assert parse_qs(urlsplit(location).query) == {"next": ["/a?b=c&d=%26"]}


@pytest.mark.parametrize(
    ("fields", "method", "law"),
    [
        (NAVIGATION, "POST", policy()),
        (SCRIPT, "GET", policy()),
        ({"accept": "*/*"}, "GET", policy()),
        (NAVIGATION, "GET", policy(navigation="page")),
        (NAVIGATION, "GET", policy(settings=settings(login_page=""))),
    ],
)
def test_everybody_else_gets_the_401_where_he_is(fields, method, law):
    reply = answer(challenge(), ask_with(fields, method=method), law)
    assert reply.status == 401
    assert reply.header("WWW-Authenticate")


def test_a_rule_that_takes_no_session_is_not_sent_to_the_login_page():
    assert answer(challenge(login=False), ask_with(NAVIGATION)).status == 401


def test_a_403_never_redirects():
    assert answer(deny(), ask_with(NAVIGATION)).status == 403
    assert answer(deny(Reason.CSRF_MISSING), ask_with(NAVIGATION)).status == 403


def test_the_login_page_is_told_why():
    expired = answer(challenge(Reason.SESSION_EXPIRED), ask_with(NAVIGATION, "/a"))
    assert expired.header("Location") == "/.doorward/login?next=%2Fa&why=expired"
    again = answer(challenge(Reason.LOGIN_TOO_OLD), ask_with(NAVIGATION, "/a"))
    assert again.header("Location") == "/.doorward/login?next=%2Fa&why=again"


def test_the_way_back_to_a_masked_resource_is_not_told():
    law = policy(Rule("orders", mask=True))
    reply = answer(challenge(Reason.SESSION_EXPIRED), ask_with(NAVIGATION, "/wards/oncology"), law)
    assert reply.header("Location") == "/.doorward/login?why=expired"


def test_unsafe_ways_back_are_left_out():
    law = policy(settings=settings(login_page="/sign-in?x=1"))
    assert login_url(law, PLAIN_401, request("/.doorward/session")) == "/sign-in?x=1"
    assert login_url(law, PLAIN_401, request("/" + "a" * 2048)) == "/sign-in?x=1"
    assert login_url(law, PLAIN_401, request("/a", method="POST")) == "/sign-in?x=1"
    assert login_url(law, PLAIN_401, request("//evil.example")) == "/sign-in?x=1"
    assert login_url(law, PLAIN_401, request("/a")) == "/sign-in?x=1&next=%2Fa"


@given(st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60))
def test_no_target_makes_a_location_that_leaves_us(target):
    reply = answer(challenge(), ask_with(NAVIGATION, target))
    if reply.status != 303:
        return
    found = urlsplit(reply.header("Location"))
    assert (found.scheme, found.netloc, found.path) == ("", "", "/.doorward/login")
    for back in parse_qs(found.query).get("next", []):
        assert safe_return(back) == back


def test_pages_over_plain_http_are_sent_to_our_own_https_origin():
    verdict = deny(Reason.TLS_REQUIRED, rule="(tls)")
    reply = answer(verdict, ask_with(NAVIGATION, "/a?b=c", **PLAIN))
    assert (reply.status, reply.header("Location")) == (308, "https://shop.example/a?b=c")
    assert answer(verdict, request(accept="*/*", **PLAIN)).status == 403
    assert answer(verdict, ask_with(SCRIPT, **PLAIN)).status == 403
    strict = policy(settings=settings(tls_require="redirect"))
    assert answer(verdict, request(accept="*/*", **PLAIN), strict).status == 308
    assert answer(verdict, ask_with(NAVIGATION, "*", "OPTIONS", **PLAIN)).header("Location") == "https://shop.example/"


@pytest.mark.parametrize(
    ("origins", "host", "location"),
    [
        (("https://shop.example:8443", "http://shop.example:8080"), "shop.example:8080", "https://shop.example:8443/a"),
        (("https://a.example", "https://shop.example"), "shop.example", "https://shop.example/a"),
        (("https://[2001:db8::1]",), "[2001:db8::1]:80", "https://[2001:db8::1]/a"),
        (("http://shop.example",), "shop.example", ""),
        (("https://other.example",), "evil.example", ""),
        ((), "localhost", ""),
    ],
)
def test_the_https_origin_is_one_of_our_own_or_there_is_none(origins, host, location):
    law = policy(settings=settings(vantage=Vantage(origins)))
    reply = answer(deny(Reason.TLS_REQUIRED), ask_with(NAVIGATION, "/a", "GET", "http", host), law)
    assert reply.header("Location") == location
    assert reply.status == (308 if location else 403)


def test_a_host_without_https_does_not_spoil_the_redirect_of_another():
    origins = ("http://old.example", "https://shop.example")
    law = policy(settings=settings(vantage=Vantage(origins), tls_require="redirect"))
    verdict = deny(Reason.TLS_REQUIRED)
    for host, status in (("old.example", 403), ("shop.example", 308), ("old.example", 403)):
        assert answer(verdict, request(accept="*/*", host=host, **PLAIN), law).status == status
