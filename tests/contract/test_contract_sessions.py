"""FindSession and CheckCsrf: live, expired and ended sessions are told apart; the same of every store."""

from __future__ import annotations

import pytest

from contract.stands import TIMES, Stand
from doorward.core.ask import Account, CheckCsrf, FindSession

NOW = 1_764_000_000.0


@pytest.fixture(autouse=True)
def _alice(stand: Stand) -> None:
    stand.add(Account("alice", "alice"))
    stand.add(Account("bob", "bob"))


def test_a_new_session_is_found_by_its_secret_and_by_nothing_else(stand: Stand) -> None:
    session, secret = stand.open_session("alice", NOW)
    found = stand.ask(FindSession(secret, NOW + 1))
    assert (found.id, found.subject, found.ended, found.auth_time) == (session.id, "alice", "", NOW)
    assert stand.ask(FindSession(session.id, NOW)) is None
    assert stand.ask(FindSession(secret[:-1], NOW)) is None


@pytest.mark.parametrize("secret", ["", "x", "' OR 1=1 --", "\ud800", "\x00", "é" * 5000])
def test_a_foreign_cookie_is_no_session(stand: Stand, secret: str) -> None:
    stand.open_session("alice", NOW)
    assert stand.ask(FindSession(secret, NOW)) is None


def test_a_session_lives_while_it_is_used_until_its_absolute_end(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    at = NOW
    while at + 1_000 < NOW + TIMES.absolute:
        at += 1_000
        assert stand.ask(FindSession(secret, at)).ended == ""
    assert stand.ask(FindSession(secret, NOW + TIMES.absolute - 1)).ended == ""
    assert stand.ask(FindSession(secret, NOW + TIMES.absolute)).ended == "expired"


def test_an_idle_session_expires_to_the_second(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    assert stand.ask(FindSession(secret, NOW + 30)).ended == ""
    assert stand.ask(FindSession(secret, NOW + 30 + TIMES.idle)).ended == "expired"


def test_an_expired_session_stays_expired_however_often_it_is_asked_for(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    assert stand.ask(FindSession(secret, NOW + TIMES.idle)).ended == "expired"
    assert stand.ask(FindSession(secret, NOW + TIMES.idle + 1)).ended == "expired"


def test_logging_out_ends_one_session_and_says_how(stand: Stand) -> None:
    one, first = stand.open_session("alice", NOW)
    _, second = stand.open_session("alice", NOW)
    stand.end_session(one.id, NOW)
    assert stand.ask(FindSession(first, NOW)).ended == "logout"
    assert stand.ask(FindSession(second, NOW)).ended == ""


def test_a_session_that_was_ended_and_is_old_is_still_told_from_an_expired_one(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    stand.end_all("alice")
    assert stand.ask(FindSession(secret, NOW + TIMES.absolute + 5)).ended == "revoked"


def test_ending_all_sessions_of_somebody_leaves_the_others(stand: Stand) -> None:
    _, hers = stand.open_session("alice", NOW)
    _, his = stand.open_session("bob", NOW)
    stand.end_all("alice")
    assert stand.ask(FindSession(hers, NOW)).ended == "revoked"
    assert stand.ask(FindSession(his, NOW)).ended == ""


def test_disabling_an_account_ends_its_sessions(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    stand.disable("alice")
    assert stand.ask(FindSession(secret, NOW)).ended == "disabled"


def test_deleting_an_account_takes_its_sessions_along(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    stand.delete("alice")
    assert stand.ask(FindSession(secret, NOW)) is None


def test_a_clock_that_was_set_back_ends_no_session(stand: Stand) -> None:
    _, secret = stand.open_session("alice", NOW)
    assert stand.ask(FindSession(secret, NOW - 86_400)).ended == ""


def test_the_csrf_token_of_a_session_is_good_for_that_session_only(stand: Stand) -> None:
    one, _ = stand.open_session("alice", NOW)
    other, _ = stand.open_session("alice", NOW)
    assert stand.ask(CheckCsrf(one.id, stand.csrf(one.id))) is True
    assert stand.ask(CheckCsrf(one.id, stand.csrf(other.id))) is False


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800", "0" * 64])
def test_any_other_text_is_no_csrf_token(stand: Stand, token: str) -> None:
    one, _ = stand.open_session("alice", NOW)
    assert stand.ask(CheckCsrf(one.id, token)) is False
