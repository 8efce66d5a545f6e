"""Ways that were open: repeated for the very same request, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from doorward.core.ask import Recall, Remember
from doorward.core.policy import Policy
from doorward.core.request import Headers, RequestView, Via, observe
from doorward.core.settings import LedgerSettings
from doorward.core.trace import Trace
from doorward.core.verdict import Allow
from doorward.guard.cache import CredentialCache
from doorward.guard.guard import Guard
from doorward.guard.ways import repeatable
from kit import (
    HOST,
    NOW,
    World,
    account,
    acl,
    basic_auth,
    cookie,
    gate,
    hours,
    key_auth,
    limit,
    pairs,
    policy,
    rule,
)

OPEN = rule("/a", roles="admin")
OTHER = rule("/b", roles="king")


class Epochs:
    all = seen = 0

    def of(self, _subject: str) -> int:
        return self.seen


class Scene:
    """A guard that repeats, and one connection with equal header blocks as one object."""

    def __init__(self, rules: Policy) -> None:
        self.world = World().with_accounts(account("alice", roles="admin"))
        self.epochs = Epochs()
        self.cache = CredentialCache(self.epochs, flights=False)
        self.guard = Guard(rules, {})
        self.use(rules)
        self.via = Via("127.0.0.1", "127.0.0.1", "http", local_listener=True)
        self.headers = Headers(pairs({"host": HOST}, basic_auth("alice", "pw-alice")))

    def use(self, rules: Policy) -> None:
        answers = {**self.world.answers, Recall: self.cache.recall, Remember: self.cache.remember}
        self.guard.swap(rules, answers, self.cache)

    def view(self, **changes: Any) -> RequestView:
        given: dict[str, Any] = {"method": "GET", "target": "/a", "headers": self.headers, "via": self.via, "at": NOW}
        return observe(self.guard.policy.settings.vantage, **{**given, **changes})

    def ask(self, **changes: Any) -> tuple[Any, Trace]:
        trace = Trace()
        return self.guard.begin(self.view(**changes), trace), trace

    def warm(self) -> Any:
        """Three equal requests; the verdict of the last."""
        return [self.ask()[0] for _ in range(3)][-1]


def test_the_third_equal_request_is_answered_with_the_very_verdict_of_the_second() -> None:
    scene = Scene(policy(OPEN, OTHER))
    second = [scene.ask()[0] for _ in range(2)][-1]
    third, trace = scene.ask()
    assert third is second
    assert (trace.rule, trace.who, trace.kind) == (OPEN, second.principal, "basic")
    assert scene.cache.hits == 2


CHANGES: dict[str, dict[str, Any]] = {
    "method": {"method": "POST"},
    "target": {"target": "/b"},
    "query": {"target": "/a?x=1"},
    "an equal block that is another object": {
        "headers": Headers(pairs({"host": HOST}, basic_auth("alice", "pw-alice")))
    },
    "body": {"body": True},
    "upgrade": {"upgrade": True},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_request_that_differs_in_anything_is_decided_anew(change: dict[str, Any]) -> None:
    scene = Scene(policy(OPEN, OTHER))
    kept = scene.warm()
    assert scene.ask(**change)[0] is not kept


def test_another_policy_is_asked_although_the_request_is_the_same() -> None:
    scene = Scene(policy(OPEN))
    scene.warm()
    scene.use(policy(rule("/a", roles="king")))
    assert not isinstance(scene.ask()[0], Allow)


def test_a_revocation_ends_the_way() -> None:
    scene = Scene(policy(OPEN))
    scene.warm()
    scene.world.accounts = [account("alice", roles="admin", disabled=True)]
    scene.epochs.seen = 1
    assert not isinstance(scene.ask()[0], Allow)


def test_a_way_lives_no_longer_than_the_cached_credential() -> None:
    scene = Scene(policy(OPEN))
    kept = scene.warm()
    assert scene.ask(at=NOW + 59)[0] is kept
    again = scene.ask(at=NOW + 60)[0]
    assert again is not kept
    assert isinstance(again, Allow)


def test_anonymous_on_a_public_path_has_a_way_too() -> None:
    scene = Scene(policy(rule("/a", access="public")))
    scene.headers = Headers(pairs({"host": HOST}))
    kept = scene.warm()
    assert scene.ask()[0] is kept


@pytest.mark.parametrize("carrier", [cookie("s-alice"), {"authorization": "Basic !"}], ids=["session", "ignored"])
def test_what_no_cache_answers_for_has_no_way(carrier: dict[str, str]) -> None:
    scene = Scene(policy(rule("/a", access="public")))
    scene.headers = Headers(pairs({"host": HOST}, carrier))
    kept = scene.warm()
    assert scene.ask()[0] is not kept


def test_an_api_key_has_a_way() -> None:
    scene = Scene(policy(OPEN))
    scene.headers = Headers(pairs({"host": HOST}, key_auth("k-alice")))
    kept = scene.warm()
    assert scene.ask()[0] is kept


def test_whoever_changes_the_credential_in_between_finds_no_way() -> None:
    scene = Scene(policy(OPEN))
    mine, scene.headers = scene.headers, Headers(pairs({"host": HOST}, key_auth("k-alice")))
    scene.ask()
    scene.headers = mine
    kept = scene.warm()
    scene.ask(headers=Headers(pairs({"host": HOST}, key_auth("k-alice"))))
    assert scene.ask()[0] is kept


NEVER = {
    "limits": {"limits": (limit(),)},
    "hours": {"when": hours()},
    "fresh": {"max_age": 60},
    "acl": {"acl": acl()},
    "hide": {"hide": True},
    "unless-readable": {"hide": "unless-readable"},
}


@pytest.mark.parametrize("keys", NEVER.values(), ids=NEVER.keys())
def test_a_rule_that_counts_waits_or_asks_a_store_is_never_repeated(keys: dict[str, Any]) -> None:
    assert not repeatable(policy(), rule("/a", **keys))


def test_a_gate_that_counts_and_a_ledger_that_is_required_forbid_it_everywhere() -> None:
    assert repeatable(policy(gates=[gate(block="10.0.0.0/8")]), OPEN)
    assert not repeatable(policy(gates=[gate(limits=(limit(),))]), OPEN)
    strict = policy()
    strict = replace(strict, settings=replace(strict.settings, ledger=LedgerSettings(required=True)))
    assert not repeatable(strict, OPEN)
