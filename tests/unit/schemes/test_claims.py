"""Claims: whose, for whom, until when, of which kind. Rows J9 to J12."""

from __future__ import annotations

import json
from typing import Any

import pytest

from doorward.core.reason import Reason
from doorward.schemes.claims import AtJwt, BadClaims, Claims, Expected, check, claim_at
from doorward.schemes.jws import Header, Verified, verify
from doorward.schemes.jws_encoding import decode_object
from doorward.schemes.keys import SUPPORTED, load_keys
from jose_material import oct_jwk, token

NOW = 1_800_000_000
ISSUER, US = "https://issuer.example", "https://api.example"
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": US, "sub": "1", "exp": NOW + 300, "scope": "profile:read articles:write"}
PROFILE = {"client_id": "c", "jti": "j", "iat": NOW}
EXPECTED = Expected(ISSUER, (US,))


def judge(
    claims: dict[str, Any] | bytes, typ: str | None = None, expected: Expected = EXPECTED, **more: Any
) -> Claims | BadClaims:
    raw = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return check(Verified(Header("HS256", None, typ), raw, decode_object(raw)), expected, now=NOW, **more)


def why(claims: dict[str, Any] | bytes, typ: str | None = None, expected: Expected = EXPECTED, **more: Any) -> Any:
    got = judge(claims, typ, expected, **more)
    return got.reason if isinstance(got, BadClaims) else None


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


def test_good_claims_are_kept_whole() -> None:
    more = PROFILE | {"acr": "mfa", "amr": ["pwd", "otp"], "auth_time": NOW - 5, "roles": ["admin"]}
    got = judge(GOOD | more, "at+jwt")
    assert got == Claims(
        issuer=ISSUER,
        subject="1",
        audience=(US,),
        expires=NOW + 300,
        issued_at=NOW,
        token_id="j",
        client_id="c",
        scopes=frozenset({"profile:read", "articles:write"}),
        auth_time=NOW - 5,
        acr="mfa",
        amr=("pwd", "otp"),
        raw=GOOD | more,
    )


def test_a_repr_shows_whose_claims_they_are_and_no_other_claim() -> None:
    assert (
        repr(judge(GOOD | {"email": "zoe@example.org"}))
        == f"Claims(issuer={ISSUER!r}, subject='1', expires={NOW + 300})"
    )


def test_a_token_goes_from_text_to_claims() -> None:
    got = verify(token("HS256", GOOD), load_keys(oct_jwk()).find, SUPPORTED)
    assert isinstance(got, Verified)
    assert isinstance(check(got, EXPECTED, now=NOW), Claims)


@pytest.mark.parametrize("payload", [b"foo", b"[1,2]", b"\xff\xfe", b"", b'{"sub":"1","sub":"2"}'])
def test_a_payload_that_is_no_sound_object_is_refused(payload: bytes) -> None:
    assert why(payload) is Reason.TOKEN_CONTENT


@pytest.mark.parametrize(
    "exp", ["tomorrow", str(NOW + 300), True, None, [], {}, 10**19, 1e19, 2**63, -1, 253402300800, 1e308]
)
def test_an_expiry_that_is_no_time_is_refused(exp: Any) -> None:
    assert why(GOOD | {"exp": exp}) is Reason.TOKEN_CONTENT


def test_an_infinite_expiry_is_refused() -> None:
    raw = json.dumps(GOOD).encode().replace(str(NOW + 300).encode(), b"1e999")
    assert why(raw) is Reason.TOKEN_CONTENT


def test_a_missing_expiry_is_refused() -> None:
    assert why(without("exp")) is Reason.TOKEN_CONTENT


@pytest.mark.parametrize(
    ("exp", "reason"),
    [(NOW - 29, None), (NOW - 30, Reason.TOKEN_EXPIRED), (NOW - 29.5, None), (0, Reason.TOKEN_EXPIRED)],
)
def test_a_token_expires_on_the_second_after_the_leeway(exp: float, reason: Reason | None) -> None:
    assert why(GOOD | {"exp": exp}) is reason


def test_without_leeway_the_expiry_second_itself_is_too_late() -> None:
    strict = Expected(ISSUER, (US,), leeway=0)
    assert why(GOOD | {"exp": NOW}, expected=strict) is Reason.TOKEN_EXPIRED
    assert why(GOOD | {"exp": NOW + 1}, expected=strict) is None


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_what_begins_in_the_future_is_refused_and_a_crooked_time_too(name: str) -> None:
    assert why(GOOD | {name: NOW + 30}) is None
    for value in (NOW + 31, "now", True, None, 1e19):
        assert why(GOOD | {name: value}) is Reason.TOKEN_CONTENT


@pytest.mark.parametrize("iss", ["https://evil.example", ISSUER + "/", ISSUER.upper(), [ISSUER], None, ""])
def test_another_issuer_is_refused(iss: Any) -> None:
    assert why(GOOD | {"iss": iss}) is Reason.TOKEN_ISSUER
    assert why(without("iss")) is Reason.TOKEN_ISSUER


@pytest.mark.parametrize(
    "aud", ["https://other.example", [], ["https://other.example"], [US, 1], {US: 1}, None, US + "/", ""]
)
def test_a_token_for_somebody_else_is_refused(aud: Any) -> None:
    assert why(GOOD | {"aud": aud}) is Reason.TOKEN_AUDIENCE
    assert why(without("aud")) is Reason.TOKEN_AUDIENCE


def test_an_audience_array_that_names_us_is_accepted() -> None:
    assert why(GOOD | {"aud": ["https://other.example", US]}) is None
    assert why(GOOD, expected=Expected(ISSUER, ("https://alias.example", US))) is None


@pytest.mark.parametrize(
    "sub", [{}, {"a": 1}, 1, True, None, "", [], "a\r\nX-Doorward-Roles: admin", "a\x00", "a\x7f", "a\u2028b"]
)
def test_a_subject_that_is_no_plain_text_is_refused(sub: Any) -> None:
    assert why(GOOD | {"sub": sub}) is Reason.TOKEN_CONTENT
    assert why(without("sub")) is Reason.TOKEN_CONTENT


def test_a_subject_beyond_ascii_is_a_subject() -> None:
    got = judge(GOOD | {"sub": "зоя"})
    assert isinstance(got, Claims)
    assert got.subject == "зоя"


@pytest.mark.parametrize(
    "typ",
    [
        "refresh+jwt",
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "id+jwt",
        "doorward-assertion+jwt",
        "",
        "at+jwt ",
        "application/json",
        "JOSE",
    ],
)
@pytest.mark.parametrize("rule", list(AtJwt))
def test_another_type_of_token_is_refused_under_every_rule(typ: str, rule: AtJwt) -> None:
    assert why(GOOD | PROFILE, typ, Expected(ISSUER, (US,), require_at_jwt=rule)) is Reason.TOKEN_TYPE


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
@pytest.mark.parametrize("rule", list(AtJwt))
def test_at_jwt_is_accepted_under_every_rule(typ: str, rule: AtJwt) -> None:
    assert why(GOOD | PROFILE, typ, Expected(ISSUER, (US,), require_at_jwt=rule)) is None


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "application/jwt"])
def test_a_plain_type_is_accepted_unless_at_jwt_is_demanded(typ: str | None) -> None:
    assert why(GOOD, typ) is None
    assert why(GOOD, typ, Expected(ISSUER, (US,), require_at_jwt=AtJwt.NEVER), sends_at_jwt=True) is None
    assert why(GOOD | PROFILE, typ, Expected(ISSUER, (US,), require_at_jwt=AtJwt.ALWAYS)) is Reason.TOKEN_TYPE
    assert why(GOOD | PROFILE, typ, sends_at_jwt=True) is Reason.TOKEN_TYPE


@pytest.mark.parametrize("name", ["client_id", "jti", "iat"])
def test_the_claims_of_the_profile_are_demanded_only_under_always(name: str) -> None:
    lacking = {key: value for key, value in (GOOD | PROFILE).items() if key != name}
    always = Expected(ISSUER, (US,), require_at_jwt=AtJwt.ALWAYS)
    assert why(lacking, "at+jwt", always) is Reason.TOKEN_CONTENT
    assert why(lacking, "at+jwt") is None
    assert why(GOOD | PROFILE, "at+jwt", always) is None
    if name != "iat":
        assert why(GOOD | PROFILE | {name: ""}, "at+jwt", always) is Reason.TOKEN_CONTENT


@pytest.mark.parametrize(
    "more",
    [
        {"typ": "Refresh"},
        {"typ": "ID"},
        {"typ": "Offline"},
        {"typ": "refresh+jwt"},
        {"typ": 7},
        {"typ": None},
        {"token_use": "id"},
        {"token_use": "refresh"},
        {"token_use": ""},
        {"token_type": "refresh"},
        {"type": "refresh"},
        {"type": "Refresh_Token"},
        {"at_hash": "x"},
        {"c_hash": "x"},
        {"s_hash": "x"},
        {"nonce": "x"},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        {"htm": "GET", "htu": "https://api.example/"},
        {"cnf": {"jkt": "x"}},
        {"cnf": {"x5t#S256": "x"}},
        {"cnf": None},
    ],
)
@pytest.mark.parametrize("typ", [None, "JWT"])
def test_a_token_of_another_kind_by_the_same_issuer_is_refused(more: dict[str, Any], typ: str | None) -> None:
    assert why(GOOD | more, typ) is Reason.TOKEN_TYPE


def test_a_token_bound_to_a_key_is_no_bearer_token_even_as_at_jwt() -> None:
    assert why(GOOD | {"cnf": {"jkt": "x"}}, "at+jwt") is Reason.TOKEN_TYPE


@pytest.mark.parametrize(
    "more",
    [
        {"typ": "Bearer"},
        {"typ": "Bearer", "nonce": "x"},
        {"token_use": "access"},
        {"token_type": "access"},
        {"type": "user"},
    ],
)
def test_what_issuers_write_into_their_access_tokens_is_accepted(more: dict[str, Any]) -> None:
    assert why(GOOD | more) is None


def test_a_nonce_in_a_profiled_access_token_is_harmless() -> None:
    assert why(GOOD | {"nonce": "x"}, "at+jwt") is None


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("a b", {"a", "b"}),
        ("a  b", {"a", "b"}),
        ("", set()),
        ([], set()),
        (["a", "b"], {"a", "b"}),
        ("urn:x:y!#[]~", {"urn:x:y!#[]~"}),
    ],
)
def test_scopes_come_as_a_text_or_a_list(scope: Any, scopes: set[str]) -> None:
    got = judge(GOOD | {"scope": scope})
    assert isinstance(got, Claims)
    assert got.scopes == scopes


@pytest.mark.parametrize("scope", [1, None, {}, True, ["a", 1], ["a b"], 'a"b', "a\\b", "a\tb", "ä", "a\r\nb"])
def test_scopes_that_are_no_scope_tokens_are_refused(scope: Any) -> None:
    assert why(GOOD | {"scope": scope}) is Reason.TOKEN_CONTENT


def test_a_token_without_scope_is_not_delegated_and_the_name_of_the_claim_is_a_setting() -> None:
    got = judge(without("scope"))
    assert isinstance(got, Claims)
    assert got.scopes is None
    other = judge(without("scope") | {"scp": ["a"]}, expected=Expected(ISSUER, (US,), scope_claim="scp"))
    assert isinstance(other, Claims)
    assert other.scopes == {"a"}
    deep = judge(GOOD | {"grant": {"scopes": "b"}}, expected=Expected(ISSUER, (US,), scope_claim="grant.scopes"))
    assert isinstance(deep, Claims)
    assert deep.scopes == {"b"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("jti", 1), ("client_id", []), ("acr", 1), ("auth_time", "x"), ("auth_time", 1e19), ("jti", None)],
)
def test_a_known_claim_of_the_wrong_type_is_refused(name: str, value: Any) -> None:
    assert why(GOOD | {name: value}) is Reason.TOKEN_CONTENT


def test_expired_is_said_only_when_a_fresh_token_of_the_kind_would_pass() -> None:
    stale = GOOD | {"exp": NOW - 600}
    assert why(stale) is Reason.TOKEN_EXPIRED
    assert why(stale | {"aud": "x"}) is Reason.TOKEN_AUDIENCE
    assert why(stale | {"iss": "x"}) is Reason.TOKEN_ISSUER
    assert why(stale, "refresh+jwt") is Reason.TOKEN_TYPE
    assert why(stale | {"sub": 1}) is Reason.TOKEN_CONTENT
    assert why(stale | {"scope": 1}) is Reason.TOKEN_CONTENT


def test_a_refusal_names_the_claim_never_its_value() -> None:
    got = judge(GOOD | {"sub": "secret\x00"})
    assert got == BadClaims(Reason.TOKEN_CONTENT, "sub")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("realm_access.roles", ("admin", "editor")),
        ("role", ("admin",)),
        ("https://shop.example/roles", ("a",)),
        ("realm_access", ()),
        ("realm_access.nothing", ()),
        ("realm_access.roles.deeper", ()),
        ("mixed", ()),
        ("number", ()),
        ("none", ()),
        ("", ()),
        ("..", ()),
    ],
)
def test_roles_are_read_at_a_dotted_path(path: str, found: tuple[str, ...]) -> None:
    claims = {
        "realm_access": {"roles": ["admin", "editor"]},
        "role": "admin",
        "https://shop.example/roles": ["a"],
        "mixed": ["a", 1],
        "number": 1,
    }
    assert claim_at(claims, path) == found


@pytest.mark.parametrize(
    "make",
    [
        lambda: Expected("", (US,)),
        lambda: Expected(ISSUER, ()),
        lambda: Expected(ISSUER, ("",)),
        lambda: Expected(ISSUER, (US,), leeway=-1),
        lambda: Expected(ISSUER, (US,), leeway=301),
        lambda: Expected(ISSUER, (US,), leeway=float("nan")),
    ],
)
def test_an_expectation_that_would_accept_too_much_cannot_be_made(make: Any) -> None:
    with pytest.raises(ValueError):
        make()
