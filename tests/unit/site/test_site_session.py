"""The session page, logging out, and everything else under /.doorward/."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from site_scene import (
    BROWSER,
    COOKIE,
    FORM,
    ID,
    JSON,
    KEYS,
    KEYSET,
    LOGIN,
    LOGOUT,
    PROGRAM,
    SCRIPT,
    SESSION,
    Door,
    inputs,
    said,
)

from doorward.core.ask import Session
from doorward.site.call import REQUEST_ID, VIEW
from kit import ORIGIN, basic_auth, key_auth, policy, view

FOREIGN = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}


@pytest.fixture
def door():
    """Somebody is logged in: carol."""
    door = Door()
    door.jar[COOKIE] = "s-carol"
    return door


@pytest.mark.parametrize("path", [SESSION, LOGOUT, "/.doorward", "/.doorward/", f"{SESSION}/"])
def test_the_session_page_names_the_person_and_the_ways_out(door, path):
    reply = door.get(path, BROWSER)
    page = said(reply)
    assert reply.status == 200
    assert "You are logged in as <bdi>carol</bdi>." in page
    assert inputs(reply) == {"csrf": "csrf-carol"}
    assert 'action="/.doorward/logout"' in page
    assert f'href="{LOGIN}"' in page
    assert reply.header("Cache-Control") == "no-store"


def test_a_script_learns_who_is_here_and_the_token_for_unsafe_requests(door):
    reply = door.get(SESSION, SCRIPT)
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "subject": "7",
        "name": "carol",
        "roles": ["customer"],
        "csrf_token": "csrf-carol",
    }
    assert (reply.header("Cache-Control"), reply.header("X-Request-ID")) == ("no-store", ID)
    assert door.ask("HEAD", SESSION, SCRIPT).headers == reply.headers


def test_no_answer_holds_the_cookie_or_the_id_of_a_session(door):
    for reply in (door.get(SESSION, SCRIPT), door.get(SESSION, BROWSER)):
        assert "s-carol" not in said(reply) + repr(reply.headers)


def test_without_a_session_a_person_goes_to_the_login_and_a_script_gets_its_401_at_once():
    door = Door()
    assert (reply := door.get(SESSION, BROWSER)).status == 303
    assert reply.header("Location") == LOGIN
    script = door.get(SESSION, SCRIPT)
    assert (script.status, script.all("WWW-Authenticate")) == (401, ('Session realm="shop"',))
    assert Door(policy(answers={"navigation": "page"})).get(SESSION, BROWSER).status == 401


@pytest.mark.parametrize("ended", ["expired", "logout", "revoked"])
def test_an_ended_session_says_so(door, ended):
    door.world.sessions["s-carol"] = Session("id-carol", "7", 1, 1, 1, ended)
    assert door.get(SESSION, BROWSER).header("Location") == f"{LOGIN}?why=expired"
    assert b'"code":"session-expired"' in door.get(SESSION, SCRIPT).body


@pytest.mark.parametrize("other", [basic_auth("carol", "pw-carol"), key_auth("k-carol"), basic_auth("x", "y")])
def test_other_credentials_are_no_session_and_hide_none(door, other):
    assert door.get(SESSION, SCRIPT, other).status == 200
    assert Door().get(SESSION, SCRIPT, other).status == 401
    assert door.post(LOGOUT, {"csrf": "csrf-carol"}, BROWSER, other).status == 303
    assert not door.live("s-carol")


def test_two_session_cookies_are_400_and_end_nothing(door):
    tossed = {"cookie": f"{COOKIE}=s-carol; {COOKIE}=s-mallory"}
    for reply in (
        door.get(SESSION, SCRIPT, tossed, jar=False),
        door.post(LOGOUT, {"csrf": "csrf-carol"}, BROWSER, tossed, jar=False),
    ):
        assert reply.status == 400
    assert door.live("s-carol")


def test_logging_out_ends_the_session_in_the_store_and_in_the_browser(door):
    page = door.get(SESSION, BROWSER)
    reply = door.post(LOGOUT, inputs(page))
    assert (reply.status, reply.header("Location")) == (303, f"{LOGIN}?why=out")
    (line,) = reply.all("Set-Cookie")
    assert line == f"{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    assert not door.live("s-carol")
    assert COOKIE not in door.jar
    assert door.notes.welcomed == ["7"]
    assert "You are logged out." in said(door.get(reply.header("Location"), BROWSER))


def test_a_stolen_cookie_is_worth_nothing_after_logging_out(door):
    door.post(LOGOUT, {"csrf": "csrf-carol"})
    assert door.get(SESSION, SCRIPT, {"cookie": f"{COOKIE}=s-carol"}, jar=False).status == 401


def test_a_page_of_ones_own_for_the_login_is_where_logging_out_leads():
    for page, led in (("/enter", "/enter?why=out"), ("/enter?x=1", "/enter?x=1&why=out")):
        door = Door(policy(login_page=page))
        assert door.post(LOGOUT, {}).header("Location") == led


def test_logging_out_twice_is_well(door):
    door.post(LOGOUT, {"csrf": "csrf-carol"})
    assert door.post(LOGOUT, {"csrf": "csrf-carol"}).status == 303
    assert Door().ask("POST", LOGOUT, SCRIPT).status == 204


@pytest.mark.parametrize(
    ("fields", "groups"),
    [
        ({}, [SCRIPT]),
        ({"x-csrf-token": "csrf-carol"}, [PROGRAM]),
        ({"origin": ORIGIN}, [PROGRAM]),
    ],
)
def test_a_script_logs_out_with_a_proof_of_its_origin(door, fields, groups):
    reply = door.ask("POST", LOGOUT, fields, *groups)
    assert (reply.status, reply.body) == (204, b"")
    assert not door.live("s-carol")


def test_a_script_logs_out_with_the_token_in_json(door):
    assert door.post_json(LOGOUT, {"csrf": "csrf-carol"}, PROGRAM).status == 204
    assert not door.live("s-carol")


@pytest.mark.parametrize(
    ("fields", "sent", "reason"),
    [
        ({}, FOREIGN, "origin-foreign"),
        ({}, PROGRAM, "csrf-missing"),
        ({"csrf": "wrong"}, SCRIPT, "csrf-mismatch"),
        ({"csrf": ""}, SCRIPT, "csrf-mismatch"),
        ({"csrf": "é"}, SCRIPT, "csrf-mismatch"),
        ({"csrf": "csrf-carol"}, {**SCRIPT, "x-csrf-token": "wrong"}, "csrf-mismatch"),
        ({}, {**SCRIPT, "x-csrf-token": "wrong"}, "csrf-mismatch"),
        ({"csrf": "csrf-olga"}, BROWSER, "csrf-mismatch"),
    ],
)
def test_nobody_else_logs_a_person_out(door, fields, sent, reason):
    reply = door.post(LOGOUT, fields, sent)
    assert reply.status == 403
    assert door.live("s-carol")
    assert COOKIE in door.jar
    assert door.notes.reasons == [reason]
    assert door.notes.seen[0][1].who.subject == "7"


def test_get_and_head_log_nobody_out(door):
    for method in ("GET", "HEAD"):
        assert door.ask(method, LOGOUT, BROWSER).status == 200
    assert door.live("s-carol")


def test_a_store_that_cannot_be_written_keeps_the_session_and_says_503(door):
    door.failing = "end"
    reply = door.post(LOGOUT, {"csrf": "csrf-carol"})
    assert (reply.status, reply.all("Set-Cookie")) == (503, ())
    assert door.live("s-carol")


# Paths and methods


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (LOGIN, "GET, HEAD, POST"),
        (LOGOUT, "GET, HEAD, POST"),
        (SESSION, "GET, HEAD"),
        ("/.doorward/", "GET, HEAD"),
        (KEYS, "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_other_methods_are_405_with_what_the_path_really_takes(path, allow, method):
    reply = Door().ask(method, path, PROGRAM)
    assert (reply.status, reply.header("Allow")) == (405, allow)
    if "POST" not in allow:
        assert Door().ask("POST", path, PROGRAM).status == 405


@pytest.mark.parametrize(
    "path", ["/.doorward/x", "/.doorward/login/x", "/.doorward/LOGIN", "/.doorward/console", "/.doorward/jwks.json.bak"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
def test_what_is_not_there_is_404_by_every_method(path, method):
    door = Door()
    assert door.ask(method, path, PROGRAM).status == 404
    assert door.ask(method, path, BROWSER, JSON, chunks=[None]).status == 404


def test_our_404_is_that_of_any_absent_path():
    door = Door()
    for kind in (BROWSER, SCRIPT, PROGRAM, {"accept": "text/plain"}):
        ours, absent = door.get("/.doorward/x", kind), door.get("/x", kind)
        assert (ours.status, ours.headers, ours.body) == (absent.status, absent.headers, absent.body)


def test_an_encoded_spelling_is_the_same_page():
    assert Door().get("/.doorward/%6cogin", BROWSER).status == 200
    assert Door().get("/%2edoorward/login", BROWSER).status == 200


def test_without_sessions_only_the_keys_are_there():
    door = Door(policy(schemes="basic"))
    for path in (LOGIN, LOGOUT, SESSION, "/.doorward"):
        assert door.get(path, PROGRAM).status == 404
    assert door.get(KEYS).status == 200


def test_the_keys_are_public_and_may_be_kept():
    reply = Door().get(KEYS)
    assert (reply.status, json.loads(reply.body)) == (200, KEYSET)
    assert reply.header("Cache-Control") == "public, max-age=300"
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert reply.all("Set-Cookie") == ()


# Other origins


APP = "https://app.example"
SHARED = {"origins": frozenset({APP})}


def test_a_script_of_an_allowed_origin_may_ask_log_in_and_read_the_answer():
    door = Door(policy(cors=SHARED))
    asked = {"origin": APP, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    first = door.ask("OPTIONS", LOGIN, asked)
    assert (first.status, first.header("Access-Control-Allow-Origin")) == (204, APP)
    there = {**SCRIPT, "origin": APP, "sec-fetch-site": "same-site"}
    done = door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"}, there)
    assert (done.status, done.header("Access-Control-Allow-Origin")) == (200, APP)
    for reply in (door.get(SESSION, there), Door(policy(cors=SHARED)).get(SESSION, there)):
        assert reply.header("Access-Control-Allow-Origin") == APP
        assert "Origin" in ", ".join(reply.all("Vary"))


def test_a_script_of_another_origin_is_not_let_in():
    door = Door(policy(cors=SHARED))
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert door.ask("OPTIONS", LOGIN, asked).header("Access-Control-Allow-Origin") == ""
    there = {**SCRIPT, "origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert door.post_json(LOGIN, {"username": "carol", "password": "pw-carol"}, there).status == 403
    assert door.get(SESSION, there).header("Access-Control-Allow-Origin") == ""


def test_without_cors_origins_a_preflight_is_refused_like_any_method():
    asked = {"origin": APP, "access-control-request-method": "POST"}
    assert Door().ask("OPTIONS", LOGIN, asked).status == 405


def test_a_reload_in_between_does_not_change_a_visit(door):
    assert asyncio.run(_swap_while_reading(door)) == 303


async def _swap_while_reading(door):
    asked = view("POST", LOGOUT, FORM, BROWSER, {"cookie": f"{COOKIE}=s-carol"}, body=True)
    sent = []

    async def receive():
        door.guard.swap(policy(schemes="basic"), {})
        return {"type": "http.request", "body": b"csrf=csrf-carol"}

    async def send(message):
        sent.append(message)

    await door.site({VIEW: asked, REQUEST_ID: ID}, receive, send)
    return sent[0]["status"]


def test_the_templates_are_not_loaded_before_the_first_page():
    code = "import sys, doorward.site.app; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
