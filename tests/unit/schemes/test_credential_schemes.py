"""Basic, Bearer, session and API key: what each proves, asks and says."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from doorward.core.ask import AdmitLogin, ApiKey, ClearLogin, FindAccount, Rejected, Session, VerifyPassword, run
from doorward.core.authenticate import Hint, Proof
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.verdict import Throttle
from doorward.schemes import apikey, basic, bearer, session
from doorward.schemes.keys import load_keys
from jose_material import oct_jwk, token
from kit import AUDIENCE, ISSUER, NOW, SCHEMES, World, account, credential, hierarchy, issuer, policy, view

ROLES = hierarchy(admin="editor")
PLAIN = policy(roles=ROLES)


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def proof(kind: str, secret: str, world: World, rules: Any = PLAIN) -> Proof:
    steps = SCHEMES[kind]().prove(rules, view(), credential(kind, secret))
    return run(steps, world.answers)


def rejection(kind: str, secret: str, world: World, rules: Any = PLAIN) -> Rejected:
    found = proof(kind, secret, world, rules)
    assert isinstance(found, Rejected)
    return found


def identity(kind: str, secret: str, world: World, rules: Any = PLAIN) -> Principal:
    found = proof(kind, secret, world, rules)
    assert isinstance(found, Principal)
    return found


def people() -> World:
    return World(signing={"idp": load_keys(oct_jwk())}).with_accounts(
        account("alice", "1", roles="admin", customer_no="42"), account("dora", "4", disabled=True)
    )


@pytest.mark.parametrize(
    ("octets", "pair"),
    [
        (b"alice:pw", ("alice", "pw")),
        (b"alice:", ("alice", "")),
        (b"alice:a:b:c", ("alice", "a:b:c")),
        ("zoe:пароль-ñ".encode(), ("zoe", "пароль-ñ")),
        ("é:n\u0303".encode(), ("é", "ñ")),
        (b":pw", None),
        (b"alice", None),
        (b"", None),
        (b"a\0b:c", None),
        (b"a:b\x1f", None),
        (b"a:\x7f", None),
        ("a:\x85".encode(), None),
        (b"al\xff\xfe:\xc3(", None),
        (b"a\xe9:b", None),
    ],
)
def test_a_basic_value_is_read_in_nfc_and_split_at_the_first_colon(octets: bytes, pair: tuple[str, str] | None) -> None:
    assert basic.read(b64(octets)) == pair


@pytest.mark.parametrize(
    "value",
    ["!!!", "YTpi=", "YTp", "YTo", "YTpiYR==", "YTp=", " YTpi", "YTpi ", "YT pi", "YTpi\n", "ÿ", "YTpi,YTpi", "Y-_i"],
)
def test_base64_is_read_strictly(value: str) -> None:
    assert basic.read(value) is None


def test_latin_1_is_a_fall_back_by_setting() -> None:
    value = b64("zoé:ñ".encode("latin-1"))
    assert basic.read(value) is None
    assert basic.read(value, latin1=True) == ("zoé", "ñ")
    assert basic.read(b64("zoé:ñ".encode()), latin1=True) == ("zoé", "ñ")
    assert basic.read(b64(b"a:\x85"), latin1=True) is None


def test_a_right_password_is_an_account_with_its_roles_and_a_fresh_login() -> None:
    world = people()
    who = identity("basic", b64(b"alice:pw-alice"), world)
    assert (who.subject, who.name, who.issuer, who.scheme, who.account) == ("1", "alice", "local", "basic", True)
    assert (who.roles, who.scopes, who.auth_time) == ({"admin", "editor"}, None, NOW)
    assert dict(who.attributes) == {"customer_no": "42"}
    assert [type(question) for question in world.asked] == [AdmitLogin, FindAccount, VerifyPassword, ClearLogin]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"alice:nope", Reason.PASSWORD_WRONG),
        (b"nobody:nope", Reason.ACCOUNT_UNKNOWN),
        (b"dora:nope", Reason.PASSWORD_WRONG),
        (b"dora:pw-dora", Reason.ACCOUNT_DISABLED),
    ],
)
def test_every_failed_password_asks_the_same_questions_and_stays_counted(value: bytes, reason: Reason) -> None:
    world = people()
    assert rejection("basic", b64(value), world).reason is reason
    assert [type(question) for question in world.asked] == [AdmitLogin, FindAccount, VerifyPassword]
    assert list(world.failures.values()) == [1]


def test_a_malformed_value_costs_no_try() -> None:
    world = people()
    assert rejection("basic", "!!!", world).reason is Reason.BASIC_MALFORMED
    assert world.asked == []


def test_the_sixth_failure_waits_and_nobody_looks_at_the_password() -> None:
    world = people()
    for _ in range(5):
        rejection("basic", b64(b"alice:nope"), world)
    world.asked.clear()
    refused = proof("basic", b64(b"alice:pw-alice"), world)
    assert isinstance(refused, Throttle)
    assert (refused.reason, refused.limits[0].name) == (Reason.LOCKED_OUT, "login")
    assert [type(question) for question in world.asked] == [AdmitLogin]


def claims(**change: Any) -> dict[str, Any]:
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "1", "exp": NOW + 60, "iat": NOW, "jti": "j", "client_id": "c"}
    return {name: value for name, value in {**given, **change}.items() if value is not None}


def signed(**change: Any) -> str:
    return token("HS256", claims(**change), typ="at+jwt")


def test_a_good_token_is_its_subject_at_its_issuer() -> None:
    who = identity("bearer", signed(scope="a b", auth_time=NOW - 5), people())
    assert (who.subject, who.issuer, who.scheme, who.account, who.name) == ("1", ISSUER, "bearer", False, "")
    assert (who.scopes, who.roles, who.auth_time, who.expires) == ({"a", "b"}, frozenset(), NOW - 5, NOW + 90)


def test_a_token_without_scopes_may_do_nothing_that_asks_for_one() -> None:
    assert identity("bearer", signed(), people()).scopes == frozenset()


def test_an_issuer_that_sent_an_access_token_by_name_is_held_to_it() -> None:
    world, plain = people(), token("HS256", claims(), typ="JWT")
    assert identity("bearer", plain, world).subject == "1"
    assert rejection("bearer", signed(exp=NOW - 500), world).reason is Reason.TOKEN_EXPIRED
    assert rejection("bearer", plain, world).reason is Reason.TOKEN_TYPE
    assert identity("bearer", signed(), world).subject == "1"
    never = policy(roles=ROLES, credentials={"require_at_jwt": "never"})
    assert identity("bearer", plain, world, never).subject == "1"


@pytest.mark.parametrize(
    ("mapped", "right"),
    [
        (None, {"shop-admins", "admin", "editor"}),
        ({"shop-admins": "admin"}, {"admin", "editor"}),
        ({}, set()),
    ],
)
def test_roles_of_a_token_count_through_the_issuers_map_alone(mapped: Any, right: set[str]) -> None:
    one = policy(roles=ROLES, issuers=[issuer(roles="realm.roles", map=mapped)])
    who = identity("bearer", signed(realm={"roles": ["shop-admins", "admin"]}), people(), one)
    assert who.roles == right


def test_where_accounts_are_local_the_account_is_who_is_meant() -> None:
    one = policy(roles=ROLES, issuers=[issuer(accounts="local")])
    who = identity("bearer", signed(), people(), one)
    assert (who.name, who.roles, who.account, dict(who.attributes)) == (
        "alice",
        {"admin", "editor"},
        True,
        {"customer_no": "42"},
    )
    both = policy(roles=ROLES, issuers=[issuer(accounts="local", roles="r")])
    assert identity("bearer", signed(r=["x"]), people(), both).roles == {"x"}
    for subject, disabled in (("404", False), ("4", True)):
        found = rejection("bearer", signed(sub=subject), people(), one)
        assert (found.reason, found.disabled, found.subject) == (Reason.TOKEN_SUBJECT, disabled, subject)
    # A subject is no login name.
    assert rejection("bearer", signed(sub="alice"), people(), one).reason is Reason.TOKEN_SUBJECT


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("opaque", Reason.TOKEN_CONTENT),
        (signed(iss="https://evil.example"), Reason.TOKEN_ISSUER),
        (signed(iss=None), Reason.TOKEN_ISSUER),
        (signed(iss=["https://issuer.example"]), Reason.TOKEN_ISSUER),
        (signed(aud="https://other.example"), Reason.TOKEN_AUDIENCE),
        (signed(exp=NOW - 600), Reason.TOKEN_EXPIRED),
        (signed()[:-4] + "AAAA", Reason.TOKEN_SIGNATURE),
        (token("HS384", claims()), Reason.TOKEN_SIGNATURE),
        (token("HS256", b"[1]"), Reason.TOKEN_ISSUER),
    ],
)
def test_a_bad_token_is_rejected_with_its_reason(secret: str, reason: Reason) -> None:
    found = rejection("bearer", secret, people())
    assert found.reason is reason
    assert found.expired is (reason is Reason.TOKEN_EXPIRED)


def test_a_revoked_token_is_rejected_and_one_without_a_name_is_not_asked_about() -> None:
    world = people()
    world.revoked = {"j"}
    assert rejection("bearer", signed(), world).reason is Reason.TOKEN_REVOKED
    nameless = token("HS256", claims(jti=None, client_id=None))
    world.profiled.clear()
    assert identity("bearer", nameless, world).subject == "1"


def test_an_issuer_that_bearer_does_not_name_does_not_count() -> None:
    world = people()
    none = policy(issuers=[issuer()], credentials={"issuers": ()})
    assert rejection("bearer", signed(), world, none).reason is Reason.TOKEN_ISSUER


@pytest.mark.parametrize(
    ("detail", "reason", "says"),
    [
        ("none", Reason.TOKEN_EXPIRED, "The access token is not valid."),
        ("expired", Reason.TOKEN_EXPIRED, "The access token expired."),
        ("expired", Reason.TOKEN_SIGNATURE, "The access token is not valid."),
        ("full", Reason.TOKEN_SIGNATURE, "The access token is not valid: token-signature."),
    ],
)
def test_how_much_is_said_about_a_bad_token_is_a_setting(detail: str, reason: Reason, says: str) -> None:
    rules = policy(answers={"token_error_detail": detail})
    assert bearer.challenge(rules, "r", Hint(reason)).params == (
        ("realm", "r"),
        ("error", "invalid_token"),
        ("error_description", says),
    )


def test_the_texts_of_challenges_keep_to_rfc_6750() -> None:
    for reason in (None, Reason.SCOPE_MISSING, Reason.LOGIN_TOO_OLD, Reason.CREDENTIALS_UNPARSABLE, Reason.KEY_UNKNOWN):
        line = bearer.challenge(PLAIN, "r", Hint(reason, ("a", "b"), 5)).line
        assert line.count("error=") == (reason is not None)
        assert "\\" not in line
    assert (
        bearer.challenge(PLAIN, "r", Hint(Reason.SCOPE_MISSING)).line == 'Bearer realm="r", error="insufficient_scope"'
    )


def test_a_live_session_is_its_account_since_its_login() -> None:
    world = people()
    world.sessions["s-alice"] = Session("pub", "1", NOW - 50, NOW, NOW - 40)
    who = identity("session", "s-alice", world)
    assert (who.subject, who.session, who.auth_time, who.scheme, who.scopes) == ("1", "pub", NOW - 40, "session", None)


@pytest.mark.parametrize(
    ("secret", "reason", "disabled"),
    [
        ("nothing", Reason.SESSION_EXPIRED, False),
        ("idle", Reason.SESSION_EXPIRED, False),
        ("ended", Reason.SESSION_REVOKED, False),
        ("s-dora", Reason.SESSION_REVOKED, True),
        ("gone", Reason.SESSION_REVOKED, False),
    ],
)
def test_a_dead_session_can_be_renewed_by_a_login(secret: str, reason: Reason, disabled: bool) -> None:
    world = people()
    world.sessions |= {
        "idle": Session("i", "1", NOW, NOW, NOW, "expired"),
        "ended": Session("e", "1", NOW, NOW, NOW, "logout"),
        "gone": Session("g", "404", NOW, NOW, NOW),
    }
    found = rejection("session", secret, world)
    assert (found.reason, found.expired, found.disabled) == (reason, True, disabled)


def test_a_session_challenge_tells_max_age_when_that_is_what_is_missing() -> None:
    assert session.challenge(PLAIN, "r", Hint(Reason.LOGIN_TOO_OLD, max_age=9)).params[-1] == ("max_age", "9")
    assert session.challenge(PLAIN, "r", Hint(Reason.SESSION_EXPIRED)).line == 'Session realm="r"'


def test_an_api_key_is_its_account_with_the_scopes_of_the_key() -> None:
    world = people()
    world.keys["k"] = ApiKey("k1", "1", frozenset({"a"}), NOW + 1)
    who = identity("apikey", "k", world)
    assert (who.subject, who.scopes, who.expires, who.scheme, who.auth_time) == ("1", {"a"}, NOW + 1, "apikey", None)


@pytest.mark.parametrize(
    ("secret", "reason", "disabled"),
    [
        ("nothing", Reason.API_KEY_INVALID, False),
        ("revoked", Reason.API_KEY_INVALID, False),
        ("expired", Reason.API_KEY_INVALID, False),
        ("k-dora", Reason.ACCOUNT_DISABLED, True),
        ("gone", Reason.ACCOUNT_DISABLED, False),
    ],
)
def test_a_bad_key_is_rejected_and_the_key_is_never_told(secret: str, reason: Reason, disabled: bool) -> None:
    world = people()
    world.keys |= {
        "revoked": ApiKey("r", "1", frozenset(), revoked=True),
        "expired": ApiKey("e", "1", frozenset(), NOW),
        "gone": ApiKey("g", "404", frozenset()),
    }
    found = rejection("apikey", secret, world)
    assert (found.reason, found.disabled) == (reason, disabled)
    assert secret not in found.detail or secret in ("revoked", "expired")


def test_unregistered_schemes_are_never_bare() -> None:
    assert apikey.challenge(PLAIN, "r", Hint()).line == 'ApiKey realm="r"'
    assert basic.challenge(PLAIN, 'a"b', Hint()).line == 'Basic realm="a\\"b", charset="UTF-8"'
