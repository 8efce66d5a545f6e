"""Preflights, and what scripts may read."""

from __future__ import annotations

import pytest
from wire_scene import ID, ask_with, of_pairs, policy, request, settings

from doorward.core.settings import Cors
from doorward.wire.cors import cors_headers, preflight_reply

APP = "https://app.example"
LAW = policy(settings=settings(cors=Cors(frozenset({APP}))))
STRICT = policy(settings=settings(cors=Cors(frozenset({APP}), refused_origin=403)))
EVIL = ("https://evil.example", "null", "", "https://app.example.evil.example", "https://APP.example", "*", APP + "/")


def preflight(origin, target="/orders/1"):
    fields = {"origin": origin, "access-control-request-method": "PUT"}
    return ask_with(fields, target, "OPTIONS")


def test_an_allowed_origin_gets_its_permissions():
    reply = preflight_reply(LAW, preflight(APP), ID)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("Access-Control-Allow-Origin") == APP
    assert reply.header("Access-Control-Allow-Credentials") == "true"
    assert reply.header("Access-Control-Allow-Methods") == "GET, HEAD, POST, PUT, PATCH, DELETE"
    assert "Authorization" in reply.header("Access-Control-Allow-Headers")
    assert reply.header("Access-Control-Max-Age") == "600"
    assert "Origin" in reply.header("Vary")
    assert reply.header("X-Request-ID") == ID


@pytest.mark.parametrize("origin", EVIL)
def test_other_origins_get_nothing_and_null_never(origin):
    reply = preflight_reply(LAW, preflight(origin), ID)
    assert reply.status == 204
    assert not any(name.startswith("Access-Control") for name, _ in reply.headers)
    assert "Origin" in reply.header("Vary")


def test_null_is_not_allowed_even_when_configured():
    law = policy(settings=settings(cors=Cors(frozenset({"null", APP}))))
    assert cors_headers(law, preflight("null")) == (("Vary", "Origin"),)


def test_foreign_origins_can_be_refused_aloud():
    reply = preflight_reply(STRICT, preflight("https://evil.example"), ID)
    assert (reply.status, reply.header("Cache-Control")) == (403, "no-store")
    assert not reply.header("Access-Control-Allow-Origin")
    assert preflight_reply(STRICT, preflight(APP), ID).status == 204
    assert preflight_reply(STRICT, request(method="OPTIONS"), ID).status == 204


def test_a_preflight_says_nothing_about_the_resource():
    replies = {preflight_reply(LAW, preflight(APP, target), ID) for target in ("/", "/hidden", "/absent/7")}
    assert len(replies) == 1


def test_relayed_answers_are_readable_for_allowed_origins_and_always_vary():
    assert dict(cors_headers(LAW, request(origin=APP)))["Access-Control-Allow-Origin"] == APP
    for origin in EVIL:
        assert cors_headers(LAW, request(origin=origin)) == (("Vary", "Origin"),)
    assert cors_headers(LAW, request()) == (("Vary", "Origin"),)
    assert cors_headers(policy(), request(origin=APP)) == ()


def test_two_origins_are_no_origin():
    twice = of_pairs([("host", "shop.example"), ("origin", APP), ("origin", "https://evil.example")])
    assert cors_headers(LAW, twice) == (("Vary", "Origin"),)
