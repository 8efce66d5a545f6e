"""Policies and requests for the tests of wire/: made by hand, nothing is decided here."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

from doorward.core.challenge import AuthChallenge
from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.core.path import parse_pattern
from doorward.core.policy import Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView, Vantage, Via, observe
from doorward.core.settings import Settings
from doorward.core.verdict import Challenge, Deny, LimitState, Refusal, Throttle
from doorward.schemes import apikey, basic, bearer, session
from doorward.wire.render import render
from doorward.wire.reply import Reply
from doorward.wire.shown import show

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER_ID = "01890a5d-ac96-774b-bcce-b302099a8058"
VANTAGE = Vantage(("https://shop.example",))
SCHEMES = (bearer.scheme(), session.scheme(), apikey.scheme(), basic.scheme())
CAROL = Principal("carol", name="Carol Fay", scheme="session")
BEARER = AuthChallenge("Bearer", (("realm", "Shop"),))
SESSION = AuthChallenge("Session", (("realm", "Shop"),))
BASIC = AuthChallenge("Basic", (("realm", "Shop"), ("charset", "UTF-8")))
BURST = LimitState("burst", 5, 60, 0, 30)
ORDERS = Rule("orders", (parse_pattern("/orders/**"),))

NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html,*/*;q=0.8"}
SCRIPT = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "accept": "*/*"}
OLD_BROWSER = {"user-agent": "Mozilla/5.0", "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def request(
    target: str = "/orders/1", *, method: str = "GET", scheme: str = "https", host: str = "shop.example", **fields: str
) -> RequestView:
    """A request to our own host. fields: with _ for -."""
    return ask_with({name.replace("_", "-"): value for name, value in fields.items()}, target, method, scheme, host)


def ask_with(
    fields: dict[str, str],
    target: str = "/orders/1",
    method: str = "GET",
    scheme: str = "https",
    host: str = "shop.example",
) -> RequestView:
    pairs = [("host", host), *fields.items()]
    return of_pairs(pairs, target, method, scheme)


def of_pairs(
    pairs: list[tuple[str, str]], target: str = "/orders/1", method: str = "GET", scheme: str = "https"
) -> RequestView:
    via = Via("198.51.100.7", "198.51.100.7", scheme)
    return observe(VANTAGE, method=method, target=target, headers=Headers(pairs), via=via, at=1_800_000_000.0)


def policy(*rules: Rule, realm: str = "Shop", settings: Settings | None = None, **answers: object) -> Policy:
    """Every scheme, a login page, one rule. answers: fields of `[answers]`."""
    base = settings or Settings(vantage=VANTAGE, login_page="/.doorward/login")
    base = replace(base, answers=replace(base.answers, **answers)) if answers else base
    return Policy("v1", realm, base, rules or (ORDERS,), schemes=SCHEMES)


def settings(**fields: object) -> Settings:
    return Settings(**{"vantage": VANTAGE, "login_page": "/.doorward/login", **fields})


def challenge(
    reason: Reason = Reason.CREDENTIALS_MISSING,
    *lines: AuthChallenge,
    rule: str = "orders",
    login: bool = True,
    act: Act = Act.AUTHENTICATE,
) -> Challenge:
    return Challenge(reason, rule, lines or (BEARER, SESSION, BASIC), Cure(act), login)


def deny(
    reason: Reason = Reason.ROLE_MISSING, cure: Cure = NOTHING_HELPS, rule: str = "orders", **more: object
) -> Deny:
    return Deny(reason, rule, cure, **more)


def throttle(wait: int = 30, *limits: LimitState, rule: str = "orders", status: int = 429) -> Throttle:
    return Throttle(rule, wait, limits or (replace(BURST, reset=wait),), status)


def answer(
    verdict: Refusal,
    asked: RequestView | None = None,
    under: Policy | None = None,
    who: Principal | None = None,
    request_id: str = ID,
) -> Reply:
    """Show and render."""
    law, asked = under or policy(), asked or request(accept="*/*")
    return render(law, show(law, verdict, asked, who), asked, request_id)


def body(reply: Reply) -> dict[str, object]:
    found = json.loads(reply.body)
    assert isinstance(found, dict)
    return found


_VOID = frozenset({"meta", "input", "link", "br", "hr", "img"})


class Page(HTMLParser):
    """A page taken apart: tags with attributes, text, and whether every tag was closed."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(source.decode())
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]
