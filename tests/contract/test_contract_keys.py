"""FindApiKey: good, expired and revoked keys are found, others are not; the same of every store."""

from __future__ import annotations

import pytest

from contract.stands import Stand
from doorward.core.ask import Account, FindApiKey

NOW = 1_764_000_000.0


@pytest.fixture(autouse=True)
def _bot(stand: Stand) -> None:
    stand.add(Account("bot", "ci-bot"))


def test_a_key_is_found_with_whose_it_is_its_scopes_and_its_end(stand: Stand) -> None:
    id_, secret = stand.add_key("bot", ["orders:read", "orders:write"], NOW + 60, NOW)
    key = stand.ask(FindApiKey(secret, NOW))
    assert (key.id, key.subject, key.scopes) == (id_, "bot", {"orders:read", "orders:write"})
    assert (key.expires, key.revoked) == (NOW + 60, False)


def test_a_key_without_scopes_and_end_is_one_with_none(stand: Stand) -> None:
    _, secret = stand.add_key("bot", [], None, NOW)
    key = stand.ask(FindApiKey(secret, NOW))
    assert (key.scopes, key.expires) == (frozenset(), None)


def test_an_expired_key_is_found_the_scheme_judges(stand: Stand) -> None:
    _, secret = stand.add_key("bot", [], NOW, NOW)
    assert stand.ask(FindApiKey(secret, NOW + 5)).expires == NOW


def test_a_revoked_key_says_so_and_the_other_does_not(stand: Stand) -> None:
    id_, gone = stand.add_key("bot", [], None, NOW)
    _, kept = stand.add_key("bot", [], None, NOW)
    stand.revoke_key(id_)
    assert stand.ask(FindApiKey(gone, NOW)).revoked is True
    assert stand.ask(FindApiKey(kept, NOW)).revoked is False


def test_the_public_name_of_a_key_is_no_key(stand: Stand) -> None:
    id_, secret = stand.add_key("bot", [], None, NOW)
    assert stand.ask(FindApiKey(id_, NOW)) is None
    assert stand.ask(FindApiKey(secret + "x", NOW)) is None


@pytest.mark.parametrize("secret", ["", "dw_", "' OR 1=1 --", "\ud800", "dw_\ud800", "dw_" + "a" * 9000])
def test_any_other_text_is_no_key(stand: Stand, secret: str) -> None:
    stand.add_key("bot", [], None, NOW)
    assert stand.ask(FindApiKey(secret, NOW)) is None


def test_deleting_an_account_takes_its_keys_along(stand: Stand) -> None:
    _, secret = stand.add_key("bot", [], None, NOW)
    stand.delete("bot")
    assert stand.ask(FindApiKey(secret, NOW)) is None
