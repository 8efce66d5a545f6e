"""`doorward session`: listed by public id, ended one by one or all at once."""

from __future__ import annotations

import asyncio
import time

import pytest
from command_kit import POLICY, Shell

from doorward.core.ask import FindSession, Session
from doorward.stores.store import Store


@pytest.fixture
def store(shell: Shell) -> Store:
    for name in ("carol", "dan"):
        shell.good("user", "add", name, "--no-password")
    return Store(shell.folder / "data")


def opened(store: Store, subject: str, ago: float = 0) -> tuple[Session, str]:
    async def main() -> tuple[Session, str]:
        return await store.sessions.open(subject, time.time() - ago)

    return asyncio.run(main())


def ended(store: Store, secret: str) -> str:
    found = store.sessions.find(FindSession(secret, time.time()))
    assert found
    return found.ended


def test_live_sessions_are_listed_with_whose_they_are(shell: Shell, store: Store) -> None:
    assert shell.good("session", "list") == "No live sessions.\n"
    (one, secret), (other, _) = opened(store, "carol"), opened(store, "dan")
    lines = shell.good("session", "list").splitlines()
    assert lines[0].split() == ["ID", "WHO", "STARTED", "LAST", "SEEN"]
    assert {tuple(line.split()[:2]) for line in lines[1:]} == {(one.id, "carol"), (other.id, "dan")}
    assert [row["id"] for row in shell("session", "list", "carol", "--json").json] == [one.id]
    assert secret not in shell.good("session", "list") + shell.good("session", "list", "--json")
    store.close()


def test_the_times_of_the_policy_say_what_is_live(shell: Shell, store: Store) -> None:
    opened(store, "carol", ago=300)
    assert len(shell("session", "list", "--json").json) == 1
    shell.write_policy(POLICY.replace('idle = "30m"', 'idle = "2m"'))
    (shell.folder / "jwks.json").write_text('{"keys": []}')
    assert shell("session", "list", "--json").json == []
    store.close()


def test_one_session_is_ended_by_its_id(shell: Shell, store: Store) -> None:
    (one, first), (_, second) = opened(store, "carol"), opened(store, "carol")
    assert shell.good("session", "revoke", one.id) == "1 session ended. Refused everywhere within 1 s.\n"
    assert (ended(store, first), ended(store, second)) == ("revoked", "")
    done = shell("session", "revoke", one.id)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        f'There is no live session "{one.id}". doorward session list shows them.',
    )
    store.close()


def test_all_sessions_of_an_account_are_ended_and_nobody_elses(shell: Shell, store: Store) -> None:
    secrets = [opened(store, "carol")[1] for _ in range(3)]
    _, his = opened(store, "dan")
    assert shell.good("session", "revoke", "--all", "carol") == "3 sessions ended. Refused everywhere within 1 s.\n"
    assert [ended(store, secret) for secret in secrets] == ["revoked"] * 3
    assert ended(store, his) == ""
    assert shell("session", "revoke", "--all", "carol", "--json").json == {"sessions_ended": 0}
    store.close()


def test_the_running_process_hears_of_it_by_its_next_look(shell: Shell, store: Store) -> None:
    opened(store, "carol")
    store.epochs.poll()
    before = store.epochs.of("carol")
    shell.good("session", "revoke", "--all", "carol")
    assert store.epochs.poll() is True
    assert store.epochs.of("carol") > before
    store.close()


@pytest.mark.parametrize("arguments", [(), ("abc", "--all", "carol")])
def test_either_one_session_or_all_of_somebody(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell("session", "revoke", *arguments)
    assert done.code == 2
    assert done.err.startswith("Name one session")


def test_somebody_unknown_is_told(shell: Shell, store: Store) -> None:
    assert 'Did you mean "carol"?' in shell("session", "revoke", "--all", "carl").err
    assert 'Did you mean "carol"?' in shell("session", "list", "carl").err
    assert shell("session", "revoke", "\udcff").code == 2
    store.close()
