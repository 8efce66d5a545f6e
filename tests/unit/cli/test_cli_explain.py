"""`doorward explain`: the two forms, their exit codes, and what they never print."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from cli_ledger_scene import Place, person

from doorward.cli import explain as module
from doorward.cli import explained
from doorward.core.ask import Rejected
from doorward.core.errors import ConfigError, DependencyError
from doorward.core.reason import Reason
from doorward.guard.rehearse import Presented
from doorward.ledger.event import AuditEvent
from doorward.ledger.identifiers import short
from doorward.sinks.schema import FILE
from kit import NOW

OLGA = """403 Forbidden   access-denied / not-owner      rule "own-profile"  {file}:23
 ✓ parse          /users/7/profile
 ✓ tls            http, within this machine
 ✓ gates          embargo, sensitive-files
 ✓ match          own-profile (/users/{{id}}/profile)
 ✓ authenticate   session, olga, subject 12, roles editor
 ✓ csrf           Sec-Fetch-Site: same-origin
 ✗ authorise      owner of 7? no, olga is 12      role admin? no, olga has editor
 would pass if    the caller were 7 · or olga had role admin
 answer           403 without WWW-Authenticate: logging in again cannot help
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path).settle()


@pytest.mark.article("A0-4", "A1-54")
def test_the_explanation_of_a_rehearsal_line_by_line(place: Place) -> None:
    """first-minute.md 3, A0-15, A1-54."""
    found = place.run("explain", "--as", "olga", "PUT", "/users/7/profile")
    assert found.output == OLGA.format(file=place.policy)
    assert found.return_value == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--as", "alice", "GET", "/admin/settings"], 0, ["allowed", "role admin"]),
        (["--as", "alice", "get", "/content"], 0, ["allowed", "role editor"]),
        (["--as", "12", "GET", "/users/12/profile"], 0, ["allowed", "owner of 12"]),
        (["--as", "carol", "GET", "/admin/settings"], 1, ["role admin? no, carol has customer"]),
        (["--as", "anonymous", "GET", "/admin/settings"], 1, ["401 Unauthorized", "no credentials"]),
        (["--as", "dora", "GET", "/users/15/profile"], 1, ["account-disabled", "doorward user enable"]),
        (["--as", "carol", "GET", "/ward/7"], 1, ["role clinician"]),
        (["--as", "carol", "GET", "/nope"], 1, ["404 Not Found", "no rule names this path"]),
        (
            ["--as", "alice", "GET", "/admin/settings", "--ip", "198.51.100.7"],
            1,
            ['gate "embargo"', "never, as things"],
        ),
        (["--as", "alice", "GET", "/admin/settings", "--ip", "2001:db8::7"], 0, ["https"]),
        (["--as", "olga", "PUT", "/users/12/profile", "--header", "Origin: https://evil.example"], 1, ["csrf-failed"]),
        (["--as", "olga", "GET", "/users/12/profile", "--header", "Host: evil.example"], 1, ["host-foreign"]),
        (["--as", "olga", "GET", "/a/../b"], 1, ["400 Bad Request", "dot segment"]),
        (["--as", "olga", "GET", "/content", "--at", "2026-01-01T00:00"], 0, ["allowed"]),
    ],
)
def test_rehearsals_and_their_exit_codes(place: Place, args: list[str], code: int, words: list[str]) -> None:
    found = place.run("explain", *args)
    assert found.return_value == code, found.output
    assert all(word in found.output for word in words), found.output


def test_a_rehearsal_records_nothing(place: Place) -> None:
    place.run("explain", "--as", "carol", "GET", "/admin/settings")
    assert not (place.data / FILE).exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--as", "nobody-known", "GET", "/x"], "There is no account"),
        (["--as", "carol", "GET", "/x", "--ip", "somewhere"], "is no address"),
        (["--as", "carol", "GET", "/x", "--at", "soon"], "is no time"),
        (["--as", "carol", "GET", "/x", "--header", "nonsense"], "is no header field"),
        (["--as", "carol", "GET", "/x", "--header", "Authorization: Bearer x"], "does not belong on a command line"),
        (["--as", "carol", "GET", "/x", "--header", "Cookie: x=y"], "does not belong on a command line"),
        (["--token", "-", "GET", "/x"], "no token on standard input"),
    ],
)
def test_wrong_use_says_what_to_do(place: Place, args: list[str], message: str) -> None:
    found = place.run("explain", *args)
    assert isinstance(found.exception, ConfigError)
    assert message in str(found.exception)
    assert found.exception.hint


@pytest.mark.parametrize(
    "args", [[], ["GET", "/x"], ["--as", "carol", "GET"], ["--as", "a", "--token", "-", "GET", "/x"]]
)
def test_the_two_forms_are_told_apart(place: Place, args: list[str]) -> None:
    found = place.run("explain", *args)
    assert isinstance(found.exception, click.UsageError)
    assert "--as WHO METHOD PATH" in str(found.exception)


def test_a_rehearsal_needs_a_policy(place: Place) -> None:
    place.policy.unlink()
    found = place.run("explain", "--as", "carol", "GET", "/x")
    assert isinstance(found.exception, ConfigError)
    assert "doorward init" in found.exception.hint


def test_a_token_is_read_from_standard_input_and_not_printed(place: Place) -> None:
    found = place.run("explain", "--token", "-", "GET", "/content", input="s3cr3t-token\n")
    assert found.return_value == 1
    assert "s3cr3t" not in found.output


def test_an_outage_while_rehearsing_is_no_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: Any) -> Any:
        from doorward.core.trace import Trace
        from doorward.core.verdict import Unavailable

        trace = Trace()
        trace.step = "authenticate"
        return Unavailable("sqlite", 5), trace

    monkeypatch.setattr("doorward.guard.rehearse.arehearse", down)
    found = place.run("explain", "--as", "carol", "GET", "/content")
    assert found.return_value == module.UNKNOWN
    assert "sqlite could not be asked" in found.output


# Recorded.


def test_the_explanation_of_a_record_line_by_line(place: Place) -> None:
    (ident,) = place.refuse(("PUT", "/users/7/profile"), who=person("olga"))
    found = place.run("explain", short(ident))
    lines = found.output.splitlines()
    version = lines[1].split("policy ")[1].split()[0]
    assert found.return_value == 0
    assert lines[0] == f'403 Forbidden   access-denied / not-owner      rule "own-profile"  {place.policy}:23'
    assert lines[1].endswith(
        f"   PUT /users/7/profile   127.0.0.0/24 (anonymised)   policy {version} (in force, same outcome)"
    )
    assert lines[2] == f" {ident}"
    assert lines[3:] == [
        " ✓ parse · tls · gates · match · authenticate",
        " ✗ authorise      owner of 7? no, olga is 12      role admin? no, olga has editor",
        " would pass if    the caller were 7 · or olga had role admin",
        " answer           403 without WWW-Authenticate: logging in again cannot help",
    ]


def test_a_policy_that_changed_meanwhile_is_asked_what_it_says(place: Place) -> None:
    (ident,) = place.refuse(("GET", "/admin/settings"), who=person("carol"))
    place.policy.write_text(place.policy.read_text().replace('roles = ["admin"]', 'roles = ["customer"]'))
    found = place.run("explain", ident)
    assert "allowed now)" in found.output
    assert "(in force now: " in found.output
    assert "(not tried)" in found.output


def test_without_a_policy_the_record_is_explained_all_the_same(place: Place) -> None:
    (ident,) = place.refuse(("GET", "/admin/settings"), who=person("carol"))
    place.policy.unlink()
    found = place.run("explain", ident)
    assert found.return_value == 0
    assert "role admin? no, carol has customer" in found.output
    assert "in force" not in found.output


def test_how_many_are_like_it_and_of_which_client(place: Place) -> None:
    """first-minute.md 4: how many like it, what it may mean."""
    agent = {"user-agent": "ios-shop/4.2 (x)"}
    ids = place.refuse(*(("GET", "/admin/settings", agent) for _ in range(30)))
    found = place.run("explain", ids[0])
    assert ' also             29 like it in 10 min, all from client "ios-shop/4.2"' in found.output
    place.refuse(("GET", "/admin/settings"))
    assert "30 like it in 10 min \N{RIGHTWARDS ARROW} doorward tail" in place.run("explain", ids[0]).output


def test_a_request_that_was_counted_with_others_is_found(place: Place) -> None:
    ids = place.refuse(*(("GET", "/admin/settings") for _ in range(40)))
    found = place.run("explain", ids[30])
    assert found.return_value == 0
    assert "counted with 29 equal ones" in found.output
    assert ids[10] in found.output


def test_when_several_rows_may_have_counted_it_they_are_listed(place: Place) -> None:
    counted = AuditEvent(
        NOW, "019ab697-e800-7600-8000-000000000001", "deny", 403, "role-missing", count=9, until=NOW + 5
    )
    place.write(counted, replace(counted, id=counted.id.replace("76", "77"), reason="not-owner"))
    found = place.run("explain", "019ab697-f000-7000-8000-000000000000")
    assert found.return_value == 1
    assert "may be one of these" in found.output
    assert "not-owner" in found.output


def test_an_unknown_id_is_said_to_be_unknown(place: Place) -> None:
    for ident in ("01ffffffffff", "zz", "x" * 40):
        found = place.run("explain", ident)
        assert found.return_value == 1
        assert "Nothing is recorded under" in found.output


def test_too_few_digits_list_what_they_fit(place: Place) -> None:
    place.refuse(("GET", "/nope"), ("GET", "/admin/settings"))
    found = place.run("explain", "01")
    assert found.return_value == 1
    assert "2 requests begin with 01" in found.output
    assert "credentials-missing" in found.output


def test_a_masked_record_names_nothing_unless_asked(place: Place) -> None:
    """A2-33."""
    (ident,) = place.refuse(("GET", "/ward/patient-7"), who=person("carol"))
    for switches in ((), ("--json",)):
        said = place.run("explain", ident, *switches).output
        assert "Access denied" in said
        assert not [
            word for word in ("ward", "patient", "clinician", "carol") if word in said.replace(str(place.data), "")
        ]
    assert "/ward/patient-7" in place.run("explain", ident, "--unmasked").output


def test_refused_credentials_are_explained_with_their_challenges(place: Place) -> None:
    gone = Presented("session", Rejected(Reason.SESSION_EXPIRED, expired=True))
    (ident,) = place.refuse(("GET", "/content"), who=gone)
    lines = place.run("explain", ident).output.splitlines()
    assert " ✗ authenticate   session: the session is over" in lines
    assert '                  WWW-Authenticate: Session realm="shop"' in lines


def test_a_full_address_is_shown_as_it_was_kept(place: Place) -> None:
    place.policy.write_text(place.policy.read_text() + '\n[ledger]\nip = "full"\n')
    (ident,) = place.refuse(("GET", "/nope"))
    assert "   127.0.0.1   policy" in place.run("explain", ident).output


def test_a_bug_is_explained_by_where_its_stack_is(place: Place) -> None:
    place.write(AuditEvent(NOW, "019ab697-e800-7600-8000-000000000001", "bug", 500, "internal-error", "internal-error"))
    said = place.run("explain", "019ab697e800").output
    assert "500 Internal Server Error   internal-error" in said
    assert "the stack stands in the log" in said
    assert "would pass" not in said


def test_json_holds_what_the_lines_hold(place: Place) -> None:
    rehearsed = json.loads(place.run("explain", "--as", "olga", "PUT", "/users/7/profile", "--json").output)
    (ident,) = place.refuse(("PUT", "/users/7/profile"), who=person("olga"))
    recorded = json.loads(place.run("explain", ident, "--json").output)
    for found in (rehearsed, recorded):
        assert (found["error"], found["reason"], found["allowed"]) == ("403", "not-owner", False)
        assert found["steps"][-1]["passed"] is False
        assert found["would_pass_if"][0] == {"text": "the caller were 7", "checked": True}
    assert recorded["outcome_now"] == "same outcome"


def test_a_ledger_that_cannot_be_read_is_no_answer(place: Place) -> None:
    (place.data / FILE).write_bytes(b"letter" * 1000)
    assert isinstance(place.run("explain", "01").exception, DependencyError)


def test_lines_are_wrapped_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "word " * 60
    assert len(explained._wrapped(text)) == 1
    monkeypatch.setattr(explained.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, explained._wrapped(text))) <= 80 - 18
    assert explained._wrapped("") == [""]


def test_an_origin_of_ours_is_where_a_rehearsal_comes_to(place: Place) -> None:
    place.policy.write_text(place.policy.read_text() + '\n[server]\norigins = ["https://shop.example"]\n')
    found = place.run("explain", "--as", "olga", "PUT", "/users/12/profile")
    assert found.return_value == 0, found.output
    assert "✓ tls            https" in found.output
