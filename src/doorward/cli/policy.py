"""`doorward policy lint` and `doorward policy test`: the file alone, without store, network or log.

Exit codes: lint 0 or 2 (findings that stop the load; with --strict warnings too); test 0, 1 (a case failed), 2.
Source: policy.md sections 4 and 6, first-minute.md 2 and 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.common import Context, Verbs, clean, common_options
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.cli.rehearsal import Outcome
    from doorward.policyfile.cases import Cases
    from doorward.policyfile.load import Loaded

NO, WRONG = 1, 2
_COLORS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.group(cls=Verbs)
def policy() -> None:
    """Lint and test the policy file."""


@policy.command()
@click.option("--strict", is_flag=True, help="Warnings stop the load as errors do.")
@common_options
def lint(context: Context, strict: bool) -> int:
    """Say everything that is wrong with the policy file, each with its line and its mend."""
    loaded = _load(context)
    stopped = loaded.policy is None or (strict and any(one.level == "warning" for one in loaded.findings))
    if context.json:
        context.emit(_as_json(loaded, stopped=stopped))
    else:
        _print(context, loaded, strict=strict)
    return WRONG if stopped else 0


@policy.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@common_options
def test(context: Context, file: Path | None) -> int:
    """Decide the requests of a test file and compare. FILE: by default the policy's name with .test.toml.

    A case: name, request = "GET /path", expect = { status, reason, rule }; and as = { id, roles, scopes, scheme,
    issuer, attributes, grants, age }, at, ip, headers, scheme. Without `at` it is Monday noon UTC; without `as` nobody.
    """
    from doorward.cli.rehearsal import play

    loaded = _load(context)
    if loaded.policy is None:
        _print(context, loaded, strict=False)
        return WRONG
    cases = _cases(file or context.policy.with_suffix(".test.toml"), loaded)
    if cases.findings:
        _complain(context, cases)
        return WRONG
    outcomes = [play(loaded.policy, case) for case in cases.cases]
    passed = sum(outcome.passed for outcome in outcomes)
    if context.json:
        context.emit({"passed": passed, "cases": [_outcome(one) for one in outcomes]})
    else:
        _tell(context, outcomes)
        context.say(f"{passed} of {len(outcomes)}")
    return 0 if passed == len(outcomes) else NO


def _load(context: Context) -> Loaded:
    loaded = context.load()
    if loaded is None:
        raise ConfigError(
            f"There is no policy file {clean(str(context.policy))}.", hint="Write one with `doorward init`."
        )
    return loaded


def _cases(file: Path, loaded: Loaded) -> Cases:
    from doorward.policyfile.cases import load_cases

    issuers = loaded.require().settings.issuers
    return load_cases(file, {name: issuer.issuer for name, issuer in issuers.items()})


def _print(context: Context, loaded: Loaded, *, strict: bool) -> None:
    from doorward.policyfile.finding import report, summary

    for line, one in zip(report(loaded.file, loaded.findings), loaded.findings, strict=True):
        context.say(clean(line).replace(one.code, context.paint(one.code, fg=_COLORS[one.level]), 1))
    context.say(summary(loaded.findings, strict=strict))


def _complain(context: Context, cases: Cases) -> None:
    from doorward.policyfile.finding import report

    if context.json:
        context.emit({"file": cases.file, "findings": [_finding(one) for one in cases.findings]})
        return
    for line in report(cases.file, cases.findings):
        context.say(clean(line))
    context.say("No case was run.")


def _as_json(loaded: Loaded, *, stopped: bool) -> dict[str, Any]:
    levels = [one.level for one in loaded.findings]
    return {
        "file": loaded.file,
        "loaded": not stopped,
        "version": loaded.policy.version if loaded.policy else None,
        "errors": levels.count("error"),
        "warnings": levels.count("warning"),
        "notes": levels.count("note"),
        "findings": [_finding(one) for one in loaded.findings],
    }


def _finding(one: Any) -> dict[str, Any]:
    return {
        "code": one.code,
        "level": one.level,
        "line": one.line,
        "rule": one.rule,
        "message": one.message,
        "hint": one.hint,
    }


def _tell(context: Context, outcomes: list[Outcome]) -> None:
    width = max((len(clean(one.case.name)) for one in outcomes if not one.passed), default=0)
    for one in outcomes:
        name = clean(one.case.name)
        if one.passed:
            context.note(f" {context.paint('✓', fg='green')} {name}")
        else:
            want, got = clean(one.wanted), clean(one.got)
            context.say(f" {context.paint('✗', fg='red')} {name.ljust(width)}      want {want}, got {got}")


def _outcome(one: Outcome) -> dict[str, Any]:
    expect = one.case.expect
    return {
        "name": one.case.name,
        "line": one.case.line,
        "passed": one.passed,
        "want": {"status": expect.status, "reason": expect.reason, "rule": expect.rule},
        "got": {"status": one.status, "reason": one.reason, "rule": one.rule},
    }
