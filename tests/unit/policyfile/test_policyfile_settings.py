"""Every setting can be set, and says what `core/settings.py` says when it is left out."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from policytexts import HEAD, load, policy, rule

from doorward.core.errors import PolicyError
from doorward.core.policy import Acl, Hours, Limit, Owner, Policy
from doorward.core.settings import Credentials, Settings
from doorward.policyfile.files import read_octets, there

WHOLE = """version = 1
realm = "shop"
default = "authenticated"
[server]
origins = ["https://shop.example", "http://localhost:8080", "https://[2001:db8::1]:8443"]
max_head = "32KiB"
max_target = "4KiB"
max_body = "100MiB"
head_timeout = "5s"
idle_timeout = "2m"
[login]
page = "/sign-in?x=1"
home = "/home"
public = ["/sign-in.css"]
[credentials]
basic = { accounts = "local" }
bearer = { audience = ["https://shop.example", "shop"] }
apikey = { header = "X-Key" }
session = { cookie = "__Host-sid", idle = "10m", absolute = "1d" }
require_at_jwt = "always"
basic_latin1 = true
query_token = false
form_token = false
[issuers.idp]
issuer = "https://idp.example"
jwks = "https://idp.example/keys"
algorithms = ["RS256", "ES256"]
roles = "realm_access.roles"
scopes = "scp"
map = { shop-admins = "admin" }
leeway = "1m"
accounts = "local"
[proxy]
trusted = ["10.0.0.0/8", "::ffff:192.0.2.0/120"]
header = "forwarded"
forward_authorization = "consume"
[cors]
origins = ["https://app.example"]
preflight = "auto"
methods = ["GET"]
headers = ["X-A"]
max_age = "5m"
options_public = "all"
refused_origin = 403
[limits]
login = { free = 3, first_delay = "2s", max_delay = "1h", address = "10/hour", account_delay = "3s" }
when_down = "open"
legacy_headers = true
[answers]
scope_challenge = false
bad_credentials_on_public = "reject"
bad_credentials = 403
disabled_account = 403
navigation = "page"
basic_for_scripts = true
repair_upstream_401 = false
body = "simple"
disclosure = "debug"
token_error_detail = "full"
malformed_basic = 400
hide = true
hidden_to_anonymous = 404
hide_render = "own"
unnamed = 403
type_base = "https://shop.example/problems/"
[pages]
brand = "The shop"
support_url = "mailto:help@shop.example"
switch_account = false
language = "uk"
templates = "pages"
[ledger]
mode = "sync"
required = true
ip = "hmac"
allows = "all"
retention = "30d"
max_size = "2GiB"
jsonl = "ledger.jsonl"
[upstream]
headers = { user = "X-User", roles = "X-Roles", scopes = "X-Scopes", assertion = "X-Assertion" }
[tls]
require = "redirect"
[csrf]
strict = true
[control]
peers = ["192.0.2.0/24"]
[gates]
sensitive_files = false
[store]
url = "sqlite"
[messages]
overrides = "texts.json"
[roles]
admin = []
[[rule]]
name = "r"
path = "/r/**"
roles = ["admin"]
"""
# What the file can not say: the store is SQLite in the data folder, and a query token comes later.
UNSAID = {"store_url", "query_token", "hide_render"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pages").mkdir()
    (tmp_path / "texts.json").write_text(json.dumps({"en": {"access_denied": "No."}}))
    return tmp_path


@pytest.fixture
def whole(folder: Path) -> Policy:
    return load(WHOLE, folder).require()


def differing(ours: Any, plain: Any, path: str = "") -> list[str]:
    """Fields that stand at their default, by dotted name."""
    same: list[str] = []
    for field in dataclasses.fields(plain):
        one, other, name = getattr(ours, field.name), getattr(plain, field.name), f"{path}{field.name}"
        if dataclasses.is_dataclass(other):
            same += differing(one, other, f"{name}.")
        elif one == other:
            same.append(field.name)
    return same


def test_every_field_of_the_settings_can_be_set_by_the_file(whole: Policy) -> None:
    assert set(differing(whole.settings, Settings())) == UNSAID


def test_nothing_said_means_the_defaults_of_the_core() -> None:
    settings = load('version = 1\nrealm = "x"\n').require().settings
    answers = dataclasses.replace(Settings().answers, navigation="page")  # no login page to be sent to
    assert settings == dataclasses.replace(Settings(), answers=answers)


def test_the_values_arrive_in_seconds_and_bytes(whole: Policy) -> None:
    settings = whole.settings
    assert settings.server.max_body == 100 << 20
    assert settings.credentials.session.absolute == 86_400
    assert settings.ledger.retention == 30 * 86_400
    assert settings.ledger.max_size == 2 << 30
    assert (settings.login_limit.address, settings.login_limit.address_period) == (10, 3_600)


def test_the_order_of_credentials_is_that_of_the_file(whole: Policy) -> None:
    assert whole.settings.credentials.order == ("basic", "bearer", "apikey", "session")
    assert whole.settings.credentials.key_header == "x-key"
    reordered = load(WHOLE.replace("basic = { accounts", "[credentials.basic]\n#"), Path("/")).findings
    assert reordered  # the folder has no templates, so this is an error; the order is what is looked at below
    text = 'version = 1\nrealm = "x"\n[credentials.session]\n[credentials.basic]\n'
    assert load(text).require().settings.credentials.order == ("session", "basic")


def test_mapped_networks_are_the_networks_they_mean(whole: Policy) -> None:
    assert whole.settings.vantage.trusted == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("192.0.2.0/24"),
    )
    assert whole.settings.vantage.header == "forwarded"


def test_relative_paths_begin_at_the_policy_file(whole: Policy, folder: Path) -> None:
    assert whole.settings.pages.templates == str(folder / "pages")
    assert whole.settings.ledger.jsonl == str(folder / "ledger.jsonl")
    assert whole.settings.messages == {"en": {"access_denied": "No."}}


def test_the_version_is_a_hash_of_the_bytes() -> None:
    one, two = load(HEAD), load(HEAD + "\n")
    assert len(one.require().version) == 6
    assert one.require().version != two.require().version


def test_an_own_login_page_is_public_whatever_the_rules_say(whole: Policy) -> None:
    for path in (("sign-in",), ("sign-in.css",)):
        assert whole.match("GET", path).access == "public"
        assert whole.match("POST", path).kind == "unclaimed"
    assert whole.settings.login_page == "/sign-in?x=1"


def test_with_a_session_the_login_page_is_the_built_in_one() -> None:
    settings = policy("").settings
    assert settings.login_page == "/.doorward/login"
    assert settings.answers.navigation == "redirect"
    assert load('version = 1\nrealm = "x"\n[credentials]\nbasic = {}\n').require().settings.login_page == ""


def test_hide_for_all_hides_what_is_protected_and_can_be_taken_back_by_a_rule() -> None:
    body = "[answers]\nhide = true\n" + rule(roles='"a"') + rule(name='"b"', path='"/b"', roles='"a"', hide="false")
    body += rule(name='"c"', path='"/c"', access='"public"', methods='"GET"')
    body += rule(name='"d"', path='"/d"', access='"nobody"')
    assert [one.hide for one in policy(body).rules] == [True, False, False, False]


def test_messages_that_are_no_texts_are_told(tmp_path: Path) -> None:
    body = '[messages]\noverrides = "t.json"\n'
    for content, told in (
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("x" * (2 << 20), "it is longer"),
    ):
        (tmp_path / "t.json").write_text(content)
        (finding,) = load(HEAD + body, tmp_path).findings
        assert told in finding.message
    for content in ("[]", '{"en": 7}'):
        (tmp_path / "t.json").write_text(content)
        (finding,) = load(HEAD + body, tmp_path).findings
        assert "has another form than the texts" in finding.message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (finding,) = load(HEAD + f'[messages]\noverrides = "{tmp_path}"\n', tmp_path).findings
    assert "there is no such file" in finding.message
    (finding,) = load(HEAD + f'[messages]\noverrides = "{"x" * 300}"\n', tmp_path).findings
    assert "cannot be read: file name too long" in finding.message


RULES: list[tuple[dict[str, str], str, Any]] = [
    ({"roles": '["a", "b"]'}, "roles", ("a", "b")),
    ({"roles": '"a"'}, "access", "authenticated"),
    ({"access": '"nobody"'}, "access", "nobody"),
    ({"path": '["/a", "/b/**"]', "access": '"nobody"'}, "methods", None),
    ({"methods": '["GET", "PROPFIND"]', "roles": '"a"'}, "methods", frozenset({"GET", "PROPFIND"})),
    ({"schemes": '["bearer"]'}, "schemes", frozenset({"bearer"})),
    ({"issuers": '["idp", "local"]'}, "issuers", frozenset({"https://idp.example", "local"})),
    ({"scopes": '["a:b"]'}, "scopes", ("a:b",)),
    ({"scopes": '"a"', "scopes_for": '"all"'}, "scopes_for", "all"),
    ({"path": '"/{id}"', "owner": '"{id}"'}, "owner", Owner("id")),
    ({"path": '"/{id}"', "owner": '{ is = "{id}", attribute = "no" }'}, "owner", Owner("id", "no")),
    ({"path": '"/{id}"', "owner": '"{id}"', "or_roles": '"a"'}, "or_roles", ("a",)),
    ({"path": '"/{d}"', "acl": '{ object = "d:{d}", GET = "read" }'}, "acl", Acl("d:{d}", {"GET": "read"})),
    ({"from_": '"office"'}, "networks", (ipaddress.ip_network("10.0.0.0/8"),)),
    ({"from_": '["office", "home"]'}, "networks", tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "192.0.2.0/24")))),
    ({"when": '{ days = "mon-fri", hours = "08:00-18:00", zone = "UTC" }'}, "when",
     Hours(frozenset(range(5)), 480, 1_080, "UTC")),
    ({"when": '{ days = ["fri-mon", "wed"], zone = "UTC" }'}, "when",
     Hours(frozenset({4, 5, 6, 0, 2}), 0, 1_440, "UTC")),
    ({"when": '{ hours = "22:00-06:00", zone = "UTC" }'}, "when", Hours(frozenset(range(7)), 1_320, 360, "UTC")),
    ({"when": '{ hours = "00:00-24:00", zone = "UTC" }'}, "when", Hours(frozenset(range(7)), 0, 1_440, "UTC")),
    ({"fresh": '{ max_age = "5m" }'}, "max_age", 300),
    ({"roles": '"a"', "csrf": "false", "schemes": '["bearer"]'}, "csrf", False),
    ({"roles": '"a"', "limit": '{ rate = "5/second" }'}, "limits", (Limit(5, 1, 5, ("ip",)),)),
    ({"roles": '"a"',
      "limit": '[{ rate = "9/day", burst = 2, by = ["ip+account", "route"], status = 403, name = "n" }]'},
     "limits", (Limit(9, 86_400, 2, ("ip+account", "route"), 403, "n"),)),
    ({"roles": '"a"', "hide": "true"}, "hide", True),
    ({"path": '"/{d}"', "acl": '{ object = "{d}", GET = "read" }', "hide": '"unless-readable"'}, "hide",
     "unless-readable"),
    ({"roles": '"a"', "mask": "true"}, "mask", True),
    ({"roles": '"a"', "message": '{ en = "No.", de = "Nein." }'}, "message", {"en": "No.", "de": "Nein."}),
    ({"roles": '"a"', "message": '"No."'}, "message", {"en": "No."}),
    ({"roles": '"a"', "realm": '"inner"'}, "realm", "inner"),
    ({"roles": '"a"'}, "line", 2 + HEAD.count("\n") + 4),
]  # fmt: skip
GROUPS = '[groups.office]\nnetworks = ["10.0.0.0/8"]\n[groups.home]\nnetworks = "192.0.2.0/24"\n'


@pytest.mark.parametrize(("keys", "field", "value"), RULES, ids=range(len(RULES)))
def test_a_key_of_a_rule_arrives(keys: dict[str, str], field: str, value: Any) -> None:
    (found,) = policy(GROUPS + rule(**keys)).rules
    assert getattr(found, field) == value


def test_a_gate_arrives() -> None:
    body = GROUPS + (
        '[[gate]]\nname = "g"\npath = "/a/**"\nmethods = ["GET", "POST"]\nblock = "office"\nonly = ["home", "office"]\n'
        'limit = [{ rate = "1/minute", by = "route" }]\n[[gate]]\nname = "h"\nblock = { networks = ["192.0.2.0/24"] }\n'
    )
    one, two = policy(body).gates
    assert [pattern.text for pattern in one.patterns or ()] == ["/a/**"]
    assert one.methods == {"GET", "HEAD", "POST"}
    assert [str(net) for net in one.block] == ["10.0.0.0/8"]
    assert [str(net) for net in one.only or ()] == ["192.0.2.0/24", "10.0.0.0/8"]
    assert one.limits == (Limit(1, 60, 1, ("route",)),)
    assert (two.patterns, two.methods, two.only) == (None, None, None)
    assert one.line < two.line


def test_roles_are_expanded_transitively() -> None:
    found = policy('[roles]\na = ["b"]\nb = ["c", "d"]\n' + rule(roles='"a"')).roles
    assert found == {
        "a": frozenset("abcd"),
        "b": frozenset("bcd"),
        "c": frozenset("c"),
        "d": frozenset("d"),
    }


def test_credentials_left_out_are_none() -> None:
    assert load("version = 1\n").require().settings.credentials == Credentials()


def test_a_name_that_no_file_can_have_is_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name in ("x" * 300, "a\0b"):
        assert not there(tmp_path / name, Path.is_file)
        assert isinstance(read_octets(tmp_path / name, 10), str)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "closed"
    file.write_text("x")

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # tests may run as root, whom no mode stops
    assert read_octets(file, 10) == "permission denied"


def test_require_raises_the_first_error_with_its_place() -> None:
    with pytest.raises(PolicyError) as raised:
        load(HEAD + rule(roles='"a"', csrf="7")).require()
    error = raised.value
    assert (error.code, error.file, error.line, error.rule) == ("E103", "doorward.toml", HEAD.count("\n") + 5, "r")
    assert str(error).startswith('doorward.toml:15: E103 rule "r": csrf = 7. Write true or false')
