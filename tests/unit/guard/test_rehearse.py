"""Requests that nobody sent, as somebody who did not log in; and no trace of it anywhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from record_scene import known, scene, token, world

from doorward.core.ask import (
    AdmitLogin,
    ClearLogin,
    FindApiKey,
    FindKeys,
    FindSession,
    Later,
    LedgerReady,
    Recall,
    Rejected,
    Remember,
    TakeSlot,
)
from doorward.core.errors import ConfigError
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.settings import LedgerSettings
from doorward.core.verdict import Allow, Challenge, Deny, Malformed
from doorward.guard.rehearse import Presented, arehearse, kind_for, rehearse
from kit import NOW, basic_auth, bearer_auth, cookie, key_auth, limit, policy, rule, view

RULES = scene()
OLGA = known()
ADMIN = known("1", "admin", name="alice")


def test_somebody_is_let_through_or_refused_as_if_logged_in() -> None:
    verdict, trace = rehearse(RULES, view("PUT", "/own/7"), OLGA, world().answers)
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.NOT_OWNER
    assert (trace.step, trace.kind) == ("authorise", "session")
    assert isinstance(rehearse(RULES, view("PUT", "/own/7"), ADMIN, world().answers)[0], Allow)
    assert isinstance(rehearse(RULES, view("PUT", "/own/12"), OLGA, world().answers)[0], Allow)


def test_nobody_is_anonymous() -> None:
    assert isinstance(rehearse(RULES, view("GET", "/own/7"), None, world().answers)[0], Challenge)
    assert isinstance(rehearse(RULES, view("GET", "/open"), None, world().answers)[0], Allow)


def test_scopes_limit_only_who_has_some() -> None:
    rules = policy(rule("/x", access="authenticated", scopes="a"))
    assert isinstance(rehearse(rules, view("GET", "/x"), OLGA, world().answers)[0], Allow)
    scoped = replace(OLGA, scopes=frozenset({"b"}))
    verdict, _ = rehearse(rules, view("GET", "/x"), scoped, world().answers)
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.SCOPE_MISSING


def test_the_age_of_a_login_may_be_set() -> None:
    pay = view("GET", "/pay")
    assert isinstance(rehearse(RULES, pay, OLGA, world().answers)[0], Allow)
    old = replace(OLGA, auth_time=NOW - 301)
    verdict, _ = rehearse(RULES, pay, old, world().answers)
    assert isinstance(verdict, Challenge)
    assert verdict.reason is Reason.LOGIN_TOO_OLD
    unknown = replace(OLGA, scheme="bearer")
    assert isinstance(rehearse(RULES, pay, unknown, world().answers)[0], Challenge)


@pytest.mark.parametrize("kind", ["session", "bearer", "basic", "apikey"])
def test_the_kind_of_the_credential_may_be_set(kind: str) -> None:
    verdict, trace = rehearse(RULES, view("GET", "/own/12"), replace(OLGA, scheme=kind), world().answers)
    assert isinstance(verdict, Allow)
    assert verdict.principal.scheme == trace.kind == kind


@pytest.mark.parametrize(("schemes", "kind"), [("bearer", "bearer"), ("basic session", "session"), (None, "session")])
def test_without_a_kind_it_is_one_that_the_rule_takes(schemes: str | None, kind: str) -> None:
    keys: dict[str, Any] = {} if schemes is None else {"schemes": schemes}
    rules = policy(rule("/x", access="authenticated", **keys))
    verdict, _ = rehearse(rules, view("GET", "/x"), OLGA, world().answers)
    assert isinstance(verdict, Allow)
    assert verdict.principal.scheme == kind


def test_without_any_scheme_it_is_a_session() -> None:
    assert kind_for(policy(rule("/x", access="public"), schemes=""), view("GET", "/x"), OLGA) == "session"


def test_refused_credentials_can_be_rehearsed_too() -> None:
    gone = Presented("bearer", Rejected(Reason.TOKEN_EXPIRED, expired=True))
    verdict, trace = rehearse(RULES, view("GET", "/own/12"), gone, world().answers)
    assert isinstance(verdict, Challenge)
    assert (verdict.reason, trace.kind) == (Reason.TOKEN_EXPIRED, "bearer")


def test_the_credentials_of_the_request_do_not_count_beside_the_planted_one() -> None:
    request = view("GET", "/own/12", bearer_auth("x"), key_auth("y"), cookie("z"))
    assert isinstance(rehearse(RULES, request, OLGA, world().answers)[0], Allow)
    assert isinstance(rehearse(RULES, request, None, world().answers)[0], Malformed)


def test_a_session_comes_from_a_page_of_ours_unless_said_otherwise() -> None:
    assert isinstance(rehearse(RULES, view("PUT", "/own/12"), OLGA, world().answers)[0], Allow)
    for fields in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"x-csrf-token": "guess"}):
        verdict, trace = rehearse(RULES, view("PUT", "/own/12", fields), OLGA, world().answers)
        assert isinstance(verdict, Deny)
        assert trace.step == "csrf"


def test_a_websocket_comes_from_a_page_of_ours_too() -> None:
    assert isinstance(rehearse(RULES, view("GET", "/own/12", upgrade=True), OLGA, world().answers)[0], Allow)


def test_a_rehearsal_leaves_no_trace() -> None:
    """No slot, no count of a login, no session or key marked as used, nothing remembered, nothing to be recorded."""
    rules = policy(
        rule("/x", access="authenticated", limits=limit(1, 60)), ledger=LedgerSettings(required=True), default="public"
    )
    place = world()
    for who in (OLGA, None):
        for fields in ({}, cookie("s-olga"), key_auth("k-olga"), basic_auth("olga", "pw-olga")):
            rehearse(rules, view("GET", "/x", fields), who, place.answers)
    touched = {type(question) for question in place.asked}
    leaving = {TakeSlot, AdmitLogin, ClearLogin, FindSession, FindApiKey, Recall, Remember, LedgerReady}
    assert touched & leaving == set()
    assert place.failures == {}


def test_a_token_of_the_request_is_verified_for_what_it_is() -> None:
    verdict, _ = rehearse(RULES, view("GET", "/own/7", bearer_auth(token())), None, world().answers)
    assert isinstance(verdict, Challenge)
    assert verdict.reason in (Reason.KEY_UNKNOWN, Reason.TOKEN_SIGNATURE)


def test_keys_that_are_fetched_are_waited_for_where_one_can() -> None:
    async def none() -> tuple[()]:
        return ()

    answers = {**world().answers, FindKeys: lambda _: Later(none())}
    request = view("GET", "/own/7", bearer_auth(token()))

    async def wait() -> Any:
        return await arehearse(RULES, request, None, answers)

    verdict, _ = asyncio.run(wait())
    assert isinstance(verdict, Challenge)
    with pytest.raises(ConfigError):
        rehearse(RULES, request, None, {**answers, FindKeys: lambda _: Later(_Never())})
    with pytest.raises(ConfigError):  # and no coroutine is left behind that nobody awaits
        rehearse(RULES, request, None, answers)


class _Never:
    def __await__(self) -> Any:
        raise AssertionError


def test_a_named_person_without_roles_is_a_person() -> None:
    verdict, trace = rehearse(RULES, view("GET", "/admin/x"), Principal("99"), world().answers)
    assert isinstance(verdict, Deny)
    assert trace.who is not None
    assert trace.who.subject == "99"
