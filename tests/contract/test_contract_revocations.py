"""TokenRevoked: this jti of this issuer, or of whoever issued it; the same of every store."""

from __future__ import annotations

import pytest

from contract.stands import Stand
from doorward.core.ask import TokenRevoked

NOW = 1_764_000_000.0


def test_nothing_is_revoked_at_first(stand: Stand) -> None:
    assert stand.ask(TokenRevoked("idp", "a")) is False


def test_a_revoked_jti_is_revoked_for_its_issuer_only(stand: Stand) -> None:
    assert stand.ask(TokenRevoked("idp", "a")) is False
    stand.revoke_token("idp", "a", NOW + 60, NOW)
    assert stand.ask(TokenRevoked("idp", "a")) is True
    assert stand.ask(TokenRevoked("other", "a")) is False
    assert stand.ask(TokenRevoked("idp", "b")) is False


def test_a_jti_without_an_issuer_is_revoked_for_every_issuer(stand: Stand) -> None:
    stand.revoke_token("", "a", NOW + 60, NOW)
    assert stand.ask(TokenRevoked("idp", "a")) is True
    assert stand.ask(TokenRevoked("other", "a")) is True


def test_revoking_twice_is_no_error(stand: Stand) -> None:
    stand.revoke_token("idp", "a", NOW + 60, NOW)
    stand.revoke_token("idp", "a", NOW + 30, NOW)
    assert stand.ask(TokenRevoked("idp", "a")) is True


def test_a_revoked_token_stays_so_while_a_leeway_could_let_it_pass(stand: Stand) -> None:
    stand.revoke_token("idp", "a", NOW + 60, NOW)
    stand.revoke_token("idp", "b", NOW + 900, NOW + 60 + 299)
    assert stand.ask(TokenRevoked("idp", "a")) is True


@pytest.mark.parametrize("jti", ["' OR 1=1 --", "%", "\x00", "\ud800", "a" * 9000])
def test_a_jti_is_compared_whole_whatever_it_looks_like(stand: Stand, jti: str) -> None:
    stand.revoke_token("idp", "a", NOW + 60, NOW)
    assert stand.ask(TokenRevoked("idp", jti)) is False
