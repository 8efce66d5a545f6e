"""A data folder with accounts and a ledger, and the two commands that read it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from doorward.cli.main import group
from doorward.core.ask import Account
from doorward.core.principal import Principal
from doorward.guard.house import House
from doorward.guard.rehearse import Presented, rehearse
from doorward.ledger.event import AuditEvent
from doorward.sinks.batch import Batch
from doorward.sinks.sqlite import SqliteLedger
from kit import NOW, view

POLICY = """version = 1
realm = "shop"
default = "deny"

[credentials]
session = {}
basic = {}

[roles]
admin = ["editor"]
editor = []
customer = []
clinician = []

[groups.bad]
networks = ["198.51.100.0/24"]

[[gate]]
name = "embargo"
block = ["bad"]

[[rule]]
name = "own-profile"
path = "/users/{id}/profile"
owner = "{id}"
or_roles = ["admin"]

[[rule]]
name = "settings"
path = "/admin/settings"
roles = ["admin"]

[[rule]]
name = "ward"
path = "/ward/**"
roles = ["clinician"]
mask = true

[[rule]]
name = "content"
path = "/content"
roles = ["editor"]
"""
PEOPLE = (("olga", "12", "editor"), ("carol", "13", "customer"), ("alice", "1", "admin"))


class Place:
    """A policy file and a data folder."""

    def __init__(self, folder: Path) -> None:
        self.policy, self.data = folder / "doorward.toml", folder / "data"
        self.policy.write_text(POLICY)

    def settle(self) -> Place:
        """With accounts: olga 12 editor, carol 13 customer, alice 1 admin, dora 15 disabled."""
        house = House.open(self.policy, self.data, waiting=False)
        for name, subject, roles in PEOPLE:
            house.store.accounts.add(Account(subject, name, frozenset(roles.split())), NOW)
        house.store.accounts.add(Account("15", "dora", disabled=True), NOW)
        house.close()
        return self

    def refuse(self, *requests: tuple[Any, ...], who: Principal | Presented | None = None, **more: Any) -> list[str]:
        """Record refusals as a server would. requests: of `kit.view`. Returns: their ids."""
        house = House.open(self.policy, self.data, waiting=False)
        more.setdefault("at", time.time())  # older ones would be deleted for their age
        ids = []
        for request in requests:
            seen = view(*request, **more)
            verdict, trace = rehearse(house.guard.policy, seen, who, house.guard.answers)
            ids.append(house.record.new_id(seen.at))
            house.record.note(house.guard.policy, seen, verdict, trace, ids[-1])
        house.close()
        return ids

    def write(self, *events: AuditEvent) -> None:
        """Put events into the ledger."""
        ledger, batch = SqliteLedger(self.data), Batch()
        for event in events:
            batch.add(event)
        ledger.write(batch)
        ledger.close()

    def run(self, *args: str, **more: Any) -> Result:
        """Run `doorward` with this policy and data."""
        name, *rest = args
        given = ["--policy", str(self.policy), "--data", str(self.data)]
        return CliRunner().invoke(group, [name, *given, *rest], standalone_mode=False, **more)


def person(name: str, **more: Any) -> Principal:
    """One of the people, logged in."""
    subject, roles = next((subject, roles) for known, subject, roles in PEOPLE if known == name)
    who = Principal(subject, name=name, roles=frozenset(roles.split()), scheme="session", auth_time=NOW, account=True)
    return replace(who, **more)
