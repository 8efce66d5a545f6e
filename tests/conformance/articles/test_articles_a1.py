"""A1, the long reference: each row that the door itself answers, as the row says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from articles_door import NAVIGATION, SIMPLE, Door, door, refused

from doorward.core.ask import Rejected
from doorward.core.reason import CODES, Reason
from kit import (
    World,
    account,
    acl,
    basic_auth,
    bearer_auth,
    cookie,
    gate,
    hierarchy,
    key_auth,
    limit,
    pairs,
    rule,
)

article = pytest.mark.article
PAGE = rule("/page", roles="members")
ME = rule("/me", access="authenticated")
USERS = rule(
    "/api/v1/users/{id}/profile",
    name="own-profile",
    methods="GET PUT",
    owner="{id}",
    or_roles="admin",
    message={"en": "You can only change your own profile."},
)


def town(*rules: Any, **keys: Any) -> Door:
    """alice, root (admin) and dora (disabled) have accounts, keys and sessions."""
    world = World().with_accounts(account("alice"), account("root", roles="admin"), account("dora", disabled=True))
    return door(*rules, world=world, **keys)


@article("A1-1")
def test_a_page_is_401_to_strangers_403_to_outsiders_and_there_for_members() -> None:
    gate_of = door(PAGE)
    found = [
        gate_of.get("/page", who).status for who in ({}, gate_of.token(roles="guests"), gate_of.token(roles="members"))
    ]
    assert found == [401, 403, 200]


@article("A1-2", "A1-7", "A2-4")
def test_what_does_not_prove_anybody_is_401_and_what_cannot_be_read_is_400() -> None:
    gate_of = town(ME, rule("/public", access="public"))
    for fields in (basic_auth("alice", "nope"), key_auth("nope"), bearer_auth("not.a.jwt")):
        assert gate_of.get("/me", fields).status == 401
    for path in ("/me", "/public"):
        assert gate_of.get(path, pairs(bearer_auth("a"), bearer_auth("b"))).status == 400
    assert gate_of.get("/me", {"authorization": "Bearer"}).status == 400


@article("A1-6", "A2-3", "A3-2")
def test_without_credentials_no_error_is_told() -> None:
    for line in door(ME).get("/me").challenges:
        assert "error=" not in line


@article("A1-10", "A2-12")
def test_the_simple_body_has_error_and_message_and_the_realm_is_the_policys() -> None:
    seen = door(ME, schemes="basic", realm="Example", answers=SIMPLE).get("/me")
    assert seen.challenges == ('Basic realm="Example", charset="UTF-8"',)
    assert list(seen.json) == ["error", "message"]
    assert seen.reply.header("Content-Type") == "application/json"


@article("A1-11")
def test_a_missing_credential_counts_against_nobody() -> None:
    gate_of = town(ME)
    for _ in range(50):
        assert gate_of.get("/me").status == 401
    assert gate_of.get("/me", basic_auth("alice", "pw-alice")).status == 200


@article("A1-12")
def test_a_missing_and_a_bad_api_key_are_challenged() -> None:
    gate_of = town(ME, schemes="apikey")
    for fields in ({}, key_auth("nope")):
        seen = gate_of.get("/me", fields)
        assert (seen.status, seen.challenges) == (401, ('ApiKey realm="shop"',))


@article("A1-13", "A1-14")
def test_an_area_may_have_a_realm_of_its_own() -> None:
    gate_of = door(
        rule("/admin/dashboard", roles="admin", realm="Admin Area", schemes="basic"),
        rule("/api/v1/users", access="authenticated", realm="API", schemes="bearer"),
    )
    assert gate_of.get("/admin/dashboard").challenges == ('Basic realm="Admin Area", charset="UTF-8"',)
    assert gate_of.get("/api/v1/users").challenges == ('Bearer realm="API"',)


@article("A1-15", "A1-20", "A1-25")
def test_a_rule_speaks_in_its_own_words() -> None:
    words = {"en": "Admin privileges required", "uk": "Потрібні права адміністратора"}
    gate_of = door(rule("/admin/users", roles="admin", message=words))
    seen = gate_of.get("/admin/users", gate_of.token())
    assert (seen.status, seen.json["message"]) == (403, words["en"])
    assert gate_of.get("/admin/users", gate_of.token(), {"accept-language": "uk"}).json["message"] == words["uk"]


@article("A1-16", "A1-26")
@pytest.mark.parametrize(
    ("method", "target", "subject", "roles", "right"),
    [
        ("PUT", "123", "456", "", 403),
        ("PUT", "456", "456", "", 200),
        ("PUT", "123", "1", "admin", 200),
        ("DELETE", "123", "456", "", 403),
        ("DELETE", "456", "456", "", 403),
    ],
)
def test_a_profile_is_its_owners(method: str, target: str, subject: str, roles: str, right: int) -> None:
    gate_of = door(USERS)
    seen = gate_of.ask(method, f"/api/v1/users/{target}/profile", gate_of.token(subject, roles))
    assert seen.status == right
    if (method, right) == ("PUT", 403):
        assert seen.json["message"] == "You can only change your own profile."


@article("A1-17")
def test_an_administrator_closes_a_route_an_account_or_an_address() -> None:
    gate_of = town(rule("/closed", access="nobody"), ME)
    assert [gate_of.get("/closed", who).status for who in ({}, gate_of.token(roles="admin"))] == [403, 403]
    assert gate_of.get("/me", basic_auth("dora", "pw-dora")).status == 401
    softer = replace(gate_of, keys={"answers": {"disabled_account": 403}})
    assert softer.get("/me", basic_auth("dora", "pw-dora")).status == 403
    fenced = replace(gate_of, keys={"gates": [gate(block="127.0.0.1/32")]})
    assert fenced.get("/me", basic_auth("alice", "pw-alice")).status == 403


@article("A1-21", "A1-23")
def test_what_is_missing_is_told_to_known_callers_unless_the_policy_is_silent() -> None:
    gate_of = door(rule("/r", roles="editor"), rule("/a", acl=acl("x")))
    assert gate_of.get("/r", gate_of.token()).json["required_role"] == "editor"
    assert gate_of.get("/a", gate_of.token()).json["required_permission"] == "read"
    assert {"error", "message"} <= set(gate_of.get("/r", gate_of.token()).json)
    silent = replace(gate_of, keys={"answers": {"disclosure": "minimal"}})
    for path in ("/r", "/a"):
        assert not [key for key in silent.get(path, silent.token()).json if key.startswith("required_")]


@article("A1-22", "A2-52")
@pytest.mark.parametrize("told", [True, False])
def test_no_403_carries_a_challenge_but_that_for_a_tokens_scope(told: bool) -> None:
    gate_of = town(
        *(rule("/r", roles="editor"), rule("/a", acl=acl("x")), rule("/o/{id}", owner="{id}"), rule("/s", scopes="x")),
        *(
            rule("/n", access="nobody"),
            rule("/f", access="authenticated", from_="10.0.0.0/8"),
            rule("/m", methods="GET"),
        ),
        answers={"scope_challenge": told},
    )
    asked = [("GET", path, gate_of.token()) for path in ("/r", "/a", "/o/7", "/n", "/f", "/s")]
    asked += [("POST", "/m", gate_of.token()), ("GET", "/s", key_auth("k-alice")), ("POST", "/r", cookie("s-root"))]
    seen = [gate_of.ask(*one) for one in asked]
    assert {one.status for one in seen} == {403}
    assert [bool(one.challenges) for one in seen] == [told and one[1:] == asked[5][1:] for one in asked]


@article("A1-24", "A2-36", "A2-7")
def test_the_page_of_a_403_leads_on_and_asks_for_no_password() -> None:
    from doorward.core.settings import Pages

    gate_of = door(rule("/r", roles="editor"), pages=Pages(support_url="https://help.example/"))
    page = gate_of.get("/r", gate_of.token(), NAVIGATION)
    assert page.status == 403
    assert 'href="https://help.example/' in page.text
    assert page.reply.header("X-Request-ID") in page.text
    assert 'type="password"' not in page.text


@article("A1-27")
def test_the_cms_of_the_article() -> None:
    gate_of = door(
        rule("/admin/posts", roles="editor"), rule("/admin/settings", roles="admin"), roles=hierarchy(admin="editor")
    )
    # The hierarchy is expanded where a principal is made, as the schemes do.
    admin, editor = (gate_of.token(roles=roles) for roles in ("admin editor", "editor"))
    assert gate_of.get("/admin/posts").status == 401
    assert [gate_of.get(path, editor).status for path in ("/admin/posts", "/admin/settings")] == [200, 403]
    assert gate_of.get("/admin/settings", admin).status == 200


@article("A1-28")
def test_the_shop_of_the_article() -> None:
    gate_of = door(rule("/orders/**", roles="customer"), rule("/admin/dashboard", roles="admin"))
    customer = gate_of.token(roles="customer")
    assert gate_of.get("/orders").status == 401
    assert [gate_of.get(path, customer).status for path in ("/orders/1", "/admin/dashboard")] == [200, 403]


@article("A1-30")
@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer x", "Bearer a.b.c", "Bearer \xff\xfe", "Bearer " + "A" * 9_000, "bearer ..", "\x01"]
)
def test_no_bearer_value_is_more_than_a_400_or_401(value: str) -> None:
    assert door(ME).get("/me", {"authorization": value}).status in (400, 401)


@article("A1-31")
def test_a_role_of_the_rule_or_one_that_includes_it() -> None:
    world = World().with_accounts(account("eve", roles="user"), account("root", roles="admin"))
    gate_of = door(rule("/edit", roles="editor"), world=world, roles=hierarchy(admin="editor user"))
    assert gate_of.get("/edit", basic_auth("eve", "pw-eve")).json["required_role"] == "editor"
    assert gate_of.get("/edit", basic_auth("root", "pw-root")).status == 200


@article("A1-33")
def test_a_body_is_never_looked_at_before_the_caller() -> None:
    gate_of = door(rule("/orders", scopes="orders:write"))
    broken = {"content-type": "application/json"}
    assert gate_of.ask("POST", "/orders", broken, body=True).status == 401
    assert gate_of.ask("POST", "/orders", gate_of.token(), broken, body=True).status == 403


@article("A1-37", "A2-27")
def test_a_script_of_an_allowed_origin_can_read_every_refusal_and_its_id() -> None:
    app = "https://app.example"
    gate_of = door(ME, rule("/r", roles="editor"), cors={"origins": frozenset({app})})
    for seen in (gate_of.get("/me", {"origin": app}), gate_of.get("/r", gate_of.token(), {"origin": app})):
        assert seen.reply.header("Access-Control-Allow-Origin") == app
        assert "X-Request-ID" in seen.reply.header("Access-Control-Expose-Headers")
        assert seen.reply.header("X-Request-ID") in seen.text


@article("A1-40", "A1-43")
def test_every_refusal_has_one_shape() -> None:
    gate_of = town(ME, rule("/r", roles="editor"), rule("/s", roles="editor", hide=True))
    asked = [
        ("/me", {}),
        ("/r", gate_of.token()),
        ("/s", gate_of.token()),
        ("/nope", {}),
        ("/a;b", {}),
        ("/me", bearer_auth("a b")),
    ]
    for path, fields in asked:
        seen = gate_of.get(path, fields)
        assert seen.reply.header("Content-Type") == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance", "code", "error", "message"} <= set(seen.json)
        assert seen.json["status"] == seen.status
        plain = replace(gate_of, keys={"answers": SIMPLE}).get(path, fields)
        assert set(plain.json) <= {"error", "message", "required_role", "required_permission", "required_scope"}


@article("A1-41", "A3-10", "A3-11", "A3-15")
def test_no_answer_tells_which_part_of_a_token_failed() -> None:
    bad = [Reason.TOKEN_SIGNATURE, Reason.TOKEN_AUDIENCE, Reason.TOKEN_SUBJECT, Reason.TOKEN_ISSUER, Reason.KEY_UNKNOWN]
    gate_of = door(ME, world=World(known={str(reason): Rejected(reason) for reason in bad}))
    assert len({gate_of.get("/me", bearer_auth(str(reason))).outbound for reason in bad}) == 1
    names = {
        part.partition("=")[0] for part in gate_of.get("/me", bearer_auth(str(bad[0]))).challenges[0][7:].split(", ")
    }
    assert names <= {"realm", "error", "error_description", "scope", "resource_metadata"}
    assert "expired" not in gate_of.get("/me", bearer_auth(str(bad[0]))).outbound


@article("A1-44")
def test_every_refusal_has_the_fields_it_owes() -> None:
    gate_of = town(ME, rule("/r", roles="editor", limits=()), rule("/l", access="public", limits=limit()))
    gate_of.world.exhausted["/l"] = 7
    asked = {401: ("/me", {}), 403: ("/r", gate_of.token()), 404: ("/nope", {}), 429: ("/l", {}), 400: ("/x;y", {})}
    for status, (path, fields) in asked.items():
        reply = gate_of.get(path, fields).reply
        assert (reply.status, reply.header("Cache-Control")) == (status, "no-store")
        assert {"Accept", "Accept-Language"} <= {word.strip() for word in reply.header("Vary").split(",")}
        assert reply.header("Content-Language")
        assert reply.header("X-Request-ID")
        assert bool(reply.header("Retry-After")) is (status == 429)
        assert bool(reply.header("WWW-Authenticate")) is (status == 401)


@article("A1-42")
def test_every_problem_type_names_its_code() -> None:
    gate_of = door(ME)
    seen = gate_of.get("/me")
    assert seen.json["type"].endswith("/" + CODES[refused(seen).reason])


@article("A1-48")
def test_guessing_is_slowed_down_for_the_guesser_alone() -> None:
    gate_of = town(ME)
    for name in ("alice", "nobody-of-this-name"):
        found = [gate_of.get("/me", basic_auth(name, f"wrong-{n}")).status for n in range(30)]
        assert found == [401] * 5 + [429] * 25
    right = gate_of.get("/me", basic_auth("alice", "pw-alice"))
    assert right.status == 429
    assert int(right.reply.header("Retry-After")) >= 1
    away = replace(gate_of, keys={"tls_require": False})
    assert away.get("/me", basic_auth("alice", "pw-alice"), peer="192.0.2.9").status == 200
    assert gate_of.get("/me", cookie("s-alice")).status == 200


@article("A1-58")
def test_a_401_can_be_cured_by_the_caller_and_a_403_for_a_role_cannot() -> None:
    gate_of = town(rule("/r", roles="editor"))
    assert refused(gate_of.get("/r")).cure.act == "authenticate"
    assert refused(gate_of.get("/r", cookie("s-alice"))).cure.act == "gain-role"
