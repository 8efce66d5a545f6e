"""A2, the panel: each row that the door itself answers, as the row says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from articles_door import NAVIGATION, PLAIN, SIMPLE, Door, door

from doorward.core.request import Vantage
from doorward.core.settings import Pages
from kit import (
    World,
    account,
    acl,
    basic_auth,
    bearer_auth,
    cookie,
    key_auth,
    principal,
    rule,
)

article = pytest.mark.article
ME = rule("/profile", access="authenticated")
PREFLIGHT = {"origin": "https://trusted-domain.com", "access-control-request-method": "PUT"}
CORS = {"origins": frozenset({"https://trusted-domain.com"}), "methods": ("GET", "POST", "PUT", "DELETE")}


def panel(*rules: Any, **keys: Any) -> Door:
    """alice and root (admin) have accounts, keys and sessions."""
    return door(*rules, world=World().with_accounts(account("alice"), account("root", roles="admin")), **keys)


@article("A2-2", "A2-35")
def test_the_page_of_a_401_has_one_way_in_and_loads_nothing() -> None:
    page = door(ME, answers={"navigation": "page"}, pages=Pages(brand="Ember & Co")).get("/profile", NAVIGATION)
    assert page.status == 401
    assert page.text.count('href="/.doorward/login') == 1
    assert "Ember &amp; Co" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text
    # The dialogue that Basic opens in a browser would stand in front of this very page.
    assert [line.split(" ")[0] for line in page.challenges] == ["Bearer", "Session", "ApiKey"]


@article("A2-6")
def test_a_mobile_app_gets_a_401_where_it_is() -> None:
    seen = door(ME, schemes="bearer session").get("/profile", {"user-agent": "ShopApp/3.1 okhttp/4", "accept": "*/*"})
    assert (seen.status, seen.challenges[0]) == (401, 'Bearer realm="shop"')
    assert not seen.reply.header("Location")


@article("A2-10")
@pytest.mark.parametrize(
    "target", ["/.env", "/backup.sql", "/.git/config", "/old/site.bak", "/keys/server.pem", "/id_rsa"]
)
def test_sensitive_files_are_404_to_everyone_but_where_a_rule_names_them(target: str) -> None:
    gate_of = door(rule("/**", access="public"))
    for fields in ({}, gate_of.token(roles="admin")):
        assert gate_of.get(target, fields).status == 404
    named = door(rule(target, roles="admin"))
    assert named.get(target).status == 401
    assert named.get(target, named.token(roles="admin")).status == 200
    assert door(rule("/**", access="public"), sensitive_files=False).get(target).status == 200


@article("A2-11")
def test_a_viewer_who_deletes_is_told_in_the_rules_words() -> None:
    gate_of = door(
        rule("/docs/{id}", name="read", methods="GET", roles="viewer editor"),
        rule(
            "/docs/{id}",
            name="delete",
            methods="DELETE",
            roles="editor",
            message={"en": "Your role does not allow this."},
        ),
    )
    viewer = gate_of.token(roles="viewer")
    denied = gate_of.ask("DELETE", "/docs/7", viewer)
    assert (denied.status, denied.json["message"]) == (403, "Your role does not allow this.")
    assert gate_of.get("/docs/7", viewer).status == 200


@article("A2-12", "A2-13")
def test_the_answers_of_the_rails_example() -> None:
    gate_of = door(
        ME,
        rule("/admin", roles="admin", message={"en": "You need admin access"}),
        schemes="bearer",
        realm="Application",
        answers=SIMPLE,
        messages={"en": {"title.authentication-required": "Login required"}},
    )
    asked = gate_of.get("/profile")
    assert (asked.challenges, asked.json["error"]) == (('Bearer realm="Application"',), "Login required")
    assert gate_of.get("/admin", gate_of.token()).json["message"] == "You need admin access"


@article("A2-14")
def test_text_is_text_for_who_asks_for_text() -> None:
    gate_of = door(ME)
    asked = gate_of.get("/profile", PLAIN)
    assert (asked.status, asked.reply.header("Content-Type")) == (401, "text/plain; charset=utf-8")
    assert asked.text == "Authentication required – please log in.\n"
    assert gate_of.get("/profile", PLAIN, gate_of.token()).status == 200


@article("A2-15")
def test_deleting_users_is_for_admins() -> None:
    gate_of = door(rule("/users/{id}", methods="DELETE", roles="ADMIN"))
    found = [gate_of.ask("DELETE", "/users/1", gate_of.token(roles=role)).status for role in ("USER", "ADMIN")]
    assert found == [403, 200]


@article("A2-21", "A2-23")
def test_a_true_preflight_is_answered_before_anybody_is_asked_who_he_is() -> None:
    gate_of = door(ME, cors=CORS)
    seen = gate_of.ask("OPTIONS", "/profile", PREFLIGHT)
    assert (seen.status, seen.reply.header("Access-Control-Allow-Origin")) == (204, "https://trusted-domain.com")
    assert seen.reply.header("Access-Control-Allow-Methods") == "GET, POST, PUT, DELETE"
    evil = gate_of.ask("OPTIONS", "/profile", PREFLIGHT | {"origin": "https://trusted-domain.com.evil"})
    assert (evil.status, evil.reply.header("Access-Control-Allow-Origin")) == (204, "")
    assert door(ME).ask("OPTIONS", "/profile", PREFLIGHT).who.anonymous


@article("A2-22")
def test_a_bare_options_is_a_request_like_any_other_unless_the_policy_frees_it() -> None:
    assert door(ME).ask("OPTIONS", "/profile").status == 401
    assert door(ME, cors={"options_public": "all"}).ask("OPTIONS", "/profile").status == 200


@article("A1-19", "A2-24")
def test_an_api_limit_in_the_manner_of_github() -> None:
    from kit import limit

    world = World(exhausted={"partners": 3600})
    gate_of = door(
        rule("/api", name="partners", access="public", limits=limit(5000, 3600, status=403)),
        world=world,
        answers=SIMPLE,
    )
    seen = gate_of.get("/api")
    assert (seen.status, seen.challenges, seen.reply.header("Retry-After")) == (403, (), "3600")
    assert "1 hour" in seen.json["message"]


@article("A2-33")
def test_a_masked_resource_is_named_in_no_outbound_byte() -> None:
    gate_of = door(
        rule("/api/health-records/**", name="health", roles="clinician", realm="Cardiology", mask=True),
        rule("/api/scoped-records/**", name="scoped", scopes="records:read", mask=True),
    )
    for path in ("/api/health-records/patient-7", "/api/scoped-records/patient-7"):
        for fields in (gate_of.token(), {}, gate_of.token() | NAVIGATION, gate_of.token() | PLAIN):
            seen = gate_of.get(path, fields)
            assert seen.status in (401, 403, 303)
            for word in ("record", "clinician", "ealth", "Cardio", "patient", "scoped"):
                assert word not in seen.outbound.replace(seen.reply.header("X-Request-ID"), ""), word
        assert "Access denied" in gate_of.get(path, gate_of.token()).text


@article("A2-40")
def test_a_403_sends_nobody_anywhere() -> None:
    gate_of = panel(rule("/r", roles="editor"))
    for fields in (NAVIGATION, {}, {"user-agent": "ShopApp/3.1"}):
        seen = gate_of.get("/r", cookie("s-alice"), fields)
        assert (seen.status, seen.reply.header("Location")) == (403, "")


@article("A0-11", "A2-45")
def test_read_write_and_execute_are_three_rights() -> None:
    gate_of = door(rule("/files/{f}", acl=acl("file:{f}", GET="read", PUT="write", DELETE="write", POST="execute")))

    def found() -> list[int]:
        token = gate_of.token("7")
        return [gate_of.ask(method, "/files/a", token).status for method in ("GET", "PUT", "DELETE", "POST")]

    who = principal("7").subjects[0]
    assert found() == [403] * 4
    gate_of.world.relations.add((who, "read", "file:a"))
    assert found() == [200, 403, 403, 403]
    gate_of.world.relations.add((who, "write", "file:a"))
    assert found() == [200, 200, 200, 403]
    gate_of.world.relations.clear()
    gate_of.world.relations.add((who, "execute", "file:a"))
    assert found() == [403, 403, 403, 200]


@article("A2-46", "A2-47")
def test_plain_http_is_for_certificates_and_for_one_machine_alone() -> None:
    gate_of = door(ME, vantage=Vantage(("https://shop.example", "http://localhost:8080")))
    outside: dict[str, Any] = {"host": "shop.example", "peer": "192.0.2.9", "local": False}
    program = gate_of.get("/profile", bearer_auth("never-looked-at"), **outside)
    assert (program.status, program.code) == (403, "tls-required")
    assert gate_of.world.asked == []
    page = gate_of.get("/profile?x=1", NAVIGATION, **outside)
    assert (page.status, page.reply.header("Location")) == (308, "https://shop.example/profile?x=1")
    assert gate_of.get("/.well-known/acme-challenge/x", **outside).status == 200
    assert gate_of.ask("POST", "/.well-known/acme-challenge/x", **outside).status == 403
    assert gate_of.get("/profile").status == 401
    assert gate_of.get("/profile", host="shop.example").status == 403
    assert gate_of.get("/profile", {"x-forwarded-for": "1.2.3.4"}).status == 403


@article("A2-48")
@pytest.mark.parametrize("target", ["/a/../b", "/a/%2e%2e/b", "/a%2fb", "/a%252fb", "/a;b", "//a", "/a\\b", "/a%00"])
def test_a_path_with_two_readings_is_400_before_any_rule(target: str) -> None:
    gate_of = door(rule("/**", access="public"))
    assert gate_of.get(target).status == 400


@article("A2-50")
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (basic_auth("alice", "pw-alice"), basic_auth("alice", "nope")),
        (key_auth("k-alice"), key_auth("nope")),
        (cookie("s-alice"), cookie("nope")),
    ],
    ids=["basic", "apikey", "session"],
)
def test_each_kind_of_credential_is_let_in_or_challenged(good: Any, bad: Any) -> None:
    gate_of = panel(ME)
    assert gate_of.get("/profile", good).who.subject == "alice"
    refused = gate_of.get("/profile", bad)
    assert (refused.status, bool(refused.challenges)) == (401, True)
    assert gate_of.get("/profile", gate_of.token()).who.subject == "456"


@article("A2-51")
def test_without_credentials_nothing_protected_is_given_away() -> None:
    closed = [
        ME,
        rule("/r", roles="a"),
        rule("/s", scopes="a"),
        rule("/o/{id}", owner="{id}"),
        rule("/a", acl=acl("x")),
    ]
    gate_of = door(*closed)
    assert {gate_of.get(path).status for path in ("/profile", "/r", "/s", "/o/1", "/a")} == {401}
    assert gate_of.get("/never-thought-of").status == 404
    assert replace(gate_of, keys={"default": "authenticated"}).get("/never-thought-of").status == 401
