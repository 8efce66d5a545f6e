"""A policy with everything a ledger may see, and requests with every kind of secret in them."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

from doorward.core.ask import Rejected
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.settings import LedgerSettings
from doorward.core.trace import Trace
from doorward.core.verdict import Verdict
from doorward.guard.record import Record
from doorward.ledger.event import AuditEvent
from doorward.sinks.reading import Reader, Wanted
from kit import (
    ISSUER,
    NOW,
    World,
    account,
    acl,
    basic_auth,
    bearer_auth,
    cookie,
    gate,
    hours,
    judge,
    key_auth,
    limit,
    policy,
    rule,
    view,
)

RULES = (
    rule("/open", access="public"),
    rule("/admin/**", name="admin", roles="admin editor"),
    rule("/own/{id}", name="own", owner="{id}", or_roles="admin"),
    rule("/hidden/**", name="hidden", roles="admin", hide=True),
    rule("/oncology/**", name="oncology-files", roles="oncologist", mask=True),
    rule("/docs/{doc}", name="docs", acl=acl()),
    rule("/pay", name="pay", access="authenticated", max_age=300),
    rule("/scoped", name="scoped", access="authenticated", scopes="orders:read orders:write", scopes_for="all"),
    rule("/office", name="office", access="authenticated", from_="10.0.0.0/8"),
    rule("/night", name="night", access="authenticated", when=hours("01:00", "02:00", zone="UTC")),
    rule("/slow", name="slow", access="authenticated", limits=limit(5, 60)),
    rule("/nobody", name="nobody", access="nobody"),
)


def scene(**ledger: Any) -> Policy:
    """The policy. ledger: fields of `[ledger]`."""
    gates = (gate("embargo", block="198.51.100.0/24"), gate("flood", paths="/slow", limits=(limit(9, 60),)))
    return policy(*RULES, gates=gates, ledger=LedgerSettings(retention=10**10, **ledger))


class NoKeys:
    """An issuer whose keys fit nothing."""

    def find(self, _kid: str | None, _alg: str) -> tuple[()]:
        """No key."""
        return ()


def world() -> World:
    """alice is admin, olga is editor with subject 12, carol has no role."""
    return World(signing={"idp": NoKeys()}).with_accounts(
        account("alice", "1", roles="admin"), account("olga", "12", roles="editor"), account("carol", "13")
    )


class Desk:
    """A record of a policy in a folder, with the world that answers."""

    def __init__(self, folder: Path, rules: Policy | None = None, who: World | None = None) -> None:
        self.folder, self.policy, self.world = folder, rules or scene(), who or world()
        self.record = Record(folder, lambda: self.policy)

    def send(self, method: str, target: str, *fields: Any, **more: Any) -> tuple[str, Verdict, Trace]:
        """Decide and note one request. Returns: its id, verdict and trace."""
        request, trace = view(method, target, *fields, **more), Trace()
        verdict = judge(self.policy, request, self.world, trace)
        request_id = self.record.new_id(request.at)
        self.record.note(self.policy, request, verdict, trace, request_id)
        return request_id, verdict, trace

    def note(self, request: Any, verdict: Verdict, trace: Trace | None = None) -> str:
        """Note a verdict that came about elsewhere."""
        request_id = self.record.new_id(request.at)
        self.record.note(self.policy, request, verdict, trace or Trace(), request_id)
        return request_id

    def events(self) -> list[AuditEvent]:
        """Close, and read everything back."""
        self.record.close()
        return Reader(self.folder).latest(Wanted(allows=True), 100_000)

    def event(self) -> AuditEvent:
        """Close, and read back the only event."""
        (found,) = self.events()
        return found


def token(**claims: Any) -> str:
    """A token with these claims and a signature of nobody."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = {"alg": "HS256", "kid": "2026-10", "typ": "at+jwt"}
    body = {"iss": ISSUER, "sub": "7", "aud": "https://api.example", "exp": NOW - 41, **claims}
    return f"{part(head)}.{part(body)}.{base64.urlsafe_b64encode(b'signature-of-nobody').decode().rstrip('=')}"


def secret_requests(number: int = 200, seed: int = 7) -> list[tuple[str, tuple[str, str, dict[str, str]]]]:
    """Requests, each with a secret in it: (secret, (method, target, fields)). Generated, always the same."""
    draw = random.Random(seed)
    targets = ["/open", "/admin/x", "/own/7", "/hidden/x", "/oncology/x", "/docs/1", "/pay", "/nope", "/.env", "/a//b"]
    found = []
    for n in range(number):
        secret = f"s3cr3t{draw.getrandbits(128):032x}"
        carriers: list[tuple[str, dict[str, str]]] = [
            ("", bearer_auth(secret)),
            ("", bearer_auth(f"{token(jti=secret)}")),
            ("", basic_auth("carol", secret)),
            ("", basic_auth(secret, secret)),
            ("", {"authorization": secret}),
            ("", {"authorization": f"{secret} x"}),
            ("", {"authorization": f"Basic {secret}"}),
            ("", {"authorization": f"Digest response={secret}"}),
            ("", key_auth(secret)),
            ("", cookie(secret)),
            ("", {"cookie": f"other={secret}; __Host-doorward={secret}"}),
            (f"?access_token={secret}", {}),
            (f"?next=/{secret}", {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}),
            ("", {**cookie("s-carol"), "x-csrf-token": secret}),
            ("", {"origin": f"https://user:{secret}@evil.example"}),
            ("", {"referer": f"https://shop.example/?token={secret}"}),
            ("", {"user-agent": f"({secret})"}),
            ("", {"x-forwarded-for": secret, "sec-fetch-site": secret}),
        ]
        query, fields = carriers[n % len(carriers)]
        found.append((secret, (draw.choice(["GET", "POST", "DELETE"]), draw.choice(targets) + query, fields)))
    return found


def rejected(reason: Reason, **more: Any) -> Rejected:
    """Credentials that were refused."""
    return Rejected(reason, **more)


def known(subject: str = "12", roles: str = "editor", **more: Any) -> Principal:
    """olga, unless said otherwise."""
    return Principal(subject, name=more.pop("name", "olga"), roles=frozenset(roles.split()), account=True, **more)
