"""`doorward check` looks at everything that serve would refuse to start with, and repairs nothing."""

from __future__ import annotations

import socket

import pytest
from command_kit import POLICY, Shell

# The key of RFC 7515 A.3.
X, Y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
KEY = f'{{ kty = "EC", crv = "P-256", kid = "1", alg = "ES256", use = "sig", x = "{X}", y = "{Y}" }}'
EASY = POLICY.replace('jwks_file  = "jwks.json"', f"keys = [{KEY}]")


def test_a_good_installation_has_no_problems(shell: Shell) -> None:
    shell.write_policy(EASY)
    out = shell.good("check")
    assert "✓ policy" in out
    assert "✓ issuer     idp: 1 key, the policy file" in out
    assert "none yet" in out
    assert out.endswith("no problems\n")
    assert not (shell.folder / "data").exists()


def test_a_store_that_is_there_is_read(shell: Shell) -> None:
    shell.write_policy(EASY)
    shell.good("user", "add", "carol", "--no-password")
    assert "1 account:" in shell.good("check")


def test_without_a_policy_it_says_how_to_get_one(shell: Shell) -> None:
    done = shell("check")
    assert done.code == 2
    assert "doorward init" in done.out


def test_errors_of_the_policy_are_told_with_their_place(shell: Shell) -> None:
    shell.write_policy(EASY.replace("hours =", "ours ="))
    done = shell("check")
    assert done.code == 2
    assert "✗ policy" in done.out
    assert "doorward.toml:" in done.out


def test_an_issuer_whose_keys_cannot_be_fetched_is_a_problem(shell: Shell) -> None:
    shell.write_policy(POLICY.replace('jwks_file  = "jwks.json"', 'jwks = "http://127.0.0.1:1/keys"'))
    done = shell("check")
    assert done.code == 2
    assert "✗ issuer     idp:" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "http://127.0.0.1:1"], "refuses connections. Start it, or change --to."),
        (["--to", "nonsense"], "is not http(s)://host:port"),
        (["--listen", "0.0.0.0:0"], "[server] origins"),
        (["--control", "0.0.0.0:0"], "has no login of its own"),
        (["--listen", "nonsense"], "is no HOST:PORT"),
    ],
    ids=str,
)
def test_what_serve_would_refuse_is_a_problem(shell: Shell, words: list[str], said: str) -> None:
    shell.write_policy(EASY)
    done = shell("check", *words)
    assert done.code == 2
    assert said in done.out
    assert done.out.endswith("1 problem\n")


def test_what_serve_would_take_is_none(shell: Shell) -> None:
    shell.write_policy(EASY)
    with socket.create_server(("127.0.0.1", 0)) as application:
        url = f"http://127.0.0.1:{application.getsockname()[1]}"
        out = shell.good("check", "--to", url, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0")
    assert out.count("✓") == 6


def test_a_taken_port_is_a_problem(shell: Shell) -> None:
    shell.write_policy(EASY)
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = shell("check", "--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert "is taken by another program" in done.out


def test_a_data_folder_that_is_none_is_a_problem(shell: Shell) -> None:
    shell.write_policy(EASY)
    (shell.folder / "data").mkdir()
    (shell.folder / "data" / "doorward.db").write_text("no database at all, but long enough to be looked at")
    done = shell("check")
    assert done.code == 2
    assert "✗ store" in done.out


def test_programs_get_json_and_the_quiet_get_nothing(shell: Shell) -> None:
    shell.write_policy(EASY)
    found = shell("check", "--json").json
    assert found["problems"] == 0
    assert {check["name"] for check in found["checks"]} == {"policy", "issuer", "store"}
    assert shell.good("check", "-q") == ""
