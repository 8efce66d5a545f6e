"""A0, the interview guide: each row that the door itself answers, as the row says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from articles_door import NAVIGATION, SCRIPT, Door, door, refused

from doorward.core.ask import Rejected, TakeSlot
from doorward.core.principal import ANONYMOUS
from doorward.core.reason import Reason
from doorward.core.verdict import Challenge, Deny
from kit import OWN_ORIGIN, World, account, acl, basic_auth, bearer_auth, cookie, gate, limit, rule

article = pytest.mark.article
PROFILE = rule("/profile", access="authenticated")
ADMIN = rule("/admin", roles="admin")
EXPIRED = Rejected(Reason.TOKEN_EXPIRED, expired=True)


def shop(**keys: Any) -> Door:
    """Public page, profile, admin area; alice and root log in, "expired" is a token past its time."""
    world = World(known={"expired": EXPIRED}).with_accounts(account("alice"), account("root", roles="admin"))
    return door(rule("/public", access="public"), PROFILE, ADMIN, world=world, **keys)


@article("A0-1", "A0-12", "A0-13", "A1-46")
def test_who_are_you_and_what_may_you_do_are_two_verdicts() -> None:
    gate_of = shop()
    asked, denied = gate_of.get("/admin"), gate_of.get("/admin", gate_of.token("service-7"))
    assert (type(asked.verdict), type(denied.verdict)) == (Challenge, Deny)
    assert (asked.status, denied.status) == (401, 403)
    assert asked.challenges
    assert not denied.challenges


@article("A0-2", "A0-27", "A2-5")
def test_a_stranger_is_asked_to_log_in_and_a_browser_is_taken_there_and_back() -> None:
    assert shop().get("/profile").status == 401
    page = shop().get("/profile", NAVIGATION)
    assert (page.status, page.reply.header("Location")) == (303, "/.doorward/login?next=%2Fprofile")
    assert shop().ask("POST", "/profile", NAVIGATION).status == 401
    stays = shop(answers={"navigation": "page"}).get("/profile", NAVIGATION)
    assert stays.status == 401
    assert "text/html" in stays.reply.header("Content-Type")


@article("A0-3", "A1-3", "A3-8")
def test_a_known_caller_without_the_right_is_denied_before_and_after_another_login() -> None:
    gate_of = shop()
    for fields in (gate_of.token(), cookie("s-alice"), basic_auth("alice", "pw-alice"), gate_of.token()):
        seen = gate_of.get("/admin", fields)
        assert (seen.status, seen.challenges) == (403, ())
        assert "Access denied" in seen.json["error"] + seen.json["message"]


@article("A0-5", "A1-4")
def test_every_401_names_each_scheme_it_takes_and_its_realm_on_a_line_of_its_own() -> None:
    lines = door(PROFILE, schemes="bearer basic", realm="api").get("/profile").challenges
    assert lines == ('Bearer realm="api"', 'Basic realm="api", charset="UTF-8"')


@article("A0-8", "A1-53")
def test_scope_role_and_relation_are_three_different_lacks() -> None:
    gate_of = door(
        rule("/s", scopes="users:read"),
        rule("/r", roles="admin"),
        rule("/a", acl=acl("x")),
        rule("/n", access="nobody"),
    )
    seen = {path: gate_of.get(path, gate_of.token()) for path in ("/s", "/r", "/a", "/n")}
    assert {one.status for one in seen.values()} == {403}
    reasons = [refused(one).reason for one in seen.values()]
    assert reasons == [Reason.SCOPE_MISSING, Reason.ROLE_MISSING, Reason.GRANT_MISSING, Reason.NOBODY_MAY]
    assert seen["/s"].json["required_scope"] == "users:read"
    assert seen["/r"].json["required_role"] == "admin"
    assert seen["/a"].json["required_permission"] == "read"


@article("A0-9")
def test_a_token_without_the_scope_is_told_which() -> None:
    gate_of = door(rule("/users", scopes="read:users"))
    seen = gate_of.get("/users", gate_of.token())
    assert (seen.status, seen.code) == (403, "insufficient-scope")
    assert gate_of.get("/users", gate_of.token(scopes="read:users")).status == 200


@article("A0-10", "A2-8")
def test_one_role_of_the_rule_is_enough_and_none_is_403() -> None:
    gate_of = shop()
    assert gate_of.get("/admin", gate_of.token(roles="user")).challenges == ()
    assert gate_of.get("/admin", gate_of.token(roles="user")).status == 403
    assert gate_of.get("/admin", gate_of.token(roles="admin")).status == 200


@article("A0-14", "A0-15", "A1-8", "A2-16", "A2-18", "A2-3", "A3-9")
def test_what_expired_is_401_and_says_so_by_a_stable_code() -> None:
    token = shop().get("/profile", bearer_auth("expired"))
    assert (token.status, token.code) == (401, "invalid-token")
    assert token.challenges[0].startswith('Bearer realm="shop", error="invalid_token"')
    session = shop().get("/profile", cookie("long-gone"))
    assert (session.status, session.code) == (401, "session-expired")


@article("A0-16", "A1-18", "A2-9")
def test_a_blocked_address_is_403_whoever_asks() -> None:
    gate_of = replace(shop(), keys={"gates": [gate(block="127.0.0.0/8")]})
    for fields in ({}, gate_of.token(roles="admin")):
        seen = gate_of.get("/admin", fields)
        assert (seen.status, seen.challenges, seen.code) == (403, (), "request-blocked")


@article("A0-18")
@pytest.mark.parametrize(
    ("fields", "right"),
    [
        ({}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"x-csrf-token": "wrong"}, 403),
        ({"x-csrf-token": "csrf-alice"}, 403),
        ({"x-csrf-token": "wrong", "sec-fetch-site": "same-origin"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        (OWN_ORIGIN, 200),
        ({"x-csrf-token": "csrf-root"}, 200),
    ],
)
def test_a_request_that_a_foreign_page_could_have_sent_is_403_for_root_too(fields: Any, right: int) -> None:
    assert shop().ask("POST", "/admin", cookie("s-root"), fields).status == right
    assert shop().ask("POST", "/admin", fields).status == 401
    public = shop().ask("POST", "/public", cookie("s-root"), fields)
    assert (public.status, public.who is ANONYMOUS) == (200, right == 403)


@article("A0-21")
@pytest.mark.parametrize("fields", [bearer_auth("gar.ba.ge"), bearer_auth("expired"), {"authorization": "Basic !!!"}])
def test_a_public_resource_is_served_whatever_is_presented(fields: Any) -> None:
    assert (shop().get("/public", fields).status, shop().get("/public", fields).challenges) == (200, ())
    assert shop(answers={"bad_credentials_on_public": "reject"}).get("/public", fields).status == 401


@article("A0-17", "A0-22")
def test_too_many_requests_are_429_with_three_fields_and_never_stored() -> None:
    world = World(exhausted={"ip=": 30})
    for status, challenges in ((429, ()), (403, ())):
        rules = rule("/x", access="public", limits=limit(10, 60, status=status, name="burst"))
        seen = door(rules, world=world).get("/x")
        assert (seen.status, seen.challenges, seen.reply.header("Retry-After")) == (status, challenges, "30")
        assert seen.reply.header("RateLimit") == '"burst";r=0;t=30'
        assert seen.reply.header("RateLimit-Policy") == '"burst";q=10;w=60'
        assert seen.reply.header("Cache-Control") == "no-store"


@article("A0-23", "A1-47")
def test_what_is_not_there_is_404_and_a_foreign_object_is_answered_like_an_absent_one() -> None:
    gate_of = door(rule("/users/{id}", owner="{id}"))
    assert gate_of.get("/nope").status == 404
    foreign, absent = (gate_of.ask("PUT", f"/users/{name}", gate_of.token("456")) for name in ("1", "9999"))
    assert foreign.reply == absent.reply
    assert foreign.status == 403


@article("A0-24", "A0-25", "A2-53")
@pytest.mark.parametrize("down", [set(), {TakeSlot}], ids=["up", "down"])
@pytest.mark.parametrize("full", [{}, {"hidden": 9}], ids=["room", "full"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_hidden_path_is_the_404_of_an_absent_one_byte_for_byte(method: str, full: Any, down: set[type]) -> None:
    hidden = rule("/admin/top-secret", name="hidden", methods="GET POST", roles="admin", hide=True, limits=limit())
    gate_of = door(hidden, world=World(exhausted=full, down=down))
    for fields in ({}, gate_of.token()):
        secret, absent = (gate_of.ask(method, f"/admin/{name}", fields) for name in ("top-secret", "anything"))
        assert (secret.status, secret.reply) == (404, absent.reply)
    if method == "GET" and not full and not down:
        assert gate_of.get("/admin/top-secret", gate_of.token(roles="admin")).status == 200


@article("A0-26", "A1-5", "A2-54")
def test_the_role_is_there_and_the_scope_is_missing() -> None:
    gate_of = door(
        rule("/orders", methods="GET", roles="user", scopes="orders:read"),
        rule("/orders", name="write", methods="POST", roles="user", scopes="orders:write"),
    )
    token = gate_of.token(roles="user", scopes="orders:read")
    denied = gate_of.ask("POST", "/orders", token)
    assert (denied.status, denied.json["error_description"]) == (403, "Insufficient scope.")
    assert denied.challenges == ('Bearer realm="shop", error="insufficient_scope", scope="orders:write"',)
    assert gate_of.get("/orders", token).status == 200


@article("A0-35", "A2-37", "A2-38")
@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ("ru", "ru"),
        ("uk", "uk"),
        ("es-MX, en;q=0.5", "es"),
        ("ar", "ar"),
        ("tlh", "en"),
        ("", "en"),
    ],
)
def test_the_sentence_is_in_the_language_of_the_caller(wish: str, says: str) -> None:
    seen = shop().get("/profile", {"accept-language": wish})
    assert seen.reply.header("Content-Language") == says
    assert "Accept-Language" in seen.reply.header("Vary")
    english = shop().get("/profile").json["message"]
    assert (seen.json["message"] == english) is (says == "en")
    if says == "es":
        assert seen.json["message"] == "Autenticación requerida: inicie sesión."


@article("A0-36")
def test_a_refusal_makes_no_session() -> None:
    for fields in ({}, NAVIGATION, SCRIPT, bearer_auth("x.y.z")):
        assert not shop().get("/profile", fields).reply.header("Set-Cookie")


@article("A0-32")
def test_the_cheat_sheet_of_the_guide_holds() -> None:
    """One line each of what the rows above say at length."""
    gate_of = shop()
    assert [
        gate_of.get("/profile").status,
        gate_of.get("/admin", gate_of.token()).status,
        gate_of.get("/profile", bearer_auth("expired")).status,
        gate_of.ask("POST", "/admin", cookie("s-root")).status,
        gate_of.get("/nope").status,
        door(PROFILE, gates=[gate(limits=(limit(),))], world=World(exhausted={"ip=": 1})).get("/profile").status,
    ] == [401, 403, 401, 403, 404, 429]
