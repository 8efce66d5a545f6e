"""Invariant: a cure applied gives Allow; what says that nobody can cure it stays refused whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from cures import Try, until_allowed
from doorward.core.ask import FindRelation, Recall, TakeSlot
from doorward.core.cure import Act
from doorward.core.policy import Policy
from doorward.core.verdict import Allow
from kit import NOW, Vantage, World, acl, bearer_auth, gate, hours, judge, limit, policy, principal, rule, view

OPENING = st.sampled_from(["00:00", "03:30", "08:00", "22:30", "23:59"])
ZONES = st.sampled_from(
    ["Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "Africa/Cairo"]
)
DAYS = st.frozensets(st.integers(0, 6), min_size=1).map(lambda days: " ".join(map(str, sorted(days))))
NEEDS = st.fixed_dictionaries(
    {"access": st.just("authenticated")},
    optional={
        "roles": st.sampled_from(["admin", "a b c"]),
        "scopes": st.sampled_from(["x", "x y"]),
        "owner": st.just("{id}"),
        "acl": st.just(acl("thing:{id}", GET="read", POST="write", DELETE="write")),
        "from_": st.sampled_from(["127.0.0.0/8", "10.0.0.0/8 192.0.2.0/24", "2001:db8::/32"]),
        "when": st.builds(lambda a, b, d, z: hours(a, b, days=d, zone=z), OPENING, OPENING, DAYS, ZONES),
        "max_age": st.integers(0, 900),
        "limits": st.sampled_from([limit(by="ip"), limit(by="principal"), limit(by="route", status=403)]),
        "hide": st.sampled_from([True, "unless-readable"]),
        "csrf": st.booleans(),
    },
)
POLICIES = st.builds(
    lambda needs, gates: policy(
        rule("/x/{id}", **needs),
        gates=gates,
        schemes="bearer session",
        tls_require=False,
        vantage=Vantage(("http://localhost:8080",)),
    ),
    NEEDS,
    st.sampled_from(
        [(), (gate(limits=(limit(by="ip"),)),), (gate(only="127.0.0.0/8 10.0.0.0/8 192.0.2.0/24 2001:db8::/32"),)]
    ),
)
CALLERS = st.none() | st.builds(
    lambda subject, roles, scopes: principal(subject, roles=roles, scopes=scopes),
    st.sampled_from(["7", "8"]),
    st.sampled_from(["", "admin", "b"]),
    st.sampled_from(["", "x"]),
)


@given(
    rules=POLICIES,
    method=st.sampled_from(["GET", "POST", "DELETE", "HEAD"]),
    who=CALLERS,
    kind=st.sampled_from(["bearer", "session"]),
    peer=st.sampled_from(["127.0.0.1", "10.0.0.1", "203.0.113.9"]),
    at=st.floats(NOW - 40_000_000, NOW + 40_000_000),
    full=st.booleans(),
    down=st.frozensets(st.sampled_from([TakeSlot, FindRelation, Recall]), max_size=1),
)
def test_cure_after_cure_leads_in(
    *, rules: Policy, method: str, who: Any, kind: str, peer: str, at: float, full: bool, down: frozenset[type]
) -> None:
    if who is not None and kind == "session":
        who = principal(who.subject, roles=" ".join(who.roles))
    world = World(exhausted={"/0/": 5} if full else {}, down=set(down))
    verdict, acts = until_allowed(rules, Try(method, "/x/7", who, kind, (), peer, at), world)
    event(f"{len(acts)} cures")
    assert isinstance(verdict, Allow), (verdict, acts)


@given(
    method=st.sampled_from(["PATCH", "DELETE"]),
    roles=st.sampled_from(["", "admin"]),
    hide=st.sampled_from([False, True]),
)
def test_what_nobody_can_cure_says_so_to_everybody(method: str, roles: str, hide: Any) -> None:
    closed = policy(
        rule("/x/{id}", methods="GET", access="authenticated", hide=hide), rule("/y", access="nobody", hide=hide)
    )
    for target in ("/x/7", "/y"):
        verdict, acts = until_allowed(closed, Try(method, target, principal(roles=roles)), World())
        assert not isinstance(verdict, Allow)
        assert (verdict.cure.act, acts) == (Act.NONE, [])


FORM = {"content-type": "application/x-www-form-urlencoded"}
OPEN = policy(
    rule("/x", access="authenticated", json=True),
    vantage=Vantage(("http://localhost:8080", "https://shop.example")),
    schemes="bearer session",
)
SENT_WRONG = {
    "dots": ({"target": "/y/../x"}, {"target": "/x"}),
    "encoded-slash": ({"target": "/%2fx"}, {"target": "/x"}),
    "no-host": ({"host": None}, {}),
    "foreign-host": ({"host": "other.example"}, {}),
    "early-data": ({"fields": {"early-data": "1"}}, {}),
    "two-authorization-fields": ({"fields": bearer_auth("other")}, {}),
    "plain-http": ({"host": "shop.example"}, {"host": "shop.example", "scheme": "https"}),
    "form-to-json-api": (
        {"kind": "session", "fields": FORM},
        {"kind": "session", "fields": {"content-type": "application/json"}},
    ),
}


@pytest.mark.parametrize("fault", SENT_WRONG)
def test_what_must_be_sent_again_passes_when_it_is_sent_properly(fault: str) -> None:
    def judged(target: str = "/x", fields: Any = (), kind: str = "bearer", **more: Any) -> Any:
        world = World()
        presented = world.know(principal(), kind)
        return judge(
            OPEN,
            view(
                "POST",
                target,
                presented,
                {"origin": "http://localhost:8080"},
                fields,
                body=True,
                **more,
                vantage=OPEN.settings.vantage,
            ),
            world,
        )

    wrong, right = SENT_WRONG[fault]
    refused = judged(**wrong)
    assert not isinstance(refused, Allow)
    assert (refused.cure.act, bool(refused.cure.note)) == (Act.RESEND, True)
    assert isinstance(judged(**{"fields": {"content-type": "application/json"}, **right}), Allow)
