"""Which client fields reach the application, under which policy, and what the door says of itself."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.core.principal import ANONYMOUS
from doorward.core.request import Vantage
from doorward.core.settings import LedgerSettings, UpstreamHeaders
from doorward.gateway.fields import FieldPlan, canonical
from doorward.gateway.hiding import Shadow
from doorward.gateway.identity import Identity, field_text
from kit import NOW, policy, principal, rule, view

TRUSTED = (ipaddress.ip_network("127.0.0.0/8"),)


def passed(
    plan: FieldPlan, *fields: tuple[str, str], trusted: bool = False, bare: bool = False
) -> list[tuple[str, str]]:
    found = plan.rewrite(view("GET", "/", fields), trusted=trusted, bare=bare)
    return [pair for pair in found if pair[0] != "host"]


# -- towards the application


@given(st.sampled_from(["X-Doorward-User", "X-Doorward-Roles", "Remote-User"]), st.data())
def test_no_spelling_of_an_identity_field_passes(name: str, data: st.DataObject) -> None:
    marks = data.draw(st.lists(st.sampled_from("-_.!#~"), min_size=len(name), max_size=len(name)))
    spelled = "".join(mark if char == "-" else char for char, mark in zip(name, marks, strict=True))
    upper = data.draw(st.booleans())
    plan = FieldPlan(policy())
    assert passed(plan, ((spelled.upper() if upper else spelled).lower(), "root"), trusted=True) == []


def test_identity_fields_of_the_policy_are_stripped_too() -> None:
    plan = FieldPlan(policy(upstream_headers=UpstreamHeaders(user="My-User", roles="My-Roles")))
    assert passed(plan, ("my-user", "root"), ("my_roles", "admin"), ("mine", "1")) == [("mine", "1")]


@pytest.mark.parametrize(
    ("schemes", "kept"),
    [
        ("bearer session apikey basic", ["Digest x", "Custom y"]),
        ("session", ["Bearer t", "BASIC eDp5", "Digest x", "Custom y"]),
        ("basic", ["Bearer t", "Digest x", "Custom y"]),
    ],
)
def test_only_unconfigured_schemes_pass(schemes: str, kept: list[str]) -> None:
    plan = FieldPlan(policy(schemes=schemes))
    values = ["Bearer t", "BASIC eDp5", "Digest x", "Custom y"]
    found = [value for value in values if passed(plan, ("authorization", value))]
    assert found == kept


def test_no_authorization_passes_where_it_is_consumed() -> None:
    assert passed(FieldPlan(policy(consume_authorization=True)), ("authorization", "Custom y")) == []


def test_the_key_header_passes_only_where_keys_are_no_credential() -> None:
    assert passed(FieldPlan(policy(schemes="apikey")), ("x-api-key", "k"), ("x_api_key", "k")) == []
    assert passed(FieldPlan(policy(schemes="session")), ("x-api-key", "k")) == [("x-api-key", "k")]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("a=1; __Host-doorward=s; b=2", "a=1; b=2"),
        ("__Host-doorward=s", None),
        ("__host-Doorward=s; x=1", "x=1"),
        ("__Host-doorward-login=v; __Host-doorward-csrf=w;x=1", "x=1"),
        ("a=1;b=2", "a=1;b=2"),
        ("a=__Host-doorward; b=2", "a=__Host-doorward; b=2"),
        ("", None),
    ],
)
def test_the_door_s_cookies_stay_and_the_others_pass_untouched(value: str, left: str | None) -> None:
    assert passed(FieldPlan(policy()), ("cookie", value)) == ([] if left is None else [("cookie", left)])


def test_a_bare_request_carries_no_credential_at_all() -> None:
    fields = (("authorization", "Custom y"), ("cookie", "a=1"), ("x-api-key", "k"), ("accept", "*/*"))
    assert passed(FieldPlan(policy()), *fields, bare=True) == [("accept", "*/*")]


def test_forwarding_fields_pass_from_trusted_peers_by_their_true_names_alone() -> None:
    fields = (
        ("x-forwarded-for", "1"),
        ("x_forwarded_for", "2"),
        ("forwarded", "for=3"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "4"),
        ("x-original-url", "/5"),
    )
    plan = FieldPlan(policy())
    assert passed(plan, *fields) == []
    assert [value for _, value in passed(plan, *fields, trusted=True)] == ["1", "https", "4", "/5"]
    other = FieldPlan(policy(vantage=Vantage(header="forwarded", trusted=TRUSTED)))
    assert [value for _, value in passed(other, *fields, trusted=True)] == ["for=3", "https", "4", "/5"]


def test_a_request_id_of_others_gives_way_where_every_request_has_ours() -> None:
    plan = FieldPlan(policy(ledger=LedgerSettings(allows="all")))
    assert passed(plan, ("x-request-id", "4"), trusted=True) == []


def test_the_peer_is_told_and_appended_to_what_a_trusted_proxy_said() -> None:
    plan = FieldPlan(policy())
    assert plan.told(view(), trusted=False) == (
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "localhost:8080"),
    )
    said = {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https", "x-forwarded-host": "a"}
    assert plan.told(view("GET", "/", said), trusted=True) == (("X-Forwarded-For", "127.0.0.1"),)


def test_where_forwarded_counts_the_whole_chain_is_told_in_both_forms() -> None:
    vantage = Vantage(header="forwarded", trusted=(ipaddress.ip_network("::1/128"),))
    plan = FieldPlan(policy(vantage=vantage))
    seen = view("GET", "/", {"forwarded": "for=192.0.2.9;proto=https"}, vantage=vantage, peer="::1")
    assert plan.told(seen, trusted=True)[:2] == (("Forwarded", 'for="[::1]"'), ("X-Forwarded-For", "192.0.2.9, ::1"))


def test_a_name_is_folded_as_the_most_careless_reader_does() -> None:
    assert {canonical(name) for name in ("X-A-B", "x_a.b", "X!A~B")} == {"x-a-b"}


# -- identity


def sign(who: object, at: float) -> str:
    return f"{who}@{at}"


def test_every_identity_field_is_told_those_without_value_too() -> None:
    told = Identity(UpstreamHeaders(), lambda _who, _at: "a.b.c").told(principal("alice"), NOW)
    assert told.pairs == (
        ("X-Doorward-User", "alice"),
        ("X-Doorward-Roles", ""),
        ("X-Doorward-Scopes", ""),
        ("X-Doorward-Assertion", "a.b.c"),
    )


def test_anonymous_is_told_nothing_and_nobody_is_told_everything_empty() -> None:
    identity = Identity(UpstreamHeaders(), lambda _who, _at: "a.b.c")
    assert identity.told(ANONYMOUS, NOW).pairs == ()
    assert identity.told(ANONYMOUS, NOW * 10).fits(ANONYMOUS, NOW * 20)
    assert [value for _, value in identity.nobody] == ["", "", "", ""]


def test_fields_are_kept_for_half_a_minute_per_principal_and_no_longer() -> None:
    signed: list[float] = []
    identity = Identity(UpstreamHeaders(), lambda _who, at: signed.append(at) or "a.b.c")
    alice, twin = principal("alice"), principal("alice")
    first = identity.told(alice, NOW)
    assert identity.told(alice, NOW + 29.9) is first
    assert identity.told(alice, NOW + 30) is not first
    assert identity.told(twin, NOW + 30) is not identity.told(alice, NOW + 30)
    assert signed == [NOW, NOW + 30, NOW + 30]


def test_what_is_kept_is_bounded() -> None:
    identity = Identity(UpstreamHeaders(), lambda _who, _at: "a.b.c")
    people = [principal(str(number)) for number in range(10_050)]
    for who in people:
        identity.told(who, NOW)
    assert len(identity._kept) <= 10_000


@given(st.text(max_size=30))
def test_no_subject_can_end_its_line_or_pass_for_two(text: str) -> None:
    value = field_text(text)
    assert value.isascii()
    assert all(0x21 <= ord(char) <= 0x7E and char != "," for char in value)


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_subjects_are_told_apart(one: str, other: str) -> None:
    pure = one.encode("utf-8", "replace") != other.encode("utf-8", "replace")
    assert not pure or field_text(one) != field_text(other)


# -- hiding


def test_the_shadow_of_a_hidden_path_falls_on_all_below_its_parent() -> None:
    shadow = Shadow(policy(rule("/shelf/secret", hide=True, roles="admin"), rule("/a/{x}/b/**", hide=True, roles="r")))
    for path in ("shelf", "shelf/other", "shelf/deep/er", "a/1", "a/1/c", "a/2/b/c/d"):
        assert shadow.cast(tuple(path.split("/"))) is not None
    for path in ("", "other", "a", "shelves/x"):
        assert shadow.cast(tuple(path.split("/")) if path else ()) is None


def test_a_hidden_path_at_the_top_casts_its_shadow_on_everything() -> None:
    assert Shadow(policy(rule("/secret", hide=True, roles="admin"))).cast(("any", "thing")) is not None


def test_no_shadow_falls_where_nothing_is_hidden_or_the_application_may_speak() -> None:
    assert not Shadow(policy(rule("/shelf", roles="admin")))
    hidden = rule("/shelf/secret", hide=True, roles="admin")
    assert not Shadow(policy(hidden, answers={"hide_render": "upstream"}))
    assert not Shadow(policy(rule("/docs/{doc}", hide="unless-readable", roles="admin")))
