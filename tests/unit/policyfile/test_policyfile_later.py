"""What comes in a later version is refused with E120, never ignored."""

from __future__ import annotations

import pytest
from policytexts import one, rule, said

from doorward.policyfile import later

NOT_YET = "is not available in this version."
ISSUER = '[issuers.a]\nissuer = "https://a.example"\n'
LATER = [
    ('profile = "mcp"\n', f"1 E120 profile {NOT_YET} Take it out, and write the settings you want."),
    ("[engines.cedar]\n", f"1 E120 [engines] {NOT_YET}"),
    ('[geo]\ndatabase = "x"\n', f"1 E120 [geo] {NOT_YET}"),
    ("[tokens]\nrefresh_reuse_grace = 10\n", f"1 E120 [tokens] {NOT_YET}"),
    ('[revocation]\nwhen_down = "open"\n', f"1 E120 [revocation] {NOT_YET}"),
    ('[shadow]\npolicy = "next.toml"\n', f"1 E120 [shadow] {NOT_YET}"),
    (ISSUER + "builtin = true\n", f'3 E120 issuer "a": builtin {NOT_YET}'),
    (ISSUER + 'introspect = "https://a.example"\n', f'3 E120 issuer "a": introspect {NOT_YET} Name the keys'),
    (ISSUER + "discovery = true\n", f'3 E120 issuer "a": discovery {NOT_YET}'),
    ('[groups.a]\ncountries = ["KP"]\n', f'2 E120 group "a": countries {NOT_YET} Name networks instead.'),
    ('[[gate]]\nname = "g"\nblock = { countries = ["KP"] }\n', f'3 E120 gate "g": block: countries {NOT_YET}'),
    (rule(roles='"a"', engine='"cedar"'), f'5 E120 rule "r": engine {NOT_YET} Say it with roles'),
    (rule(fresh='{ factor = "mfa", max_age = "5m" }'), f'4 E120 rule "r": fresh: factor {NOT_YET} Write max_age alone'),
    (rule(schemes='["dpop"]'), f'4 E120 rule "r": dpop {NOT_YET}'),
    (
        '[login]\npage = "https://login.example"\n',
        f"2 E120 [login] a login elsewhere {NOT_YET} Write a path of this site.",
    ),
    ('[login]\nprovider = "idp"\n', f"2 E120 [login] provider {NOT_YET} The login page takes local accounts."),
    ("[answers]\nrefused_refresh = 403\n", f"2 E120 [answers] refused_refresh {NOT_YET}"),
    ("[answers]\ngeo_status = 451\n", f"2 E120 [answers] geo_status {NOT_YET}"),
    (
        '[answers]\nhide_render = "upstream"\n',
        '2 E120 [answers] hide_render = "upstream". This is not available in this',
    ),
    ("[limits]\nban = 403\n", f"2 E120 [limits] ban {NOT_YET}"),
    ("[limits]\nexact = true\n", f"2 E120 [limits] exact {NOT_YET}"),
    ('[store]\nurl = "postgres://db/x"\n', f"2 E120 [store] another store than SQLite in the data folder {NOT_YET}"),
    (
        '[store]\nurl = "/var/lib/door.db"\n',
        f"2 E120 [store] another store than SQLite in the data folder {NOT_YET} Take",
    ),
    ('[store]\nshared = "valkey://x"\n', f"2 E120 [store] shared {NOT_YET}"),
]


@pytest.mark.parametrize(("body", "told"), LATER, ids=range(len(LATER)))
def test_what_comes_later_is_refused_with_the_way_there_is_today(body: str, told: str) -> None:
    found = one(body, head="version = 1\n", levels="E") if body.startswith("profile") else one(body, levels="E")
    assert found.startswith(told), found


@pytest.mark.parametrize("kind", ["dpop", "digest", "mtls"])
def test_credentials_that_come_later_are_refused(kind: str) -> None:
    found = said(f"{kind} = {{}}\n", head='version = 1\nrealm = "x"\n[credentials]\n')
    assert [line.split(" ")[:4] for line in found] == [["1", "E120", "[credentials]", kind]]


@pytest.mark.parametrize("key", ["query_token", "form_token"])
def test_tokens_in_queries_and_forms_are_refused(key: str) -> None:
    head = 'version = 1\nrealm = "x"\n[credentials]\nsession = {}\n'
    assert one(f"{key} = true\n", head=head) == (
        f"1 E120 [credentials] {key} = true. This is not available in this version. Write false."
    )
    assert said(f"{key} = false\n", head=head) == []


def test_a_value_that_says_what_happens_anyway_is_taken() -> None:
    assert said('[answers]\nhide_render = "own"\n[store]\nurl = "sqlite:"\n[cors]\npreflight = "auto"\n') == []


def test_every_key_that_comes_later_has_a_mend_and_a_test() -> None:
    tables = [later.TOP, later.CREDENTIALS, later.ISSUER, later.LOGIN, later.ANSWERS, later.LIMITS, later.STORE]
    tables += [later.GROUP, later.RULE, later.FRESH]
    assert all(one.instead or one.what for table in tables for one in table.values())
    assert later.CODE == "E120"
