"""Rights and circumstances: roles, owners, relations, hours, limits, sensitive files, and what hiding does to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from doorward.core.ask import FindRelation, TakeSlot
from doorward.core.authorize import is_open, next_opening
from doorward.core.gates import presented_account
from doorward.core.policy import Hours, Owner, Rule
from doorward.core.reason import Reason
from doorward.core.verdict import Allow, Challenge, Deny, Hide, Throttle, status
from kit import (
    NOW,
    OWN_ORIGIN,
    World,
    account,
    acl,
    basic_auth,
    bearer_auth,
    cookie,
    gate,
    hierarchy,
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


def answer(rules: Any, world: World, method: str, target: str, **who: Any) -> int:
    """Status a known caller gets; 200 when the application answers."""
    return status(judge(rules, view(method, target, world.know(principal(**who))), world)) or 200


def test_one_of_the_roles_is_enough_and_a_role_includes_others() -> None:
    world = World().with_accounts(account("eve", roles="admin"))
    rules = policy(rule("/x", roles="editor author"), roles=hierarchy(admin="manager", manager="editor"))
    assert answer(rules, world, "GET", "/x", roles="author") == 200
    assert answer(rules, world, "GET", "/x", roles="reader") == 403
    assert isinstance(judge(rules, view("GET", "/x", basic_auth("eve", "pw-eve")), world), Allow)


OWNED = policy(rule("/u/{id}", owner="{id}", or_roles="admin clerk", roles=""))


@pytest.mark.parametrize(
    ("who", "target", "right"),
    [
        ({"subject": "7"}, "/u/7", 200),
        ({"subject": "7"}, "/u/8", 403),
        ({"subject": "7"}, "/u/7%20", 403),
        ({"subject": "7"}, "/u/9999", 403),
        ({"subject": "9", "roles": "clerk"}, "/u/7", 200),
        ({"subject": "é"}, "/u/e%CC%81", 403),
    ],
)
def test_an_owner_or_one_of_the_other_roles_passes(who: Any, target: str, right: int) -> None:
    assert answer(OWNED, World(), "PUT", target, **who) == right


def test_the_owner_may_be_named_by_an_attribute_and_an_empty_one_owns_nothing() -> None:
    world = World()
    rules = policy(rule(["/c/{no}", "/c"], owner=Owner("no", "customer_no")))
    assert answer(rules, world, "GET", "/c/42", attributes={"customer_no": "42"}) == 200
    assert answer(rules, world, "GET", "/c/42", attributes={"customer_no": ""}) == 403
    assert answer(rules, world, "GET", "/c/42", subject="42") == 403
    # A path without the variable has no owner; nobody's empty attribute equals it.
    assert answer(rules, world, "GET", "/c", attributes={"customer_no": ""}) == 403
    assert answer(rules, world, "GET", "/c", subject="42") == 403


def test_owner_and_roles_must_both_hold() -> None:
    rules = policy(rule("/u/{id}", owner="{id}", or_roles="admin", roles="member"))
    world = World()
    assert answer(rules, world, "GET", "/u/7", subject="7") == 403
    assert answer(rules, world, "GET", "/u/7", subject="7", roles="member") == 200
    assert answer(rules, world, "GET", "/u/7", subject="8", roles="admin") == 403


DOCS = policy(rule("/documents/{doc}", acl=acl()))


def test_each_method_asks_for_its_permission_and_one_subject_is_enough() -> None:
    world = World(relations={("local alice", "read", "document:7"), ("role:editor", "write", "document:7")})
    assert answer(DOCS, world, "GET", "/documents/7") == 200
    assert answer(DOCS, world, "HEAD", "/documents/7") == 200
    assert answer(DOCS, world, "PUT", "/documents/7") == 403
    assert answer(DOCS, world, "PUT", "/documents/7", roles="editor") == 200
    assert answer(DOCS, world, "GET", "/documents/8") == 403
    assert answer(DOCS, world, "GET", "/documents/7", issuer="https://other.example") == 403
    assert answer(DOCS, world, "GET", "/documents/7", subject="role:editor") == 403


def test_a_method_without_a_permission_is_not_taken_by_the_rule() -> None:
    world = World()
    verdict = judge(DOCS, view("PATCH", "/documents/7", world.know(principal())), world)
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.METHOD_UNCLAIMED
    assert not any(isinstance(question, FindRelation) for question in world.asked)


READABLE = policy(rule("/documents/{doc}", acl=acl(), hide="unless-readable", from_="127.0.0.0/8"))


def test_who_may_read_is_told_what_he_may_not_and_nobody_else_learns_that_it_is_there() -> None:
    world = World(relations={("local alice", "read", "document:7")})
    assert answer(READABLE, world, "PUT", "/documents/7") == 403
    assert answer(READABLE, world, "PATCH", "/documents/7") == 403
    assert answer(READABLE, world, "PUT", "/documents/8") == 404
    assert answer(READABLE, world, "PUT", "/documents/7", subject="bob") == 404
    assert answer(READABLE, world, "PATCH", "/documents/7", subject="bob") == 404
    for name in ("7", "8"):
        assert isinstance(judge(READABLE, view("GET", f"/documents/{name}"), world), Challenge)
        outside = view("GET", f"/documents/{name}", peer="192.0.2.1")
        assert isinstance(judge(policy(*READABLE.rules, tls_require=False), outside, world), Hide)


def test_a_store_that_falls_while_hiding_is_503_and_no_leak() -> None:
    world = World().with_accounts(account("bob"))
    world.down = {FindRelation}
    assert status(judge(READABLE, view("PATCH", "/documents/7", cookie("s-bob"), OWN_ORIGIN), world)) == 503


def test_csrf_on_a_readable_object_is_told_to_who_would_pass_alone() -> None:
    world = World(relations={("alice", "write", "document:7")}).with_accounts(account("alice"), account("bob"))
    assert status(judge(READABLE, view("PUT", "/documents/7", cookie("s-alice")), world)) == 403
    assert status(judge(READABLE, view("PUT", "/documents/7", cookie("s-bob")), world)) == 404


def test_a_hidden_path_may_be_404_to_anonymous_by_setting() -> None:
    secret = rule("/s", roles="admin", hide=True)
    assert status(judge(policy(secret, default="authenticated"), view("GET", "/s"))) == 401
    never = policy(secret, default="authenticated", answers={"hidden_to_anonymous": 404})
    assert status(judge(never, view("GET", "/s"))) == 404
    assert status(judge(policy(secret, answers={"unnamed": 403}), view("GET", "/s"))) == 403


def test_a_hidden_path_tells_neither_its_realm_nor_its_schemes_nor_its_hours() -> None:
    world = World().with_accounts(account("alice"))
    rules = policy(
        rule("/p/s", roles="admin", hide=True, realm="Vault", schemes="bearer", when=hours(days="6")),
        rule("/p/n", access="nobody", hide=True),
        rule("/p/**", access="authenticated"),
        schemes="bearer session basic",
    )
    for fields in ({}, bearer_auth("x y"), cookie("dead"), basic_auth("alice", "nope"), {"authorization": "Basic !"}):
        plain = judge(rules, view("GET", "/p/zzz", fields), world)
        for name in ("s", "n"):
            hidden = judge(rules, view("GET", f"/p/{name}", fields), world)
            assert status(hidden) == status(plain)
            assert getattr(hidden, "challenges", ()) == getattr(plain, "challenges", ())
    for name in ("s", "n"):
        assert status(judge(rules, view("GET", f"/p/{name}", cookie("s-alice")), world)) == 404


def test_a_hidden_path_does_not_look_at_a_password_twice() -> None:
    world = World().with_accounts(account("alice"))
    rules = policy(rule("/p/s", roles="admin", hide=True), default="authenticated")
    judge(rules, view("GET", "/p/s", basic_auth("alice", "nope")), world)
    assert world.failures == {("alice", "127.0.0.1"): 1}


KYIV = ZoneInfo("Europe/Kyiv")


def kyiv(*parts: int, fold: int = 0) -> float:
    return datetime(*parts, tzinfo=KYIV, fold=fold).timestamp()  # type: ignore[arg-type, misc]  # year, month, day, hour, minute


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (kyiv(2025, 11, 24, 7, 59), False),
        (kyiv(2025, 11, 24, 8, 0), True),
        (kyiv(2025, 11, 24, 17, 59), True),
        (kyiv(2025, 11, 24, 18, 0), False),
        (kyiv(2025, 11, 23, 12, 0), False),
        (kyiv(2025, 7, 7, 8, 0), True),
    ],
)
def test_hours_follow_the_zone_and_the_end_is_excluded(at: float, open_: bool) -> None:
    assert is_open(hours(), at) is open_


NIGHT = hours("22:00", "06:00", days="4")


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (kyiv(2025, 11, 28, 21, 59), False),
        (kyiv(2025, 11, 28, 22, 0), True),
        (kyiv(2025, 11, 29, 5, 59), True),
        (kyiv(2025, 11, 29, 6, 0), False),
        (kyiv(2025, 11, 28, 3, 0), False),
        (kyiv(2025, 11, 29, 22, 0), False),
    ],
)
def test_hours_over_midnight_belong_to_the_day_they_begin(at: float, open_: bool) -> None:
    assert is_open(NIGHT, at) is open_


@pytest.mark.parametrize(
    ("when", "at", "opens"),
    [
        (hours(), kyiv(2025, 11, 24, 7, 0), kyiv(2025, 11, 24, 8, 0)),
        (hours(), kyiv(2025, 11, 24, 18, 0), kyiv(2025, 11, 25, 8, 0)),
        (hours(), kyiv(2025, 11, 28, 18, 0), kyiv(2025, 12, 1, 8, 0)),
        (NIGHT, kyiv(2025, 11, 29, 6, 0), kyiv(2025, 12, 5, 22, 0)),
        # The night the clocks go forward, 03:00 to 04:00: 03:30 does not exist, the hours begin at 04:00.
        (hours("03:30", "04:10", days="6"), kyiv(2026, 3, 29, 1, 0), kyiv(2026, 3, 29, 4, 0)),
        # The night they go back, 04:00 to 03:00: the first of two.
        (hours("03:30", "04:10", days="6"), kyiv(2025, 10, 26, 1, 0), kyiv(2025, 10, 26, 3, 30)),
        # All of it skipped: next week.
        (hours("03:10", "03:50", days="6"), kyiv(2026, 3, 29, 1, 0), kyiv(2026, 4, 5, 3, 10)),
        (Hours(frozenset(), 0, 60, "UTC"), NOW, None),
    ],
)
def test_the_next_opening_is_when_it_is_open_again(when: Hours, at: float, opens: float | None) -> None:
    assert next_opening(when, at) == opens
    if opens is not None:
        assert (is_open(when, at), is_open(when, opens - 60), is_open(when, opens)) == (False, False, True)


def test_hours_of_a_whole_day_have_no_end() -> None:
    assert all(is_open(hours("00:00", "00:00", days="0 1 2 3 4 5 6"), NOW + hour * 3600) for hour in range(50))


def buckets(fields: Any, *limits: Any, **more: Any) -> list[str]:
    world = World().with_accounts(account("alice"))
    judge(policy(rule("/x", access="authenticated", limits=limits)), view("GET", "/x", fields, **more), world)
    return [bucket for question in world.asked if isinstance(question, TakeSlot) for bucket in question.buckets]


def test_a_limit_counts_what_it_says() -> None:
    fields = basic_auth("ALICE", "x")
    assert buckets(fields, limit(by="ip")) == ["/x/0/ip=127.0.0.1"]
    assert buckets(fields, limit(by="ip route")) == ["/x/0/ip=127.0.0.1", "/x/0/route="]
    assert buckets(fields, limit(by="ip+account")) == ["/x/0/ip=127.0.0.1+account=alice"]
    assert buckets(basic_auth("alice", "pw-alice"), limit(by="principal")) == ["/x/0/principal=local alice"]
    assert buckets(fields, limit(by="principal")) == []
    assert buckets({}, limit(by="ip"), limit(by="account")) == ["/x/0/ip=127.0.0.1", "/x/1/account="]


def test_a_limit_by_principal_counts_an_unproven_caller_by_address() -> None:
    world = World(exhausted={"ip": 1})
    rules = policy(rule("/open", access="public", limits=limit(by="principal")))
    judge(rules, view("GET", "/open"), world)
    assert [question.buckets for question in world.asked] == [("/open/0/principal=127.0.0.1",)]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (basic_auth("Alice", "x")["authorization"], "alice"),
        (basic_auth("e\u0301", "x")["authorization"], "é"),
        ("Basic !!!", ""),
        ("Basic \xff", ""),
        ("Bearer x", ""),
        ("", ""),
    ],
)
def test_the_presented_account_is_one_name_however_it_is_spelt(value: str, name: str) -> None:
    assert presented_account(view("GET", "/", {"authorization": value})) == name


def test_the_first_gate_that_refuses_answers_and_gates_may_be_for_some_paths() -> None:
    gates = [
        gate("api", paths="/api/**", methods="POST", limits=(limit(),)),
        gate("lan", paths="/admin/**", only="10.0.0.0/8"),
        gate("ban", block="192.0.2.0/24"),
    ]
    rules = policy(gates=gates, default="public", tls_require=False)
    world = World(exhausted={"api/": 3})
    assert isinstance(judge(rules, view("POST", "/api/x"), world), Throttle)
    assert isinstance(judge(rules, view("GET", "/api/x"), world), Allow)
    assert status(judge(rules, view("GET", "/admin"), world)) == 403
    assert isinstance(judge(rules, view("GET", "/admin", peer="10.0.0.1"), world), Allow)
    assert status(judge(rules, view("GET", "/x", peer="192.0.2.7"), world)) == 403
    assert status(judge(rules, view("GET", "/x", peer="::ffff:192.0.2.7"), world)) == 403


SENSITIVE = [
    *("/.env", "/.env.local", "/a/.ENV", "/.git/config", "/.git", "/dump.sql", "/a.bak", "/x/backup.SQL.gz", "/id_rsa"),
    *("/key.pem", "/a/.ssh/known_hosts", "/wp-config.php", "/wp-config.php.txt", "/x~", "/.htpasswd", "/db.sqlite3"),
    *("/.well-known/.env", "/%2eenv", "/static/.git/HEAD"),
]


@pytest.mark.parametrize("target", SENSITIVE)
def test_files_that_lie_about_are_404_to_everyone(target: str) -> None:
    rules = policy(rule("/static/**", access="public"), default="public")
    world = World()
    for fields in ({}, world.know(principal(roles="admin"))):
        verdict = judge(rules, view("GET", target, fields), world)
        assert isinstance(verdict, Hide)
        assert verdict.reason is Reason.SENSITIVE_FILE
    assert isinstance(judge(policy(default="public", sensitive_files=False), view("GET", target)), Allow)


@pytest.mark.parametrize(
    "target", ["/", "/env", "/git/config", "/a.sql.html", "/keys", "/.well-known/security.txt", "/sql"]
)
def test_what_only_looks_alike_is_served(target: str) -> None:
    assert isinstance(judge(policy(default="public"), view("GET", target)), Allow)


@pytest.mark.parametrize(
    ("path", "target", "named"),
    [
        ("/backup.sql", "/backup.sql", True),
        ("/files/{name}", "/files/backup.sql", False),
        ("/files/**", "/files/backup.sql", False),
        ("/x/.git/**", "/x/.git/config", False),
        ("/x/.git/config", "/x/.git/config", True),
        ("/**", "/id_rsa", False),
    ],
)
def test_only_a_rule_whose_last_segment_is_the_file_itself_names_it(path: str, target: str, named: bool) -> None:
    assert isinstance(judge(policy(rule(path, access="public")), view("GET", target)), Allow) is named


@pytest.mark.parametrize(
    ("method", "target", "served"),
    [
        ("GET", "/.well-known/security.txt", True),
        ("HEAD", "/.well-known/openid-configuration", True),
        ("GET", "/.well-known/acme-challenge/tok", True),
        ("GET", "/.well-known/oauth-protected-resource", True),
        ("GET", "/.well-known/oauth-protected-resource/a/b", True),
        ("POST", "/.well-known/security.txt", False),
        ("GET", "/.well-known/acme-challenge", False),
        ("GET", "/.well-known/acme-challenge/a/b", False),
        ("GET", "/.well-known/other", False),
        ("GET", "/x/.well-known/security.txt", False),
    ],
)
def test_a_few_well_known_paths_are_public_without_a_rule(method: str, target: str, served: bool) -> None:
    assert isinstance(judge(policy(), view(method, target)), Allow) is served
    closed = policy(rule("/.well-known/**", access="nobody"))
    assert status(judge(closed, view(method, "/.well-known/security.txt"))) == 403


def test_basic_without_a_browser_is_not_ambient_and_with_one_it_is() -> None:
    world = World().with_accounts(account("alice"))
    rules = policy(rule("/x", access="authenticated"))
    login = basic_auth("alice", "pw-alice")
    assert isinstance(judge(rules, view("POST", "/x", login), world), Allow)
    for mark in ({"origin": "http://evil.example"}, {"referer": "http://x"}, {"sec-fetch-site": "cross-site"}):
        assert status(judge(rules, view("POST", "/x", login, mark), world)) == 403
    assert isinstance(judge(rules, view("POST", "/x", login, OWN_ORIGIN), world), Allow)
    assert status(judge(rules, view("POST", "/x", login, OWN_ORIGIN, {"x-csrf-token": "any"}), world)) == 403
    free = policy(rule("/x", access="authenticated", csrf=False))
    assert isinstance(judge(free, view("POST", "/x", login, {"referer": "http://x"}), world), Allow)


def test_a_bearer_token_needs_no_proof_even_from_a_foreign_page() -> None:
    world = World()
    fields = pairs(world.know(principal()), {"origin": "http://evil.example", "x-csrf-token": "wrong"})
    assert isinstance(judge(policy(rule("/x", access="authenticated")), view("POST", "/x", fields), world), Allow)


def test_next_door_to_a_hidden_path_the_caller_is_asked_for_what_anybody_is_asked_for_there() -> None:
    world = World().with_accounts(account("alice"))
    rules = policy(rule("/p/s", roles="admin", hide=True), rule("/p/**", methods="GET POST", access="authenticated"))
    for method, fields, right in (
        ("POST", bearer_auth("known"), 404),
        ("POST", cookie("s-alice"), 403),  # without proof of origin, as for any name
        ("PATCH", bearer_auth("known"), 404),  # taken by neither
        ("PATCH", {}, 401),
    ):
        world.known["known"] = principal(scheme="bearer")
        assert status(judge(rules, view(method, "/p/s", fields), world)) == right, (method, fields)


@pytest.mark.parametrize("key", ["ip", "principal"])
def test_next_door_to_a_hidden_path_the_limits_are_those_of_the_neighbour(key: str) -> None:
    world = World(exhausted={f"wide/0/{key}=": 9})
    rules = policy(
        rule("/p/s", roles="admin", hide=True),
        rule("/p/**", name="wide", access="authenticated", limits=limit(by=key)),
    )
    asked = world.know(principal())
    assert [status(judge(rules, view("GET", f"/p/{name}", asked), world)) for name in ("s", "n")] == [429, 429]
    world.exhausted.clear()
    world.down = {TakeSlot}
    assert [status(judge(rules, view("GET", f"/p/{name}", asked), world)) for name in ("s", "n")] == [503, 503]


def test_who_is_known_next_door_alone_meets_the_limits_of_the_neighbour() -> None:
    world = World(exhausted={"wide/0/principal=": 9}).with_accounts(account("alice"))
    rules = policy(
        rule("/p/s", roles="admin", hide=True, schemes="bearer"),
        rule("/p/**", name="wide", access="authenticated", limits=limit(by="principal")),
    )
    asked = key_auth("k-alice")
    assert [status(judge(rules, view("GET", f"/p/{name}", asked), world)) for name in ("s", "n")] == [429, 429]
    world.down = {TakeSlot}
    assert [status(judge(rules, view("GET", f"/p/{name}", asked), world)) for name in ("s", "n")] == [503, 503]
    world.down, world.exhausted = set(), {}
    assert status(judge(rules, view("GET", "/p/s", asked), world)) == 404


def test_what_an_open_rule_above_a_hiding_one_decides_is_hidden_from_nobody() -> None:
    world = World()
    rules = policy(
        rule("/p/**", methods="GET", roles="editor", when=hours(days="6")),
        rule("/p/s", roles="admin", hide=True),
    )
    asked = world.know(principal())
    assert [status(judge(rules, view("GET", f"/p/{name}", asked), world)) for name in ("s", "n")] == [403, 403]
    assert [status(judge(rules, view("GET", f"/p/{name}"))) for name in ("s", "n")] == [403, 403]
    assert status(judge(rules, view("POST", "/p/s", asked), world)) == 404


def test_a_rule_without_paths_binds_nothing() -> None:
    assert Rule("(made)").bind(("a",)) == {}
    assert rule("/a/{id} /b/{id}").bind(("b", "7")) == {"id": "7"}
    assert rule("/a/{id}").bind(("b", "7")) == {}
