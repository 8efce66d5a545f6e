"""Policy tests: named requests with the answer they must get.

    [[case]]
    name    = "editor may not see settings"
    request = "GET /admin/settings"
    as      = { id = "eve", roles = ["editor"] }
    expect  = { status = 403, reason = "role-missing", rule = "cms-settings" }

Relations are those of the case (`grants = ["read document:7"]`), never those of a store; without `at` it is Monday
noon UTC, so that a test says the same on every day. Rule: nothing here decides. Source: policy.md section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path as FilePath
from typing import Final

from doorward.core.errors import ConfigError, PolicyError
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import read_address
from doorward.policyfile import units
from doorward.policyfile.finding import Finding, Log
from doorward.policyfile.locate import locate
from doorward.policyfile.parse import parse
from doorward.policyfile.table import Table
from doorward.policyfile.words import nearest, visible

NOON: Final = 1_795_435_200.0
"""2026-11-23 12:00:00 UTC, a Monday."""
HOME: Final = "127.0.0.1"
_CENTURY: Final = (946_684_800.0, 4_102_444_800.0)


@dataclass(frozen=True, slots=True)
class Expect:
    """What must come out. status: of the answer; reason, rule: "" = whatever."""

    status: int
    reason: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One test. who: None = anonymous; headers: names in lower case; ip: of the client; at: seconds since the epoch;
    grants: (permission, object) that the caller holds; line: in the file.
    """

    name: str
    method: str
    target: str
    expect: Expect
    who: Principal | None = None
    headers: tuple[tuple[str, str], ...] = ()
    ip: str = HOME
    scheme: str = "https"
    at: float = NOON
    grants: frozenset[tuple[str, str]] = frozenset()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Cases:
    """What a test file says. cases: those that can be run; findings: what is wrong with the others."""

    cases: tuple[Case, ...]
    findings: tuple[Finding, ...]
    file: str = field(default="")

    def require(self) -> tuple[Case, ...]:
        """All cases. Raises PolicyError, the first fault."""
        if self.findings:
            raise self.findings[0].error(self.file)
        return self.cases


def load_cases(path: FilePath, issuers: Mapping[str, str] | None = None) -> Cases:
    """Read a test file. issuers: name -> iss of the policy. Raises ConfigError only when it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = 'Write [[case]] tables: name = "front page", request = "GET /", expect = { status = 200 }.'
        raise ConfigError(f"The test file {path} cannot be read: {error.strerror}.", hint=hint) from error
    return read_cases(data, str(path), issuers or {})


def read_cases(data: bytes, file: str, issuers: Mapping[str, str]) -> Cases:
    """Read the bytes of a test file. Never raises."""
    text, parsed = parse(data)
    if isinstance(parsed, Finding):
        return Cases((), (parsed,), file)
    log = Log(locate(text))
    top = Table(log, (), parsed)
    cases = tuple(_case(table, issuers) for table in _tables(top))
    top.close()
    names = [case.name for case in cases]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            log.add("E104", ("case", index, "name"), f'case "{visible(name)}": the name stands twice.', "Change it.")
    sound = tuple(case for index, case in enumerate(cases) if not log.broken("case", index))
    return Cases(sound, log.sorted(), file)


def _tables(top: Table) -> list[Table]:
    value = top.raw("case")
    if value is None or value == []:
        top.fault((), "there is no case.", "Write [[case]] tables, each with name, request and expect.")
    elif not isinstance(value, list):
        top.fault("case", "case is no list of tables.", "Write [[case]].")
    else:
        return [top.inner(("case", index), one, _title(one, index)) for index, one in enumerate(value)]
    return []


def _title(value: object, index: int) -> str:
    name = value.get("name") if isinstance(value, Mapping) else None
    return f'case "{visible(name)}": ' if isinstance(name, str) and name else f"case {index + 1}: "


def _case(table: Table, issuers: Mapping[str, str]) -> Case:
    name = table.text("name")
    request = table.parsed("request", ("GET", "/"), _request)
    table.lacks("name", 'Write for example name = "editor may not see settings".')
    table.lacks("request", 'Write for example request = "GET /admin/settings".')
    at = _at(table)
    who, grants = _who(table, at, issuers)
    case = Case(
        name,
        *request,
        _expect(table),
        who,
        _headers(table),
        table.parsed("ip", HOME, _address),
        table.choice("scheme", "https", ("https", "http")),
        at,
        grants,
        table.log.lines.of(*table.path, "name"),
    )
    table.close()
    return case


def _request(text: str) -> tuple[str, str]:
    name, _, target = text.partition(" ")
    if not target.startswith("/") or " " in target or not target.isascii() or not target.isprintable():
        raise PolicyError("E103", "", hint='Write method and path as sent: "GET /admin/settings".')
    return units.method(name), target


def _address(text: str) -> str:
    if read_address(text) is None:
        raise PolicyError("E107", f"{visible(text)} is no address.", hint='Write one, for example "203.0.113.9".')
    return text


def _at(table: Table) -> float:
    value = table.raw("at")
    if value is None:
        return NOON
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        table.wrong("at", 'Write a time with its zone: "2026-11-22T03:00:00+02:00".')
        return NOON
    at = value.timestamp()
    if not _CENTURY[0] <= at < _CENTURY[1]:
        table.wrong("at", "Write a time of this century.")
        return NOON
    return at


def _who(table: Table, at: float, issuers: Mapping[str, str]) -> tuple[Principal | None, frozenset[tuple[str, str]]]:
    inner = table.table("as")
    if inner is None:
        return None, frozenset()
    subject = inner.text("id")
    inner.lacks("id", 'Write as = { id = "eve", roles = ["editor"] }, or leave it out: anonymous.')
    scopes = frozenset(inner.each("scopes", units.scope)) if inner.raw("scopes") else None
    who = Principal(
        subject,
        inner.parsed("issuer", "local", lambda name: issuers.get(name, name)),
        inner.text("name"),
        frozenset(inner.each("roles", units.role)) if inner.raw("roles") else frozenset(),
        frozenset() if scopes is None and "scopes" in inner else scopes,
        inner.choice("scheme", "", ("bearer", "session", "apikey", "basic")),
        at - inner.parsed("age", 0, units.seconds),
        account="issuer" not in inner,
        attributes=_attributes(inner),
    )
    grants = frozenset(inner.each("grants", _grant))
    inner.close()
    return who, grants


def _attributes(table: Table) -> Mapping[str, str]:
    inner = table.table("attributes")
    return {key: inner.text(key) for key in inner} if inner else {}


def _grant(text: str) -> tuple[str, str]:
    permission, _, thing = text.partition(" ")
    if permission not in ("read", "write", "execute") or not thing:
        raise PolicyError("E103", "", hint='Write permission and object: "read document:7".')
    return permission, thing


def _headers(table: Table) -> tuple[tuple[str, str], ...]:
    inner = table.table("headers")
    if inner is None:
        return ()
    found = tuple((name.lower(), inner.text(name)) for name in inner)
    for name, value in found:
        if not units.FIELD.fullmatch(name) or not value.isascii():
            inner.fault((), f'the field "{visible(name)}" cannot be sent.', "Write name and value in ASCII.")
    return found


def _expect(table: Table) -> Expect:
    inner = table.table("expect")
    table.lacks("expect", "Write for example expect = { status = 403 }.")
    if inner is None:
        return Expect(0)
    found = Expect(inner.whole("status", 0, 200, 599), inner.parsed("reason", "", _reason), inner.text("rule"))
    inner.lacks("status", "Write for example expect = { status = 403 }.")
    inner.close()
    return found


def _reason(text: str) -> str:
    known = [str(reason) for reason in Reason]
    if text not in known:
        raise PolicyError("E103", f'unknown reason "{visible(text)}".', hint=nearest(text, known))
    return text
