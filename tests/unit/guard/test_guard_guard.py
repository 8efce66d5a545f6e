"""The guard: one policy in force, decided at once or after waiting, under what a decision began with."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from doorward.core.ask import FindSession, Later, TakeSlot
from doorward.core.errors import ConfigError, DependencyError
from doorward.core.principal import ANONYMOUS
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Challenge, Unavailable, status
from doorward.guard.compose import SCHEMES, compose
from doorward.guard.guard import Guard, Pending
from kit import OWN_ORIGIN, World, account, cookie, limit, policy, rule, view

ME = policy(rule("/me", access="authenticated"))
WORLD = World().with_accounts(account("alice"))
MINE = view("GET", "/me", cookie("s-alice"))


async def soon(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


def slow(value: Any) -> dict[type, Any]:
    """Answers whose sessions must be waited for."""
    return {**WORLD.answers, FindSession: lambda _: Later(soon(value))}


def test_what_memory_answers_is_decided_at_once() -> None:
    guard = Guard(ME, WORLD.answers)
    trace = Trace()
    verdict = guard.begin(MINE, trace)
    assert isinstance(verdict, Allow)
    assert trace.who is verdict.principal
    assert guard.decide(MINE) == verdict
    assert asyncio.run(guard.adecide(MINE)) == verdict


def test_what_must_be_waited_for_is_finished_later_and_never_in_a_synchronous_host() -> None:
    async def main() -> None:
        guard = Guard(ME, slow(WORLD.sessions["s-alice"]))
        pending = guard.begin(MINE, Trace())
        assert isinstance(pending, Pending)
        assert isinstance(await guard.finish(pending), Allow)
        assert isinstance(await guard.adecide(MINE), Allow)
        waits = soon(None)
        guard.swap(ME, {**WORLD.answers, FindSession: lambda _: Later(waits)})
        with pytest.raises(ConfigError):
            guard.decide(MINE)
        waits.close()

    asyncio.run(main())


def test_an_awaited_answer_that_cannot_be_had_is_503() -> None:
    guard = Guard(ME, slow(DependencyError("sqlite")))
    verdict = asyncio.run(guard.adecide(MINE))
    assert isinstance(verdict, Unavailable)
    assert verdict.dependency == "sqlite"


def test_a_decision_under_way_keeps_the_policy_and_the_answers_it_began_with() -> None:
    async def main() -> None:
        rules = policy(rule("/me", access="authenticated", limits=limit(by="principal")))
        guard = Guard(rules, slow(WORLD.sessions["s-alice"]))
        pending = guard.begin(MINE, Trace())
        assert isinstance(pending, Pending)
        guard.swap(policy(rule("/me", access="nobody")), {TakeSlot: lambda _: 99})
        assert isinstance(await guard.finish(pending), Allow)
        assert status(guard.decide(MINE)) == 403

    asyncio.run(main())


def test_a_visitor_of_our_pages_is_who_holds_the_cookie_and_nobody_else() -> None:
    guard = Guard(ME, WORLD.answers)
    assert asyncio.run(guard.visitor(MINE)).subject == "alice"
    post = view("POST", "/.doorward/logout", cookie("s-alice"), OWN_ORIGIN)
    assert asyncio.run(guard.visitor(post)).subject == "alice"
    for fields in ({}, cookie("dead"), {"cookie": "__Host-doorward=a; __Host-doorward=b"}, {"x-api-key": "k-alice"}):
        assert asyncio.run(guard.visitor(view("GET", "/", fields))) is ANONYMOUS


def test_the_wiring_prints_who_answers_what() -> None:
    lines = Guard(ME, {TakeSlot: asyncio.sleep, FindSession: soon}).wiring().splitlines()
    assert lines == ["FindSession      soon", "TakeSlot         sleep"]


def test_a_loaded_policy_gets_its_schemes_in_the_order_of_the_file() -> None:
    for order in (("basic", "bearer"), ("session", "apikey"), tuple(SCHEMES)):
        bare = policy(rule("/me", access="authenticated"), schemes=order)
        composed = compose(replace(bare, schemes=()))
        assert tuple(scheme.kind for scheme in composed.schemes) == order
        verdict = Guard(composed, World().answers).decide(view("GET", "/me"))
        assert isinstance(verdict, Challenge)
        assert len(verdict.challenges) == len(order)
