"""`doorward key`: a key is printed once; what is listed is never the key."""

from __future__ import annotations

import re
import time

import pytest
from command_kit import Shell

from doorward.core.ask import FindApiKey
from doorward.stores.store import Store


@pytest.fixture(autouse=True)
def _bot(shell: Shell) -> None:
    shell.good("user", "add", "ci-bot", "--id", "7", "--no-password")


def found(shell: Shell, secret: str) -> object:
    store = Store(shell.folder / "data")
    key = store.keys.find(FindApiKey(secret, time.time()))
    store.close()
    return key and (key.subject, sorted(key.scopes), key.revoked)


def test_a_key_is_printed_once_with_its_prefix_scopes_and_end(shell: Shell) -> None:
    out = shell.good("key", "add", "ci-bot", "--scope", "orders:read", "--expires", "90d")
    line = re.fullmatch(
        r"(dw_\w{43})   shown once\. Prefix (dw_\w{4}), scopes orders:read, until \d{4}-\d\d-\d\d\.\n", out
    )
    assert line
    assert line[1].startswith(line[2])
    assert found(shell, line[1]) == ("7", ["orders:read"], False)
    for command in (("key", "list"), ("key", "list", "--json"), ("user", "show", "ci-bot")):
        assert line[1][7:] not in shell.good(*command)


def test_a_key_without_scopes_and_end_says_so(shell: Shell) -> None:
    assert shell.good("key", "add", "ci-bot").endswith(", no scopes, no expiry.\n")


def test_quiet_prints_the_key_alone_and_json_all_of_it(shell: Shell) -> None:
    secret = shell.good("key", "add", "ci-bot", "-q").strip()
    assert found(shell, secret) == ("7", [], False)
    made = shell("key", "add", "ci-bot", "--scope", "b", "--scope", "a", "--expires", "2h", "--json").json
    assert found(shell, made["key"]) == ("7", ["a", "b"], False)
    assert (made["id"], made["subject"], made["scopes"]) == (made["key"][:7], "7", ["a", "b"])


def test_keys_are_listed_with_their_end_and_last_use(shell: Shell) -> None:
    assert shell.good("key", "list") == "No keys. Make one: doorward key add WHO --scope SCOPE --expires 90d\n"
    made = shell("key", "add", "ci-bot", "--scope", "a", "--expires", "90d", "--json").json
    assert shell.good("key", "list").splitlines()[1].split() == [
        made["id"],
        "ci-bot",
        "a",
        made["expires"][:10],
        "never",
    ]
    found(shell, made["key"])
    listed = shell("key", "list", "ci-bot", "--json").json
    assert listed[0]["last_used"] is not None
    assert set(listed[0]) == {"id", "subject", "scopes", "created", "expires", "last_used"}


def test_an_expired_key_is_listed_as_such(shell: Shell) -> None:
    store = Store(shell.folder / "data")
    store.keys.add("7", [], time.time() - 5, time.time() - 10)
    store.close()
    assert "(expired)" in shell.good("key", "list")


def test_a_revoked_key_is_refused_and_listed_no_more(shell: Shell) -> None:
    made = shell("key", "add", "ci-bot", "--json").json
    assert shell.good("key", "revoke", made["id"]) == f"{made['id']} revoked. Refused everywhere within 1 s.\n"
    assert found(shell, made["key"]) == ("7", [], True)
    assert shell("key", "list", "--json").json == []
    assert shell("key", "revoke", made["id"]).code == 2


def test_an_unknown_key_is_answered_with_the_nearest(shell: Shell) -> None:
    id_ = shell("key", "add", "ci-bot", "--json").json["id"]
    done = shell("key", "revoke", id_[:-1])
    assert (done.code, done.err) == (2, f'There is no live key "{id_[:-1]}". Did you mean "{id_}"?\n')
    assert shell("key", "revoke", "\x1b[0m\udcff").code == 2


@pytest.mark.parametrize("expires", ["0s", "2020-01-01", "soon", "1"])
def test_an_end_that_is_past_or_no_time_is_refused(shell: Shell, expires: str) -> None:
    assert shell("key", "add", "ci-bot", "--expires", expires).code == 2
    assert shell("key", "list", "--json").json == []


@pytest.mark.parametrize("scope", ["two words", 'a"b', "", "é"])
def test_what_is_no_scope_is_refused(shell: Shell, scope: str) -> None:
    assert shell("key", "add", "ci-bot", "--scope", scope).code == 2


def test_a_scope_that_no_rule_asks_for_is_warned_of_with_the_nearest(shell: Shell) -> None:
    shell.write_policy()
    (shell.folder / "jwks.json").write_text('{"keys": []}')
    done = shell("key", "add", "ci-bot", "--scope", "orders:raed", "--scope", "orders:write")
    assert done.code == 0
    assert (
        done.err == 'warning: no rule of doorward.toml asks for the scope "orders:raed". Did you mean "orders:read"?\n'
    )


def test_a_key_for_nobody_is_refused_and_one_for_a_disabled_account_warned_of(shell: Shell) -> None:
    assert shell("key", "add", "cibot").err == 'There is no account "cibot". Did you mean "ci-bot"?\n'
    shell.good("user", "disable", "ci-bot")
    done = shell("key", "add", "ci-bot")
    assert (done.code, done.err) == (0, "warning: ci-bot is disabled; the key works once the account is enabled.\n")


def test_a_key_that_the_policy_cannot_take_is_made_with_a_word_on_what_is_missing(shell: Shell) -> None:
    without = 'version = 1\nrealm = "shop"\ndefault = "deny"\n[credentials]\nbasic = { accounts = "local" }\n'
    advice = 'Add to its [credentials]: apikey = { header = "X-API-Key" }'
    for text, told in ((f"{without}{advice.partition(': ')[2]}\n", False), (without, True), ("broken", False)):
        shell.write_policy(text)
        done = shell("key", "add", "ci-bot")
        assert (done.code, advice in done.err) == (0, told)
        assert bool(done.err) == told
