"""The door as far as it goes without a socket: a request is decided by the core and written by `wire/`.

    door = Door(rule("/admin", roles="admin"))
    assert door.ask("GET", "/admin").status == 401

Rule: nothing here decides or writes; the application behind it says 200 to whatever it gets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from doorward.core.decide import PREFLIGHT
from doorward.core.policy import Rule
from doorward.core.principal import ANONYMOUS, Principal
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Refusal, Verdict
from doorward.wire.cors import preflight_reply
from doorward.wire.render import render
from doorward.wire.reply import Reply
from doorward.wire.shown import show
from kit import World, judge, policy, principal, view

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html,*/*;q=0.8"}
SCRIPT = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "accept": "*/*"}
PLAIN = {"accept": "text/plain"}
SIMPLE = {"body": "simple"}


@dataclass(frozen=True)
class Seen:
    """What the caller sees, and what the door decided."""

    verdict: Verdict
    trace: Trace
    reply: Reply

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def who(self) -> Principal:
        """Whom the application is told about; ANONYMOUS where it is not reached."""
        return self.verdict.principal if isinstance(self.verdict, Allow) else ANONYMOUS

    @property
    def challenges(self) -> tuple[str, ...]:
        return self.reply.all("WWW-Authenticate")

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.reply.body)
        assert isinstance(found, dict)
        return found

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def text(self) -> str:
        return self.reply.body.decode()

    @property
    def outbound(self) -> str:
        """Every byte that leaves."""
        return "\n".join([*(f"{name}: {value}" for name, value in self.reply.headers), self.text])


@dataclass
class Door:
    """A policy made of these rules over a world of facts. keys: of `kit.policy`."""

    rules: tuple[Rule, ...]
    world: World = field(default_factory=World)
    keys: dict[str, Any] = field(default_factory=dict)

    def ask(self, method: str, target: str, *fields: Any, **more: Any) -> Seen:
        """One request. fields, more: as `kit.view` takes them."""
        law = policy(*self.rules, **self.keys)
        request = view(method, target, *fields, **{"vantage": law.settings.vantage, **more})
        trace = Trace()
        verdict = judge(law, request, self.world, trace)
        if not isinstance(verdict, Allow):
            return Seen(verdict, trace, render(law, show(law, verdict, request, trace.who), request, ID))
        if verdict.rule == PREFLIGHT and law.settings.cors.origins:
            return Seen(verdict, trace, preflight_reply(law, request, ID))
        return Seen(verdict, trace, Reply(200, (), b"the application"))

    def get(self, target: str, *fields: Any, **more: Any) -> Seen:
        """GET."""
        return self.ask("GET", target, *fields, **more)

    def token(self, subject: str = "456", roles: str = "", scopes: str = "", **more: Any) -> dict[str, str]:
        """The field that presents a good bearer token."""
        return self.world.know(principal(subject, roles=roles, scopes=scopes, **more), "bearer")


def door(*rules: Rule, world: World | None = None, **keys: Any) -> Door:
    """A door with these rules."""
    return Door(rules, world or World(), keys)


def refused(seen: Seen) -> Refusal:
    """The verdict, which is a refusal."""
    assert not isinstance(seen.verdict, Allow)
    return seen.verdict
