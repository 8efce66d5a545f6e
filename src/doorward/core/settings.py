"""The tables of the policy file that are not rules, as values. Defaults here are the shipped defaults.

Source: answers.md section 5, policy.md 2.1. Rule: values only; reading and checking of the file is `policyfile/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Literal

from doorward.core.request import Network, Vantage
from doorward.core.values import value

_EMPTY: Mapping[str, Any] = MappingProxyType({})
DAY = 86_400


@value
class Server:
    """`[server]`: limits of the public listener: bytes, seconds. max_body None: no limit. origins: see Vantage."""

    origins: tuple[str, ...] = ()
    max_head: int = 16_384
    max_target: int = 8_192
    max_body: int | None = None
    head_timeout: int = 10
    idle_timeout: int = 75


@value
class SessionSettings:
    """`[credentials] session`: cookie name, idle and absolute life in seconds."""

    cookie: str = "__Host-doorward"
    idle: int = 1_800
    absolute: int = 43_200


@value
class Credentials:
    """`[credentials]`: order holds the kinds in the order of the file, which is the order of challenges.

    issuers, audience: of bearer; key_header: lower case.
    """

    order: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    session: SessionSettings = SessionSettings()
    key_header: str = "x-api-key"
    require_at_jwt: Literal["auto", "always", "never"] = "auto"
    basic_latin1: bool = False
    query_token: bool = False


@value
class Issuer:
    """`[issuers.NAME]`. Exactly one source of keys: jwks (URL), jwks_file (path), keys (inline JWKs).

    roles, scopes: dotted claim paths, roles "" = none; map: role of the token -> our role, None = one to one;
    leeway: seconds; accounts: "local" or "".
    """

    name: str
    issuer: str
    algorithms: tuple[str, ...]
    jwks: str = ""
    jwks_file: str = ""
    keys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    roles: str = ""
    scopes: str = "scope"
    map: Mapping[str, str] | None = None
    leeway: int = 30
    accounts: str = ""


@value
class Cors:
    """`[cors]`: empty origins = the application answers preflights itself. max_age: seconds."""

    origins: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    headers: tuple[str, ...] = ("Authorization", "Content-Type", "X-CSRF-Token")
    max_age: int = 600
    options_public: Literal["preflight", "all", "none"] = "preflight"
    refused_origin: int = 204


@value
class LoginLimit:
    """`[limits] login` (policy.md 2.4): delays in seconds; address: tries per period in seconds."""

    free: int = 5
    first_delay: int = 1
    max_delay: int = 900
    address: int = 30
    address_period: int = 60
    account_delay: float = 2.0


@value
class AnswerSettings:
    """`[answers]`: how refusals look and which of two lawful answers is given."""

    scope_challenge: bool = True
    bad_credentials_on_public: Literal["anonymous", "reject"] = "anonymous"
    bad_credentials: int = 401
    disabled_account: int = 401
    navigation: Literal["redirect", "page"] = "redirect"
    basic_for_scripts: bool = False
    repair_upstream_401: bool = True
    body: Literal["problem", "simple"] = "problem"
    disclosure: Literal["minimal", "standard", "debug"] = "standard"
    token_error_detail: Literal["none", "expired", "full"] = "expired"  # noqa: S105 - a word, not a secret
    malformed_basic: int = 401
    hide: bool = False
    hidden_to_anonymous: Literal["as-absent", 404] = "as-absent"
    hide_render: Literal["own", "upstream"] = "own"
    unnamed: int = 404
    type_base: str = "https://doorward.example/problems/"


@value
class Pages:
    """`[pages]`: brand as shown, support_url, home after login, language when nothing matches, folder of templates."""

    brand: str = ""
    support_url: str = ""
    switch_account: bool = True
    language: str = "en"
    templates: str = ""


@value
class LedgerSettings:
    """`[ledger]`: retention in seconds, max_size in bytes."""

    mode: Literal["batch", "sync"] = "batch"
    required: bool = False
    ip: Literal["truncate", "hmac", "full", "none"] = "truncate"
    allows: Literal["none", "sample", "all"] = "none"
    retention: int = 90 * DAY
    max_size: int = 1 << 30
    jsonl: str = ""


@value
class UpstreamHeaders:
    """`[upstream] headers`: names under which identity goes to the application."""

    user: str = "X-Doorward-User"
    roles: str = "X-Doorward-Roles"
    scopes: str = "X-Doorward-Scopes"
    assertion: str = "X-Doorward-Assertion"

    @property
    def names(self) -> tuple[str, str, str, str]:
        """All four, in order."""
        return self.user, self.roles, self.scopes, self.assertion


@value
class Settings:
    """Everything of the policy file but roles, gates and rules.

    login_page "" = no login page (no session credential); control_peers: who may ask /decide, empty = loopback;
    limits_open: `[limits] when_down = "open"`; messages: overrides language -> key -> text.
    """

    server: Server = Server()
    vantage: Vantage = Vantage()
    credentials: Credentials = Credentials()
    issuers: Mapping[str, Issuer] = field(default_factory=lambda: _EMPTY)
    cors: Cors = Cors()
    answers: AnswerSettings = AnswerSettings()
    pages: Pages = Pages()
    ledger: LedgerSettings = LedgerSettings()
    login_limit: LoginLimit = LoginLimit()
    upstream_headers: UpstreamHeaders = UpstreamHeaders()
    login_page: str = ""
    login_home: str = "/"
    tls_require: Literal[True, False, "redirect"] = True
    csrf_strict: bool = False
    consume_authorization: bool = False
    control_peers: tuple[Network, ...] = ()
    limits_open: bool = False
    legacy_rate_headers: bool = False
    sensitive_files: bool = True
    store_url: str = ""
    messages: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _EMPTY)
