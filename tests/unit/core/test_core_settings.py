"""Settled rules D1-D10 and the settings of answers.md section 5 that the core reads, each both ways."""

from __future__ import annotations

from typing import Any

import pytest

from doorward.core.ask import Rejected, VerifyPassword
from doorward.core.cure import Act
from doorward.core.reason import Reason
from doorward.core.verdict import Allow, Challenge, Deny, status
from kit import (
    ISSUER,
    World,
    account,
    basic_auth,
    bearer_auth,
    cookie,
    hours,
    judge,
    key_auth,
    limit,
    policy,
    principal,
    rule,
    view,
)

ME = rule("/me", access="authenticated")
OPEN = rule("/open", access="public")


def answered(rules: Any, *request: Any, world: World | None = None, **more: Any) -> tuple[int, int]:
    """Status and number of challenges; 200 when the application answers."""
    verdict = judge(
        rules, view(*request, **more), world or World().with_accounts(account("alice"), account("dora", disabled=True))
    )
    return status(verdict) or 200, len(getattr(verdict, "challenges", ()))


@pytest.mark.parametrize(("told", "challenges"), [(True, 1), (False, 0)])
def test_d1_the_scope_challenge_is_a_setting(told: bool, challenges: int) -> None:
    world = World()
    rules = policy(rule("/x", scopes="a"), answers={"scope_challenge": told})
    assert answered(rules, "GET", "/x", world.know(principal(scopes="")), world=world) == (403, challenges)


def test_d1_a_masked_rule_does_not_name_its_scopes_or_its_realm() -> None:
    world = World()
    rules = policy(rule("/x", scopes="health:read", mask=True, realm="Oncology"))
    scope = judge(rules, view("GET", "/x", world.know(principal(scopes=""))), world)
    assert isinstance(scope, Deny)
    assert [line.line for line in scope.challenges] == ['Bearer realm="shop", error="insufficient_scope"']
    anonymous = judge(rules, view("GET", "/x"), world)
    assert isinstance(anonymous, Challenge)
    assert all("Oncology" not in line.line for line in anonymous.challenges)


@pytest.mark.parametrize(
    ("fields", "rejected"),
    [
        (bearer_auth("not.a.jwt"), 401),
        ({"authorization": "Bearer"}, 400),
        (basic_auth("alice", "nope"), 401),
        (key_auth("nope"), 401),
        (cookie("dead"), 401),
        ({}, 200),
        (basic_auth("alice", "pw-alice"), 200),
    ],
)
def test_d2_bad_credentials_on_a_public_route_may_be_rejected(fields: dict[str, str], rejected: int) -> None:
    assert answered(policy(OPEN), "GET", "/open", fields)[0] == 200
    reject = policy(OPEN, answers={"bad_credentials_on_public": "reject"})
    assert answered(reject, "GET", "/open", fields)[0] == rejected


def test_d2_a_throttled_password_on_a_public_route_is_anonymous_or_429() -> None:
    for word, right in (("anonymous", 200), ("reject", 429)):
        world = World(failures={("alice", "127.0.0.1"): 9}).with_accounts(account("alice"))
        rules = policy(OPEN, answers={"bad_credentials_on_public": word})
        assert answered(rules, "GET", "/open", basic_auth("alice", "x"), world=world)[0] == right


@pytest.mark.parametrize(("code", "right"), [(429, (429, 0)), (403, (403, 0))])
def test_d3_a_limit_chooses_its_status(code: int, right: tuple[int, int]) -> None:
    world = World(exhausted={"ip": 5})
    rules = policy(rule("/x", access="public", limits=limit(status=code)))
    assert answered(rules, "GET", "/x", world=world) == right


@pytest.mark.parametrize(
    "closed",
    [{"access": "nobody"}, {"access": "authenticated", "when": hours(days="6")}, {"roles": "x", "from_": "10.0.0.0/8"}],
)
def test_d5_where_a_login_would_not_help_anonymous_gets_403(closed: Any) -> None:
    assert answered(policy(rule("/x", **closed)), "GET", "/x") == (403, 0)
    # Bad credentials are no better than none.
    assert answered(policy(rule("/x", **closed)), "GET", "/x", bearer_auth("not.a.jwt")) == (403, 0)


def test_d6_identity_comes_before_csrf() -> None:
    assert answered(policy(ME), "POST", "/me")[0] == 401
    assert answered(policy(ME), "POST", "/me", cookie("dead"))[0] == 401
    assert answered(policy(ME), "POST", "/me", cookie("s-alice"))[0] == 403


@pytest.mark.parametrize("name", ["hashing", "store", "sqlite"])
def test_d8_a_password_that_cannot_be_checked_is_503(name: str) -> None:
    world = World(down={VerifyPassword}, down_name=name).with_accounts(account("alice"))
    assert answered(policy(ME), "GET", "/me", basic_auth("alice", "pw-alice"), world=world) == (503, 0)


def test_d10_no_401_is_without_challenge_and_no_rule_without_scheme_asks_for_one() -> None:
    assert answered(policy(ME, schemes=""), "GET", "/me") == (403, 0)
    assert answered(policy(ME, schemes="basic"), "GET", "/me") == (401, 1)
    only = policy(rule("/x", schemes="apikey", max_age=5))
    assert answered(only, "GET", "/x", key_auth("k-alice"))[0] == 401


@pytest.mark.parametrize(
    ("fields", "shipped", "other"),
    [
        (basic_auth("alice", "nope"), (401, 4), (403, 0)),
        (key_auth("nope"), (401, 4), (403, 0)),
        (bearer_auth("not.a.jwt"), (401, 4), (403, 0)),
        (bearer_auth("expired"), (401, 4), (401, 4)),  # renewed on a 401 alone
        (cookie("dead"), (401, 4), (401, 4)),
        ({}, (401, 4), (401, 4)),
    ],
)
def test_c4_bad_credentials_may_be_403_but_what_expired_stays_401(fields: Any, shipped: Any, other: Any) -> None:
    world = World(known={"expired": Rejected(Reason.TOKEN_EXPIRED, expired=True)}).with_accounts(account("alice"))
    assert answered(policy(ME), "GET", "/me", fields, world=world) == shipped
    assert answered(policy(ME, answers={"bad_credentials": 403}), "GET", "/me", fields, world=world) == other


@pytest.mark.parametrize("fields", [basic_auth("dora", "pw-dora"), key_auth("k-dora"), cookie("s-dora")])
def test_c4_a_disabled_account_may_be_403(fields: Any) -> None:
    assert answered(policy(ME), "GET", "/me", fields) == (401, 4)
    assert answered(policy(ME, answers={"disabled_account": 403}), "GET", "/me", fields) == (403, 0)
    # A wrong password tells nothing about the account.
    assert answered(policy(ME, answers={"disabled_account": 403}), "GET", "/me", basic_auth("dora", "nope")) == (401, 4)


def test_c4_a_403_for_a_bad_password_still_says_that_a_login_helps() -> None:
    rules = policy(ME, answers={"bad_credentials": 403})
    verdict = judge(rules, view("GET", "/me", basic_auth("alice", "x")), World().with_accounts(account("alice")))
    assert isinstance(verdict, Deny)
    assert verdict.cure.act is Act.AUTHENTICATE


@pytest.mark.parametrize(("latin", "right"), [(False, 401), (True, 200)])
def test_ba2_latin_1_names_are_a_setting(latin: bool, right: int) -> None:
    import base64

    world = World().with_accounts(account("zo\xe9"))
    fields = {"authorization": "Basic " + base64.b64encode(b"zo\xe9:pw-zo\xe9").decode()}
    assert answered(policy(ME, credentials={"basic_latin1": latin}), "GET", "/me", fields, world=world)[0] == right


def test_a_rule_may_take_some_kinds_and_others_count_as_missing() -> None:
    world = World().with_accounts(account("alice"))
    only = policy(rule("/x", schemes="session"))
    assert answered(only, "GET", "/x", basic_auth("alice", "pw-alice"), world=world) == (401, 1)
    assert not any(isinstance(question, VerifyPassword) for question in world.asked)
    assert answered(only, "GET", "/x", cookie("s-alice"), world=world) == (200, 0)
    # An explicit credential wins over the cookie and never falls back to it.
    both = {**basic_auth("alice", "pw-alice"), **cookie("s-alice")}
    assert answered(only, "GET", "/x", both, world=world) == (401, 1)
    assert answered(policy(ME), "GET", "/me", {**bearer_auth("bad"), **cookie("s-alice")}, world=world)[0] == 401


def test_an_unconfigured_scheme_counts_as_absent_beside_a_session() -> None:
    rules = policy(ME, schemes="bearer session")
    assert answered(rules, "GET", "/me", {"authorization": "Basic x", **cookie("s-alice")})[0] == 200


@pytest.mark.parametrize(("issuer", "right"), [(ISSUER, 200), ("https://other.example", 401), ("local", 401)])
def test_a_rule_may_take_some_issuers(issuer: str, right: int) -> None:
    world = World()
    rules = policy(rule("/x", access="authenticated", issuers=frozenset({ISSUER})))
    assert answered(rules, "GET", "/x", world.know(principal(issuer=issuer)), world=world)[0] == right


def test_the_scheme_that_was_presented_stands_first_and_alone_has_the_error() -> None:
    for fields, first in ((bearer_auth("x"), "Bearer"), (basic_auth("alice", "x"), "Basic"), (key_auth("x"), "ApiKey")):
        verdict = judge(policy(ME, schemes="session basic apikey bearer"), view("GET", "/me", fields), World())
        assert isinstance(verdict, Challenge)
        lines = [line.line for line in verdict.challenges]
        assert lines[0].startswith(first)
        assert not any("error" in line for line in lines[1:])


def test_a_rule_may_have_a_realm_of_its_own() -> None:
    rules = policy(rule("/admin", roles="x", realm="Admin Area"), ME, schemes="basic")
    lines = [judge(rules, view("GET", target)).challenges[0].line for target in ("/admin", "/me")]  # type: ignore[union-attr]  # both are challenges
    assert lines == ['Basic realm="Admin Area", charset="UTF-8"', 'Basic realm="shop", charset="UTF-8"']


@pytest.mark.parametrize(("name", "header"), [("__Host-shop", "x-shop-key")])
def test_cookie_and_key_field_may_be_renamed(name: str, header: str) -> None:
    from doorward.core.settings import SessionSettings

    rules = policy(ME, credentials={"session": SessionSettings(name), "key_header": header})
    world = World().with_accounts(account("alice"))
    assert answered(rules, "GET", "/me", cookie("s-alice", name), world=world)[0] == 200
    assert answered(rules, "GET", "/me", {header: "k-alice"}, world=world)[0] == 200
    assert answered(rules, "GET", "/me", cookie("s-alice"), world=world)[0] == 401
    assert answered(rules, "GET", "/me", key_auth("k-alice"), world=world)[0] == 401


@pytest.mark.parametrize(
    "line",
    [
        "a=b; __Host-doorward=s-alice; c",
        "__Host-doorward = s-alice",
        "x;;__Host-doorward=s-alice;",
        "__Host-doorward=; y=z",
    ],
)
def test_the_session_cookie_is_found_among_others_by_its_exact_name(line: str) -> None:
    empty = "=;" in line
    assert answered(policy(ME), "GET", "/me", {"cookie": line})[0] == (401 if empty else 200)
    assert answered(policy(ME), "GET", "/me", {"cookie": line.replace("Host", "host")})[0] == 401
    assert isinstance(judge(policy(OPEN), view("GET", "/open", {"cookie": line})), Allow)
