"""The control listener: decisions for other proxies, metrics, health; and who may not ask for them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from gateway import Answer, Gateway, serving
from issuer import POLICY_HEAD, basic, bearer
from recorder import Recorder, recording

POLICY = (
    POLICY_HEAD
    + """
[groups.office]
networks = ["192.0.2.0/24"]

[[rule]]
name    = "public"
path    = "/public/**"
methods = ["GET"]
access  = "public"
[[rule]]
name  = "admin"
path  = "/admin/**"
roles = ["admin"]
[[rule]]
name  = "secret"
path  = "/secret"
roles = ["admin"]
hide  = true
[[rule]]
name  = "ws"
path  = "/ws"
access = "authenticated"
[[rule]]
name    = "near"
path    = "/near"
access  = "public"
methods = ["GET"]
from    = ["office"]
[[rule]]
name    = "slow"
path    = "/slow"
access  = "public"
methods = ["GET"]
limit   = { rate = "2/hour", by = ["ip"] }
"""
)
IDENTITY = ["X-Doorward-User", "X-Doorward-Roles", "X-Doorward-Scopes", "X-Doorward-Assertion"]
ROOT, CAROL = ("root", ["admin"]), ("carol", [])


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture(scope="module")
def door(recorder: Recorder) -> Iterator[Gateway]:
    with serving(POLICY, recorder.url) as gateway:
        gateway.add_user("carol", "correct horse")
        yield gateway


def decide(door: Gateway, method: str, target: str, *fields: tuple[str, str], path: str = "/decide") -> Answer:
    asked = (("X-Forwarded-Method", method), ("X-Forwarded-Uri", target))
    return door.ask("GET", path, *asked, *fields, control=True)


# -- decisions


def test_an_allow_is_200_exactly_with_every_identity_field(door: Gateway, recorder: Recorder) -> None:
    recorder.clear()
    answer = decide(door, "GET", "/admin/x?y", bearer("root", ["admin"], "a:read b:read"))
    assert (answer.status, answer.body) == (200, b"")
    assert [answer.one(name) for name in IDENTITY[:3]] == ["root", "admin", "a:read b:read"]
    assert answer.one("X-Doorward-Assertion").count(".") == 2
    assert len(answer.one("X-Doorward-Decision-Id")) == 36
    assert recorder.records == []


def test_an_anonymous_allow_names_every_identity_field_without_a_value(door: Gateway) -> None:
    answer = decide(door, "GET", "/public/x", ("X-Doorward-User", "root"))
    assert (answer.status, [answer.all(name) for name in IDENTITY]) == (200, [[""], [""], [""], [""]])


def test_every_decision_has_an_id_of_its_own(door: Gateway) -> None:
    ids = {decide(door, "GET", "/public/x").one("X-Doorward-Decision-Id") for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("method", "target", "who", "status"),
    [
        ("GET", "/admin/x", "", 401),
        ("GET", "/admin/x", "carol", 403),
        ("GET", "/secret", "carol", 404),
        ("GET", "/nowhere", "root", 404),
        ("PATCH", "/public/x", "", 401),
        ("GET", "/public/../admin", "", 400),
        ("GET", "/public/%2e%2e/admin", "", 400),
        ("GET", "//admin", "", 400),
        ("TRACE", "/public/x", "", 405),
    ],
)
def test_a_denial_is_the_gateway_s(door: Gateway, method: str, target: str, who: str, status: int) -> None:
    fields = {"": [], "carol": [bearer(*CAROL)], "root": [bearer(*ROOT)]}[who]
    asked, met = decide(door, method, target, *fields), door.ask(method, target, *fields)
    assert asked.status == met.status == status
    moving = ("Date", "X-Request-ID", "Connection", "Content-Length")
    assert [pair for pair in asked.headers if pair[0] not in moving] == [p for p in met.headers if p[0] not in moving]
    assert not [name for name, _ in asked.headers if name.lower().startswith("x-doorward-")]


MISSING = {
    "neither": [],
    "no method": [("X-Forwarded-Uri", "/public/x")],
    "no target": [("X-Forwarded-Method", "GET")],
    "two methods": [("X-Forwarded-Method", "GET"), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/public/x")],
    "two targets": [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/public/x"), ("X-Forwarded-Uri", "/admin")],
    "an empty target": [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "")],
    "an empty method": [("X-Forwarded-Method", ""), ("X-Forwarded-Uri", "/public/x")],
    "a method that is none": [("X-Forwarded-Method", "GE T"), ("X-Forwarded-Uri", "/public/x")],
    "an absolute target": [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "http://a/public/x")],
    "a target list": [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "public/x")],
    "two hosts": [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Host", "localhost"),
    ],
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_asked_about_must_be_said_exactly_once(door: Gateway, name: str) -> None:
    answer = door.ask("GET", "/decide", *MISSING[name], bearer(*ROOT), control=True)
    assert answer.status == 400
    assert door.cli("tail", "-n", "1").stdout.count("missing-original-target") == 1


def test_the_target_of_the_call_itself_decides_nothing(door: Gateway) -> None:
    for path in ("/decide?path=/public/x", "/decide?x"):
        assert decide(door, "GET", "/admin/x", path=path).status == 401
    for path in ("/decide/", "/decide/../metrics", "/decide/nginx", "/Decide", "/%64ecide", "//decide"):
        assert decide(door, "GET", "/public/x", path=path).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT"])
def test_the_method_of_the_call_itself_decides_nothing(door: Gateway, method: str) -> None:
    asked = (("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/public/x"))
    assert door.ask(method, "/decide", *asked, control=True).status == 200


def test_the_answer_does_not_wait_for_a_body_that_never_comes(door: Gateway) -> None:
    asked = (("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/public/x"), ("Transfer-Encoding", "chunked"))
    assert door.ask("POST", "/decide", *asked, control=True).status == 200


def test_two_credentials_are_never_one(door: Gateway) -> None:
    name, value = bearer(*ROOT)
    assert decide(door, "GET", "/public/x", (name, value), basic("carol", "correct horse")).status == 400
    for joined in (f"{value}, Basic Y2Fyb2w6eA==", f"{value},{value}", "Basic Y2Fyb2w6eA==, Bearer x"):
        assert decide(door, "GET", "/public/x", (name, joined)).status == 400


def test_the_host_and_the_origin_are_the_client_s(door: Gateway) -> None:
    assert decide(door, "GET", "/public/x", ("X-Forwarded-Host", "evil.test")).status == 421
    assert decide(door, "GET", "/public/x", ("Origin", "https://evil.test")).status == 200


def test_the_address_is_the_proxy_s_last_hop_and_nothing_the_client_said(door: Gateway) -> None:
    https = ("X-Forwarded-Proto", "https")
    for chain, status in (("192.0.2.7", 200), ("198.51.100.1, 192.0.2.7", 200), ("192.0.2.7, 198.51.100.1", 403)):
        assert decide(door, "GET", "/near", https, ("X-Forwarded-For", chain)).status == status
    assert decide(door, "GET", "/near", https, ("X-Forwarded-For", "192.0.2.7, 127.0.0.1")).status == 403
    assert decide(door, "GET", "/near", https, ("X-Forwarded-For", "nonsense")).status == 400


def test_plain_http_is_refused_where_the_proxy_says_so(door: Gateway) -> None:
    told = ("X-Forwarded-For", "192.0.2.7")
    for proto, status in (("https", 200), ("wss", 200), ("http", 403), ("ws", 403), ("ftp", 400)):
        assert decide(door, "GET", "/public/x", told, ("X-Forwarded-Proto", proto)).status == status
    twice = (("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http"))
    assert decide(door, "GET", "/public/x", told, *twice).status == 400


def test_a_websocket_by_session_needs_its_own_origin(door: Gateway) -> None:
    cookie = door.log_in("carol", "correct horse")
    key = ("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg==")
    for origin in ([("Origin", "https://evil.test")], [("Origin", door.url)], []):
        answer = decide(door, "GET", "/ws", cookie, key, *origin)
        assert (answer.status, json.loads(answer.body)["code"]) == (403, "csrf-failed")
    assert decide(door, "GET", "/ws", cookie, key, ("Origin", door.control)).status == 200


def test_limits_are_counted_in_the_buckets_of_the_gateway(door: Gateway) -> None:
    assert door.get("/slow").status == 200
    assert decide(door, "GET", "/slow").status == 200
    assert decide(door, "GET", "/slow").status == 429
    assert door.get("/slow").status == 429


def test_a_preflight_passes_without_identity(door: Gateway) -> None:
    asking = (("Origin", "https://a.test"), ("Access-Control-Request-Method", "GET"))
    answer = decide(door, "OPTIONS", "/admin/x", *asking, bearer(*ROOT))
    assert (answer.status, answer.all("X-Doorward-User")) == (200, [""])


def test_only_its_peers_may_ask(recorder: Recorder) -> None:
    policy = POLICY + '[control]\npeers = ["192.0.2.0/24"]\n'
    with serving(policy, recorder.url) as door:
        answer = decide(door, "GET", "/public/x")
        assert answer.status == 403
        assert "untrusted-peer" in door.cli("tail").stdout


# -- metrics and health


def test_metrics_count_what_was_decided(door: Gateway) -> None:
    door.get("/admin/x")
    answer = door.ask("GET", "/metrics", control=True)
    assert answer.status == 200
    assert answer.one("Content-Type").startswith("text/plain; version=0.0.4")
    assert b'auth_failures_total{status="401",reason="credentials-missing",scheme="none",rule="admin"}' in answer.body


def test_health_says_which_policy_is_in_force(door: Gateway) -> None:
    found = json.loads(door.ask("GET", "/ready", control=True).body)
    assert found["ready"] is True
    assert len(found["policy"]) == 6
    assert found["issuers"] == {"idp": "ready"}
    assert door.ask("HEAD", "/live", control=True).status == 200


@pytest.mark.parametrize("path", ["/metrics", "/live", "/ready"])
def test_a_page_of_the_web_cannot_read_what_is_for_the_operator(door: Gateway, path: str) -> None:
    host = door.control.removeprefix("http://")
    for origin in ("https://evil.test", "null", door.control):
        assert door.ask("GET", path, ("Origin", origin), control=True).status == 403
    rebound = f"GET {path} HTTP/1.1\r\nHost: evil.test:{host.rpartition(':')[2]}\r\nConnection: close\r\n\r\n"
    assert door.raw(rebound.encode(), control=True).status == 421
    assert door.ask("POST", path, control=True).status == 405
    assert door.get(path).status == 404


def test_framing_faults_are_refused_here_too(door: Gateway) -> None:
    host = door.control.removeprefix("http://")
    head = f"POST /decide HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /public/x\r\n"
    bad = f"{head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert door.raw(bad.encode(), control=True).status == 400
