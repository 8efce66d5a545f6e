"""`doorward token`: what a token claims, whether it would pass, what it would open; revoked by its jti."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from command_kit import POLICY, Shell

from doorward.core.ask import TokenRevoked
from doorward.stores.store import Store
from jose_material import ec_jwk, token


@pytest.fixture(autouse=True)
def _issuer(shell: Shell) -> None:
    shell.write_policy()
    keys = [{**ec_jwk("ES256", kid="2026-10", use="sig"), "alg": "ES256"}]
    (shell.folder / "jwks.json").write_text(json.dumps({"keys": keys}))


def made(**claims: Any) -> str:
    now = int(time.time())
    given = {"iss": "https://issuer.example", "aud": "https://api.example", "sub": "12", "client_id": "c", "jti": "t-1"}
    given |= {"iat": now - 5, "exp": now + 600, "roles": ["editor"], "scope": "orders:read", **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return token("ES256", kept, kid="2026-10", typ="at+jwt")


def test_a_good_token_is_shown_with_what_it_opens_and_lacks(shell: Shell) -> None:
    text = made()
    out = shell.good("token", "inspect", "-", stdin=text + "\n")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "issuer https://issuer.example (idp)"
    assert lines[1] == "audience https://api.example ✓"
    assert lines[2] == "subject 12 roles editor scopes orders:read"
    assert lines[3].startswith("expires in 9 min (")
    assert lines[4] == "signature ES256, key 2026-10 ✓"
    assert lines[5] == "type at+jwt jti t-1"
    terms = "if a relation on document:{doc}, from 10.0.0.0/8, in its hours, logged in within 300 s"
    assert lines[6:] == [
        "would open GET /orders/** (orders-read)",
        "would open any method /users/{id}/profile (profile), if {id} is the subject's own, or role admin",
        f"would open GET, PUT /documents/{{doc}} (documents), {terms}",
        "lacks scope orders:write for POST /orders/** (orders-write)",
        "lacks role admin for any method /settings (settings)",
    ]
    assert text.rpartition(".")[2] not in out


def test_the_word_bearer_before_a_token_does_no_harm(shell: Shell) -> None:
    assert "would open" in shell.good("token", "inspect", stdin=f"Bearer {made()}")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": int(time.time()) - 41}, "token-expired"),
        ({"aud": "https://other.example"}, "token-audience"),
        ({"iss": "https://evil.example"}, "token-issuer"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
    ],
    ids=["expired", "audience", "issuer", "no-exp", "no-sub"],
)
def test_a_token_that_would_not_pass_says_why(shell: Shell, claims: dict[str, Any], reason: str) -> None:
    done = shell("token", "inspect", "-", stdin=made(**claims))
    assert done.code == 1
    assert reason in done.out.splitlines()[-1]
    assert "would open" not in done.out


def test_a_forged_token_is_not_believed(shell: Shell) -> None:
    head, body, tail = made().split(".")
    forged = f"{head}.{made(sub='1', roles=['admin']).split('.')[1]}.{tail}"
    done = shell("token", "inspect", "-", "--json", stdin=forged)
    assert done.code == 1
    assert (done.json["signature"], done.json["passes"], done.json["rules"]) == (False, False, [])
    assert head
    assert body


def test_json_says_all_of_it(shell: Shell) -> None:
    done = shell("token", "inspect", "-", "--json", stdin=made(roles=["admin"]))
    assert done.code == 0
    assert (done.json["issuer"], done.json["signature"], done.json["audience"], done.json["passes"]) == (
        "idp",
        True,
        True,
        True,
    )
    assert done.json["roles"] == ["admin", "editor"]
    assert done.json["claims"]["sub"] == "12"
    assert [rule["rule"] for rule in done.json["rules"] if not rule["lacks"]][:2] == ["orders-read", "profile"]


def test_a_revoked_token_would_not_pass(shell: Shell) -> None:
    until = str(int(time.time()) + 600)
    out = shell.good("token", "revoke", "t-1", "--until", until, "--issuer", "idp")
    assert out.startswith("Token t-1 of idp revoked until ")
    assert out.endswith(" UTC. Refused everywhere within 1 s.\n")
    done = shell("token", "inspect", "-", stdin=made())
    assert done.code == 1
    assert "token-revoked" in done.out
    assert shell("token", "inspect", "-", stdin=made(jti="t-2")).code == 0


def test_inspecting_makes_no_store(shell: Shell) -> None:
    shell.good("token", "inspect", "-", stdin=made())
    assert not (shell.folder / "data").exists()


def test_an_issuers_subject_must_be_an_account_where_the_policy_says_so(shell: Shell) -> None:
    shell.write_policy(POLICY.replace('roles      = "roles"', 'accounts   = "local"'))
    assert "token-subject" in shell("token", "inspect", "-", stdin=made()).out
    shell.good("user", "add", "olga", "--id", "12", "--role", "admin", "--no-password")
    assert shell("token", "inspect", "-", "--json", stdin=made()).json["roles"] == ["admin", "editor"]


def test_without_a_policy_the_claims_are_shown_and_nothing_is_said_of_them(shell: Shell) -> None:
    (shell.folder / "doorward.toml").unlink()
    done = shell("token", "inspect", "-", stdin=made())
    assert done.code == 3
    assert "signature was not checked" in done.err
    assert "t-1" in done.out
    assert shell("token", "inspect", "-", "--json", stdin=made()).json["passes"] is None


def test_a_broken_policy_is_told(shell: Shell) -> None:
    shell.write_policy("version = 7\n")
    done = shell("token", "inspect", "-", stdin=made())
    assert done.code == 2
    assert "doorward.toml:1:" in done.err


@pytest.mark.parametrize("text", ["x.y.z", "abc", "a.b.c.d.e", "\x1b[2J", "é" * 50, "x" * 9000], ids=range(6))
def test_what_is_no_token_is_told_and_not_printed(shell: Shell, text: str) -> None:
    done = shell("token", "inspect", "-", stdin=text)
    assert done.code == 1
    assert text not in done.out + done.err
    (shell.folder / "doorward.toml").unlink()
    assert shell("token", "inspect", "-", stdin=text).code == 2


def test_claims_that_a_terminal_could_obey_are_shown_as_escapes(shell: Shell) -> None:
    out = shell("token", "inspect", "-", stdin=made(jti="\x1b[31mred", iss="https://\x1b]0;x\x07")).out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_claims_of_any_type_are_shown(shell: Shell) -> None:
    done = shell("token", "inspect", "-", stdin=made(sub=["12"], aud={"a": 1}, exp="soon", jti=7))
    assert done.code == 1
    assert "never said" in done.out
    assert shell("token", "inspect", "-", stdin=made(exp=1e300)).code == 1
    assert "d (" in shell("token", "inspect", "-", stdin=made(exp=int(time.time()) + 86_400 * 40)).out


def test_a_policy_without_rules_for_tokens_says_so(shell: Shell) -> None:
    head = POLICY.partition("[[rule]]")[0].replace('[roles]\nadmin = ["editor"]\n', "")
    shell.write_policy(head + '[[rule]]\nname = "m"\npath = "/m"\nschemes = ["apikey"]\naccess = "authenticated"\n')
    assert "No rule takes bearer tokens." in shell("token", "inspect", "-", stdin=made()).out


def test_an_empty_standard_input_is_wrong_use(shell: Shell) -> None:
    assert shell("token", "inspect", "-").code == 2
    assert shell("token", "inspect", made()).code == 2


def test_a_jti_is_revoked_whoever_issued_it(shell: Shell) -> None:
    shell.good("token", "revoke", "t-9", "--until", "2h")
    store = Store(shell.folder / "data")
    assert store.revocations.check(TokenRevoked("idp", "t-9"))
    assert store.revocations.check(TokenRevoked("any", "t-9"))
    store.close()
    assert shell("token", "revoke", "t-9", "--until", "2h", "--json").json["issuer"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("t",),
        ("t", "--until", "2020-01-01"),
        ("t", "--until", "never"),
        ("t", "--until", "2h", "--issuer", "ipd"),
        ("", "--until", "2h"),
        ("\udcff", "--until", "2h"),
    ],
)
def test_a_revocation_that_could_not_work_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell("token", "revoke", *arguments).code == 2
