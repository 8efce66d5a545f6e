"""What every command shares: switches, the data folder, output that a terminal can trust."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

import click
import pytest
from command_kit import Shell, on_terminal, process
from hypothesis import given
from hypothesis import strategies as st

from doorward.cli.common import Context, clean, data_folder
from doorward.cli.times import day, iso, minute, read_time
from doorward.core.errors import ConfigError

HOME = Path("/home/alice")


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/alice/.local/share/doorward"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/doorward"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/alice/.local/share/doorward"),
        ("linux", {"XDG_DATA_HOME": ""}, "/home/alice/.local/share/doorward"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/home/alice/Library/Application Support/doorward"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/doorward"),
        ("win32", {}, "/home/alice/AppData/Local/doorward"),
    ],
)
def test_data_live_where_the_platform_keeps_data(platform: str, environ: dict[str, str], expected: str) -> None:
    assert PurePosixPath(data_folder(platform, environ, HOME)) == PurePosixPath(expected)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("Олена 李", "Олена 李"),
        ("a\x1b[31mb", r"a\u001b[31mb"),
        ("a\nb\tc", r"a\u000ab\u0009c"),
        ("\x9b2J", r"\u009b2J"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028", r"\u2028"),
        ("\udcff", r"\udcff"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_a_terminal_could_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text())
def test_a_cleaned_text_has_nothing_that_a_terminal_could_obey(text: str) -> None:
    found = clean(text)
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in found)
    assert clean(found) == found
    found.encode()


def test_json_holds_no_control_character_whatever_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    Context(Path("x"), False, Path("y"), json=True).emit(
        {"name": "a\x1b\x7f\x9b\u202e", "set": frozenset("ba"), "at": HOME}
    )
    out = capsys.readouterr().out
    assert out.isascii()
    assert all(char.isprintable() or char == "\n" for char in out)


def test_columns_stand_under_each_other_in_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    Context(Path("x"), False, Path("y")).rows(("NAME", "N"), [("李", "1"), ("Zoe\u0308", "2"), ("ab", "3")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["NAME  N", "李    1", "Zoe\u0308   2", "ab    3"]


def test_a_policy_file_that_was_named_must_be_there(shell: Shell) -> None:
    done = shell("user", "add", "alice", "--role", "x", "--no-password", "--policy", "nowhere.toml")
    assert done.code == 2
    assert done.err == "There is no policy file nowhere.toml. Write one: doorward init, or name another.\n"
    assert Context(Path("nowhere"), False, Path("y")).load() is None
    with pytest.raises(ConfigError):
        Context(Path("nowhere"), True, Path("y")).load()


def test_switches_come_from_the_environment_too(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shell.good("user", "add", "alice", "--no-password")
    assert (tmp_path / "data" / "doorward.db").exists()
    shell.good("user", "add", "alice", "--no-password", "--data", str(tmp_path / "other"))
    assert (tmp_path / "other" / "doorward.db").exists()


@pytest.mark.parametrize("verb", ["user", "key", "session", "token"])
def test_a_verb_that_does_not_exist_is_answered_with_those_that_do(shell: Shell, verb: str) -> None:
    done = shell(verb, "frobnicate")
    assert done.code == 2
    assert done.err.startswith(f'No such command "{verb} frobnicate". There are ')


@pytest.mark.parametrize(("typed", "meant"), [("lsit", "list"), ("shwo", "show")])
def test_a_mistyped_verb_is_answered_with_the_nearest(shell: Shell, typed: str, meant: str) -> None:
    assert f'Did you mean "{meant}"?' in shell("user", typed).err


@pytest.mark.parametrize("verb", ["user", "key", "session", "token"])
def test_every_verb_has_help_with_the_common_switches(shell: Shell, verb: str) -> None:
    assert "Commands:" in shell.good(verb, "--help")
    for command in ("list", "revoke"):
        if command in shell.good(verb, "--help"):
            text = shell.good(verb, command, "--help")
            assert all(switch in text for switch in ("--policy", "--data", "--json", "--quiet", "--no-color"))


def test_output_is_coloured_on_a_terminal_and_plain_where_it_is_forbidden_or_piped(tmp_path: Path) -> None:
    process(tmp_path, "user", "add", "alice", "--no-password")
    assert "\x1b[" in on_terminal(tmp_path, "user", "list").out
    assert "\x1b[" not in on_terminal(tmp_path, "user", "list", NO_COLOR="1").out
    assert "\x1b[" not in on_terminal(tmp_path, "user", "list", "--no-color").out
    assert "\x1b[" not in on_terminal(tmp_path, "user", "list", TERM="dumb").out
    assert "\x1b[" not in process(tmp_path, "user", "list").out


def test_a_terminal_without_unicode_shows_escapes(tmp_path: Path) -> None:
    process(tmp_path, "user", "add", "Олена", "--no-password")
    done = process(tmp_path, "user", "list", PYTHONIOENCODING="latin-1")
    assert done.code == 0
    assert "\\u041e" in done.out


def test_listing_commands_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("asyncio", "sqlite3", "argon2", "cryptography", "msgspec", "jinja2", "aiohttp", "doorward.stores")
    script = "import sys\ntry:\n from doorward.cli.main import main; main(['--help'])\nexcept SystemExit: pass\n"
    script += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


NOW = 1_764_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", NOW + 90 * 86_400),
        ("2h", NOW + 7_200),
        ("5m", NOW + 300),
        ("30s", NOW + 30),
        ("1764000060", NOW + 60),
        ("2025-11-24", 1_763_942_400.0),
        ("2025-11-24T16:00:00Z", NOW),
        ("2025-11-24T18:00+02:00", NOW),
    ],
)
def test_a_time_is_read_in_every_form_that_help_names(text: str, expected: float) -> None:
    assert read_time(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "tomorrow", "90", "d", "-1d", "999999999d", "2025-13-01", "\x1b[2J"])
def test_what_is_no_time_is_answered_with_forms_that_are(text: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        read_time(text, NOW)
    assert "\x1b" not in caught.value.format_message()


def test_times_are_shown_in_utc() -> None:
    assert (day(NOW), minute(NOW), iso(NOW)) == ("2025-11-24", "2025-11-24 16:00 UTC", "2025-11-24T16:00:00Z")
    assert (day(None), minute(None, "never"), iso(None)) == ("-", "never", None)
