"""Accounts, sessions, keys, relations, revocations: what the contract suites cannot say of every store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_kit import NOW, account, wait

from doorward.core.ask import Account, FindAccount, FindApiKey, FindRelation, FindSession, TokenRevoked
from doorward.core.errors import ConfigError
from doorward.core.settings import SessionSettings
from doorward.stores import keys as keys_module
from doorward.stores import memo as memo_module
from doorward.stores import relations as relations_module
from doorward.stores import revocations as revocations_module
from doorward.stores.lazily import SIZE, Lazily
from doorward.stores.memo import Memo
from doorward.stores.relations import Relation
from doorward.stores.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def octets(store: Store) -> bytes:
    return b"".join(file.read_bytes() for file in store.path.parent.iterdir())


def open_session(store: Store, subject: str = "alice", at: float = NOW) -> tuple[str, str]:
    session, secret = asyncio.run(wait(store.sessions.open(subject, at)))
    return session.id, secret


class TestAccounts:
    def test_all_are_listed_by_name(self, store: Store) -> None:
        for name in ("carol", "alice", "bob"):
            store.accounts.add(account(name), NOW)
        assert [one.name for one in store.accounts.all()] == ["alice", "bob", "carol"]
        assert store.accounts.created("alice") == NOW
        assert store.accounts.created("nobody") == 0

    def test_roles_and_attributes_come_back_as_given(self, store: Store) -> None:
        made = Account("7", "alice", frozenset({"b", "a"}), True, "$hash", (("no", "12 é"), ("team", "red")))
        assert store.accounts.add(made, NOW) == made
        assert store.accounts.find(FindAccount("alice")) == made

    @pytest.mark.parametrize(("name", "subject"), [("alice", "other"), ("other", "alice")])
    def test_a_name_or_subject_that_is_taken_is_refused(self, store: Store, name: str, subject: str) -> None:
        store.accounts.add(account(), NOW)
        with pytest.raises(ConfigError, match="already"):
            store.accounts.add(Account(subject, name), NOW)
        with pytest.raises(ConfigError, match="already"):
            store.accounts.refuse_taken(name, subject)
        assert len(store.accounts.all()) == 1

    def test_a_new_password_ends_all_sessions_of_the_account_and_of_nobody_else(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        store.accounts.add(account("bob"), NOW)
        _, hers = open_session(store)
        _, his = open_session(store, "bob")
        assert store.accounts.set_password("alice", "$new") == 1
        assert store.accounts.find(FindAccount("alice")).password == "$new"
        assert store.sessions.find(FindSession(hers, NOW)).ended == "password"
        assert store.sessions.find(FindSession(his, NOW)).ended == ""

    def test_enabling_ends_no_session(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        store.accounts.set_disabled("alice", disabled=True)
        assert store.accounts.set_disabled("alice", disabled=False) == 0
        assert not store.accounts.find(FindAccount("alice")).disabled

    def test_other_roles_replace_those_before(self, store: Store) -> None:
        store.accounts.add(account(roles=frozenset({"a"})), NOW)
        store.accounts.set_roles("alice", ["b", "c", "b"])
        assert store.accounts.find(FindAccount("alice")).roles == {"b", "c"}

    def test_somebody_is_named_by_name_before_subject(self, store: Store) -> None:
        store.accounts.add(Account("bob", "alice"), NOW)
        store.accounts.add(Account("2", "bob"), NOW)
        assert store.accounts.find_any("bob").subject == "2"
        assert store.accounts.find_any("2").name == "bob"
        assert store.accounts.find_any("3") is None

    def test_a_text_that_is_no_unicode_is_told_and_not_a_bug(self, store: Store) -> None:
        with pytest.raises(ConfigError, match="Unicode"):
            store.sessions.revoke("\udcff")


class TestSessions:
    def test_only_a_digest_of_the_secret_is_stored(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        id_, secret = open_session(store)
        assert len(secret) >= 43
        assert secret not in id_
        assert secret.encode() not in octets(store)
        assert hashlib.sha256(secret.encode()).digest() in octets(store)

    def test_no_two_secrets_are_alike(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        assert len({open_session(store) for _ in range(50)}) == 50

    def test_reading_a_page_writes_nothing_within_a_minute(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        _, secret = open_session(store)
        for second in range(59):
            store.sessions.find(FindSession(secret, NOW + second))
        assert store.sessions._seen._waiting == {}
        store.sessions.find(FindSession(secret, NOW + 60))
        store.secret("barrier")
        assert store._database.rows("SELECT last_seen FROM sessions") == [(NOW + 60,)]

    def test_what_is_known_only_in_memory_is_written_at_the_end(self, tmp_path: Path) -> None:
        first = Store(tmp_path / "x")
        first.accounts.add(account(), NOW)
        one, two = open_session(first)[1], open_session(first)[1]
        first.sessions.find(FindSession(one, NOW + 100))
        first.sessions.find(FindSession(two, NOW + 100.5))
        first.close()
        second = Store(tmp_path / "x")
        seen = second._database.rows("SELECT last_seen FROM sessions ORDER BY last_seen")
        assert seen == [(NOW + 100,), (NOW + 100.5,)]
        second.close()

    def test_the_times_of_the_policy_count_from_the_next_question_on(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        _, secret = open_session(store)
        store.sessions.configure(SessionSettings(idle=10, absolute=100))
        assert store.sessions.find(FindSession(secret, NOW + 9)).ended == ""
        assert store.sessions.find(FindSession(secret, NOW + 19)).ended == "expired"
        store.sessions.configure(SessionSettings(idle=100, absolute=20))
        assert store.sessions.find(FindSession(secret, NOW + 20)).ended == "expired"

    def test_live_sessions_are_listed_newest_first(self, store: Store) -> None:
        for name in ("alice", "bob"):
            store.accounts.add(account(name), NOW)
        old, gone, new = (open_session(store, at=NOW + at)[0] for at in (0, 1, 2))
        his, _ = open_session(store, "bob")
        assert store.sessions.revoke(gone) is True
        assert [one.id for one in store.sessions.live(NOW + 3, "alice")] == [new, old]
        assert {one.id for one in store.sessions.live(NOW + 3)} == {new, old, his}
        assert store.sessions.live(NOW + 86_400) == []

    def test_revoking_tells_whether_there_was_a_live_session(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        id_, _ = open_session(store)
        assert [store.sessions.revoke(id_), store.sessions.revoke(id_), store.sessions.revoke("x")] == [
            True,
            False,
            False,
        ]
        open_session(store)
        assert [store.sessions.revoke_all("alice"), store.sessions.revoke_all("alice")] == [1, 0]

    def test_an_account_that_is_disabled_meanwhile_gets_no_session(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        store.accounts.set_disabled("alice", disabled=True)
        _, secret = open_session(store)
        store.accounts.set_disabled("alice", disabled=False)
        assert store.sessions.find(FindSession(secret, NOW)).ended == "disabled"

    def test_ended_sessions_are_forgotten_after_their_time_and_a_week(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        _, old = open_session(store)
        later = NOW + 43_200 + 7 * 86_400
        open_session(store, at=later)
        assert store.sessions.find(FindSession(old, later)).ended == "expired"
        open_session(store, at=later + 1)
        assert store.sessions.find(FindSession(old, later + 1)) is None

    def test_logging_out_raises_the_subjects_counter_and_ending_nothing_does_not(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        id_, _ = open_session(store)
        before = store.epochs.of("alice")
        asyncio.run(wait(store.sessions.end(id_, NOW)))
        after = store.epochs.of("alice")
        assert after > before
        asyncio.run(wait(store.sessions.end(id_, NOW)))
        assert store.epochs.of("alice") == after


class TestKeys:
    def test_only_a_digest_of_the_key_is_stored(self, store: Store) -> None:
        _, secret = store.keys.add("bot", [], None, NOW)
        assert len(secret) == 46
        assert secret.encode() not in octets(store)
        assert secret[7:].encode() not in octets(store)

    def test_the_public_name_is_the_beginning_of_the_key(self, store: Store) -> None:
        key, secret = store.keys.add("bot", [], None, NOW)
        assert secret.startswith(key.id)
        assert len(key.id) == 7

    def test_a_public_name_that_is_taken_is_not_given_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secrets = iter(["dw_aaaa" + "1" * 39, "dw_aaaa" + "2" * 39, "dw_bbbb" + "3" * 39])
        monkeypatch.setattr(keys_module, "_new_secret", lambda: next(secrets))
        assert [store.keys.add("bot", [], None, NOW)[0].id for _ in range(2)] == ["dw_aaaa", "dw_bbbb"]

    @pytest.mark.parametrize("scope", ["", "two words", 'quo"te', "é", "a\\b", "x" * 300, "a\n"])
    def test_what_is_no_scope_is_refused(self, store: Store, scope: str) -> None:
        with pytest.raises(ConfigError):
            store.keys.add("bot", [scope], None, NOW)
        assert store.keys.all() == []

    def test_keys_are_listed_by_subject_without_the_revoked_ones(self, store: Store) -> None:
        one, _ = store.keys.add("bot", ["a"], None, NOW)
        two, _ = store.keys.add("bot", ["b"], NOW + 5, NOW + 1)
        other, _ = store.keys.add("ann", [], None, NOW)
        assert [entry.key for entry in store.keys.all()] == [other, one, two]
        assert store.keys.revoke(one.id) == one
        assert store.keys.revoke(one.id) is None
        assert [entry.key for entry in store.keys.all("bot")] == [two]
        assert [(entry.created, entry.last_used) for entry in store.keys.all("bot")] == [(NOW + 1, None)]

    def test_last_use_is_written_once_a_minute_at_most(self, store: Store) -> None:
        _, secret = store.keys.add("bot", [], None, NOW)
        for second in range(50):
            store.keys.find(FindApiKey(secret, NOW + second))
        store.secret("barrier")
        assert [entry.last_used for entry in store.keys.all()] == [NOW]
        store.keys.find(FindApiKey(secret, NOW + 60))
        store.secret("barrier two")
        assert [entry.last_used for entry in store.keys.all()] == [NOW + 60]


class TestRelations:
    def test_they_are_listed_by_subject_and_by_object(self, store: Store) -> None:
        rows = [Relation("alice", "read", "d:2"), Relation("alice", "read", "d:1"), Relation("bob", "write", "d:1")]
        assert [store.relations.grant(row) for row in rows] == [True] * 3
        assert store.relations.grant(rows[0]) is False
        assert [row.object for row in store.relations.of("alice")] == ["d:1", "d:2"]
        assert [row.subject for row in store.relations.on("d:1")] == ["alice", "bob"]
        assert [store.relations.revoke(rows[0]), store.relations.revoke(rows[0])] == [True, False]

    @pytest.mark.parametrize("thing", ["", "a\nb", "a\x1b[2J", "\u202eevil", "x" * 300])
    def test_an_object_that_would_mislead_a_reader_is_refused(self, store: Store, thing: str) -> None:
        with pytest.raises(ConfigError):
            store.relations.grant(Relation("alice", "read", thing))

    def test_an_answer_is_remembered_until_a_relation_changes(self, store: Store) -> None:
        store.relations.grant(Relation("alice", "read", "d:1"))
        question = FindRelation(("alice",), "read", "d:1")
        assert store.relations.check(question)
        store._database.write(lambda sql: sql.execute("DELETE FROM relations")).result()  # without the counter
        assert store.relations.check(question)
        store.relations.grant(Relation("bob", "read", "d:1"))
        assert not store.relations.check(question)

    def test_the_memo_is_bounded(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relations_module, "MEMO", 10)
        for number in range(100):
            store.relations.check(FindRelation(("alice",), "read", f"d:{number}"))
        assert len(store.relations._memo) <= 10


class TestRevocations:
    @pytest.mark.parametrize("jti", ["", "x" * 2000])
    def test_a_jti_has_a_length(self, store: Store, jti: str) -> None:
        with pytest.raises(ConfigError):
            store.revocations.revoke(jti, NOW + 60, NOW)

    def test_a_token_that_has_expired_needs_no_revocation(self, store: Store) -> None:
        with pytest.raises(ConfigError, match="past"):
            store.revocations.revoke("a", NOW - 301, NOW)

    def test_rows_go_when_no_leeway_can_let_the_token_pass(self, store: Store) -> None:
        store.revocations.revoke("a", NOW + 60, NOW)
        store.revocations.revoke("b", NOW + 9_000, NOW + 361)
        assert store._database.rows("SELECT jti FROM revocations") == [("b",)]
        assert store.revocations.check(TokenRevoked("idp", "b"))

    def test_the_later_end_counts(self, store: Store) -> None:
        store.revocations.revoke("a", NOW + 900, NOW)
        store.revocations.revoke("a", NOW + 60, NOW)
        assert store._database.rows("SELECT until FROM revocations") == [(NOW + 900,)]

    @pytest.mark.parametrize("held", [0, 1, 10_000])
    def test_few_are_held_in_memory_and_many_are_asked_for(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, held: int
    ) -> None:
        monkeypatch.setattr(revocations_module, "HELD", held)
        assert not store.revocations.check(TokenRevoked("idp", "a"))
        store.revocations.revoke("a", NOW + 60, NOW, "idp")
        store.revocations.revoke("b", NOW + 60, NOW)
        for issuer, jti, revoked in (("idp", "a", True), ("x", "a", False), ("x", "b", True), ("idp", "c", False)):
            assert store.revocations.check(TokenRevoked(issuer, jti)) is revoked


class TestMemo:
    def test_what_was_read_is_not_read_again_until_something_of_its_subject_is_taken_away(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        _, secret = open_session(store)
        asked: list[str] = []
        real = store._database.rows
        store._database.rows = lambda sql, values=(): asked.append(sql) or real(sql, values)  # type: ignore[method-assign]  # a listener
        for _ in range(5):
            assert store.sessions.find(FindSession(secret, NOW)).ended == ""
            assert not store.accounts.find(FindAccount("alice", "subject")).disabled
        assert len([sql for sql in asked if "FROM sessions" in sql or "FROM accounts" in sql]) == 2
        store.accounts.set_disabled("alice", disabled=True)
        assert store.sessions.find(FindSession(secret, NOW)).ended == "disabled"
        assert store.accounts.find(FindAccount("alice", "subject")).disabled

    def test_a_row_that_changes_while_it_is_read_is_read_again_after_the_next_look(self, store: Store) -> None:
        """The change comes between mark and row, or between row and entry: the old row never outlives the next look."""
        other = Store(store.path.parent)
        store.accounts.add(account(), NOW)
        real = store._database.row
        for before in (True, False):
            store.accounts.set_disabled("alice", disabled=False)

            def reading(sql: str, values: tuple[str, ...] = (), *, first: bool = before) -> object:
                if "FROM accounts" not in sql:
                    return real(sql, values)
                if first:
                    other.accounts.set_disabled("alice", disabled=True)
                found = real(sql, values)
                if not first:
                    other.accounts.set_disabled("alice", disabled=True)
                return found

            store._database.row = reading  # type: ignore[method-assign]  # the race, made to happen
            store.accounts.find(FindAccount("alice", "subject"))
            store._database.row = real  # type: ignore[method-assign]  # as it was
            store.epochs.poll()
            assert store.accounts.find(FindAccount("alice", "subject")).disabled
        other.close()

    def test_the_memory_is_bounded_and_the_oldest_goes(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memo_module, "SIZE", 3)
        memo: Memo[int, str] = Memo(store.epochs)
        for number in range(5):
            memo.put(number, "x", "alice", memo.mark())
            memo.put(number, "y", "alice", memo.mark())
        assert [memo.get(number) for number in range(5)] == [None, None, "y", "y", "y"]

    def test_sessions_used_in_another_process_do_not_expire_here(self, store: Store) -> None:
        store.accounts.add(account(), NOW)
        _, secret = open_session(store)
        assert store.sessions.find(FindSession(secret, NOW)).ended == ""
        other = Store(store.path.parent)
        other.sessions.find(FindSession(secret, NOW + 1_700))
        other.close()
        assert store.sessions.find(FindSession(secret, NOW + 3_000)).ended == ""


class TestLazily:
    def test_the_memory_is_bounded(self, store: Store) -> None:
        lazily = Lazily(store._database, "UPDATE sessions SET last_seen = ? WHERE id = ?", 60)
        for number in range(SIZE + 10):
            lazily.note(str(number), NOW, NOW)
        assert len(lazily._known) == SIZE
        assert (lazily.last("0"), lazily.last(str(SIZE))) == (0, NOW)

    def test_a_clock_that_was_set_back_stops_no_writing(self, store: Store) -> None:
        lazily = Lazily(store._database, "UPDATE sessions SET last_seen = ? WHERE id = ?", 60)
        lazily.note("a", 0, NOW + 9_000)
        lazily.note("b", 0, NOW)
        assert lazily._waiting == {}
