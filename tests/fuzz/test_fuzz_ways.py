"""Invariant: a guard that repeats ways that were open answers every request as a guard that decides each one anew.

Over rules, gates, credentials, revocations, expiry, policy swaps and the order of requests on one connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from doorward.core.ask import Answers, Recall, Remember, TakeSlot
from doorward.core.policy import Policy
from doorward.core.request import Headers, RequestView, Vantage, Via, observe
from doorward.core.trace import Trace
from doorward.core.verdict import Allow
from doorward.guard.cache import CredentialCache
from doorward.guard.guard import Guard, Pending
from kit import HOST, NOW, World, account, acl, basic_auth, cookie, gate, hours, key_auth, limit, pairs, policy, rule

PATHS = ("/a", "/a", "/a?q=1", "/c/1")
CARRIERS = ({}, basic_auth("alice", "pw-alice"), basic_auth("alice", "no"), key_auth("k-alice"), cookie("s-alice"))
RULES = {
    "access": st.sampled_from(["public", "authenticated", "nobody"]),
    "roles": st.just("admin"),
    "scopes": st.just("deep"),
    "limits": st.just((limit(rate=2),)),
    "when": st.just(hours()),
    "max_age": st.just(60),
    "acl": st.just(acl("doc:1", GET="read")),
    "hide": st.sampled_from([True, "unless-readable"]),
    "owner": st.just("{id}"),
    "from_": st.just("127.0.0.0/8"),
}


def one_rule(path: str, keys: dict[str, Any]) -> Any:
    if keys.get("access") == "public":
        keys = {"access": "public"}
    if "{id}" not in path:
        keys.pop("owner", None)
    return rule(path, **keys)


def rules_for(path: str) -> st.SearchStrategy[Any]:
    # Few keys, so that many ways are open: a way that never was cannot be repeated wrongly.
    keys = st.just([]) | st.lists(st.sampled_from(sorted(RULES)), max_size=2, unique=True)
    chosen = keys.flatmap(lambda names: st.fixed_dictionaries({name: RULES[name] for name in names}))
    return st.builds(lambda drawn: one_rule(path, dict(drawn)), chosen)


GATES = st.sampled_from([(), (), (gate(limits=(limit(rate=3),)),), (gate(block="10.0.0.0/8"),)])
POLICIES = st.builds(
    lambda first, second, gates: policy(first, second, gates=gates), rules_for("/a"), rules_for("/c/{id}"), GATES
)
REQUESTS = st.tuples(
    st.sampled_from(["GET", "GET", "POST"]),
    st.sampled_from(PATHS),
    st.sampled_from([0, 1, 1, 2, 3, 4]),
    st.sampled_from([False, False, False, True]),
)
STEPS = st.one_of(
    st.tuples(st.just("ask"), REQUESTS, st.integers(1, 3)),
    st.tuples(st.just("ask"), REQUESTS, st.integers(1, 3)),
    st.tuples(st.just("wait"), st.sampled_from([1, 61, 40_000])),
    st.tuples(st.just("revoke"), st.booleans()),
    st.tuples(st.just("swap")),
)


@dataclass
class Epochs:
    """Counters as the store has them."""

    seen: int = 0
    all: int = 0
    own: dict[str, int] = field(default_factory=dict)

    def of(self, subject: str) -> int:
        return self.own.get(subject, 0)

    def rise(self, subject: str) -> None:
        self.seen += 1
        if subject:
            self.own[subject] = self.seen
        else:
            self.all = self.seen


class Side:
    """One of the two guards, with a world, a cache and slots of its own."""

    def __init__(self, rules: Policy, *, repeats: bool) -> None:
        self.world = World().with_accounts(account("alice", roles="admin"))
        self.epochs = Epochs()
        self.slots: dict[str, int] = {}
        self.repeats = repeats
        self.cache = CredentialCache(self.epochs, flights=False)
        self.guard = Guard(rules, {})
        self.swap(rules)
        self.via = Via("127.0.0.1", "127.0.0.1", "http", local_listener=True)

    def swap(self, rules: Policy) -> None:
        answers: Answers = {
            **self.world.answers,
            Recall: self.cache.recall,
            Remember: self.cache.remember,
            TakeSlot: self.take,
        }
        self.guard.swap(rules, answers, self.cache if self.repeats else None)

    def take(self, question: TakeSlot) -> int:
        for bucket in question.buckets:
            self.slots[bucket] = self.slots.get(bucket, 0) + 1
        return 0 if max(self.slots[bucket] for bucket in question.buckets) <= question.burst else 7

    def ask(self, view: RequestView) -> tuple[Any, ...]:
        trace = Trace()
        verdict = self.guard.begin(view, trace)
        assert not isinstance(verdict, Pending)
        return verdict, trace.rule, trace.who, trace.kind, trace.notes


class Wire:
    """One connection: equal header blocks are one object, as the edge makes them."""

    def __init__(self) -> None:
        self.blocks: dict[int, Headers] = {}
        self.targets: dict[tuple[str, str], Any] = {}

    def view(self, via: Via, method: str, path: str, carrier: int, at: float, *, body: bool) -> RequestView:
        headers = self.blocks.setdefault(carrier, Headers(pairs({"host": HOST}, CARRIERS[carrier])))
        view = observe(Vantage(), method=method, target=path, headers=headers, via=via, at=at, body=body)
        self.targets.setdefault((method, path), view.target)
        return view


@given(st.lists(POLICIES, min_size=2, max_size=2), st.lists(STEPS, min_size=4, max_size=25))
def test_repeating_a_way_never_changes_an_answer(policies: list[Policy], steps: list[tuple[Any, ...]]) -> None:
    sides, wires = [Side(policies[0], repeats=repeats) for repeats in (True, False)], [Wire(), Wire()]
    at, active = NOW, 0
    for step in steps:
        if step[0] == "ask":
            _, (method, path, carrier, body), times = step
            for _ in range(times):
                both = zip(sides, wires, strict=True)
                found = [side.ask(wire.view(side.via, method, path, carrier, at, body=body)) for side, wire in both]
                assert found[0] == found[1]
            event(f"{type(found[0][0]).__name__}, {'way' if 'way' in sides[0].via.memo else 'no way'}")
        elif step[0] == "wait":
            at += step[1]
        elif step[0] == "revoke":
            for side in sides:
                side.world.accounts = [account("alice", roles="" if step[1] else "admin", disabled=not step[1])]
                side.epochs.rise("alice")
        else:
            active = 1 - active
            for side in sides:
                side.swap(policies[active])


def test_a_way_is_repeated_at_the_third_equal_request_and_not_after_a_revocation() -> None:
    side, wire = Side(policy(rule("/a", roles="admin")), repeats=True), Wire()
    verdicts = [side.ask(wire.view(side.via, "GET", "/a", 1, NOW, body=False))[0] for _ in range(3)]
    assert all(isinstance(verdict, Allow) for verdict in verdicts)
    assert verdicts[2] is verdicts[1]
    side.world.accounts = [account("alice", roles="admin", disabled=True)]
    side.epochs.rise("alice")
    assert not isinstance(side.ask(wire.view(side.via, "GET", "/a", 1, NOW, body=False))[0], Allow)
