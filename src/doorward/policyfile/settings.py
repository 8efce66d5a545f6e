"""The tables of the file that are neither rules nor people: server, login, proxy, CORS, answers, pages, ledger …

Rule: a default is written in `core/settings.py` and nowhere else. Source: policy.md 2.1, answers.md section 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from doorward.core.errors import PolicyError
from doorward.core.request import Network, Vantage
from doorward.core.settings import (
    AnswerSettings,
    Cors,
    LedgerSettings,
    LoginLimit,
    Pages,
    Server,
    UpstreamHeaders,
)
from doorward.policyfile import later, units
from doorward.policyfile.files import read_octets, there
from doorward.policyfile.table import Table
from doorward.policyfile.words import visible

LOGIN_PAGE: Final = "/.doorward/login"
"""The built-in login page (policy.md section 3, 8)."""
_KIB, _GIB = 1 << 10, 1 << 30
_TEXTS_MAX: Final = 1 << 20


def read_server(top: Table) -> Server:
    """`[server]`."""
    table, plain = _open(top, "server"), Server()
    origins = table.each("origins", units.origin, empty=True)
    found = Server(
        origins,
        _within(table, "max_head", plain.max_head, units.octets, (_KIB, _KIB * _KIB)),
        _within(table, "max_target", plain.max_target, units.octets, (256, _KIB * _KIB)),
        table.parsed("max_body", None, _optional_octets),
        _within(table, "head_timeout", plain.head_timeout, units.seconds, (1, 600)),
        _within(table, "idle_timeout", plain.idle_timeout, units.seconds, (1, 3_600)),
    )
    if found.max_target > found.max_head:
        table.wrong(
            "max_target" if "max_target" in table else "max_head", "The head holds the target: max_head is more."
        )
    table.close()
    return found


def _optional_octets(text: str) -> int | None:
    return units.octets(text)


def _within(table: Table, key: str, default: int, parse: Any, span: tuple[int, int]) -> int:
    found: int = table.parsed(key, default, parse)
    if span[0] <= found <= span[1]:
        return found
    table.wrong(key, f"It is {'above' if found > span[1] else 'below'} what the listener can do.")
    return default


@dataclass(frozen=True, slots=True)
class Proxy:
    """`[proxy]`."""

    trusted: tuple[Network, ...] = ()
    header: str = Vantage().header
    consume: bool = False


def read_proxy(top: Table) -> Proxy:
    """`[proxy]`: whose forwarding fields count."""
    table = _open(top, "proxy")
    header = table.choice("header", Proxy().header, ("x-forwarded-for", "forwarded"))
    found = Proxy(
        table.each("trusted", units.network, empty=True),
        header,
        table.choice("forward_authorization", "pass", ("pass", "consume")) == "consume",
    )
    table.close()
    return found


@dataclass(frozen=True, slots=True)
class Login:
    """`[login]`. page: "" without a session credential; own: paths that the application serves for it, public."""

    page: str = ""
    home: str = "/"
    own: tuple[str, ...] = ()


def read_login(top: Table, *, session: bool) -> Login:
    """`[login]`: where people log in. session: there is a session credential, so there is a login page."""
    table = _open(top, "login", later.LOGIN)
    page = table.parsed("page", LOGIN_PAGE if session else "", _page)
    home = table.parsed("home", "/", _path)
    public = table.words("public")
    if not session and "login" in top:
        table.fault((), "there is no session to log in to.", "Write session = {} in [credentials].")
    if page != LOGIN_PAGE and any(map(_is_own, (page, *public))):
        table.fault("page", "/.doorward/ belongs to doorward itself.", "Write a path of your application.")
    if public and page == LOGIN_PAGE:
        table.fault("public", "the built-in page brings its assets along.", "Take it out, or name a page of your own.")
    table.close()
    return Login(page, home, (page, *public) if page and page != LOGIN_PAGE else ())


def _page(text: str) -> str:
    if "://" in text:
        raise PolicyError(
            "E120", "a login elsewhere is not available in this version.", hint="Write a path of this site."
        )
    return _path(text)


def _path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//") or not text.isascii() or not text.isprintable() or " " in text:
        raise PolicyError("E103", "", hint='Write a path of this site, for example "/login".')
    return text


def _is_own(path: str) -> bool:
    return path == "/.doorward" or path.startswith("/.doorward/")


def read_cors(top: Table) -> Cors:
    """`[cors]`."""
    table, plain = _open(top, "cors"), Cors()
    origins = table.each("origins", _cors_origin, empty=True)
    if unsafe := [text for text in origins if text in ("*", "null")]:
        hint = "It is ignored here, for credentials are allowed: name the origins."
        table.log.add("W211", (*table.path, "origins"), f'[cors] origins has "{unsafe[0]}".', hint)
    table.choice("preflight", "auto", ("auto",))
    found = Cors(
        frozenset(origins) - {"*", "null"},
        table.each("methods", units.method) or plain.methods,
        table.each("headers", units.field_name) or plain.headers,
        table.parsed("max_age", plain.max_age, units.seconds),
        table.choice("options_public", plain.options_public, ("preflight", "all", "none")),
        table.choice("refused_origin", plain.refused_origin, (204, 403)),
    )
    table.close()
    return found


def _cors_origin(text: str) -> str:
    return text if text in ("*", "null") else units.origin(text)


def read_answers(top: Table, *, login: bool) -> AnswerSettings:
    """`[answers]`. login: there is a login page, so navigations are redirected to it by default."""
    table, plain = _open(top, "answers", later.ANSWERS), AnswerSettings()
    flags = ("scope_challenge", "basic_for_scripts", "repair_upstream_401", "hide")
    choices: dict[str, tuple[Any, ...]] = {
        "bad_credentials_on_public": ("anonymous", "reject"),
        "bad_credentials": (401, 403),
        "disabled_account": (401, 403),
        "navigation": ("redirect", "page"),
        "body": ("problem", "simple"),
        "disclosure": ("minimal", "standard", "debug"),
        "token_error_detail": ("none", "expired", "full"),
        "malformed_basic": (401, 400),
        "hidden_to_anonymous": ("as-absent", 404),
        "unnamed": (404, 403),
    }
    found: dict[str, Any] = {key: table.flag(key, default=getattr(plain, key)) for key in flags}
    found |= {key: table.choice(key, getattr(plain, key), options) for key, options in choices.items()}
    found["hide_render"] = table.choice("hide_render", plain.hide_render, ("own",), later=("upstream",))
    found["type_base"] = table.parsed("type_base", plain.type_base, _type_base)
    if "navigation" in table and found["navigation"] == "redirect" and not login:
        table.wrong("navigation", "There is no login page to go to: write session = {} in [credentials].")
    if not login:
        found["navigation"] = "page"
    table.close()
    return AnswerSettings(**found)


def _type_base(text: str) -> str:
    if not text.startswith(("https://", "http://", "/", "urn:")) or not text.isascii() or not text.isprintable():
        raise PolicyError("E103", "", hint='Write an address that ends where the code follows: "https://…/problems/".')
    return text


def read_pages(top: Table, folder: FilePath) -> Pages:
    """`[pages]`. folder: what a relative template folder is relative to."""
    table, plain = _open(top, "pages"), Pages()
    templates = table.text("templates")
    if templates and not there(folder / templates, FilePath.is_dir):
        table.wrong("templates", "There is no such folder. Relative paths begin at the policy file.")
    found = Pages(
        table.text("brand"),
        table.parsed("support_url", "", _support),
        table.flag("switch_account", default=plain.switch_account),
        table.text("language", plain.language),
        str(folder / templates) if templates else "",
    )
    table.close()
    return found


def _support(text: str) -> str:
    if not text.startswith(("https://", "http://", "mailto:", "/")) or not text.isprintable() or " " in text:
        raise PolicyError("E103", "", hint='Write an address: "https://…", "mailto:…" or a path.')
    return text


def read_ledger(top: Table, folder: FilePath) -> LedgerSettings:
    """`[ledger]`. folder: what a relative path of `jsonl` is relative to."""
    table, plain = _open(top, "ledger"), LedgerSettings()
    jsonl = table.text("jsonl")
    found = LedgerSettings(
        table.choice("mode", plain.mode, ("batch", "sync")),
        table.flag("required", default=plain.required),
        table.choice("ip", plain.ip, ("truncate", "hmac", "full", "none")),
        table.choice("allows", plain.allows, ("none", "sample", "all")),
        table.parsed("retention", plain.retention, units.seconds),
        _within(table, "max_size", plain.max_size, units.octets, (1 << 20, 1 << 50)),
        str(folder / jsonl) if jsonl else "",
    )
    table.close()
    return found


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """`[limits]`."""

    login: LoginLimit = LoginLimit()
    open_when_down: bool = False
    legacy_headers: bool = False


def read_limits(top: Table) -> LimitSettings:
    """`[limits]`."""
    table = _open(top, "limits", later.LIMITS)
    found = LimitSettings(
        _login_limit(table),
        table.choice("when_down", "closed", ("closed", "open")) == "open",
        table.flag("legacy_headers", default=False),
    )
    table.close()
    return found


def _login_limit(limits: Table) -> LoginLimit:
    table, plain = limits.table("login"), LoginLimit()
    if table is None:
        return plain
    address, period = table.parsed("address", (plain.address, plain.address_period), units.rate)
    found = LoginLimit(
        table.whole("free", plain.free, 1, 1_000),
        table.parsed("first_delay", plain.first_delay, units.seconds),
        table.parsed("max_delay", plain.max_delay, units.seconds),
        address,
        period,
        float(_within(table, "account_delay", int(plain.account_delay), units.seconds, (1, 10))),
    )
    if found.first_delay > found.max_delay:
        table.wrong("first_delay" if "first_delay" in table else "max_delay", "max_delay is the longer one.")
    table.close()
    return found


def read_upstream(top: Table) -> UpstreamHeaders:
    """`[upstream] headers`."""
    table, plain = _open(top, "upstream"), UpstreamHeaders()
    inner = table.table("headers")
    table.close()
    if inner is None:
        return plain
    names = {
        key: inner.parsed(key, getattr(plain, key), _identity_field) for key in ("user", "roles", "scopes", "assertion")
    }
    inner.close()
    if len({name.lower().replace("_", "-") for name in names.values()}) != len(names):
        inner.fault((), "two of the four have one name.", "Name each differently.", "E104")
    return UpstreamHeaders(**names)


def _identity_field(text: str) -> str:
    name = units.field_name(text)
    if not name.lower().startswith(("x-", "remote-")):
        raise PolicyError(
            "E103", "", hint='Write a name of your own that begins with "X-": clients\' copies are removed.'
        )
    return name


def read_messages(top: Table, folder: FilePath) -> Mapping[str, Mapping[str, Any]]:
    """`[messages] overrides`: a JSON file, language -> key -> text."""
    table = _open(top, "messages")
    name = table.text("overrides")
    table.close()
    if not name:
        return {}
    octets = read_octets(folder / name, _TEXTS_MAX)
    try:
        texts = json.loads(octets) if isinstance(octets, bytes) else None
    except (ValueError, RecursionError):
        octets = "it is not JSON"
    if isinstance(octets, str):
        table.fault(
            "overrides", f"{visible(name)} cannot be read: {octets}.", "Name a JSON file beside the policy file."
        )
        return {}
    if isinstance(texts, dict) and all(isinstance(each, dict) for each in texts.values()):
        return texts
    hint = 'Write { "en": { "access_denied": "…" } }.'
    table.fault("overrides", f"{visible(name)} has another form than the texts.", hint)
    return {}


@dataclass(frozen=True, slots=True)
class Switches:
    """Single settings of small tables."""

    tls: Any = True
    csrf_strict: bool = False
    peers: tuple[Network, ...] = ()
    sensitive_files: bool = True


def read_switches(top: Table) -> Switches:
    """`[tls]`, `[csrf]`, `[control]`, `[gates]`, `[store]`."""
    tls, csrf, control, store = (
        _open(top, name, later.STORE if name == "store" else None) for name in ("tls", "csrf", "control", "store")
    )
    if isinstance(top.raw("gates"), list):
        top.fault(
            "gates", "[[gates]] is no table of this file.", "Write [[gate]]; [gates] holds sensitive_files.", "E102"
        )
        gates = Table(top.log, ("gates",), {})
    else:
        gates = _open(top, "gates")
    found = Switches(
        tls.choice("require", True, (True, False, "redirect")),
        csrf.flag("strict", default=False),
        control.each("peers", units.network, empty=True),
        gates.flag("sensitive_files", default=True),
    )
    store.parsed("url", "", _store)
    for table in (tls, csrf, control, gates, store):
        table.close()
    return found


def _store(text: str) -> str:
    if text not in ("sqlite", "sqlite:"):
        what = "another store than SQLite in the data folder is not available in this version."
        raise PolicyError("E120", what, hint="Take url out; --data or DOORWARD_DATA names the folder.")
    return ""


def _open(top: Table, name: str, later_keys: Mapping[str, later.Later] | None = None) -> Table:
    return top.table(name, f"[{name}] ", later_keys) or Table(top.log, (name,), {}, f"[{name}] ")
