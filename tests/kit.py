"""The policy kit: rules, policies, requests and answers made by hand, without file, network or clock.

    world = World(account("alice", "1", roles="admin", password="pw"))
    verdict = judge(policy(rule("/admin/**", roles="admin")), view("GET", "/admin", basic("alice", "pw")), world)

Words that are lists may be written as one text with blanks: `roles="admin editor"`.
Rule: nothing here decides; it builds values of the core and answers its questions from dictionaries.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from doorward.core.ask import (
    Account,
    AdmitLogin,
    Answers,
    ApiKey,
    CheckCsrf,
    ClearLogin,
    FindAccount,
    FindApiKey,
    FindKeys,
    FindRelation,
    FindSession,
    LedgerReady,
    Recall,
    Remember,
    SendsAtJwt,
    Session,
    TakeSlot,
    TokenRevoked,
    VerifyPassword,
    run,
)
from doorward.core.challenge import Credential
from doorward.core.decide import decide
from doorward.core.errors import DependencyError
from doorward.core.path import parse_pattern
from doorward.core.policy import Acl, Gate, Hours, Limit, Owner, Policy, Rule
from doorward.core.principal import Principal
from doorward.core.request import Fault, Headers, Network, RequestView, Vantage, Via, observe
from doorward.core.settings import (
    AnswerSettings,
    Cors,
    Credentials,
    Issuer,
    Settings,
)
from doorward.core.trace import Trace
from doorward.core.verdict import Verdict
from doorward.schemes import apikey, basic, bearer, session

NOW = 1_764_000_000.0
"""2025-11-24 16:00:00 UTC, a Monday."""
HOST = "localhost:8080"
ORIGIN = f"http://{HOST}"
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
SCHEMES = {"bearer": bearer.scheme, "session": session.scheme, "apikey": apikey.scheme, "basic": basic.scheme}
ALL_KINDS = "bearer session apikey basic"

Words = str | Iterable[str]


def words(value: Words) -> tuple[str, ...]:
    """A list written as one text with blanks, or as a list."""
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def networks(value: Words) -> tuple[Network, ...]:
    """Networks from CIDR texts."""
    return tuple(ipaddress.ip_network(text) for text in words(value))


def limit(
    rate: int = 1, period: int = 60, *, by: Words = "ip", burst: int = 0, status: int = 429, name: str = ""
) -> Limit:
    """A limit of `rate` slots per `period` seconds; burst 0: as many as rate."""
    return Limit(rate, period, burst or rate, words(by), status, name)


def hours(start: str = "08:00", end: str = "18:00", *, days: str = "0 1 2 3 4", zone: str = "Europe/Kyiv") -> Hours:
    """Opening hours. days: 0 = Monday."""

    def minute(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Hours(frozenset(int(day) for day in days.split()), minute(start), minute(end), zone)


def acl(thing: str = "document:{doc}", **permissions: str) -> Acl:
    """Relations: `acl("document:{doc}", GET="read", PUT="write")`."""
    return Acl(thing, permissions or {"GET": "read", "PUT": "write", "DELETE": "write", "POST": "execute"})


def rule(
    paths: Words, *, name: str = "", methods: Words | None = None, from_: Words | None = None, **keys: Any
) -> Rule:
    """A rule, with the keys of the policy file.

    methods: "GET POST"; from_: CIDR texts; owner: "{id}" or an Owner; roles, or_roles, scopes, schemes: words.
    """
    patterns = tuple(parse_pattern(text) for text in words(paths))
    for key in ("roles", "or_roles", "scopes"):
        if key in keys:
            keys[key] = words(keys[key])
    if isinstance(keys.get("owner"), str):
        keys["owner"] = Owner(keys["owner"].strip("{}"))
    if "schemes" in keys:
        keys["schemes"] = frozenset(words(keys["schemes"]))
    if isinstance(keys.get("limits"), Limit):
        keys["limits"] = (keys["limits"],)
    taken = None if methods is None else frozenset(words(methods))
    nets = None if from_ is None else networks(from_)
    return Rule(name or patterns[0].text, patterns, taken, networks=nets, **keys)


def gate(name: str = "gate", *, paths: Words | None = None, methods: Words | None = None, **keys: Any) -> Gate:
    """A gate. block, only: CIDR texts; limits: limits."""
    for key in ("block", "only"):
        if key in keys:
            keys[key] = networks(keys[key])
    patterns = None if paths is None else tuple(parse_pattern(text) for text in words(paths))
    return Gate(name, patterns, None if methods is None else frozenset(words(methods)), **keys)


def hierarchy(**includes: str) -> dict[str, frozenset[str]]:
    """`[roles]`: each role with what it includes, transitively, itself too."""
    found: dict[str, frozenset[str]] = {}
    names = set(includes) | {inner for text in includes.values() for inner in text.split()}
    for name in names:
        reached, todo = {name}, [name]
        while todo:
            for inner in includes.get(todo.pop(), "").split():
                if inner not in reached:
                    reached.add(inner)
                    todo.append(inner)
        found[name] = frozenset(reached)
    return found


def issuer(name: str = "idp", **keys: Any) -> Issuer:
    """A trusted issuer; its keys are `World.keys`."""
    given: dict[str, Any] = {"issuer": ISSUER, "algorithms": ("HS256",), **keys}
    return Issuer(name, **given)


def policy(
    *rules: Rule,
    schemes: Words = ALL_KINDS,
    gates: Iterable[Gate] = (),
    roles: Mapping[str, frozenset[str]] | None = None,
    default: Any = "deny",
    realm: str = "shop",
    answers: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    issuers: Iterable[Issuer] | None = None,
    cors: Mapping[str, Any] | None = None,
    vantage: Vantage | None = None,
    **settings: Any,
) -> Policy:
    """A policy with its schemes composed. answers, credentials, cors: fields of those tables; settings: the rest."""
    kinds = words(schemes)
    trusted = tuple(issuers) if issuers is not None else (issuer(),)
    settled = Settings(
        vantage=vantage or Vantage(),
        credentials=replace(
            Credentials(order=kinds, issuers=tuple(one.name for one in trusted), audience=(AUDIENCE,)),
            **(credentials or {}),
        ),
        issuers={one.name: one for one in trusted},
        cors=Cors(**(cors or {})),
        answers=AnswerSettings(**(answers or {})),
        login_page=settings.pop("login_page", "/.doorward/login" if "session" in kinds else ""),
        **settings,
    )
    composed = tuple(SCHEMES[kind]() for kind in kinds)
    return Policy("test", realm, settled, tuple(rules), tuple(gates), roles or {}, default, composed)


Pairs = Iterable[tuple[str, str]] | Mapping[str, str]


def pairs(*groups: Pairs) -> list[tuple[str, str]]:
    """Header fields of several groups, names in lower case, in order."""
    found: list[tuple[str, str]] = []
    for group in groups:
        found += [(name.lower(), value) for name, value in (group.items() if isinstance(group, Mapping) else group)]
    return found


def view(
    method: str = "GET",
    target: str = "/",
    *headers: Pairs,
    vantage: Vantage | None = None,
    host: str | None = HOST,
    peer: str = "127.0.0.1",
    scheme: str = "http",
    local: bool = True,
    at: float = NOW,
    body: bool = False,
    upgrade: bool = False,
    fault: Fault | None = None,
) -> RequestView:
    """A request, by default of a loopback peer on a loopback listener. host None: no Host field of ours."""
    fields = pairs([("host", host)] if host is not None else [], *headers)
    via = Via(peer, peer, scheme, local)
    return observe(
        vantage or Vantage(),
        method=method,
        target=target,
        headers=Headers(fields),
        via=via,
        at=at,
        body=body,
        upgrade=upgrade,
        fault=fault,
    )


def basic_auth(name: str, password: str) -> dict[str, str]:
    """The field of a Basic login."""
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer_auth(token: str) -> dict[str, str]:
    """The field of a bearer token."""
    return {"authorization": f"Bearer {token}"}


def key_auth(key: str) -> dict[str, str]:
    """The field of an API key."""
    return {"x-api-key": key}


def cookie(secret: str, name: str = "__Host-doorward") -> dict[str, str]:
    """The field of a session cookie."""
    return {"cookie": f"{name}={secret}"}


OWN_ORIGIN = {"origin": ORIGIN}


def account(name: str, subject: str = "", *, roles: Words = "", disabled: bool = False, **attributes: str) -> Account:
    """A local account. Its password is set by `World.passwords`; by default "pw-NAME"."""
    return Account(
        subject or name, name, frozenset(words(roles)), disabled, attributes=tuple(sorted(attributes.items()))
    )


def principal(subject: str = "alice", *, roles: Words = "", scopes: Words | None = None, **more: Any) -> Principal:
    """A proven identity. scopes None: not delegated."""
    held = None if scopes is None else frozenset(words(scopes))
    return Principal(subject, roles=frozenset(words(roles)), scopes=held, **more)


@dataclass
class World:
    """Everything the door may ask, in memory.

    known: credential secret -> principal or rejection, as a cache would answer; sessions, keys: secret -> row;
    signing: issuer name -> keys; relations: (subject, permission, object); profiled: issuers that sent at+jwt;
    waits: seconds TakeSlot answers;
    exhausted: texts, a bucket that contains one is full; down: question types that cannot be answered; asked: log.
    """

    accounts: list[Account] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    signing: dict[str, Any] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    profiled: set[str] = field(default_factory=set)
    relations: set[tuple[str, str, str]] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    exhausted: dict[str, int] = field(default_factory=dict)
    failures: dict[tuple[str, str], int] = field(default_factory=dict)
    down: set[type] = field(default_factory=set)
    down_name: str = "sqlite"
    asked: list[Any] = field(default_factory=list)

    def with_accounts(self, *accounts: Account) -> World:
        """The world with these accounts, each with a live session `s-NAME` and a key `k-NAME` of its own."""
        for one in accounts:
            self.accounts.append(one)
            self.passwords.setdefault(one.name, f"pw-{one.name}")
            self.sessions[f"s-{one.name}"] = Session(f"id-{one.name}", one.subject, NOW, NOW, NOW)
            self.keys[f"k-{one.name}"] = ApiKey(f"key-{one.name}", one.subject, frozenset())
            self.tokens[f"id-{one.name}"] = f"csrf-{one.name}"
        return self

    def know(self, who: Principal, kind: str = "bearer") -> dict[str, str]:
        """Plant an identity; returns the fields that present it. kind: scheme of the credential."""
        secret = f"opaque-{len(self.known)}-{kind}"
        self.known[secret] = replace(who, scheme=kind)
        carriers = {
            "bearer": bearer_auth,
            "apikey": key_auth,
            "session": cookie,
            "basic": lambda s: {"authorization": f"Basic {s}"},
        }
        return carriers[kind](secret)

    @property
    def answers(self) -> Answers:
        """The wiring."""
        table = {
            Recall: lambda q: self.known.get(q.credential.secret),
            Remember: lambda _: None,
            FindSession: lambda q: self.sessions.get(q.secret),
            FindAccount: self._account,
            VerifyPassword: self._password,
            AdmitLogin: self._admit,
            ClearLogin: lambda q: self.failures.pop((q.name, q.address), None),
            FindApiKey: lambda q: self.keys.get(q.secret),
            FindKeys: lambda q: self.signing[q.issuer].find(q.kid, q.alg),
            SendsAtJwt: self._sends_at_jwt,
            TokenRevoked: lambda q: q.jti in self.revoked,
            CheckCsrf: lambda q: self.tokens.get(q.session) == q.token,
            TakeSlot: lambda q: max(
                (w for part, w in self.exhausted.items() for b in q.buckets if part in b), default=0
            ),
            LedgerReady: lambda _: None,
            FindRelation: lambda q: any((s, q.permission, q.object) in self.relations for s in q.subjects),
        }
        return {kind: self._logged(kind, answer) for kind, answer in table.items()}

    def _logged(self, kind: type, answer: Any) -> Any:
        def reply(question: Any) -> Any:
            self.asked.append(question)
            if kind in self.down:
                raise DependencyError(self.down_name, 7)
            return answer(question)

        return reply

    def _sends_at_jwt(self, question: SendsAtJwt) -> bool:
        if question.seen:
            self.profiled.add(question.issuer)
        return question.issuer in self.profiled

    def _account(self, question: FindAccount) -> Account | None:
        field_name = "name" if question.by == "name" else "subject"
        return next((one for one in self.accounts if getattr(one, field_name) == question.key), None)

    def _password(self, question: VerifyPassword) -> bool:
        return question.account is not None and self.passwords[question.account.name] == question.secret

    def _admit(self, question: AdmitLogin) -> int:
        key = (question.name, question.address)
        self.failures[key] = self.failures.get(key, 0) + 1
        return 0 if self.failures[key] <= 5 else 1 << min(self.failures[key] - 6, 9)


def judge(rules: Policy, request: RequestView, world: World | None = None, trace: Trace | None = None) -> Verdict:
    """The verdict on a request."""
    return run(decide(rules, request, trace), (world or World()).answers)


def credential(kind: str, secret: str = "x") -> Credential:
    """A credential as the core hands it to a scheme."""
    where = {"bearer": "authorization", "basic": "authorization", "apikey": "header", "session": "cookie"}
    return Credential(kind, secret, where[kind])
