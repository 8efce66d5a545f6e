"""Invariant: where the door refuses both, a hidden path and its absent neighbour get the same answer.

Over all methods, credentials, settings, exhausted limits and stores that are down. Left out is what W203 warns of: a
neighbour whose own rule refuses the known caller, or everybody, with a 403 that no 404 can blend into.
"""

from __future__ import annotations

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from doorward.core.ask import (
    FindAccount,
    FindApiKey,
    FindRelation,
    FindSession,
    Recall,
    Rejected,
    TakeSlot,
    VerifyPassword,
)
from doorward.core.policy import Rule
from doorward.core.reason import CODES, Code, Reason
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Hide, Verdict, status
from kit import (
    NOW,
    OWN_ORIGIN,
    World,
    account,
    acl,
    basic_auth,
    bearer_auth,
    cookie,
    hours,
    judge,
    key_auth,
    limit,
    pairs,
    policy,
    principal,
    rule,
    view,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "JEFF")
KINDS = ("bearer", "session", "apikey", "basic")

NEEDS = {
    "roles": st.sampled_from(["admin", "admin editor"]),
    "scopes": st.just("deep"),
    "access": st.sampled_from(["authenticated", "nobody"]),
    "from_": st.sampled_from(["10.0.0.0/8", "127.0.0.0/8"]),
    "when": st.sampled_from([hours(), hours(days="6")]),
    "max_age": st.just(60),
    "schemes": st.sampled_from(["bearer", "session basic", "apikey", "basic bearer", "nothing"]),
    "issuers": st.just(frozenset({"https://issuer.example"})),
    "realm": st.just("secret place"),
    "csrf": st.booleans(),
    "json": st.booleans(),
    "acl": st.just(acl("doc:1", GET="read", POST="write")),
    "methods": st.sampled_from(["GET", "GET POST"]),
    "mask": st.booleans(),
}
WIDE = {**NEEDS, "access": st.sampled_from(["authenticated", "public", "nobody"])}
LIMITS = st.sampled_from(
    [(), (limit(by="ip"),), (limit(by="principal", status=403),), (limit(by="route"), limit(by="principal"))]
)


NO_NEEDS = frozenset({"access", "methods", "csrf", "json", "schemes", "realm", "mask"})


def made(name: str, path: str, keys: dict[str, Any], limits: Any, more: dict[str, Any]) -> Rule:
    """A rule the linter would take: a public one has no needs and no limit by principal (E112, E115)."""
    if keys.get("access") == "public":
        keys = {key: value for key, value in keys.items() if key in NO_NEEDS}
        limits = tuple(one for one in limits if not one.needs_identity)
    return rule(path, name=name, limits=limits, **{**keys, **more})


def rules_of(name: str, path: str, needs: dict[str, st.SearchStrategy[Any]], **more: Any) -> st.SearchStrategy[Rule]:
    drawn = st.fixed_dictionaries({}, optional=needs)
    return st.builds(lambda keys, limits: made(name, path, keys, limits, more), drawn, LIMITS)


POLICIES = st.builds(
    lambda first, hidden, wide, default, answers, order: policy(
        *([wide] if wide and first else []),
        hidden,
        *([wide] if wide and not first else []),
        default=default,
        schemes=order,
        answers=answers,
    ),
    st.booleans(),
    rules_of("hidden", "/p/secret", NEEDS, hide=True),
    st.none() | rules_of("wide", "/p/**", WIDE),
    st.sampled_from(["deny", "authenticated", "public"]),
    st.fixed_dictionaries(
        {},
        optional={
            "bad_credentials": st.sampled_from([401, 403]),
            "disabled_account": st.sampled_from([401, 403]),
            "malformed_basic": st.sampled_from([401, 400]),
            "unnamed": st.sampled_from([404, 403]),
            "bad_credentials_on_public": st.sampled_from(["anonymous", "reject"]),
        },
    ),
    st.permutations(KINDS).map(lambda kinds: " ".join(kinds[:3])),
)

CREDENTIALS = st.sampled_from(
    [
        {},
        bearer_auth("bad"),
        bearer_auth("expired"),
        bearer_auth("a b"),
        {"authorization": "Basic !!!"},
        {"authorization": "Digest x"},
        basic_auth("alice", "pw-alice"),
        basic_auth("alice", "nope"),
        basic_auth("dora", "pw-dora"),
        key_auth("k-alice"),
        key_auth("nope"),
        cookie("s-alice"),
        cookie("s-admin"),
        cookie("dead"),
        {"cookie": "__Host-doorward=a; __Host-doorward=b"},
        pairs(bearer_auth("known"), key_auth("k-alice")),
        pairs(bearer_auth("known"), bearer_auth("known")),
        pairs(bearer_auth("known"), cookie("s-admin")),
        bearer_auth("known"),
        bearer_auth("foreign"),
    ]
)
FORM = {"content-type": "text/plain"}
PROOF = st.sampled_from(
    [{}, OWN_ORIGIN, OWN_ORIGIN | FORM, {"origin": "http://evil.example"}, {"x-csrf-token": "wrong"}]
)
DOWN = st.frozensets(
    st.sampled_from([TakeSlot, FindSession, FindAccount, FindApiKey, FindRelation, VerifyPassword, Recall]), max_size=2
)
FULL = st.frozensets(st.sampled_from(["hidden/", "wide/", "principal=", "ip="]), max_size=2)


def make_world(down: frozenset[type], full: frozenset[str]) -> World:
    world = World().with_accounts(account("alice"), account("admin", roles="admin"), account("dora", disabled=True))
    world.known |= {
        "bad": Rejected(Reason.TOKEN_SIGNATURE),
        "expired": Rejected(Reason.TOKEN_EXPIRED, expired=True),
        "known": principal("zed", roles="editor", scopes="", issuer="https://issuer.example", scheme="bearer"),
        "foreign": principal("zed", roles="admin", scopes="deep", issuer="https://other.example", scheme="bearer"),
    }
    world.down, world.exhausted = set(down), dict.fromkeys(full, 9)
    return world


def shown(verdict: Verdict) -> tuple[Any, ...]:
    """All that rendering may look at."""
    if isinstance(verdict, Hide):
        return (status(verdict),)
    assert not isinstance(verdict, Allow)
    lines = tuple(challenge.line for challenge in getattr(verdict, "challenges", ()))
    rest = [getattr(verdict, name, None) for name in ("retry_after", "limits", "allow", "login", "note", "dependency")]
    return status(verdict), lines, CODES[verdict.reason], verdict.cure, *rest


@given(
    rules=POLICIES,
    method=st.sampled_from(METHODS),
    fields=CREDENTIALS,
    proof=PROOF,
    down=DOWN,
    full=FULL,
)
def test_a_hidden_path_is_refused_as_its_absent_neighbour(
    rules: Any, method: str, fields: Any, proof: Any, down: frozenset[type], full: frozenset[str]
) -> None:
    answers = {}
    for name in ("secret", "absent"):
        trace = Trace()
        request = view(method, f"/p/{name}", fields, proof, at=NOW)
        answers[name] = judge(rules, request, make_world(down, full), trace), trace
    (hidden, _), (absent, next_door) = answers["secret"], answers["absent"]
    if isinstance(hidden, Allow):
        event("allowed")
        return
    permitted = make_world(down, full)
    if not isinstance(hidden, Hide) and CODES[hidden.reason] in (Code.CSRF_FAILED, Code.UNSUPPORTED_CONTENT):
        proven = view(method, "/p/secret", [pair for pair in pairs(fields) if pair[0] != "x-csrf-token"], OWN_ORIGIN)
        if isinstance(judge(rules, proven, permitted), Allow):
            event(f"{hidden.reason}, told to who may pass")
            return
    if isinstance(absent, Allow):
        event("the application answers next door")
        assert isinstance(hidden, Hide)
        return
    refused_by_rights = next_door.who is not None and next_door.step in ("authorise", "scope", "step-up")
    nobody = not isinstance(absent, Hide) and absent.rule == "wide" and absent.reason is Reason.NOBODY_MAY
    if refused_by_rights or nobody:
        event("W203")
        return
    event(f"both refused: {status(absent)}")
    assert shown(hidden) == shown(absent)
