"""Values refuse to be wrong: verdicts, limits, errors, codes, headers, principals."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from doorward.core.ask import (
    Account,
    ApiKey,
    CheckCsrf,
    FindApiKey,
    FindSession,
    Later,
    Recall,
    VerifyPassword,
    arun,
    ask,
    run,
)
from doorward.core.challenge import AuthChallenge
from doorward.core.cure import NOTHING_HELPS
from doorward.core.errors import ConfigError, Denied, DependencyError, DoorwardError, PolicyError
from doorward.core.policy import Limit
from doorward.core.principal import ANONYMOUS
from doorward.core.reason import CODES, Code, Reason, code
from doorward.core.request import Headers
from doorward.core.settings import Issuer, UpstreamHeaders
from doorward.core.verdict import Allow, Challenge, Deny, Malformed, Throttle, Unavailable, status
from kit import basic_auth, credential, judge, policy, principal, rule, view, words

CODE_WORDS = """
access-denied authentication-required authorization-unavailable csrf-failed insufficient-scope internal-error
invalid-credentials invalid-token malformed-credentials malformed-request method-not-allowed not-found quota-exceeded
request-blocked request-too-large session-expired step-up-required tls-required too-early unsupported-content
upstream-unavailable
"""
REASON_WORDS = """
account-disabled account-unknown allowed api-key-invalid basic-malformed body-too-large concealed content-unsupported
credentials-ambiguous credentials-missing credentials-unparsable csrf-mismatch csrf-missing dependency-down early-data
forwarding-bad framing-bad grant-missing hashing-busy head-too-large host-bad host-foreign internal-error key-unknown
ledger-required locked-out login-too-old method-refused method-unclaimed missing-original-target network-blocked
nobody-may not-owner origin-foreign outside-hours password-wrong path-ambiguous path-unnamed rate-exceeded role-missing
scheme-unsupported scope-missing sensitive-file session-expired session-revoked store-unwritable target-too-large
tls-required token-audience token-content token-expired token-issuer token-revoked token-signature token-subject
token-type untrusted-peer upstream-down
"""
BEARER = (AuthChallenge("Bearer", (("realm", "x"),)),)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Challenge(Reason.CREDENTIALS_MISSING, "r", (), NOTHING_HELPS),
        lambda: Deny(Reason.ROLE_MISSING, "r", NOTHING_HELPS, BEARER),
        lambda: Deny(Reason.ROLE_MISSING, "r", NOTHING_HELPS, status=401),
        lambda: Deny(Reason.METHOD_REFUSED, "r", NOTHING_HELPS, status=405),
        lambda: Deny(Reason.METHOD_REFUSED, "r", NOTHING_HELPS, allow=("GET",)),
        lambda: Throttle("r", 0),
        lambda: Throttle("r", 1, status=401),
        lambda: Malformed(Reason.HOST_BAD, status=401),
        lambda: Unavailable("x", 0),
        lambda: Unavailable("x", 1, status=500),
        lambda: Limit(0, 1, 1, ("ip",)),
        lambda: Limit(1, 1, 0, ("ip",)),
    ],
)
def test_a_verdict_against_the_rules_cannot_be_made(make: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


def test_the_missing_scope_is_the_one_403_that_carries_a_challenge() -> None:
    carrying = [reason for reason in Reason if makes(reason)]
    assert carrying == [Reason.SCOPE_MISSING]


def makes(reason: Reason) -> bool:
    try:
        Deny(reason, "r", NOTHING_HELPS, BEARER)
    except ValueError:
        return False
    return True


def test_allow_has_no_status_and_every_reason_but_allowed_has_a_code() -> None:
    assert status(Allow(ANONYMOUS, "r")) is None
    assert set(CODES) == set(Reason) - {Reason.ALLOWED}
    assert code(Reason.TOKEN_EXPIRED) is Code.INVALID_TOKEN
    with pytest.raises(KeyError):
        code(Reason.ALLOWED)


@pytest.mark.article("A3-18")
def test_codes_and_reasons_are_public_interface_and_frozen() -> None:
    assert sorted(Code) == sorted(words(CODE_WORDS))
    assert sorted(Reason) == sorted(words(REASON_WORDS))


def test_errors_say_whose_fault_they_are_and_where() -> None:
    fault = PolicyError("E102", 'unknown key "defualt".', file="doorward.toml", line=3, hint='Did you mean "default"?')
    assert str(fault) == 'doorward.toml:3: E102 unknown key "defualt". Did you mean "default"?'
    assert isinstance(fault, ConfigError)
    down = DependencyError("jwks", 0)
    assert (down.name, down.retry_after, down.code) == ("jwks", 1, "dependency-down")
    denied = Denied(Throttle("r", 1))
    assert isinstance(denied, DoorwardError)
    assert denied.verdict.reason is Reason.RATE_EXCEEDED


@pytest.mark.parametrize(
    "value",
    [
        credential("bearer", "hush"),
        Recall(credential("basic", "hush"), view().via, 0),
        FindSession("hush", 0),
        FindApiKey("hush", 0),
        VerifyPassword(None, "hush"),
        CheckCsrf("id", "hush"),
        Account("1", "alice", password="hush"),
        Headers([("authorization", "Bearer hush"), ("cookie", "hush")]),
        view("GET", "/", basic_auth("alice", "hush"), {"x-api-key": "hush"}),
        Issuer("i", "https://i", ("HS256",), keys=({"k": "hush"},)),
    ],
)
def test_no_secret_shows_in_a_repr(value: object) -> None:
    assert "hush" not in repr(value)
    assert "aHVzaA" not in repr(value)


def test_values_do_not_change() -> None:
    for value, name in ((principal(), "roles"), (ApiKey("k", "s", frozenset()), "scopes"), (rule("/x"), "access")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, "other")


def test_headers_keep_order_and_duplicates() -> None:
    headers = Headers([("a", "1"), ("b", "2"), ("a", "3")])
    assert (headers.get("a"), headers.get("c", "-"), headers.all("a"), headers.all("c")) == ("1", "-", ("1", "3"), ())
    assert (headers.doubled("a"), headers.doubled("b"), headers.doubled("c"), "b" in headers) == (
        True,
        False,
        False,
        True,
    )
    one = Headers([("a", "1")])
    assert (one.get("a"), one.doubled("a")) == ("1", False)


def test_a_person_is_called_by_name_or_subject_and_names_of_two_issuers_stay_apart() -> None:
    assert (principal("7", name="alice").label, principal("7").label) == ("alice", "7")
    one, two = principal("7", issuer="https://a", roles="x"), principal("7", issuer="https://b", roles="x")
    assert one.subjects == ("https://a 7", "role:x")
    assert set(one.subjects) & set(two.subjects) == {"role:x"}
    assert principal("7", account=True).subjects == ("7",)
    assert "role:admin" not in principal("role:admin").subjects


def test_the_fields_that_tell_identity_are_four() -> None:
    assert UpstreamHeaders().names == (
        "X-Doorward-User",
        "X-Doorward-Roles",
        "X-Doorward-Scopes",
        "X-Doorward-Assertion",
    )


def test_a_policy_finds_its_rules_by_name_and_expands_roles() -> None:
    made = policy(rule("/x", name="x"), roles={"admin": frozenset({"admin", "editor"})})
    assert made.rule("x") is made.rules[0]
    assert made.rule("y") is None
    assert made.expand(frozenset({"admin", "other"})) == {"admin", "editor", "other"}


def test_the_memo_of_paths_is_bounded_in_number_and_length() -> None:
    made = policy(rule("/x/**", access="public"))
    for number in range(5000):
        judge(made, view("GET", f"/x/{number}"))
    judge(made, view("GET", "/x/" + "y" * 3000))
    assert 0 < len(made._memo) <= 4096
    assert max(len("".join(key)) for key in made._memo) <= 256


class Steps:
    """Two questions, the second only after the first."""

    @staticmethod
    def both() -> Any:
        first = yield from ask(FindSession("a", 0))
        try:
            second = yield from ask(FindApiKey("b", 0))
        except DependencyError as down:
            second = down.name
        return first, second


def test_the_synchronous_driver_refuses_to_wait() -> None:
    async def never() -> None: ...

    waiting = never()
    with pytest.raises(ConfigError, match="asynchronous"):
        run(Steps.both(), {FindSession: lambda _: Later(waiting)})
    waiting.close()


@pytest.mark.parametrize("late", [(), (FindSession,), (FindApiKey,), (FindSession, FindApiKey)])
@pytest.mark.parametrize("down", [False, True])
def test_the_asynchronous_driver_gives_what_the_synchronous_gives(late: tuple[type, ...], down: bool) -> None:
    import asyncio

    def now(question: Any) -> str:
        if down and isinstance(question, FindApiKey):
            raise DependencyError("sqlite")
        return type(question).__name__

    async def later(question: Any) -> str:
        await asyncio.sleep(0)
        return now(question)

    answers: Any = {kind: (lambda q: Later(later(q))) if kind in late else now for kind in (FindSession, FindApiKey)}
    right = ("FindSession", "sqlite" if down else "FindApiKey")
    assert asyncio.run(arun(Steps.both(), answers)) == right
    assert run(Steps.both(), {FindSession: now, FindApiKey: now}) == right
