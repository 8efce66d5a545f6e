"""Policy test files: what can be said, what is told when it cannot, and how a case is decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from policytexts import HEAD, policy, rule

from doorward.cli.rehearsal import Outcome, play
from doorward.core.errors import ConfigError, PolicyError
from doorward.core.principal import Principal
from doorward.policyfile.cases import NOON, Case, load_cases, read_cases

OURS: dict[str, Any] = {"auth_time": NOON, "account": True}
ISSUERS = {"idp": "https://idp.example"}


def case(**keys: str) -> str:
    given = {"name": '"n"', "request": '"GET /a"', "expect": "{ status = 200 }", **keys}
    return "[[case]]\n" + "".join(
        f"{'as' if key == 'as_' else key} = {value}\n" for key, value in given.items() if value
    )


def read(**keys: str) -> Case:
    (found,) = read_cases(case(**keys).encode(), "t", ISSUERS).require()
    return found


def told(text: str) -> list[str]:
    return [finding.text("t") for finding in read_cases(text.encode(), "t", ISSUERS).findings]


WRONG = [
    ("", "t:1: E103 there is no case. Write [[case]] tables, each with name, request and expect."),
    ("case = 7\n", "t:1: E103 case is no list of tables. Write [[case]]."),
    ("case = [7]\n", "t:1: E103 case 1: 7 is no table. Write { … }."),
    ("cases = 7\n" + case(), 't:1: E102 unknown key "cases". Did you mean "case"?'),
    ("a = \n", "t:1: E101 not TOML: Invalid value. Text stands in quotation marks, tables in [brackets]."),
    (case(name=""), "t:1: E103 case 1: name is missing. Write for example name"),
    (case(request=""), 't:1: E103 case "n": request is missing. Write for example request = "GET /admin/settings".'),
    (case(expect=""), 't:1: E103 case "n": expect is missing. Write for example expect = { status = 403 }.'),
    (case(expect="{}"), 't:4: E103 case "n": expect: status is missing. Write for example'),
    (case(expect="403"), 't:4: E103 case "n": expect: 403 is no table. Write { … }.'),
    (case(expect="{ status = 1000 }"), 't:4: E103 case "n": expect: status = 1000. Write a whole number from 200 to 5'),
    (case(expect='{ status = 403, reason = "role-mising" }'), 't:4: E103 case "n": expect: unknown reason "role-misin'),
    (case(request='"/a"'), 't:3: E103 case "n": request = "/a". Write method and path as sent'),
    (case(request='"get /a"'), 't:3: E103 case "n": method get. Methods are upper case. Write "GET".'),
    (case(request='"GET /a b"'), 't:3: E103 case "n": request = "GET /a b". Write method and path as sent'),
    (case(as_="{}"), 't:5: E103 case "n": as: id is missing. Write as = { id = "eve"'),
    (case(as_='{ id = "e", role = "a" }'), 't:5: E102 case "n": as: unknown key "role". Did you mean "roles"?'),
    (case(as_='{ id = "e", grants = "own x" }'), 't:5: E103 case "n": as: grants = "own x". Write permission and obje'),
    (case(as_='{ id = "e", scheme = "dpop" }'), 't:5: E103 case "n": as: scheme = "dpop". Write "bearer"'),
    (case(at='"yesterday"'), 't:5: E103 case "n": at = "yesterday". Write a time with its zone'),
    (case(at='"2026-11-22T03:00:00"'), 't:5: E103 case "n": at = "2026-11-22T03:00:00". Write a time with its zone'),
    (case(at="7"), 't:5: E103 case "n": at = 7. Write a time with its zone'),
    (case(ip='"office"'), 't:5: E107 case "n": office is no address. Write one, for example "203.0.113.9".'),
    (case(headers='{ "a b" = "x" }'), 't:5: E103 case "n": headers: the field "a b" cannot be sent. Write name and va'),
    (case(headers='{ a = "ü" }'), 't:5: E103 case "n": headers: the field "a" cannot be sent. Write name and value'),
    (case() + case(), 't:6: E104 case "n": the name stands twice. Change it.'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=range(len(WRONG)))
def test_a_mistake_in_a_test_file_is_told(text: str, expected: str) -> None:
    assert told(text)[0].startswith(expected), told(text)


def test_a_case_has_sensible_defaults() -> None:
    found = read()
    assert (found.method, found.target, found.who, found.ip, found.scheme) == ("GET", "/a", None, "127.0.0.1", "https")
    assert (found.at, found.headers, found.grants, found.line) == (NOON, (), frozenset(), 2)


@pytest.mark.parametrize("at", ['"2026-11-22T03:00:00+02:00"', "2026-11-22T03:00:00+02:00", "2026-11-22 01:00:00Z"])
def test_a_time_may_be_a_text_or_a_time(at: str) -> None:
    assert read(at=at).at == 1_795_309_200.0


def test_a_time_no_clock_knows_is_told() -> None:
    assert told(case(at="0001-01-01T00:00:00+23:00"))[0].startswith('t:5: E103 case "n": at =')


@pytest.mark.parametrize(
    ("as_", "who"),
    [
        ('{ id = "e" }', Principal("e", **OURS)),
        ('{ id = "e", roles = ["a"], name = "Eve" }', Principal("e", name="Eve", roles=frozenset("a"), **OURS)),
        ('{ id = "e", roles = [], scopes = [] }', Principal("e", scopes=frozenset(), **OURS)),
        ('{ id = "e", scopes = "x", scheme = "basic" }', Principal("e", scopes=frozenset("x"), scheme="basic", **OURS)),
        ('{ id = "e", issuer = "idp" }', Principal("e", "https://idp.example", auth_time=NOON)),
        ('{ id = "e", issuer = "https://b" }', Principal("e", "https://b", auth_time=NOON)),
        ('{ id = "e", age = "2h" }', Principal("e", **{**OURS, "auth_time": NOON - 7_200})),
        ('{ id = "e", attributes = { no = "7" } }', Principal("e", **OURS, attributes={"no": "7"})),
    ],
)  # fmt: skip
def test_who_asks_arrives(as_: str, who: Principal) -> None:
    assert read(as_=as_).who == who


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: No such file.*Write \[\[case\]\]"):
        load_cases(tmp_path / "none.toml")


def test_require_raises_the_first_fault(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(case(request='"/a"'))
    with pytest.raises(PolicyError, match=r"t\.toml:3: E103"):
        load_cases(file).require()


# ---- deciding

BODY = (
    '[roles]\nadmin = ["editor"]\n[groups.office]\nnetworks = ["10.0.0.0/8"]\n'
    + rule(name='"pub"', path='"/pub"', access='"public"', methods='"GET"')
    + rule(name='"edit"', path='"/edit"', roles='"editor"')
    + rule(name='"scope"', path='"/scope"', scopes='"s"')
    + rule(name='"doc"', path='"/doc/{d}"', acl='{ object = "doc:{d}", GET = "read" }')
    + rule(name='"no"', path='"/no/{id}"', owner='{ is = "{id}", attribute = "no" }')
    + rule(name='"tok"', path='"/tok"', schemes='["bearer"]', issuers='["idp"]')
    + rule(name='"hid"', path='"/hid"', roles='"admin"', hide="true")
)


def played(**keys: str) -> Outcome:
    return play(policy(BODY), read(**keys))


DECIDED: list[tuple[dict[str, str], int, str, str]] = [
    ({"request": '"GET /pub"'}, 200, "allowed", "pub"),
    ({"request": '"GET /edit"'}, 401, "credentials-missing", "edit"),
    ({"request": '"GET /edit"', "as_": '{ id = "e", roles = ["admin"] }'}, 200, "allowed", "edit"),
    ({"request": '"GET /edit"', "as_": '{ id = "e" }'}, 403, "role-missing", "edit"),
    ({"request": '"GET /scope"', "as_": '{ id = "e" }'}, 200, "allowed", "scope"),
    ({"request": '"GET /scope"', "as_": '{ id = "e", scopes = "s" }'}, 200, "allowed", "scope"),
    ({"request": '"GET /scope"', "as_": '{ id = "e", scopes = "t" }'}, 403, "scope-missing", "scope"),
    ({"request": '"GET /scope"', "as_": '{ id = "e", scheme = "bearer" }'}, 403, "scope-missing", "scope"),
    ({"request": '"GET /doc/7"', "as_": '{ id = "e", grants = "read doc:7" }'}, 200, "allowed", "doc"),
    ({"request": '"GET /doc/7"', "as_": '{ id = "e", grants = "read doc:8" }'}, 403, "grant-missing", "doc"),
    ({"request": '"GET /no/7"', "as_": '{ id = "e", attributes = { no = "7" } }'}, 200, "allowed", "no"),
    ({"request": '"GET /tok"', "as_": '{ id = "e", issuer = "idp" }'}, 200, "allowed", "tok"),
    ({"request": '"GET /tok"', "as_": '{ id = "e", issuer = "https://b" }'}, 401, "token-issuer", "tok"),
    ({"request": '"GET /hid"', "as_": '{ id = "e" }'}, 404, "role-missing", "hid"),
    ({"request": '"POST /edit"', "as_": '{ id = "e", roles = "editor", scheme = "session" }',
      "headers": '{ X-CSRF-Token = "x" }'}, 403, "csrf-mismatch", "edit"),
    ({"request": '"GET /pub"', "headers": '{ Host = "evil.example" }'}, 421, "host-foreign", "(request)"),
    ({"request": '"GET /pub"', "scheme": '"http"', "ip": '"192.0.2.1"'}, 403, "tls-required", "(tls)"),
    ({"request": '"GET /a/../b"'}, 400, "path-ambiguous", "(request)"),
    ({"request": '"GET /edit"', "headers": '{ Authorization = "Bearer a.b.c" }'}, 401, "token-content", "edit"),
    ({"request": '"OPTIONS /edit"', "headers": '{ Origin = "https://a.b", Access-Control-Request-Method = "GET" }'},
     200, "allowed", "(preflight)"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "status", "reason", "decider"), DECIDED, ids=range(len(DECIDED)))
def test_a_case_is_decided(keys: dict[str, str], status: int, reason: str, decider: str) -> None:
    found = played(**keys)
    assert (found.status, found.reason, found.rule) == (status, reason, decider)


@pytest.mark.parametrize(
    ("expect", "passed", "wanted", "got"),
    [
        ("{ status = 404 }", True, "404", "404 role-missing"),
        (
            '{ status = 404, reason = "concealed", rule = "hid" }',
            True,
            '404 concealed by "hid"',
            '404 role-missing by "hid"',
        ),
        ('{ status = 404, reason = "role-missing" }', True, "404 role-missing", "404 role-missing"),
        ('{ status = 404, rule = "x" }', False, '404 by "x"', '404 role-missing by "hid"'),
        ('{ status = 404, reason = "path-unnamed" }', False, "404 path-unnamed", "404 role-missing"),
        ("{ status = 403 }", False, "403", "404 role-missing"),
    ],
)
def test_an_outcome_is_compared_and_told(expect: str, passed: bool, wanted: str, got: str) -> None:
    found = played(request='"GET /hid"', as_='{ id = "e" }', expect=expect)
    assert (found.passed, found.wanted, found.got) == (passed, wanted, got)


@pytest.mark.parametrize(("refused", "status"), [(204, 204), (403, 403)])
def test_a_preflight_of_a_foreign_origin_is_answered_by_the_setting(refused: int, status: int) -> None:
    body = f'[cors]\norigins = ["https://app.example"]\nrefused_origin = {refused}\n' + BODY
    keys: dict[str, Any] = {"headers": '{ Origin = "https://evil.example", Access-Control-Request-Method = "GET" }'}
    assert play(policy(body), read(request='"OPTIONS /edit"', **keys)).status == status


def test_scopes_without_any_delegated_credential_stay_with_the_session() -> None:
    head = 'version = 1\nrealm = "x"\n[credentials]\nsession = {}\n'
    from policytexts import load

    loaded = load(head + rule(name='"a"', path='"/a"', access='"authenticated"')).require()
    assert play(loaded, read(as_='{ id = "e", scopes = "s" }')).status == 200
    assert HEAD
