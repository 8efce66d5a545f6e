"""What of a request and its verdict is kept (first-minute.md 4; articles.md A0-31, A1-52)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_scene import Desk, scene, token, world

from doorward.core.ask import Rejected
from doorward.core.cure import Act, Cure
from doorward.core.reason import Reason
from doorward.core.verdict import Unavailable
from doorward.guard.evidence import client_of
from doorward.guard.needs import as_cure, as_values, required
from doorward.ledger.event import AuditEvent
from kit import NOW, Vantage, basic_auth, bearer_auth, cookie, key_auth, networks, view


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    made = Desk(tmp_path)
    yield made
    made.record.close()


def sent(desk: Desk, *request: Any, **more: Any) -> AuditEvent:
    desk.send(*request, **more)
    return desk.event()


def test_a_403_tells_who_lacked_what(desk: Desk) -> None:
    """A0-31: event has principal id, rule, needed role, reason."""
    found = sent(desk, "GET", "/admin/x", cookie("s-carol"))
    assert (found.subject, found.name, found.rule, found.reason) == ("13", "carol", "admin", "role-missing")
    assert found.required == "role admin or editor"
    assert (found.status, found.code, found.verdict, found.step) == (403, "access-denied", "deny", "authorise")
    assert found.facts["roles"] == []
    assert as_cure(found.facts["cure"]).act is Act.GAIN_ROLE
    assert found.facts["answer"] == ["403"]


@pytest.mark.parametrize(
    ("request_", "needed"),
    [
        (("GET", "/own/7", cookie("s-carol")), "owner 7 or role admin"),
        (("PUT", "/docs/1", cookie("s-carol"), {"origin": "http://localhost:8080"}), "write on document:1"),
        (("GET", "/scoped", key_auth("k-carol")), "scope orders:read and orders:write"),
        (("GET", "/office", cookie("s-carol")), "network 10.0.0.0/8"),
        (("GET", "/night", cookie("s-carol")), "open from 2025-11-25 01:00 UTC"),
        (("GET", "/pay", key_auth("k-carol")), "login within 300 s"),
        (("PUT", "/own/13", cookie("s-carol"), {"origin": "https://evil.example"}), "proof of origin"),
        (("GET", "/a//b"), "the path has an empty segment ('//')"),
        (("GET", "/nobody"), ""),
    ],
)
def test_what_was_missing_is_said_in_words(desk: Desk, request_: Any, needed: str) -> None:
    assert sent(desk, *request_).required == needed


def test_words_of_a_cure() -> None:
    assert required(Cure(Act.WAIT, seconds=12)) == "12 s"
    assert required(Cure(Act.BE_OWNER, owner="7")) == "owner 7"
    assert required(Cure(Act.COME_BACK)) == ""


@pytest.mark.parametrize(
    "cure",
    [
        Cure(Act.NONE),
        Cure(Act.GAIN_ROLE, roles=("a", "b")),
        Cure(Act.COME_BACK, opens=1.5),
        Cure(Act.BE_OWNER, owner="7", roles=("x",)),
        Cure(Act.WAIT, seconds=3, note="n"),
    ],
)
def test_a_cure_comes_back_from_its_values(cure: Cure) -> None:
    assert as_cure(as_values(cure)) == cure
    assert as_cure({}).act is Act.NONE


def test_the_query_is_dropped_and_the_path_decoded(desk: Desk) -> None:
    """G3."""
    assert sent(desk, "GET", "/admin/%D0%BF%D1%80?token=x").resource == "/admin/пр"


def test_a_hidden_refusal_is_kept_as_what_it_was_and_what_it_looked_like(desk: Desk) -> None:
    found = sent(desk, "GET", "/hidden/x", cookie("s-carol"))
    assert (found.status, found.code, found.reason, found.truth) == (404, "not-found", "concealed", "role-missing")
    assert found.required == "role admin"
    assert found.facts["answer"] == ["404"]


@pytest.mark.parametrize("target", ["/nope", "/.env"])
def test_what_is_hidden_from_everybody_has_its_own_reason(desk: Desk, target: str) -> None:
    found = sent(desk, "GET", target)
    assert found.reason in ("path-unnamed", "sensitive-file")
    assert found.truth == ""


def test_an_expired_token_tells_its_times_and_key(tmp_path: Path) -> None:
    """A1-52: token times, verifier result."""
    desk = Desk(tmp_path)
    text = token(iat=NOW - 400, kid="x")
    desk.world.known[text] = Rejected(Reason.TOKEN_EXPIRED, expired=True)
    found = sent(desk, "GET", "/admin/x", bearer_auth(text))
    assert found.facts["token"] == {
        "issuer": "idp",
        "key": "2026-10",
        "exp": NOW - 41,
        "iat": NOW - 400,
        "leeway": 30,
    }
    assert found.facts["rejected"] == {"reason": "token-expired", "expired": True}
    assert found.scheme == "bearer"
    assert found.facts["answer"][1].startswith('WWW-Authenticate: Bearer realm="shop", error="invalid_token"')


def test_a_foreign_token_tells_only_that_it_is_foreign(desk: Desk) -> None:
    found = sent(desk, "GET", "/admin/x", bearer_auth(token(iss="https://evil.example", exp="soon")))
    assert found.facts["token"] == {"issuer": "(none of ours)"}


def test_of_what_is_no_token_nothing_is_kept(desk: Desk) -> None:
    assert "token" not in sent(desk, "GET", "/admin/x", bearer_auth("opaque")).facts


def test_a_wrong_password_names_the_account_as_a_claim(desk: Desk) -> None:
    found = sent(desk, "GET", "/admin/x", basic_auth("carol", "wrong"))
    assert (found.subject, found.claimed, found.who) == ("", "13", "13?")
    assert found.reason == "password-wrong"


def test_a_name_that_is_no_account_is_not_kept(desk: Desk) -> None:
    """People type passwords where names belong."""
    found = sent(desk, "GET", "/admin/x", basic_auth("hunter2", "x"))
    assert "hunter2" not in repr(found)
    assert found.reason == "account-unknown"


def test_a_disabled_account_is_kept_as_such(desk: Desk) -> None:
    desk.world.accounts[:] = [replace(one, disabled=True) for one in desk.world.accounts]
    found = sent(desk, "GET", "/admin/x", key_auth("k-carol"))
    assert found.facts["rejected"] == {"reason": "account-disabled", "detail": "key key-carol", "disabled": True}


@pytest.mark.parametrize(
    ("value", "kept"),
    [("Digest x", "digest"), ("NTLM", "ntlm"), ("hunter2 x", "an unknown scheme"), ("hunter2", "an unknown scheme")],
)
def test_only_registered_schemes_are_named(desk: Desk, value: str, kept: str) -> None:
    assert sent(desk, "GET", "/admin/x", {"authorization": value}).facts["presented"] == kept


def test_evidence_of_csrf_has_the_shape_it_should_have(desk: Desk) -> None:
    fields = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "x-csrf-token": "guess"}
    facts = sent(desk, "PUT", "/own/13", cookie("s-carol"), fields).facts
    assert (facts["origin"], facts["site"], facts["csrf_token"]) == ("https://evil.example", "cross-site", True)


def test_evidence_without_its_shape_is_not_kept(desk: Desk) -> None:
    facts = sent(desk, "GET", "/admin/x", {"origin": "javascript:x", "sec-fetch-site": "whatever"}).facts
    assert facts["origin"] == "(unreadable)"
    assert "site" not in facts


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("curl/8.5.0", "curl/8.5.0"),
        ("ios-shop/4.2 (iPhone; carol's)", "ios-shop/4.2"),
        ("Mozilla/5.0 (X11; Linux) Chrome/120", "browser"),
        ("", ""),
        ("(anything)", ""),
    ],
)
def test_a_client_is_named_without_what_tells_persons_apart(agent: str, client: str) -> None:
    assert client_of(agent) == client


def test_a_session_and_its_person_are_kept_in_public_parts(desk: Desk) -> None:
    desk.world.accounts[:] = []
    desk.world.with_accounts(*world().accounts)
    desk.world.accounts[2] = type(desk.world.accounts[2])("13", "carol", attributes=(("team", "red"),))
    facts = sent(desk, "GET", "/admin/x", cookie("s-carol")).facts
    assert facts["session"] == "arol"
    assert facts["auth_time"] == NOW
    assert facts["attributes"] == {"team": "red"}
    assert "scopes" not in facts


def test_scopes_of_a_key_are_kept(desk: Desk) -> None:
    assert sent(desk, "GET", "/admin/x", key_auth("k-carol")).facts["scopes"] == []


def test_a_gate_tells_which_network_it_blocks(desk: Desk) -> None:
    found = sent(desk, "GET", "/open", peer="198.51.100.9", scheme="https")
    assert found.rule == "embargo"
    assert found.facts["gate"] is True
    assert found.facts["blocks"] == ["198.51.100.0/24"]


def test_a_limit_tells_its_size(desk: Desk) -> None:
    desk.world.exhausted["slow"] = 12
    found = sent(desk, "GET", "/slow", cookie("s-carol"))
    assert found.facts["limit"] == {"name": "slow", "quota": 5, "window": 60}
    assert (found.status, found.required) == (429, "12 s")


def test_a_websocket_and_a_proxy_are_noted(tmp_path: Path) -> None:
    rules = scene()
    vantage = Vantage(("https://shop.example",), networks("127.0.0.0/8"))
    rules = replace(rules, settings=replace(rules.settings, vantage=vantage))
    desk = Desk(tmp_path, rules)
    fields = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    desk.send("GET", "/admin/x", cookie("s-carol"), fields, host="shop.example", vantage=vantage, upgrade=True)
    found = desk.event()
    assert (found.facts["websocket"], found.facts["proxied"], found.facts["transport"]) == (True, True, "https")
    assert found.address == "203.0.113.0/24"


def test_a_redirect_is_kept_without_where_it_leads(desk: Desk) -> None:
    navigation = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    found = sent(desk, "GET", "/admin/x?token=s3cr3t", navigation)
    assert found.facts["answer"] == ["303 to the login page"]


def test_a_redirect_to_https_is_kept_as_one(tmp_path: Path) -> None:
    rules = scene()
    vantage = Vantage(("https://shop.example",))
    rules = replace(rules, settings=replace(rules.settings, vantage=vantage, tls_require="redirect"))
    desk = Desk(tmp_path, rules)
    desk.send("GET", "/x?token=s3cr3t", vantage=vantage, host="shop.example", peer="203.0.113.7", local=False)
    assert desk.event().facts["answer"] == ["308 to https"]


def test_the_line_of_the_rule_is_kept(tmp_path: Path) -> None:
    rules = scene()
    rules = replace(rules, rules=tuple(replace(each, line=40 + n) for n, each in enumerate(rules.rules)))
    desk = Desk(tmp_path, rules)
    desk.send("GET", "/admin/x")
    assert desk.event().facts["line"] == 41


def test_an_outage_is_kept_with_what_is_down(desk: Desk) -> None:
    desk.note(view("GET", "/admin/x"), Unavailable("sqlite", 5))
    found = desk.event()
    assert as_cure(found.facts["cure"]).note == "sqlite"
    assert found.required == "5 s"


def test_a_request_whose_path_names_a_masked_rule_is_masked_whatever_refused_it(desk: Desk) -> None:
    desk.send("GET", "/oncology/7", peer="198.51.100.9", scheme="https")
    assert desk.event().masked


def test_a_long_path_is_cut(desk: Desk) -> None:
    assert len(sent(desk, "GET", "/admin/" + "x" * 5000).resource) == 512
