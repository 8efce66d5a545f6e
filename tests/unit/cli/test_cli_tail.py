"""`doorward tail`: one line per refusal, in columns, and nothing that a rule masks."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_ledger_scene import Place

from doorward.cli import tail as module
from doorward.cli.tail import moment
from doorward.core.errors import ConfigError
from doorward.ledger.event import AuditEvent
from kit import NOW

EVENT = AuditEvent(
    NOW,
    "019ab697-e800-7600-8000-000000000001",
    "deny",
    403,
    "role-missing",
    "access-denied",
    rule="settings",
    required="role admin",
    subject="13",
    name="carol",
    method="GET",
    resource="/admin/settings",
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def event(number: int, **more: object) -> AuditEvent:
    made = replace(EVENT, at=NOW + number, id=f"{int((NOW + number) * 1000):012x}"[:8] + EVENT.id[8:])
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_last_refusals_stand_in_columns(place: Place) -> None:
    place.write(
        event(
            1, status=401, verdict="challenge", reason="token-expired", required="", subject="", name="", rule="orders"
        ),
        event(2),
        event(3, status=404, verdict="hide", reason="concealed", truth="role-missing"),
        event(4, status=429, verdict="throttle", reason="rate-exceeded", required="12 s", count=7),
    )
    found = place.run("tail")
    assert found.exit_code == 0
    lines = found.output.splitlines()
    assert len(lines) == 4
    assert len({line.index(line.split()[2]) for line in lines}) == 1
    assert "401  token-expired" in lines[0]
    assert lines[1].endswith("needs admin")
    assert "404  concealed" in lines[2]
    assert lines[3].endswith("12 s  \N{MULTIPLICATION SIGN}7")
    assert "carol" in lines[1]


def test_columns_begin_below_each_other(place: Place) -> None:
    place.write(event(1, resource="/a"), event(2, resource="/a/much/longer/path", name="somebody-long"), event(3))
    lines = place.run("tail").output.splitlines()
    assert len({line.rindex("settings  ") for line in lines}) == 1


def test_wide_letters_take_their_two_columns(place: Place) -> None:
    place.write(event(1, name="\u6f22\u5b57"), event(2, name="abcd"))
    first, second = place.run("tail").output.splitlines()
    assert first.index("settings  ") == second.index("settings  ")
    assert first.rindex("settings  ") == second.rindex("settings  ") - 2


def test_without_refusals_it_says_so_and_makes_nothing(place: Place) -> None:
    found = place.run("tail")
    assert "No refusals" in found.output
    assert not place.data.exists()
    assert place.run("tail", "-q").output == ""


@pytest.mark.parametrize(
    ("switches", "paths"),
    [
        (["--status", "404"], ["/hidden"]),
        (["--reason", "role-missing"], ["/admin/settings", "/hidden"]),
        (["--rule", "own"], ["/own"]),
        (["--who", "olga"], ["/own"]),
        (["--who", "12"], ["/own"]),
        (["-n", "1"], ["/own"]),
        (["-n", "0"], []),
        (["--since", "2025-11-24T16:00:02+00:00"], ["/hidden", "/own"]),
        (["--allows"], ["/admin/settings", "/hidden", "/own", "/allowed"]),
    ],
)
def test_switches_choose(place: Place, switches: list[str], paths: list[str]) -> None:
    place.write(
        event(1),
        event(2, status=404, reason="concealed", truth="role-missing", resource="/hidden"),
        event(3, rule="own", name="olga", subject="12", reason="not-owner", resource="/own"),
        event(4, verdict="allow", status=0, reason="allowed", resource="/allowed"),
    )
    found = [json.loads(line)["path"] for line in place.run("tail", "--json", *switches).output.splitlines()]
    assert found == paths


def test_an_unknown_reason_is_asked_about(place: Place) -> None:
    found = place.run("tail", "--reason", "role-mising")
    assert isinstance(found.exception, ConfigError)
    assert "Did you mean role-missing?" in str(found.exception)
    assert "There is no reason" in str(place.run("tail", "--reason", "xyzzyq").exception)


def test_times_are_ages_or_dates() -> None:
    assert moment("10m", 1000) == 400
    assert moment("2d", 200_000) == 200_000 - 172_800
    assert moment("2025-11-24T16:00:00+00:00", 0) == NOW
    assert moment("2025-11-24", 0) == datetime(2025, 11, 24).timestamp()  # noqa: DTZ001 - local time is what is meant
    with pytest.raises(ConfigError, match="is no time"):
        moment("yesterday", 0)


def test_masked_rows_say_access_denied_unless_asked(place: Place) -> None:
    place.write(event(1, masked=True, rule="ward", resource="/ward/7", required="role clinician"))
    assert place.run("tail").output.rstrip().endswith("019ab697e800"[:8] + "e800")
    said = place.run("tail").output + place.run("tail", "--json").output
    assert said.count("Access denied") == 2
    assert not [word for word in ("ward", "clinician", "carol") if word in said]
    assert "/ward/7" in place.run("tail", "--unmasked").output
    assert "/ward/7" in place.run("tail", "--unmasked", "--json").output


def test_a_long_path_is_cut_unless_verbose(place: Place) -> None:
    place.write(event(1, resource="/" + "x" * 99))
    assert "x" * 41 not in place.run("tail").output
    assert "x" * 99 in place.run("tail", "-v").output


def test_requests_of_one_millisecond_are_told_apart(place: Place) -> None:
    ids = place.refuse(("GET", "/nope"), ("GET", "/nope"))
    lines = place.run("tail").output.splitlines()
    first, second = (each.replace("-", "") for each in ids)
    assert first[:12] in lines[0]
    assert (second[:16] if second[:12] == first[:12] else second[:12]) in lines[1]


def test_nothing_in_a_line_moves_the_cursor(place: Place) -> None:
    place.write(event(1, name="\x1b[2Jcarol\u202e", resource="/\x07"))
    said = place.run("tail").output
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\u202e" not in said


def test_what_happened_today_has_no_date(place: Place) -> None:
    now = time.time()
    place.write(replace(event(1), at=now), event(2))
    lines = place.run("tail").output.splitlines()
    assert lines[0].startswith(datetime.fromtimestamp(now, UTC).astimezone().strftime("%H:%M:%S"))
    assert lines[1].startswith(datetime.fromtimestamp(NOW + 2, UTC).astimezone().strftime("%m-%d"))


def test_following_prints_what_comes_until_it_is_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write(event(1, resource="/before"))
    turns: list[int] = []

    def pause(_seconds: float) -> None:
        turns.append(1)
        if len(turns) == 1:
            place.write(event(2, resource="/while"))
        if len(turns) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(module.time, "sleep", pause)
    found = place.run("tail", "--follow", "--json")
    assert found.exit_code == 0
    assert [json.loads(line)["path"] for line in found.output.splitlines()] == ["/before", "/while"]


def test_colour_is_for_terminals(place: Place) -> None:
    place.write(event(1))
    assert "\x1b" not in place.run("tail").output
