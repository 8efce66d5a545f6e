"""The printed example of policy.md section 4, line for line; the shop of section 1 and the answers of section 7."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from policytexts import ROOT, load

from doorward.cli.rehearsal import play
from doorward.core.path import PathFault, Target, read_target
from doorward.core.policy import Policy
from doorward.guard.compose import compose
from doorward.policyfile.cases import load_cases
from doorward.policyfile.finding import report, summary
from doorward.policyfile.load import load_file
from kit import World, basic_auth, judge, principal, view

SHOP = ROOT / "examples" / "shop.toml"

BROKEN = """version = 1
realm = "shop"
defualt = "deny"

[credentials]
session = { idle = "30m" }

[groups.office]
networks = ["10.0.0.1/8"]

[[rule]]
name  = "admin"
path  = "/admin/**"
roles = ["admin"]

[[rule]]
name  = "settings"
path  = "/admin/settings"
roles = ["admin"]

[[rule]]
name  = "profile"
path  = "/users/{id}/profile"
methods = ["GET", "PUT"]
owner = "{user}"

[[rule]]
name  = "ban"
path  = "/**"
block = { countries = ["KP"] }

[[rule]]
name  = "opening"
path  = "/desk"
when  = { days = "mon-fri", hours = "8-18" }
"""
PRINTED = """\
doorward.toml:3:  E102 unknown key "defualt". Did you mean "default"?
doorward.toml:9:  E107 group "office": 10.0.0.1/8 has host bits set. Write 10.0.0.0/8, or 10.0.0.1/32 for one address.
doorward.toml:17: E110 rule "settings" can never match: rule "admin" (line 12) takes every request first. Move it up.
doorward.toml:25: E106 rule "profile": owner uses {user}, but its path has only {id}.
doorward.toml:30: E116 rule "ban": block belongs in a [[gate]]; in a rule on /** it would swallow all that follow.
doorward.toml:35: E103 rule "opening": hours = "8-18". Write "08:00-18:00".
doorward.toml:35: E103 rule "opening": when needs a zone, for example zone = "Europe/Kyiv".
doorward.toml:22: N301 rule "profile": DELETE, PATCH, POST on /users/{id}/profile are taken by no rule and will be \
refused.
7 errors, 0 warnings, 1 note. Not loaded.
"""


def test_the_broken_file_of_the_design_is_told_line_for_line() -> None:
    loaded = load(BROKEN)
    lines = [*report("doorward.toml", loaded.findings), summary(loaded.findings)]
    assert "\n".join(lines) + "\n" == PRINTED
    assert loaded.policy is None


@pytest.mark.parametrize("file", ["examples/shop.toml", "src/doorward/cli/demo.toml", "src/doorward/cli/init.toml"])
def test_the_files_we_ship_have_neither_errors_nor_warnings(file: str) -> None:
    loaded = load_file(ROOT / file)
    assert loaded.policy is not None
    assert {finding.level for finding in loaded.findings} <= {"note"}


def test_the_cases_of_the_shop_all_pass() -> None:
    policy = load_file(SHOP).require()
    outcomes = [play(policy, case) for case in load_cases(SHOP.with_suffix(".test.toml")).require()]
    assert len(outcomes) >= 30
    assert [outcome.case.name for outcome in outcomes if not outcome.passed] == []


@pytest.fixture(scope="module")
def shop() -> Policy:
    return compose(load_file(SHOP).require())


PUBLIC = "198.51.100.7"
MONDAY, SUNDAY = 1_795_435_200.0, 1_795_348_800.0
SAME = {"sec-fetch-site": "same-origin"}
PREFLIGHT = {"origin": "https://app.shop.example", "access-control-request-method": "POST"}
# policy.md section 7, row by row: request, caller (roles or "" = anonymous), what comes out.
ROWS = [
    ("GET /", None, "Allow", ""),
    ("GET /admin/posts/1", None, "Challenge", "credentials-missing"),
    ("GET /admin/posts/1", "eve editor", "Allow", ""),
    ("GET /admin/settings", "eve editor", "Deny", "role-missing"),
    ("GET /admin/dashboard", "carol customer", "Deny", "role-missing"),
    ("GET /admin/top-secret", "eve editor", "Hide", "role-missing"),
    ("GET /admin/top-secret", None, "Hide", "credentials-missing"),
    ("GET /admin/anything", "eve editor", "Hide", "path-unnamed"),
    ("GET /.env", "ada admin", "Hide", "sensitive-file"),
    ("GET /api/v1/users/7/profile", "7", "Allow", ""),
    ("GET /api/v1/users/7/profile", "8", "Deny", "not-owner"),
    ("GET /api/v1/users/7/profile", "ada admin", "Allow", ""),
    ("DELETE /api/v1/users/7/profile", "7", "Deny", "method-unclaimed"),
    ("DELETE /api/v1/users/7/profile", None, "Challenge", "credentials-missing"),
    ("POST /catalog/shoes", "carol customer", "Deny", "method-unclaimed"),
    ("GET /legacy/x", None, "Deny", "nobody-may"),
    ("GET /legacy/x", "ada admin", "Deny", "nobody-may"),
    ("GET /adminx", None, "Hide", "path-unnamed"),
    ("GET /unknown", "ada admin", "Hide", "path-unnamed"),
]


def ask(shop: Policy, request: str, who: str | None, world: World | None = None, **more: Any) -> Any:
    method, target = request.split(" ")
    world = world or World()
    fields: dict[str, str] = {}
    if who is not None:
        subject, *roles = who.split(" ")
        known = principal(
            subject, roles=shop.expand(frozenset(roles)), scopes=more.pop("scopes", None), **more.pop("facts", {})
        )
        fields = world.know(known, str(more.pop("kind", "session")))
    settings = {"host": "shop.example", "scheme": "https", "peer": PUBLIC, "at": MONDAY, **more}
    extra = settings.pop("fields", SAME)
    return judge(shop, view(method, target, fields, extra, vantage=shop.settings.vantage, **settings), world)


@pytest.mark.parametrize(("request_line", "who", "verdict", "reason"), ROWS)
def test_the_shop_answers_as_the_design_says(
    shop: Policy, request_line: str, who: str | None, verdict: str, reason: str
) -> None:
    found = ask(shop, request_line, who)
    assert type(found).__name__ == verdict
    assert getattr(found, "reason", "") == reason


def test_an_order_needs_proof_of_its_origin(shop: Policy) -> None:
    assert type(ask(shop, "POST /orders", "carol customer")).__name__ == "Allow"
    assert getattr(ask(shop, "POST /orders", "carol customer", fields={}), "reason", "") == "csrf-missing"


def test_an_order_by_token_needs_the_scope_and_is_told_so(shop: Policy) -> None:
    found = ask(shop, "POST /orders", "carol customer", kind="bearer", scopes="orders:read")
    assert getattr(found, "reason", "") == "scope-missing"
    (line,) = found.challenges
    assert 'scope="orders:write"' in line.line


def test_a_preflight_is_let_through_without_any_rule(shop: Policy) -> None:
    found = ask(shop, "OPTIONS /orders", None, fields=PREFLIGHT)
    assert getattr(found, "rule", "") == "(preflight)"


def test_another_host_is_421(shop: Policy) -> None:
    found = ask(shop, "GET /", None, host="other.example")
    assert (found.reason, found.status) == ("host-foreign", 421)


def test_payouts_are_closed_on_a_sunday_for_everybody(shop: Policy) -> None:
    for who in (None, "ada admin"):
        assert getattr(ask(shop, "GET /payouts/1", who, at=SUNDAY), "reason", "") == "outside-hours"


def test_an_old_login_is_asked_again_for_payouts(shop: Policy) -> None:
    found = ask(shop, "GET /payouts/1", "ada admin", facts={"auth_time": MONDAY - 3_600})
    assert (type(found).__name__, found.reason) == ("Challenge", "login-too-old")


def test_the_partner_beyond_his_limit_gets_403_with_the_wait(shop: Policy) -> None:
    world = World(exhausted={"partners": 12})
    found = ask(shop, "GET /partners/x", "p1", world, kind="bearer", scopes="partner")
    assert (found.status, found.retry_after) == (403, 12)


def test_the_embargo_closes_everything(shop: Policy) -> None:
    for target in ("/", "/orders", "/unknown"):
        assert getattr(ask(shop, f"GET {target}", None, peer="203.0.113.9"), "rule", "") == "embargo"


def test_the_schemes_of_the_shop_are_challenged_in_the_order_of_the_file(shop: Policy) -> None:
    found = ask(shop, "GET /me", None)
    assert [line.scheme for line in found.challenges] == ["Bearer", "Session", "ApiKey", "Basic"]


def test_a_wrong_password_is_401(shop: Policy) -> None:
    found = judge(
        shop,
        view(
            "GET",
            "/me",
            basic_auth("x", "y"),
            vantage=shop.settings.vantage,
            host="shop.example",
            scheme="https",
            peer=PUBLIC,
        ),
        World(),
    )
    assert getattr(found, "reason", "") == "account-unknown"


def test_the_test_file_of_the_shop_names_paths_that_are_read_as_written() -> None:
    for case in load_cases(SHOP.with_suffix(".test.toml")).require():
        assert isinstance(read_target(case.target), Target), case.target
    assert isinstance(read_target("/a/../b"), PathFault)


def test_load_file_resolves_paths_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    file = tmp_path / "doorward.toml"
    file.write_text(
        'version = 1\nrealm = "x"\n[issuers.a]\nissuer = "i"\njwks_file = "keys.json"\nalgorithms = ["RS256"]\n'
    )
    assert load_file(file).require().settings.issuers["a"].jwks_file == str(tmp_path / "keys.json")
