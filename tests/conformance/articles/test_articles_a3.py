"""A3, the operations view: each row that the door itself answers, as the row says it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from articles_door import SCRIPT, door

from doorward.core.ask import VerifyPassword
from doorward.core.path import safe_return
from kit import World, account, acl, basic_auth, bearer_auth, cookie, pairs, principal, rule

article = pytest.mark.article
ME = rule("/me", access="authenticated")


@article("A3-1")
def test_nothing_something_wrong_and_something_unreadable_are_three_codes() -> None:
    gate_of = door(ME)
    asked = ({}, bearer_auth("not.a.jwt"), pairs(bearer_auth("a"), bearer_auth("b")))
    codes = [gate_of.get("/me", fields).code for fields in asked]
    assert codes == ["authentication-required", "invalid-token", "malformed-credentials"]


@article("A3-3")
def test_what_counts_as_no_credential() -> None:
    gate_of = door(ME, schemes="bearer session apikey")
    for fields in ({"authorization": ""}, {"authorization": "Negotiate x"}, {"x-api-key": ""}, {"cookie": "other=1"}):
        seen = gate_of.get("/me", fields)
        assert (seen.status, seen.code) == (401, "authentication-required")
        assert "error=" not in "".join(seen.challenges)
    assert gate_of.get("/me", pairs(bearer_auth("a"), {"x-api-key": "b"})).status == 400


@article("A3-4")
def test_all_schemes_are_named_and_those_with_a_dialogue_kept_from_scripts() -> None:
    gate_of = door(ME, schemes="bearer basic")
    assert [line.split()[0] for line in gate_of.get("/me").challenges] == ["Bearer", "Basic"]
    for dest in ("empty", "iframe"):
        lines = gate_of.get("/me", SCRIPT | {"sec-fetch-dest": dest}).challenges
        assert [line.split()[0] for line in lines] == ["Bearer"]
    freed = replace(gate_of, keys={"schemes": "bearer basic", "answers": {"basic_for_scripts": True}})
    assert len(freed.get("/me", SCRIPT).challenges) == 2


@article("A3-5", "A3-12")
def test_each_scheme_that_is_named_lets_in() -> None:
    world = World().with_accounts(account("alice"))
    gate_of = door(ME, world=world)
    named = [line.split()[0] for line in gate_of.get("/me").challenges]
    ways = {
        "Bearer": gate_of.token(),
        "Session": cookie("s-alice"),
        "ApiKey": {"x-api-key": "k-alice"},
        "Basic": basic_auth("alice", "pw-alice"),
    }
    assert [gate_of.get("/me", ways[name]).status for name in named] == [200] * 4


@article("A3-6")
def test_bad_credentials_may_be_403_and_then_there_is_no_challenge() -> None:
    gate_of = door(ME, world=World().with_accounts(account("alice")))
    wrong = basic_auth("alice", "nope")
    assert gate_of.get("/me", wrong).status == 401
    seen = replace(gate_of, keys={"answers": {"bad_credentials": 403}}).get("/me", wrong)
    assert (seen.status, seen.challenges) == (403, ())


@article("A3-7", "A3-14")
def test_known_unknown_and_disabled_accounts_are_one_answer_and_one_cost() -> None:
    world = World().with_accounts(account("alice"), account("dora", disabled=True))
    gate_of = door(ME, world=world)
    tries = (basic_auth("alice", "nope"), basic_auth("nobody", "nope"), basic_auth("dora", "pw-dora"))
    assert len({gate_of.get("/me", fields).outbound for fields in tries}) == 1
    assert [type(question) for question in world.asked].count(VerifyPassword) == 3


@article("A3-13")
def test_anonymous_may_be_denied_and_only_a_changed_right_helps() -> None:
    gate_of = door(rule("/n", access="nobody"), rule("/a", acl=acl("x")))
    assert gate_of.get("/n").status == 403
    token = gate_of.token("7")
    assert gate_of.get("/a", token).status == 403
    gate_of.world.relations.add((principal("7").subjects[0], "read", "x"))
    assert gate_of.get("/a", token).status == 200


@article("A3-16")
def test_no_rule_is_named_in_any_answer() -> None:
    names = ("vault-rule", "ring-rule", "bell-rule")
    world = World(exhausted={"bell-rule": 3})
    from kit import limit

    gate_of = door(
        rule("/v", name="vault-rule", roles="x"),
        rule("/r", name="ring-rule", access="nobody"),
        rule("/b", name="bell-rule", access="public", limits=limit()),
        world=world,
    )
    for path in ("/v", "/r", "/b"):
        for fields in ({}, gate_of.token()):
            assert not any(name in gate_of.get(path, fields).outbound for name in names)


@article("A3-17")
def test_the_two_sentences_of_the_article() -> None:
    gate_of = door(ME, rule("/r", roles="x"))
    assert gate_of.get("/me").json["message"] == "Authentication required – please log in."
    assert gate_of.get("/r", gate_of.token()).json["message"] == "Access denied – contact your administrator."


@article("A3-20")
@pytest.mark.parametrize("value", ["https://evil.example", "//evil.example", "/.doorward/logout", "/a/../b", "", "x"])
def test_the_way_back_after_a_login_is_a_path_of_ours(value: str) -> None:
    assert safe_return(value) is None
    assert safe_return("/orders/1?x=2") == "/orders/1?x=2"
