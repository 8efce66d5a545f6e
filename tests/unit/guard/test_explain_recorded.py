"""Recorded refusals, explained: what the ledger kept, and what the policy of today says (first-minute.md 4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from record_scene import Desk, known, scene, token, world

from doorward.core.ask import FindRelation, FindSession, Later, LedgerReady, Rejected
from doorward.core.reason import Reason
from doorward.core.settings import LedgerSettings
from doorward.core.verdict import Unavailable, upstream_failed
from doorward.guard.explain import Explanation, of_event, of_rehearsal
from doorward.guard.rehearse import rehearse
from doorward.guard.remedy import Attempt
from doorward.guard.replay import attempt_of, replay
from doorward.guard.telling import evidence
from doorward.ledger.event import AuditEvent
from kit import NOW, basic_auth, bearer_auth, cookie, hours, key_auth, policy, rule, view

RULES = scene()
KEPT = LedgerSettings(retention=10**10)
OLGA, CAROL = known(), known("13", "", name="carol")
ID = "019ab697-e871-7000-8000-000000000001"


def last(found: Explanation) -> tuple[str, str]:
    assert [step.name for step in found.steps if not step.good] == [found.steps[-1].name]
    return found.steps[-1].name, found.steps[-1].text


def way(found: Explanation) -> list[tuple[str, bool]]:
    return [(each.text, each.checked) for each in found.ways]


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    made = Desk(tmp_path)
    yield made
    made.record.close()


def recorded(desk: Desk, *request: Any, rules: Any = None, **more: Any) -> Explanation:
    desk.send(*request, **more)
    return of_event(desk.event(), rules or desk.policy, desk.world.answers)


@pytest.mark.parametrize(
    "request_",
    [
        ("GET", "/admin/x"),
        ("GET", "/admin/x", cookie("s-carol")),
        ("GET", "/own/7", cookie("s-olga")),
        ("GET", "/hidden/x", cookie("s-carol")),
        ("GET", "/hidden/x"),
        ("GET", "/docs/7", key_auth("k-carol")),
        ("PATCH", "/docs/7", key_auth("k-carol")),
        ("GET", "/office", cookie("s-carol")),
        ("GET", "/night", cookie("s-carol")),
        ("GET", "/nobody"),
        ("GET", "/nope"),
        ("GET", "/.env"),
        ("GET", "/scoped", key_auth("k-carol")),
        ("GET", "/pay", key_auth("k-carol")),
        ("GET", "/admin/x", key_auth("k-nobody")),
        ("GET", "/admin/x", {"authorization": "Digest x"}),
        ("PUT", "/own/13", cookie("s-carol")),
        ("PUT", "/own/13", cookie("s-carol"), {"origin": "https://evil.example"}),
        ("PUT", "/own/13", cookie("s-carol"), {"x-csrf-token": "guess"}),
        ("GET", "/own/13", cookie("s-carol"), {"origin": "https://evil.example"}, {"upgrade": "x"}),
    ],
    ids=lambda value: None,
)
def test_a_recorded_refusal_has_the_same_outcome_under_the_same_policy(desk: Desk, request_: Any) -> None:
    """first-minute.md 4: policy version then and now, and whether the outcome is the same."""
    found = recorded(desk, *request_, upgrade=True) if request_[-1] == {"upgrade": "x"} else recorded(desk, *request_)
    assert found.outcome == "same outcome"
    assert found.now == found.event.version == "test"
    assert last(found)[1]


def test_a_recorded_refusal_tells_what_the_policy_of_today_says(desk: Desk) -> None:
    softer = replace(policy(rule("/admin/**", name="admin", roles="editor")), version="51aa37")
    desk.send("GET", "/admin/x", cookie("s-carol"))
    event = desk.event()
    assert of_event(event, softer, desk.world.answers).outcome == "same outcome"
    opened = replace(policy(rule("/admin/**", name="admin", access="authenticated")), version="51aa37")
    found = of_event(event, opened, desk.world.answers)
    assert (found.outcome, found.now) == ("allowed now", "51aa37")
    assert way(found) == [("carol had role admin or editor", False)]
    hidden = policy(rule("/admin/**", name="admin", roles="root", hide=True))
    assert of_event(event, hidden, desk.world.answers).outcome == "now 404 role-missing"
    shut = policy(rule("/admin/**", name="admin", access="nobody"))
    assert of_event(event, shut, desk.world.answers).outcome == "now 403 nobody-may"


def test_an_expired_token_tells_how_long_ago(desk: Desk) -> None:
    text = token()
    desk.world.known[text] = Rejected(Reason.TOKEN_EXPIRED, expired=True)
    found = recorded(desk, "GET", "/pay", bearer_auth(text))
    assert last(found) == (
        "authenticate",
        "bearer, issuer idp, key 2026-10: signature good, expired 41 s ago (leeway 30 s)",
    )
    assert way(found) == [("the token were renewed", True)]
    assert found.answer[0] == "401, not 403: a valid token may help"
    assert found.answer[1].startswith("WWW-Authenticate: Bearer")


def test_a_limit_is_told_and_not_tried(desk: Desk) -> None:
    desk.world.exhausted["slow"] = 12
    found = recorded(desk, "GET", "/slow", cookie("s-carol"))
    assert last(found) == ("limits", "slow: 5 in 60 s are used up, room in 12 s")
    assert way(found) == [("12 s had passed", False)]
    assert found.outcome == ""


def test_a_lock_out_is_told_at_the_login(desk: Desk) -> None:

    for _ in range(7):
        desk.send("GET", "/pay", basic_auth("carol", "wrong"))
    locked = of_event(desk.events()[-1], desk.policy, desk.world.answers)
    assert last(locked)[1].startswith("too many wrong passwords; login: ")


def test_an_outage_names_what_is_down(desk: Desk) -> None:

    desk.world.down.add(FindSession)
    found = recorded(desk, "GET", "/pay", cookie("s-carol"))
    assert last(found) == ("authenticate", "sqlite could not be asked (dependency-down)")
    assert way(found) == [("sqlite answered again", False)]


def test_the_ledger_itself_may_be_what_is_down(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(required=True))

    desk.world.down.add(LedgerReady)
    desk.send("GET", "/pay", cookie("s-carol"))
    found = of_event(desk.event(), desk.policy, desk.world.answers)
    assert last(found)[0] == "record"
    assert "no record, no access" in last(found)[1]


def test_a_bug_and_an_allowed_request_need_no_steps(tmp_path: Path) -> None:
    desk = Desk(tmp_path, scene(allows="all"))
    desk.record.bug(NOW)
    desk.send("GET", "/open")
    bug, allowed = (of_event(event, desk.policy, desk.world.answers) for event in desk.events())
    assert (bug.steps, bug.title) == ((), "500 Internal Server Error")
    assert "the stack stands in the log" in bug.answer[0]
    assert (allowed.steps, allowed.title, allowed.allowed) == ((), "allowed", True)


def test_without_a_policy_the_record_speaks_for_itself(desk: Desk) -> None:
    desk.send("GET", "/own/7", cookie("s-olga"))
    found = of_event(desk.event(), None, {})
    assert way(found) == [("the caller were 7", False), ("olga had role admin", False)]
    assert (found.now, found.outcome) == ("", "")


def test_a_path_that_was_not_kept_whole_is_not_tried(desk: Desk) -> None:
    found = recorded(desk, "GET", "/admin/" + "x" * 900, cookie("s-carol"))
    assert found.outcome in ("", "same outcome")
    assert recorded_attempt("") is None
    assert recorded_attempt("/a//b") is None


def recorded_attempt(path: str) -> Attempt | None:
    return attempt_of(AuditEvent(NOW, ID, "deny", 403, "role-missing", method="GET", resource=path))


@pytest.mark.parametrize(
    ("address", "local", "client"),
    [
        ("203.0.113.0/24", False, "203.0.113.0"),
        ("2001:db8::/48", False, "2001:db8::"),
        ("", True, "127.0.0.1"),
        ("0f" * 16, False, "192.0.2.0"),
    ],
)
def test_an_address_that_was_not_kept_is_nobodys(address: str, local: bool, client: str) -> None:
    facts = {"local": True} if local else {}
    event = AuditEvent(NOW, ID, "deny", 403, "role-missing", method="GET", resource="/x", address=address, facts=facts)
    attempt = attempt_of(event)
    assert attempt is not None
    assert attempt.view.via.client_ip == client


def test_what_only_a_server_can_answer_is_not_tried() -> None:

    class Never:
        def __await__(self) -> Any:
            raise AssertionError

    answers = {**world().answers, FindRelation: lambda _: Later(Never())}
    event = AuditEvent(
        NOW,
        ID,
        "deny",
        403,
        "grant-missing",
        method="GET",
        resource="/docs/7",
        subject="13",
        step="authorise",
        scheme="session",
        facts={"local": True, "transport": "http", "host": "localhost"},
    )
    assert replay(RULES, event, answers) is None
    attempt = Attempt(view("GET", "/docs/7"), CAROL)
    decided = rehearse(RULES, attempt.view, CAROL, world().answers)
    found = of_rehearsal(RULES, attempt, decided, answers, ID)
    assert way(found) == [("carol held read on document:7", True)]


def test_steps_that_no_event_should_have_still_say_something(desk: Desk) -> None:
    desk.note(view("GET", "/pay"), upstream_failed("unreachable"))
    desk.note(view("GET", "/pay"), Unavailable("sqlite", 3))
    for event in desk.events():
        assert last(of_event(replace(event, step="preflight"), None, {}))[1]
        if event.reason == "upstream-down":
            assert last(of_event(event, None, {})) == (
                "upstream",
                "the application gave no answer that could be passed on (502)",
            )
            assert of_event(event, desk.policy, desk.world.answers).outcome == ""
        assert last(of_event(event, None, {}))[1]


def test_a_browser_request_is_put_together_again(desk: Desk) -> None:
    found = recorded(desk, "PUT", "/own/7", cookie("s-carol"), {"sec-fetch-site": "same-origin"})
    assert found.outcome == "same outcome"
    assert found.event.facts["site"] == "same-origin"


def test_a_kind_that_the_rule_does_not_take_counts_as_missing(desk: Desk) -> None:
    desk.policy = policy(rule("/x", access="authenticated", schemes="basic"), ledger=KEPT)
    assert last(recorded(desk, "GET", "/x", key_auth("k-carol")))[1] == (
        "apikey credentials, which this rule does not take; taken here: basic"
    )


def test_a_gate_that_is_exhausted_names_its_limit(desk: Desk) -> None:
    desk.world.exhausted["flood"] = 9
    assert last(recorded(desk, "GET", "/slow"))[1] == "flood: flood: 9 in 60 s are used up, room in 9 s"


def test_a_hidden_rule_that_lets_nobody_in_says_so(desk: Desk) -> None:
    desk.policy = policy(rule("/x", access="nobody", hide=True), ledger=KEPT)
    found = recorded(desk, "GET", "/x", cookie("s-carol"))
    assert last(found) == ("authorise", "the rule lets nobody in")
    assert found.ways == ()


def test_a_reason_without_a_sentence_is_told_by_its_name() -> None:
    event = AuditEvent(NOW, ID, "deny", 403, "tls-required", step="authorise")
    assert evidence(event) == "tls-required"
    assert evidence(replace(event, step="nowhere")) == "tls-required"
    assert evidence(replace(event, step="limits", reason="rate-exceeded")) == "room in 0 s"


def test_what_cannot_be_had_by_waiting_is_said_to_be_still_refused() -> None:
    attempt, answers = Attempt(view("GET", "/x"), CAROL), world().answers
    rules = policy(rule("/x", roles="a", scopes="b", scopes_for="all", when=hours("00:00", "00:01", zone="UTC")))
    decided = rehearse(rules, attempt.view, CAROL, answers)
    found = of_rehearsal(rules, attempt, decided, answers, ID)
    assert found.ways[0].checked
    assert found.ways[0].text.startswith("carol had role a, and it came at 2025-11-25 00:00 UTC or later, and the")
