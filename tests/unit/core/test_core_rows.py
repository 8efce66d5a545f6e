"""Rows of the status table (answers.md section 1) that the core decides, and its order of checks."""

from __future__ import annotations

from typing import Any

import pytest

from doorward.core.ask import (
    FindAccount,
    FindRelation,
    FindSession,
    LedgerReady,
    Rejected,
    Session,
    TakeSlot,
    VerifyPassword,
)
from doorward.core.cure import Act
from doorward.core.policy import Policy, Rule
from doorward.core.reason import CODES, Code, Reason
from doorward.core.request import Fault, RequestView
from doorward.core.settings import LedgerSettings
from doorward.core.trace import STEPS, Trace
from doorward.core.verdict import (
    Allow,
    Challenge,
    Deny,
    Hide,
    Malformed,
    Throttle,
    Unavailable,
    Verdict,
    malformed,
    status,
    upstream_failed,
)
from kit import (
    ALL_KINDS,
    NOW,
    OWN_ORIGIN,
    World,
    account,
    acl,
    basic_auth,
    bearer_auth,
    cookie,
    gate,
    hours,
    judge,
    key_auth,
    limit,
    networks,
    pairs,
    policy,
    principal,
    rule,
    view,
)

ME = rule("/me", access="authenticated")
SUNDAY = NOW - 86_400


def refused(verdict: Verdict, code: int, public: Code, *, challenged: bool = False) -> None:
    """Status, public code and whether there is a challenge."""
    assert not isinstance(verdict, Allow)
    assert status(verdict) == code
    assert CODES[verdict.reason] is public
    assert bool(getattr(verdict, "challenges", ())) is challenged


def lines(verdict: Verdict) -> list[str]:
    assert isinstance(verdict, Challenge | Deny | Malformed)
    return [challenge.line for challenge in verdict.challenges]


def someone(world: World, kind: str = "bearer", **who: Any) -> dict[str, str]:
    return world.know(principal(**who), kind)


def test_row_1_no_credentials_is_401_with_a_challenge_per_scheme_and_no_error() -> None:
    verdict = judge(policy(ME), view("GET", "/me"))
    refused(verdict, 401, Code.AUTHENTICATION_REQUIRED, challenged=True)
    assert lines(verdict) == [
        'Bearer realm="shop"',
        'Session realm="shop"',
        'ApiKey realm="shop"',
        'Basic realm="shop", charset="UTF-8"',
    ]


def test_row_1_an_unsupported_scheme_counts_as_no_credentials() -> None:
    verdict = judge(policy(ME, schemes="bearer"), view("GET", "/me", {"authorization": "Basic x"}))
    refused(verdict, 401, Code.AUTHENTICATION_REQUIRED, challenged=True)
    assert lines(verdict) == ['Bearer realm="shop"']
    assert isinstance(verdict, Challenge)
    assert verdict.reason is Reason.SCHEME_UNSUPPORTED


@pytest.mark.parametrize(
    "reason",
    [
        *(Reason.TOKEN_SIGNATURE, Reason.TOKEN_ISSUER, Reason.TOKEN_AUDIENCE, Reason.TOKEN_REVOKED, Reason.TOKEN_TYPE),
        *(Reason.TOKEN_CONTENT, Reason.TOKEN_SUBJECT, Reason.KEY_UNKNOWN),
    ],
)
def test_row_2_every_bad_token_is_the_same_401_invalid_token(reason: Reason) -> None:
    world = World(known={"tok": Rejected(reason)})
    verdict = judge(policy(ME, schemes="basic bearer"), view("GET", "/me", bearer_auth("tok")), world)
    refused(verdict, 401, Code.INVALID_TOKEN, challenged=True)
    assert lines(verdict) == [
        'Bearer realm="shop", error="invalid_token", error_description="The access token is not valid."',
        'Basic realm="shop", charset="UTF-8"',
    ]


def test_row_2_an_expired_token_says_so_and_can_be_renewed() -> None:
    world = World(known={"tok": Rejected(Reason.TOKEN_EXPIRED, expired=True)})
    verdict = judge(policy(ME), view("GET", "/me", bearer_auth("tok")), world)
    assert 'error_description="The access token expired."' in lines(verdict)[0]
    assert isinstance(verdict, Challenge)
    assert verdict.cure.act is Act.RENEW


def test_row_3_wrong_password_unknown_and_disabled_account_and_bad_key_are_401() -> None:
    world = World().with_accounts(account("alice"), account("dora", disabled=True))
    for fields in (
        basic_auth("alice", "nope"),
        basic_auth("nobody", "nope"),
        basic_auth("dora", "pw-dora"),
        key_auth("nope"),
        key_auth("k-dora"),
    ):
        verdict = judge(policy(ME), view("GET", "/me", fields), world)
        refused(verdict, 401, Code.INVALID_CREDENTIALS, challenged=True)
        assert lines(verdict)[0].startswith("ApiKey" if "x-api-key" in fields else "Basic")


@pytest.mark.parametrize("target", ["/me", "/open"])
def test_row_4_two_authorization_fields_are_400_on_public_routes_too(target: str) -> None:
    world = World()
    twice = pairs(someone(world), bearer_auth("other"))
    verdict = judge(policy(ME, rule("/open", access="public")), view("GET", target, twice), world)
    refused(verdict, 400, Code.MALFORMED_CREDENTIALS, challenged=True)
    assert lines(verdict) == ['Bearer realm="shop", error="invalid_request"']


@pytest.mark.parametrize("target", ["/me", "/open"])
@pytest.mark.parametrize(
    "fields",
    [
        pairs(bearer_auth("a"), key_auth("b")),
        pairs(key_auth("a"), key_auth("b")),
        pairs({"authorization": "Basic YTpi, Basic YzpkCg=="}),
    ],
)
def test_row_4_two_explicit_carriers_are_400_on_public_routes_too(fields: Any, target: str) -> None:
    verdict = judge(policy(ME, rule("/open", access="public")), view("GET", target, fields))
    refused(verdict, 400, Code.MALFORMED_CREDENTIALS, challenged=True)


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer a b", "Bearer a,Bearer b", 'Bearer "x"', "bearer \xff"])
def test_row_4_an_unparsable_bearer_value_is_400_invalid_request(value: str) -> None:
    verdict = judge(policy(ME), view("GET", "/me", {"authorization": value}))
    refused(verdict, 400, Code.MALFORMED_CREDENTIALS, challenged=True)
    assert lines(verdict) == ['Bearer realm="shop", error="invalid_request"']


def test_row_4_where_bearer_is_not_accepted_the_400_has_no_challenge() -> None:
    twice = pairs(basic_auth("a", "b"), basic_auth("a", "b"))
    verdict = judge(policy(ME, schemes="basic"), view("GET", "/me", twice))
    refused(verdict, 400, Code.MALFORMED_CREDENTIALS)


def test_row_4_two_session_cookies_are_400_and_never_first_wins() -> None:
    world = World().with_accounts(account("alice"))
    for fields in (
        {"cookie": "__Host-doorward=s-alice; __Host-doorward=evil"},
        pairs(cookie("s-alice"), cookie("evil")),
    ):
        refused(judge(policy(ME), view("GET", "/me", fields), world), 400, Code.MALFORMED_CREDENTIALS, challenged=True)


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Basic YTo\x00", "Basic YQBhOmI=", "Basic Og=="]
)
def test_row_5_a_malformed_basic_value_is_401_with_the_basic_challenge_first(value: str) -> None:
    verdict = judge(policy(ME), view("GET", "/me", {"authorization": value}))
    refused(verdict, 401, Code.INVALID_CREDENTIALS, challenged=True)
    assert lines(verdict)[0] == 'Basic realm="shop", charset="UTF-8"'


def test_row_5_may_be_400_by_setting() -> None:
    verdict = judge(policy(ME, answers={"malformed_basic": 400}), view("GET", "/me", {"authorization": "Basic !"}))
    refused(verdict, 400, Code.INVALID_CREDENTIALS)


@pytest.mark.parametrize(
    ("ended", "reason"),
    [(None, Reason.SESSION_EXPIRED), ("expired", Reason.SESSION_EXPIRED), ("revoked", Reason.SESSION_REVOKED)],
)
def test_rows_6_and_7_a_dead_session_is_401_session_expired_and_may_log_in(ended: str | None, reason: Reason) -> None:
    world = World().with_accounts(account("alice"))
    if ended:
        world.sessions["old"] = Session("old", "alice", NOW, NOW, NOW, ended)
    verdict = judge(policy(ME), view("GET", "/me", cookie("old")), world)
    refused(verdict, 401, Code.SESSION_EXPIRED, challenged=True)
    assert isinstance(verdict, Challenge)
    assert (verdict.reason, verdict.login, verdict.cure.act) == (reason, True, Act.RENEW)
    assert lines(verdict)[0] == 'Session realm="shop"'


def test_row_6_without_sessions_there_is_no_login_to_be_sent_to() -> None:
    verdict = judge(policy(ME, schemes="bearer"), view("GET", "/me"))
    assert isinstance(verdict, Challenge)
    assert not verdict.login


SCOPED = rule("/orders", scopes="orders:write orders:all")


def test_row_8_a_missing_scope_of_a_token_is_403_with_all_scopes_in_one_challenge() -> None:
    world = World()
    verdict = judge(policy(SCOPED), view("GET", "/orders", someone(world, scopes="orders:all")), world)
    refused(verdict, 403, Code.INSUFFICIENT_SCOPE, challenged=True)
    assert lines(verdict) == ['Bearer realm="shop", error="insufficient_scope", scope="orders:write orders:all"']
    assert isinstance(verdict, Deny)
    assert verdict.cure.scopes == ("orders:write", "orders:all")


@pytest.mark.parametrize("kind", ["session", "basic", "apikey"])
def test_row_9_a_missing_scope_of_any_other_credential_has_no_challenge(kind: str) -> None:
    world = World()
    scopes = "" if kind == "apikey" else None
    needs = rule("/orders", scopes="orders:write", scopes_for="all")
    verdict = judge(policy(needs), view("GET", "/orders", someone(world, kind, scopes=scopes)), world)
    refused(verdict, 403, Code.INSUFFICIENT_SCOPE)


@pytest.mark.parametrize("kind", ["session", "basic"])
def test_a_login_is_not_limited_by_scopes_unless_the_rule_says_so(kind: str) -> None:
    world = World()
    assert isinstance(judge(policy(SCOPED), view("GET", "/orders", someone(world, kind)), world), Allow)


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ({"roles": "admin"}, Reason.ROLE_MISSING),
        ({"owner": "{id}"}, Reason.NOT_OWNER),
        ({"acl": acl("thing:{id}")}, Reason.GRANT_MISSING),
    ],
)
def test_row_10_role_owner_and_relation_missing_are_403_without_challenge(needs: Any, reason: Reason) -> None:
    world = World()
    verdict = judge(policy(rule("/x/{id}", **needs)), view("GET", "/x/7", someone(world)), world)
    refused(verdict, 403, Code.ACCESS_DENIED)
    assert isinstance(verdict, Deny)
    assert verdict.reason is reason


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("rules", "gates", "code"),
    [
        (rule("/x", access="nobody"), (), Code.ACCESS_DENIED),
        (rule("/x", access="authenticated", when=hours(days="6")), (), Code.REQUEST_BLOCKED),
        (rule("/x", access="authenticated", from_="10.0.0.0/8"), (), Code.REQUEST_BLOCKED),
        (rule("/x", access="public"), (gate(block="127.0.0.0/8"),), Code.REQUEST_BLOCKED),
        (rule("/x", access="public"), (gate(only="10.0.0.0/8"),), Code.REQUEST_BLOCKED),
        (rule("/x", access="authenticated", schemes="nothing"), (), Code.ACCESS_DENIED),
    ],
)
def test_row_11_what_nobody_can_pass_now_is_403_for_anonymous_and_known_alike(
    rules: Rule, gates: Any, code: Code, known: bool
) -> None:
    world = World()
    fields = someone(world, roles="admin") if known else {}
    verdict = judge(policy(rules, gates=gates), view("GET", "/x", fields), world)
    refused(verdict, 403, code)


FRESH = rule("/pay", max_age=300, roles="admin")


@pytest.mark.parametrize("age", [None, 301])
def test_row_13_an_old_or_undated_login_is_401_step_up_with_max_age(age: int | None) -> None:
    world = World()
    fields = someone(world, roles="admin", auth_time=None if age is None else NOW - age, scopes="")
    verdict = judge(policy(FRESH), view("GET", "/pay", fields), world)
    refused(verdict, 401, Code.STEP_UP_REQUIRED, challenged=True)
    assert lines(verdict)[0] == 'Bearer realm="shop", error="insufficient_user_authentication", max_age="300"'
    assert isinstance(verdict, Challenge)
    assert (verdict.cure.act, verdict.cure.max_age) == (Act.STEP_UP, 300)


def test_row_13_a_session_is_told_max_age_too_and_a_fresh_login_passes() -> None:
    world = World()
    old = judge(
        policy(FRESH), view("GET", "/pay", someone(world, "session", roles="admin", auth_time=NOW - 301)), world
    )
    assert lines(old)[0] == 'Session realm="shop", error="insufficient_user_authentication", max_age="300"'
    fresh = someone(world, "session", roles="admin", auth_time=NOW - 300)
    assert isinstance(judge(policy(FRESH), view("GET", "/pay", fresh), world), Allow)


def test_row_15_a_hidden_resource_is_404_and_keeps_the_truth_for_the_ledger() -> None:
    world = World()
    verdict = judge(policy(rule("/s", roles="admin", hide=True)), view("GET", "/s", someone(world)), world)
    refused(verdict, 404, Code.ACCESS_DENIED)
    assert isinstance(verdict, Hide)
    assert (verdict.truth.reason, verdict.cure.act) == (Reason.ROLE_MISSING, Act.GAIN_ROLE)


@pytest.mark.parametrize("known", [True, False])
def test_row_16_a_path_nobody_names_is_404_to_everyone(known: bool) -> None:
    world = World()
    verdict = judge(policy(ME), view("GET", "/nope", someone(world) if known else {}), world)
    refused(verdict, 404, Code.NOT_FOUND)


def test_row_16_may_be_403_by_setting_and_other_defaults_are_possible() -> None:
    refused(judge(policy(ME, answers={"unnamed": 403}), view("GET", "/nope")), 403, Code.NOT_FOUND)
    refused(
        judge(policy(default="authenticated"), view("GET", "/nope")), 401, Code.AUTHENTICATION_REQUIRED, challenged=True
    )
    assert isinstance(judge(policy(default="public"), view("GET", "/nope")), Allow)


def test_row_17_an_unclaimed_method_is_401_to_anonymous_and_403_to_a_known_caller() -> None:
    world = World()
    rules = policy(rule("/doc", methods="GET", access="public"), default="public")
    refused(judge(rules, view("PATCH", "/doc")), 401, Code.AUTHENTICATION_REQUIRED, challenged=True)
    refused(judge(rules, view("PATCH", "/doc", someone(world)), world), 403, Code.METHOD_NOT_ALLOWED)
    assert isinstance(judge(rules, view("HEAD", "/doc")), Allow)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, Reason.CSRF_MISSING),
        ({"referer": "http://localhost:8080/x"}, Reason.CSRF_MISSING),
        ({"origin": "http://evil.example"}, Reason.ORIGIN_FOREIGN),
        ({"origin": "null"}, Reason.ORIGIN_FOREIGN),
        ({"origin": ""}, Reason.ORIGIN_FOREIGN),
        ({"origin": "http://localhost:8080.evil.example"}, Reason.ORIGIN_FOREIGN),
        ({"sec-fetch-site": "cross-site"}, Reason.CSRF_MISSING),
        ({"sec-fetch-site": "same-site"}, Reason.CSRF_MISSING),
        ([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], Reason.CSRF_MISSING),
        ([("origin", "http://localhost:8080"), ("origin", "http://evil.example")], Reason.ORIGIN_FOREIGN),
        ({"x-csrf-token": "wrong"}, Reason.CSRF_MISMATCH),
        ({"x-csrf-token": ""}, Reason.CSRF_MISMATCH),
        ({"x-csrf-token": "wrong", "sec-fetch-site": "same-origin"}, Reason.CSRF_MISMATCH),
        ({"x-csrf-token": "csrf-bob", "origin": "http://localhost:8080"}, Reason.CSRF_MISMATCH),
        ([("x-csrf-token", "csrf-root"), ("x-csrf-token", "csrf-root")], Reason.CSRF_MISMATCH),
    ],
)
def test_row_18_a_missing_or_wrong_csrf_proof_is_403_for_administrators_too(fields: Any, reason: Reason) -> None:
    world = World().with_accounts(account("root", roles="admin"), account("bob"))
    verdict = judge(policy(rule("/x", roles="admin")), view("POST", "/x", cookie("s-root"), fields), world)
    refused(verdict, 403, Code.CSRF_FAILED)
    assert isinstance(verdict, Deny)
    assert (verdict.reason, verdict.cure.act) == (reason, Act.PROVE_ORIGIN)


@pytest.mark.parametrize(
    "fields",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        OWN_ORIGIN,
        {"origin": "https://app.example", "sec-fetch-site": "cross-site"},
        {"x-csrf-token": "csrf-root"},
        {"x-csrf-token": "csrf-root", "origin": "http://evil.example"},
    ],
)
def test_row_18_each_kind_of_proof_is_enough(fields: dict[str, str]) -> None:
    world = World().with_accounts(account("root", roles="admin"))
    rules = policy(rule("/x", roles="admin"), cors={"origins": frozenset({"https://app.example"})})
    assert isinstance(judge(rules, view("POST", "/x", cookie("s-root"), fields), world), Allow)


def test_row_18_strict_asks_for_more_than_a_token_where_the_browser_is_silent() -> None:
    world = World().with_accounts(account("root"))
    fields = pairs(cookie("s-root"), {"x-csrf-token": "csrf-root"})
    refused(judge(policy(ME, csrf_strict=True), view("POST", "/me", fields), world), 403, Code.CSRF_FAILED)
    spoken = pairs(fields, {"sec-fetch-site": "cross-site"})
    assert isinstance(judge(policy(ME, csrf_strict=True), view("POST", "/me", spoken), world), Allow)


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_row_18_a_websocket_from_a_foreign_page_is_403(origin: str | None) -> None:
    world = World().with_accounts(account("root"))
    fields = {"origin": origin} if origin else {}
    # csrf = false turns off the proof for unsafe methods, not this.
    rules = policy(rule("/ws", access="authenticated", csrf=False))
    verdict = judge(rules, view("GET", "/ws", cookie("s-root"), fields, upgrade=True), world)
    refused(verdict, 403, Code.CSRF_FAILED)
    own = view("GET", "/ws", cookie("s-root"), OWN_ORIGIN, upgrade=True)
    assert isinstance(judge(rules, own, world), Allow)


def test_row_19_an_anonymous_unsafe_request_is_401_with_proof_or_without() -> None:
    for fields in ({}, OWN_ORIGIN, {"x-csrf-token": "wrong"}, {"origin": "http://evil.example"}):
        verdict = judge(policy(ME), view("POST", "/me", fields))
        refused(verdict, 401, Code.AUTHENTICATION_REQUIRED, challenged=True)
    verdict = judge(policy(ME), view("POST", "/me", cookie("dead")))
    refused(verdict, 401, Code.SESSION_EXPIRED, challenged=True)


@pytest.mark.parametrize("where", ["gate", "rule"])
def test_row_20_a_full_limit_is_429_with_its_wait_and_name(where: str) -> None:
    world = World(exhausted={"ip=127.0.0.1": 12})
    one = limit(5, 60, burst=9, name="burst")
    rules = (
        policy(rule("/x", access="public"), gates=[gate(limits=(one,))])
        if where == "gate"
        else policy(rule("/x", access="public", limits=one))
    )
    verdict = judge(rules, view("GET", "/x"), world)
    refused(verdict, 429, Code.QUOTA_EXCEEDED)
    assert isinstance(verdict, Throttle)
    state = verdict.limits[0]
    assert (verdict.retry_after, state.name, state.quota, state.window, state.reset) == (12, "burst", 9, 60, 12)
    assert verdict.cure.seconds == 12


def test_row_20_a_locked_out_password_check_is_429_right_or_wrong() -> None:
    world = World().with_accounts(account("alice"))
    world.failures[("alice", "127.0.0.1")] = 5
    for password in ("nope", "pw-alice"):
        verdict = judge(policy(ME), view("GET", "/me", basic_auth("alice", password)), world)
        refused(verdict, 429, Code.QUOTA_EXCEEDED)
        assert isinstance(verdict, Throttle)
        assert verdict.reason is Reason.LOCKED_OUT
    assert not any(isinstance(question, VerifyPassword) for question in world.asked)


def test_row_21_a_limit_may_answer_403_without_challenge() -> None:
    world = World(exhausted={"route=": 3600})
    rules = policy(rule("/x", access="public", limits=limit(by="route", status=403)))
    refused(judge(rules, view("GET", "/x"), world), 403, Code.QUOTA_EXCEEDED)


@pytest.mark.parametrize(
    ("down", "fields", "rules"),
    [
        (FindSession, cookie("s-alice"), ME),
        (FindAccount, cookie("s-alice"), ME),
        (FindAccount, basic_auth("alice", "pw-alice"), ME),
        (TakeSlot, {}, rule("/me", access="public", limits=limit())),
        (FindRelation, cookie("s-alice"), rule("/me", acl=acl("x"))),
    ],
)
def test_row_24_what_cannot_be_asked_is_503_never_401_or_403(down: type, fields: dict[str, str], rules: Rule) -> None:
    world = World(down={down}).with_accounts(account("alice"))
    verdict = judge(policy(rules), view("GET", "/me", fields), world)
    refused(verdict, 503, Code.AUTHORIZATION_UNAVAILABLE)
    assert isinstance(verdict, Unavailable)
    assert (verdict.dependency, verdict.retry_after, verdict.cure.seconds) == ("sqlite", 7, 7)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hashing", Reason.HASHING_BUSY),
        ("store", Reason.STORE_UNWRITABLE),
        ("ledger", Reason.LEDGER_REQUIRED),
        ("jwks", Reason.DEPENDENCY_DOWN),
    ],
)
def test_row_24_says_which_dependency_it_was(name: str, reason: Reason) -> None:
    world = World(down={VerifyPassword}, down_name=name).with_accounts(account("alice"))
    verdict = judge(policy(ME), view("GET", "/me", basic_auth("alice", "x")), world)
    assert isinstance(verdict, Unavailable)
    assert (verdict.reason, verdict.rule) == (reason, "/me")


@pytest.mark.parametrize("target", ["/me", "/open", "/.doorward/login"])
def test_row_24_no_record_no_access_where_the_policy_says_so(target: str) -> None:
    world = World(down={LedgerReady}, down_name="ledger").with_accounts(account("alice"))
    rules = policy(ME, rule("/open", access="public"), ledger=LedgerSettings(required=True))
    verdict = judge(rules, view("GET", target, cookie("s-alice")), world)
    refused(verdict, 503, Code.AUTHORIZATION_UNAVAILABLE)
    assert isinstance(verdict, Unavailable)
    assert verdict.reason is Reason.LEDGER_REQUIRED
    refused(judge(rules, view("GET", "/me"), world), 401, Code.AUTHENTICATION_REQUIRED, challenged=True)
    world.down.clear()
    trace = Trace()
    assert isinstance(judge(rules, view("GET", target, cookie("s-alice")), world, trace), Allow)
    assert trace.step == "record"


def test_row_24_an_open_limiter_lets_requests_pass_but_never_logins() -> None:
    world = World(down={TakeSlot})
    rules = policy(rule("/x", access="public", limits=limit()), limits_open=True)
    assert isinstance(judge(rules, view("GET", "/x"), world), Allow)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        bearer_auth("not.a.jwt"),
        {"authorization": "Bearer"},
        {"authorization": "Basic !!!"},
        basic_auth("alice", "nope"),
        key_auth("nope"),
        cookie("dead"),
        {"cookie": "__Host-doorward=a; __Host-doorward=b"},
    ],
)
def test_row_25_a_public_resource_is_served_as_anonymous_whatever_is_presented(fields: dict[str, str]) -> None:
    world = World().with_accounts(account("alice"))
    verdict = judge(policy(rule("/open", access="public")), view("POST", "/open", fields), world)
    assert isinstance(verdict, Allow)
    assert verdict.principal.anonymous
    assert verdict.notes == (("ignored_bad_credentials",) if fields else ())


def test_row_25_a_good_credential_is_recognised_on_a_public_resource_and_an_unproven_one_dropped() -> None:
    world = World().with_accounts(account("alice"))
    rules = policy(rule("/open", access="public"))
    seen = judge(rules, view("GET", "/open", cookie("s-alice")), world)
    assert isinstance(seen, Allow)
    assert seen.principal.subject == "alice"
    forged = judge(rules, view("POST", "/open", cookie("s-alice"), {"origin": "http://evil.example"}), world)
    assert isinstance(forged, Allow)
    assert (forged.principal.anonymous, forged.notes) == (True, ("ignored_unproven_credential",))


PREFLIGHT = {"origin": "https://a.example", "access-control-request-method": "GET"}


def test_row_26_a_true_preflight_is_no_verdict_of_ours_but_gates_come_first() -> None:
    allowed = judge(policy(ME), view("OPTIONS", "/me", PREFLIGHT))
    assert isinstance(allowed, Allow)
    assert (allowed.rule, allowed.principal.anonymous) == ("(preflight)", True)
    refused(
        judge(policy(ME, gates=[gate(block="127.0.0.1/32")]), view("OPTIONS", "/me", PREFLIGHT)),
        403,
        Code.REQUEST_BLOCKED,
    )


@pytest.mark.parametrize(
    ("free", "fields", "body", "passes"),
    [
        ("preflight", PREFLIGHT, True, False),
        ("preflight", {"origin": "https://a.example"}, False, False),
        ("preflight", {}, False, False),
        ("all", {}, True, True),
        ("none", PREFLIGHT, False, False),
    ],
)
def test_row_26_other_options_requests_are_ordinary_unless_the_setting_says_so(
    free: str, fields: dict[str, str], body: bool, passes: bool
) -> None:
    verdict = judge(policy(ME, cors={"options_public": free}), view("OPTIONS", "/me", fields, body=body))
    assert (status(verdict) or 200) == (200 if passes else 401)


PLAIN: dict[str, Any] = {"peer": "192.0.2.9", "local": False, "host": "shop.example"}


def tls_policy(**more: Any) -> Policy:
    from doorward.core.request import Vantage

    return policy(rule("/open", access="public"), ME, vantage=Vantage(("https://shop.example",)), **more)


def seen(rules: Policy, *args: Any, **more: Any) -> RequestView:
    return view(*args, vantage=rules.settings.vantage, **more)


def test_row_27_plain_http_is_403_before_any_credential_is_read() -> None:
    rules = tls_policy()
    refused(judge(rules, seen(rules, "GET", "/open", bearer_auth("?"), **PLAIN)), 403, Code.TLS_REQUIRED)
    assert isinstance(judge(rules, seen(rules, "GET", "/open", scheme="https", **PLAIN)), Allow)
    off = tls_policy(tls_require=False)
    assert isinstance(judge(off, seen(off, "GET", "/open", **PLAIN)), Allow)
    pages = tls_policy(tls_require="redirect")
    refused(judge(pages, seen(pages, "GET", "/open", **PLAIN)), 403, Code.TLS_REQUIRED)


@pytest.mark.parametrize(
    ("method", "target", "passes"),
    [
        ("GET", "/.well-known/acme-challenge/x", True),
        ("HEAD", "/.well-known/acme-challenge/x", True),
        ("POST", "/.well-known/acme-challenge/x", False),
        ("GET", "/.well-known/security.txt", False),
    ],
)
def test_row_27_the_acme_challenge_is_exempt_and_nothing_beside_it(method: str, target: str, passes: bool) -> None:
    rules = tls_policy()
    verdict = judge(rules, seen(rules, method, target, **PLAIN))
    assert isinstance(verdict, Allow) is passes


@pytest.mark.parametrize(
    "more",
    [
        {"peer": "192.0.2.9"},
        {"local": False},
        {"host": "shop.example"},
        {"headers": {"x-forwarded-for": "1.2.3.4"}},
        {"headers": {"forwarded": "for=1.2.3.4"}},
        {"headers": {"x-real-ip": "1.2.3.4"}},
        {"headers": {"via": "1.1 proxy"}},
        {"headers": {"x-forwarded-port": "443"}},
    ],
)
def test_row_27_only_one_machine_talking_to_itself_is_exempt(more: dict[str, Any]) -> None:
    from doorward.core.request import Vantage

    rules = policy(
        ME, vantage=Vantage(("https://shop.example", "http://localhost:8080", "http://[::1]", "http://localhost"))
    )
    for host in ("localhost:8080", "localhost", "[::1]"):
        assert status(judge(rules, seen(rules, "GET", "/me", host=host))) == 401
    fields = more.pop("headers", {})
    refused(judge(rules, seen(rules, "GET", "/me", fields, **more)), 403, Code.TLS_REQUIRED)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.HEAD_TOO_LARGE, 431),
        (Reason.TARGET_TOO_LARGE, 414),
        (Reason.BODY_TOO_LARGE, 413),
        (Reason.FRAMING_BAD, 400),
        (Reason.PATH_AMBIGUOUS, 400),
        (Reason.HOST_BAD, 400),
        (Reason.HOST_FOREIGN, 421),
        (Reason.EARLY_DATA, 425),
        (Reason.CONTENT_UNSUPPORTED, 415),
    ],
)
def test_rows_28_to_31_a_fault_has_its_status_before_credentials_are_read(reason: Reason, code: int) -> None:
    verdict = judge(policy(ME), view("GET", "/me", bearer_auth("?"), fault=Fault(reason, "why")))
    assert isinstance(verdict, Malformed)
    assert (status(verdict), verdict.reason, verdict.note, verdict.challenges) == (code, reason, "why", ())
    assert malformed(reason, "").status == code
    assert verdict.cure.note == "why"


@pytest.mark.parametrize("target", ["/me/../x", "/me%2fx", "//me", "/me;x", "/%2e%2e/me", "me", "/me%00", "/me\\x"])
def test_row_29_a_path_of_two_readings_is_400_on_public_routes_too(target: str) -> None:
    refused(judge(policy(default="public"), view("GET", target)), 400, Code.MALFORMED_REQUEST)


@pytest.mark.parametrize(
    ("host", "code"), [("evil.example", 421), ("a b", 400), ("", 400), (None, 400), ("localhost:8080.", 400)]
)
def test_row_29_a_malformed_host_is_400_and_a_foreign_one_421(host: str | None, code: int) -> None:
    refused(judge(policy(default="public"), view("GET", "/", host=host)), code, Code.MALFORMED_REQUEST)


def test_row_30_early_data_is_taken_for_safe_methods_alone() -> None:
    rules = policy(default="public")
    for fields in ({"early-data": "1"}, [("early-data", "0"), ("early-data", "1")]):
        for method in ("POST", "PUT", "PATCH", "DELETE", "JEFF"):
            refused(judge(rules, view(method, "/", fields)), 425, Code.TOO_EARLY)
        refused(judge(rules, view("POST", "/.doorward/login", fields)), 425, Code.TOO_EARLY)
        assert isinstance(judge(rules, view("GET", "/", fields)), Allow)
    assert isinstance(judge(rules, view("POST", "/")), Allow)


FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON_API = rule("/api", roles="admin", json=True)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (FORM, True),
        (FORM, False),
        ({"content-type": "text/plain;charset=UTF-8"}, True),
        ({"content-type": " Multipart/Form-Data ; boundary=x"}, True),
        ([("content-type", "application/json"), ("content-type", "text/plain")], True),
        ({}, True),
    ],
)
def test_row_31_a_form_sent_with_the_session_cookie_to_a_json_api_is_415(fields: Any, body: bool) -> None:
    world = World().with_accounts(account("root", roles="admin"))
    request = view("POST", "/api", cookie("s-root"), OWN_ORIGIN, fields, body=body)
    refused(judge(policy(JSON_API), request, world), 415, Code.UNSUPPORTED_CONTENT)


@pytest.mark.parametrize(
    ("method", "fields", "body"),
    [
        ("POST", {"content-type": "application/json"}, True),
        ("POST", {"content-type": "application/merge-patch+json"}, True),
        ("DELETE", {}, False),
        ("GET", FORM, False),
    ],
)
def test_row_31_what_no_form_can_send_passes(method: str, fields: Any, body: bool) -> None:
    world = World().with_accounts(account("root", roles="admin"))
    request = view(method, "/api", cookie("s-root"), OWN_ORIGIN, fields, body=body)
    assert isinstance(judge(policy(JSON_API), request, world), Allow)


def test_row_31_is_about_the_session_cookie_and_rules_that_say_so() -> None:
    world = World().with_accounts(account("root", roles="admin"))
    for fields in (someone(world, roles="admin"), key_auth("k-root"), basic_auth("root", "pw-root")):
        assert isinstance(judge(policy(JSON_API), view("POST", "/api", fields, FORM, body=True), world), Allow)
    plain = policy(rule("/api", roles="admin"))
    request = view("POST", "/api", cookie("s-root"), OWN_ORIGIN, FORM, body=True)
    assert isinstance(judge(plain, request, world), Allow)


def test_row_31_comes_after_identity_and_the_csrf_proof() -> None:
    world = World().with_accounts(account("root", roles="admin"))
    refused(
        judge(policy(JSON_API), view("POST", "/api", FORM, body=True)),
        401,
        Code.AUTHENTICATION_REQUIRED,
        challenged=True,
    )
    refused(judge(policy(JSON_API), view("POST", "/api", cookie("s-root"), FORM), world), 403, Code.CSRF_FAILED)
    public = policy(rule("/api", access="public", json=True))
    forged = judge(public, view("POST", "/api", cookie("s-root"), FORM, body=True), world)
    assert isinstance(forged, Allow)
    assert forged.principal.anonymous
    refused(
        judge(public, view("POST", "/api", cookie("s-root"), OWN_ORIGIN, FORM, body=True), world),
        415,
        Code.UNSUPPORTED_CONTENT,
    )


def test_row_31_on_a_hidden_rule_is_told_to_who_may_pass_alone() -> None:
    world = World().with_accounts(account("root", roles="admin"), account("bob"))
    hidden = policy(rule("/api", roles="admin", json=True, hide=True))
    asked = [view("POST", "/api", cookie(f"s-{name}"), OWN_ORIGIN, FORM, body=True) for name in ("root", "bob")]
    assert [status(judge(hidden, request, world)) for request in asked] == [415, 404]


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "delete", "Get", "pOST", "trace", "*", ""])
def test_methods_that_echo_or_tunnel_or_are_read_in_two_ways_are_405_with_allow(method: str) -> None:
    verdict = judge(policy(default="public"), view(method, "/"))
    refused(verdict, 405, Code.METHOD_NOT_ALLOWED)
    assert isinstance(verdict, Deny)
    assert "GET" in verdict.allow


def test_upstream_failures_are_502_and_504() -> None:
    assert [status(upstream_failed(kind)) for kind in ("unreachable", "timeout", "bad-response")] == [502, 504, 502]


@pytest.mark.parametrize("target", ["/.doorward/login", "/.doorward", "/.doorward/x/y"])
def test_own_endpoints_decide_for_themselves(target: str) -> None:
    verdict = judge(policy(default="deny"), view("POST", target))
    assert isinstance(verdict, Allow)
    assert verdict.rule == "(own)"
    blocked = policy(gates=[gate(block="127.0.0.1/32")])
    refused(judge(blocked, view("GET", target)), 403, Code.REQUEST_BLOCKED)


FULL = rule(
    "/x/{id}",
    name="full",
    roles="admin",
    owner="{id}",
    acl=acl("x:{id}", GET="read", POST="read"),
    from_="127.0.0.0/8",
    when=hours(),
    scopes="x",
    max_age=60,
    limits=limit(by="principal"),
)


def test_the_first_missing_thing_is_what_is_told_in_the_order_of_checks() -> None:
    """Mend one thing at a time: each mend uncovers the next need, in the order of answers.md section 1."""
    world = World(exhausted={"principal": 9})
    early = 1_764_000_000.0  # 18:00 in Kyiv: closed
    who: dict[str, Any] = {"subject": "8", "scopes": ""}
    found: list[str] = []

    def step(**change: Any) -> None:
        who.update(change)
        fields = world.know(principal(**who))
        verdict = judge(policy(FULL), view("GET", "/x/7", fields, at=at), world)
        found.append("allowed" if isinstance(verdict, Allow) else str(verdict.reason))

    at = early
    step()
    world.exhausted.clear()
    step()
    step(roles="admin")
    step(subject="7")
    world.relations.add(("local 7", "read", "x:7"))
    step()
    at = early - 3600
    step()
    step(scopes="x")
    step(auth_time=at)
    assert found == [
        *("rate-exceeded", "role-missing", "not-owner", "grant-missing", "outside-hours", "scope-missing"),
        *("login-too-old", "allowed"),
    ]


def test_csrf_comes_after_identity_and_before_rights() -> None:
    world = World()
    unproven = judge(policy(FULL), view("POST", "/x/7", world.know(principal(), "session")), world)
    refused(unproven, 403, Code.CSRF_FAILED)


def test_the_trace_says_where_the_decision_ended() -> None:
    world = World()
    ends = {}
    for name, request in {
        "parse": view("TRACE", "/x/7"),
        "authenticate": view("GET", "/x/7"),
        "authorise": view("GET", "/x/7", world.know(principal())),
        "match": view("GET", "/nope"),
        "preflight": view("OPTIONS", "/x", PREFLIGHT),
        "csrf": view("POST", "/x/7", world.know(principal(), "session")),
    }.items():
        trace = Trace()
        judge(policy(FULL), request, world, trace)
        ends[name] = trace.step
    assert ends == {name: name for name in ends}
    assert set(ends) <= set(STEPS)


def test_a_challenge_names_the_kinds_that_help() -> None:
    verdict = judge(policy(rule("/x", schemes="basic session")), view("GET", "/x"))
    assert isinstance(verdict, Challenge)
    assert verdict.cure.schemes == ("session", "basic")
    assert set(verdict.cure.schemes) <= set(ALL_KINDS.split())


def test_networks_in_a_cure_are_the_rules_own() -> None:
    verdict = judge(policy(rule("/x", access="authenticated", from_="10.0.0.0/8")), view("GET", "/x"))
    assert isinstance(verdict, Deny)
    assert (verdict.cure.act, verdict.cure.networks) == (Act.COME_FROM, tuple(map(str, networks("10.0.0.0/8"))))
