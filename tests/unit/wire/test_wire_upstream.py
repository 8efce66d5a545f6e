"""What is changed in the application's answers, and what is not."""

from __future__ import annotations

import pytest
from wire_scene import ORDERS, SCRIPT, ask_with, policy, request

from doorward.core.policy import Policy, Rule
from doorward.wire.upstream import edit, private, repair_401, without_own_cookies

LAW = policy()
PLAIN = [(b"Content-Type", b"text/html"), (b"Server", b"x")]


def lines(added):
    return [value.partition(b" ")[0] for _, value in added]


@pytest.mark.article("A0-6")
def test_a_401_without_a_challenge_is_repaired():
    added = repair_401(LAW, ORDERS, PLAIN)
    assert lines(added) == [b"Bearer", b"Session", b"ApiKey", b"Basic"]
    assert {name for name, _ in added} == {b"WWW-Authenticate"}
    assert lines(repair_401(LAW, Rule("r", schemes=frozenset({"basic"})), PLAIN)) == [b"Basic"]
    assert lines(repair_401(LAW, ORDERS, [(b"WWW-Authenticate", b" ")])) == [b"Bearer", b"Session", b"ApiKey", b"Basic"]


@pytest.mark.article("A0-6")
@pytest.mark.parametrize("name", [b"WWW-Authenticate", b"www-authenticate"])
def test_challenges_of_the_application_are_left_as_they_are(name):
    theirs = [(name, b"Negotiate"), (name, b'Basic realm="a", Bearer'), *PLAIN]
    assert repair_401(LAW, ORDERS, theirs) == []
    assert edit(LAW, ORDERS, request(), 401, theirs, scheme="bearer") is theirs


def test_repair_can_be_switched_off():
    assert repair_401(policy(repair_upstream_401=False), ORDERS, PLAIN) == []


def test_a_repair_never_opens_a_dialogue_in_a_script():
    assert lines(repair_401(LAW, ORDERS, PLAIN, ask_with(SCRIPT))) == [b"Bearer", b"Session", b"ApiKey"]
    only = Rule("r", schemes=frozenset({"basic"}))
    assert lines(repair_401(LAW, only, PLAIN, ask_with(SCRIPT))) == [b"Session"]
    assert lines(repair_401(policy(basic_for_scripts=True), only, PLAIN, ask_with(SCRIPT))) == [b"Basic"]


def test_a_policy_without_schemes_still_makes_no_401_without_a_challenge():
    assert lines(repair_401(Policy("v", "Shop"), ORDERS, PLAIN, request())) == [b"Session"]


@pytest.mark.parametrize(
    "value",
    [
        b"__Host-doorward=evil; Path=/",
        b"__Host-doorward = evil",
        b"__Host-doorward-login=x",
        b"__HOST-DOORWARD=x",
        b"__Host-doorward",
        b" __Host-doorward=x",
    ],
)
def test_the_application_cannot_set_our_cookies(value):
    headers = [(b"Set-Cookie", b"app=1"), (b"set-cookie", value), (b"Set-Cookie", b"b=2; x"), *PLAIN]
    kept = [headers[0], *headers[2:]]
    assert without_own_cookies(LAW, headers) == kept
    assert edit(LAW, ORDERS, request(), 302, headers, scheme="") == kept


def test_other_cookies_pass():
    headers = [
        (b"Set-Cookie", b"doorward=1"),
        (b"Set-Cookie", b"a=__Host-doorward=1"),
        (b"Set-Cookie", b"__Host-doorwards=1"),
    ]
    assert without_own_cookies(LAW, headers) == headers
    assert without_own_cookies(LAW, PLAIN) is PLAIN


def test_an_authenticated_200_without_a_cache_rule_is_private():
    assert private(200, PLAIN) == [(b"Cache-Control", b"private")]
    assert private(200, [(b"cache-control", b"public")]) == []
    assert private(404, PLAIN) == []
    assert edit(LAW, ORDERS, request(), 200, PLAIN, scheme="bearer")[-1] == (b"Cache-Control", b"private")
    assert edit(LAW, ORDERS, request(), 200, PLAIN, scheme="") is PLAIN


def test_a_repaired_401_goes_through_the_whole_edit():
    got = edit(LAW, ORDERS, request(), 401, PLAIN, scheme="bearer")
    assert got[:2] == PLAIN
    assert lines(got[2:]) == [b"Bearer", b"Session", b"ApiKey", b"Basic"]


def test_an_answer_to_a_session_varies_with_the_cookie() -> None:
    added = [(b"Cache-Control", b"private"), (b"Vary", b"Cookie")]
    assert edit(LAW, ORDERS, request(), 200, PLAIN, scheme="session") == [*PLAIN, *added]
    public = [(b"Cache-Control", b"public"), (b"Vary", b"Accept")]
    assert edit(LAW, ORDERS, request(), 200, public, scheme="session") == [*public, (b"Vary", b"Cookie")]


@pytest.mark.parametrize("vary", [b"*", b"Accept, cookie", b"Cookie"])
def test_a_field_that_says_so_already_is_not_said_twice(vary: bytes) -> None:
    theirs = [(b"Cache-Control", b"no-store"), (b"VARY", vary)]
    assert edit(LAW, ORDERS, request(), 200, theirs, scheme="session") is theirs


def test_only_what_a_cache_would_keep_varies() -> None:
    assert edit(LAW, ORDERS, request(), 500, PLAIN, scheme="session") is PLAIN
