"""`doorward policy lint`, `policy test` and `init`: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from policytexts import HEAD, rule

from doorward.cli.main import main
from doorward.policyfile.load import load_file

GOOD = HEAD + rule(name='"admin"', path='"/admin/**"', roles='"admin"')
WARNED = GOOD + rule(name='"open"', path='"/open"', access='"public"')
CASES = """[[case]]
name = "a stranger is asked"
request = "GET /admin"
expect = { status = 401 }
[[case]]
name = "an admin passes"
request = "GET /admin"
as = { id = "ada", roles = ["admin"] }
expect = { status = 200 }
"""
FAILING = (
    CASES
    + """[[case]]
name = "wrong"
request = "GET /admin"
expect = { status = 403, reason = "outside-hours" }
"""
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOORWARD_POLICY", raising=False)
    monkeypatch.setenv("DOORWARD_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(args))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


def write(name: str, text: str) -> None:
    Path(name).write_text(text)


def test_lint_of_a_good_file_says_so(run) -> None:
    write("doorward.toml", GOOD)
    assert run("policy", "lint") == (0, "0 errors, 0 warnings, 0 notes.\n", "")


def test_lint_of_a_broken_file_ends_with_2(run) -> None:
    write("doorward.toml", GOOD + "defualt = 1\n")
    code, out, _ = run("policy", "lint")
    assert code == 2
    assert 'E102 rule "admin": unknown key "defualt".' in out
    assert out.endswith("1 error, 0 warnings, 0 notes. Not loaded.\n")


def test_warnings_stop_the_load_when_strict(run) -> None:
    write("doorward.toml", WARNED)
    code, out, _ = run("policy", "lint")
    assert (code, out.splitlines()[-1]) == (0, "0 errors, 1 warning, 0 notes.")
    code, out, _ = run("policy", "lint", "--strict")
    assert (code, out.splitlines()[-1]) == (2, "0 errors, 1 warning, 0 notes. Not loaded.")


def test_lint_speaks_json(run) -> None:
    write("doorward.toml", WARNED)
    code, out, _ = run("policy", "lint", "--json", "--strict")
    said = json.loads(out)
    assert code == 2
    assert (said["loaded"], said["errors"], said["warnings"], said["notes"]) == (False, 0, 1, 0)
    assert said["version"] == load_file(Path("doorward.toml")).require().version
    (finding,) = said["findings"]
    assert (finding["code"], finding["level"], finding["rule"]) == ("W210", "warning", "open")
    assert {"line", "message", "hint"} <= set(finding)
    write("doorward.toml", "x")
    assert json.loads(run("policy", "lint", "--json")[1])["version"] is None


@pytest.mark.parametrize("verb", ["lint", "test"])
def test_without_a_policy_file_the_way_out_is_told(run, verb: str) -> None:
    code, _, err = run("policy", verb)
    assert code == 2
    assert err == "There is no policy file doorward.toml. Write one with `doorward init`.\n"


def test_a_policy_test_that_passes(run) -> None:
    write("doorward.toml", GOOD)
    write("doorward.test.toml", CASES)
    assert run("policy", "test") == (0, " ✓ a stranger is asked\n ✓ an admin passes\n2 of 2\n", "")
    assert run("policy", "test", "-q")[1] == "2 of 2\n"


def test_a_policy_test_that_fails_says_what_was_wanted_and_ends_with_1(run) -> None:
    write("doorward.toml", GOOD)
    write("more.toml", FAILING)
    code, out, _ = run("policy", "test", "more.toml")
    assert code == 1
    assert " ✗ wrong      want 403 outside-hours, got 401 credentials-missing\n2 of 3\n" in out


def test_a_policy_test_speaks_json(run) -> None:
    write("doorward.toml", GOOD)
    write("doorward.test.toml", FAILING)
    code, out, _ = run("policy", "test", "--json")
    said = json.loads(out)
    assert (code, said["passed"], len(said["cases"])) == (1, 2, 3)
    assert said["cases"][2]["want"] == {"status": 403, "reason": "outside-hours", "rule": ""}
    assert said["cases"][2]["got"] == {"status": 401, "reason": "credentials-missing", "rule": "admin"}


def test_a_broken_test_file_runs_nothing(run) -> None:
    write("doorward.toml", GOOD)
    write("doorward.test.toml", CASES + "[[case]]\nname = 7\n")
    code, out, _ = run("policy", "test")
    assert code == 2
    assert out.startswith("doorward.test.toml:10: E103 case 3: request is missing.")
    assert out.endswith("No case was run.\n")
    code, out, _ = run("policy", "test", "--json")
    assert (code, json.loads(out)["findings"][0]["code"]) == (2, "E103")


def test_a_broken_policy_is_not_tested(run) -> None:
    write("doorward.toml", "x")
    code, out, _ = run("policy", "test")
    assert code == 2
    assert out.endswith("Not loaded.\n")


def test_a_test_file_that_is_not_there_is_told(run) -> None:
    write("doorward.toml", GOOD)
    code, _, err = run("policy", "test")
    assert code == 2
    assert err.startswith("The test file doorward.test.toml cannot be read: No such file or directory.")


def test_init_writes_a_file_that_lints_clean_and_says_what_comes_next(run) -> None:
    code, out, _ = run("init")
    assert code == 0
    assert "doorward serve --to" in out
    code, out, _ = run("policy", "lint", "--strict")
    assert code == 0


def test_init_does_not_write_over_a_file_unasked(run) -> None:
    write("doorward.toml", "mine")
    code, _, err = run("init")
    assert code == 2
    assert err == "doorward.toml is there already. Look at it, or write over it: doorward init --force.\n"
    assert Path("doorward.toml").read_text() == "mine"
    assert run("init", "--force", "-q") == (0, "", "")
    assert Path("doorward.toml").read_text() != "mine"


def test_init_writes_where_it_is_told(run) -> None:
    code, out, _ = run("init", "--policy", "other.toml", "--json")
    assert (code, json.loads(out)) == (0, {"written": "other.toml"})
    assert load_file(Path("other.toml")).policy is not None


def test_init_says_why_it_cannot_write(run) -> None:
    code, _, err = run("init", "--policy", "no/such/folder.toml")
    assert code == 2
    assert err == "no/such/folder.toml cannot be written: No such file or directory. Name it: --policy.\n"


def test_what_is_commented_out_in_the_starting_file_is_right_too(run, tmp_path: Path) -> None:
    run("init")
    text = Path("doorward.toml").read_text()
    head, _, body = text.partition("version = 1")
    opened = [line.removeprefix("# ") if line.startswith("# ") and ("=" in line or "[" in line) else line
              for line in body.splitlines()]  # fmt: skip
    write("open.toml", head + "version = 1" + "\n".join(opened))
    assert load_file(tmp_path / "open.toml").findings
    assert [
        one for one in load_file(tmp_path / "open.toml").findings if one.level != "note" and one.code != "W209"
    ] == []


def test_no_file_is_a_config_error() -> None:
    from doorward.core.errors import ConfigError

    with pytest.raises(ConfigError, match=r"The policy file none\.toml cannot be read: No such file"):
        load_file(Path("none.toml"))
