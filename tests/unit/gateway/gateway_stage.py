"""A whole gateway in this process: a house in a throw-away folder, its two listeners, a scripted application.

Rule: real sockets on loopback; nothing is replaced by a stand-in.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from doorward.core.ask import Account
from doorward.gateway.listeners import Place
from doorward.gateway.process import Plan, Process, Serving
from doorward.guard.house import House
from doorward.stores.passwords import hash_password
from edge_kit import Answer, Origin, Script, dial, origin
from kit import NOW

HEAD = """version = 1
realm   = "shop"
default = "deny"
[credentials]
session = { idle = "30m", absolute = "12h" }
basic   = { accounts = "local" }
"""
RULES = """
[[rule]]
name    = "public"
path    = "/public/**"
methods = ["GET"]
access  = "public"
[[rule]]
name   = "any"
path   = "/any/**"
access = "authenticated"
[[rule]]
name  = "secret"
path  = "/shelf/secret"
roles = ["admin"]
hide  = true
[[rule]]
name   = "shelf"
path   = "/shelf/**"
access = "authenticated"
"""
POLICY = HEAD + RULES
CAROL = b"Authorization: Basic Y2Fyb2w6Y2Fyb2w=\r\n"


@dataclass
class Stage:
    """A running gateway. house: its parts, for looking at; there: the application."""

    folder: Path
    house: House
    process: Process
    there: Origin
    public: int = 0
    control: int = 0
    up: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[None] | None = None

    def announce(self, serving: Serving) -> None:
        self.public, self.control = serving.plan.listen.port, serving.plan.control.port
        self.up.set()

    async def ask(self, method: str, target: str, fields: bytes = b"", *, control: bool = False) -> Answer:
        """One request on a connection of its own."""
        port = self.control if control else self.public
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
        async with dial(port) as wire:
            return await wire.ask(head + fields + b"\r\n")

    async def status(self, target: str, fields: bytes = b"") -> int:
        """The status of a GET."""
        return (await self.ask("GET", target, fields)).status

    def rewrite(self, policy: str) -> None:
        """Put another policy file in place."""
        draft = self.folder / "draft"
        draft.write_text(policy)
        draft.replace(self.folder / "doorward.toml")

    async def stop(self) -> None:
        """As SIGTERM does it."""
        signal.raise_signal(signal.SIGTERM)
        if self.running is not None:
            await self.running


@asynccontextmanager
async def stage(folder: Path, script: Script, policy: str = POLICY) -> AsyncIterator[Stage]:
    """A gateway in front of an application that follows a script; carol's password is her name."""
    file = folder / "doorward.toml"
    file.write_text(policy)
    house = House.open(file, folder / "data")
    house.store.accounts.add(Account("carol", "carol", frozenset(), password=hash_password("carol")), NOW)
    loopback = Place("127.0.0.1", 0)
    async with origin(script) as there:
        here = Stage(folder, house, Process(house, Plan(there.url, loopback, loopback)), there)
        here.running = asyncio.ensure_future(here.process.run(here.announce))
        try:
            await here.up.wait()
            yield here
        finally:
            if not here.running.done():
                await here.stop()
            house.close()
