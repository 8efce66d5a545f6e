"""From parsed TOML to a policy: every table read in turn, then what they mean together.

Rule: findings go to the log; whether the policy may be used is the loader's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doorward.core.errors import ConfigError
from doorward.core.path import Pattern, parse_pattern
from doorward.core.policy import Policy, Rule
from doorward.core.request import Vantage
from doorward.core.settings import Settings
from doorward.policyfile import advice, later, needs, reach, settings, units
from doorward.policyfile.finding import Log
from doorward.policyfile.gates import read_gate
from doorward.policyfile.issuers import read_credentials, read_issuers
from doorward.policyfile.people import Known, expand, read_groups, read_roles
from doorward.policyfile.rules import Draft, read_rule
from doorward.policyfile.secret import find_secrets
from doorward.policyfile.table import Table
from doorward.policyfile.words import visible

BUILT_IN_GATE = "sensitive-files"
LOGIN_RULE = "(login page)"


def build(log: Log, data: Mapping[str, Any], folder: Path, version: str) -> Policy:
    """Read everything. folder: what relative paths are relative to; version: short hash of the file."""
    top = Table(log, (), data, later=later.TOP)
    _version(top)
    found, login = _settings(top, folder)
    known = _known(top, found)
    default = top.choice("default", "deny", ("deny", "authenticated", "public"))
    names: dict[str, str] = {}
    gates = tuple(read_gate(table, known) for table in _tables(top, "gate", names))
    drafts = [read_rule(table, known) for table in _tables(top, "rule", names)]
    realm = top.parsed("realm", "", units.printable_ascii)
    find_secrets(log, data)
    top.close()
    policy = Policy(
        version, realm, found, (*login, *(each.rule for each in drafts)), gates, expand(known.includes), default
    )
    _judge(log, policy, drafts, login, known, top)
    return policy


def _judge(log: Log, policy: Policy, drafts: list[Draft], login: tuple[Rule, ...], known: Known, top: Table) -> None:
    """What the parts mean together."""
    needs.check(log, policy, drafts)
    sound = [draft for draft in drafts if not log.broken("rule", draft.index)]
    if "realm" not in top and needs.protects(policy, sound):
        log.add("E103", (), "realm is missing: it names the protection space.", 'Write for example realm = "shop".')
    reach.check(log, drafts, sound, login)
    advice.check(log, policy, sound, known)


def _version(top: Table) -> None:
    value = top.raw("version")
    if value is None:
        top.log.add("E103", (), "version is missing.", "Write version = 1 in the first line.")
    elif value != 1 or isinstance(value, bool | float):
        top.wrong("version", "Write version = 1.")


def _settings(top: Table, folder: Path) -> tuple[Settings, tuple[Rule, ...]]:
    """The tables that are not rules, and the rule that keeps an own login page public."""
    issuers = read_issuers(top, folder)
    credentials = read_credentials(top, issuers)
    server, proxy = settings.read_server(top), settings.read_proxy(top)
    login = settings.read_login(top, session="session" in credentials.order)
    limits, switches = settings.read_limits(top), settings.read_switches(top)
    found = Settings(
        server=server,
        vantage=Vantage(server.origins, proxy.trusted, proxy.header),
        credentials=credentials,
        issuers=issuers,
        cors=settings.read_cors(top),
        answers=settings.read_answers(top, login=bool(login.page)),
        pages=settings.read_pages(top, folder),
        ledger=settings.read_ledger(top, folder),
        login_limit=limits.login,
        upstream_headers=settings.read_upstream(top),
        login_page=login.page,
        login_home=login.home,
        tls_require=switches.tls,
        csrf_strict=switches.csrf_strict,
        consume_authorization=proxy.consume,
        control_peers=switches.peers,
        limits_open=limits.open_when_down,
        legacy_rate_headers=limits.legacy_headers,
        sensitive_files=switches.sensitive_files,
        messages=settings.read_messages(top, folder),
    )
    return found, _login_rule(top, login)


def _login_rule(top: Table, login: settings.Login) -> tuple[Rule, ...]:
    """An own login page and its assets are public whatever the rules say: it can never redirect to itself."""
    patterns: list[Pattern] = []
    for index, path in enumerate(login.own):
        try:
            patterns.append(parse_pattern(path.partition("?")[0]))
        except ConfigError as error:
            top.fault(("login", "public" if index else "page"), f"[login] {error.message}", error.hint, "E106")
    rule = Rule(LOGIN_RULE, tuple(patterns), frozenset({"GET"}), "public")
    return (rule,) if patterns else ()


def _known(top: Table, found: Settings) -> Known:
    issuers = {issuer.name: issuer.issuer for issuer in found.issuers.values()}
    known = Known(
        read_roles(top), "roles" in top, read_groups(top), found.credentials.order, issuers, found.answers.hide
    )
    for name, issuer in found.issuers.items():
        table = Table(top.log, ("issuers", name, "map"), {}, f'issuer "{visible(name)}": map: ')
        for role, ours in (issuer.map or {}).items():
            known.check_roles(table, role, (ours,))
    return known


def _tables(top: Table, kind: str, names: dict[str, str]) -> list[Table]:
    """The tables of `[[rule]]` or `[[gate]]`, each with its name, which must be its own."""
    value = top.raw(kind)
    if isinstance(value, Mapping):
        top.fault(kind, f"[{kind}] is one table.", f"Write [[{kind}]].")
        value = []
    elif value is not None and not isinstance(value, list):
        top.wrong(kind, f"Write [[{kind}]].")
        value = []
    found = [_one(top, kind, index, each, names) for index, each in enumerate(value or [])]
    return [table for table, each in zip(found, value or [], strict=True) if isinstance(each, Mapping)]


def _one(top: Table, kind: str, index: int, value: Any, names: dict[str, str]) -> Table:
    given = value.get("name") if isinstance(value, Mapping) else None
    name = visible(given) if isinstance(given, str) and given else f"{index + 1}"
    title = f'{kind} "{name}": ' if given else f"{kind} {name}: "
    holder = Table(top.log, (), {}, "", name if given else "")
    table = holder.inner((kind, index), value, title, later.RULE if kind == "rule" else None)
    table.text("name")
    if given is None and isinstance(value, Mapping):
        table.fault((), "name is missing.", "Names stand in answers to operators, the ledger and metrics.")
    elif name == BUILT_IN_GATE or name.startswith("("):
        table.fault("name", "this name belongs to doorward itself.", "Choose another.", "E104")
    elif isinstance(given, str) and given in names:
        table.fault("name", f"a {names[given]} above has this name.", "Give each rule and gate its own.", "E104")
    if isinstance(given, str):
        names.setdefault(given, kind)
    return table
