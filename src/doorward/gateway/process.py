"""The process: two listeners, one application behind, one policy file, from start to drain.

    run(house, Plan("http://127.0.0.1:3000", listen, control), announce=print)

SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reads the policy again.
Rule: it wires and waits; requests are answered by the doors. Source: architecture.md 4.2, 6, 7.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doorward.core.ask import LedgerReady
from doorward.core.errors import DependencyError
from doorward.core.policy import Policy
from doorward.edge.limits import Limits
from doorward.edge.server import Server
from doorward.edge.upstream import Upstream
from doorward.gateway.control import ControlDoor
from doorward.gateway.listeners import Place, bind, check_control, check_public
from doorward.gateway.public import PublicDoor
from doorward.gateway.reload import Reloader
from doorward.gateway.runtime import Runtime
from doorward.gateway.snapshot import Snapshot
from doorward.gateway.streams import Watch
from doorward.site.app import Site

if TYPE_CHECKING:
    from doorward.core.principal import Principal
    from doorward.guard.house import House

_LOG = logging.getLogger("doorward")
TICK = 0.5
"""Seconds between two looks at revocations and at the policy file; the promise is one second (J17)."""
GRACE = 10.0
"""Seconds that a request under way may take when the process ends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve. to: URL of the application; search: take the next free ports when these are taken."""

    to: str
    listen: Place
    control: Place
    search: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and where it listens now. plan: with the ports that were bound."""

    plan: Plan
    house: House


def limits_of(policy: Policy) -> Limits:
    """The limits of the public listener under a policy."""
    server = policy.settings.server
    return Limits(
        head=server.max_head,
        target=server.max_target,
        body=server.max_body,
        head_timeout=server.head_timeout,
        idle_timeout=server.idle_timeout,
    )


class Process:
    """One gateway. Raises ConfigError for what it could not serve."""

    def __init__(self, house: House, plan: Plan) -> None:
        check_public(plan.listen, house.guard.policy)
        check_control(plan.control)
        self._house, self._plan = house, plan
        self._upstream = Upstream(plan.to, limits_of(house.guard.policy))
        signer = house.signer(self._upstream.origin)

        def sign(who: Principal, at: float) -> str:
            return signer.sign(who.subject, who.issuer, who.roles, who.scopes or (), at)

        self._sign = sign
        self._runtime = Runtime(house.guard, house.record, Snapshot.of(house.guard.policy, sign))
        site = Site(house.guard, house.desk, house.record, signer.jwks)
        limits = limits_of(house.guard.policy)
        self._public = Server(PublicDoor(self._runtime, site, self._upstream), limits, name="public")
        self._control = Server(ControlDoor(self._runtime, self._ready), name="control")
        self._reloader = Reloader(house, lambda policy: check_public(plan.listen, policy), self._swap)
        self._watch = Watch(self._runtime, self._public)
        self._stop = asyncio.Event()
        self._store_down = False

    async def run(self, announce: Callable[[Serving], None]) -> None:
        """Serve until a signal says otherwise. announce: called when both listeners are open. Raises ConfigError."""
        plan = self._plan
        try:
            control = await bind(self._control, plan.control, "--control", search=plan.search)
            listen = await bind(self._public, plan.listen, "--listen", search=plan.search)
            self._house.record.start()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._signalled)
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
            announce(Serving(Plan(plan.to, listen, control), self._house))
            _settle_memory()
            await self._tick_until_stopped()
        finally:
            await self._end()

    async def _tick_until_stopped(self) -> None:
        while not self._stop.is_set():
            try:
                await self._tick()
            except Exception:  # noqa: BLE001 - the last resort of the ticker: revocation must go on
                self._house.record.counts.bugs += 1
                _LOG.exception("a bug in the ticker")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), TICK)

    async def _tick(self) -> None:
        revoked = self._poll()
        await self._reloader.look()
        await self._watch.look(time.time(), revoked=revoked)

    def _poll(self) -> bool:
        """See what other processes revoked; a store that cannot be read is said once, not twice a second."""
        try:
            rose = self._house.store.epochs.poll()
        except DependencyError as down:
            if not self._store_down:
                _LOG.error("the store cannot be read: %s", down)
            self._store_down = True
            return False
        if self._store_down:
            _LOG.info("the store can be read again")
        self._store_down = False
        return rose

    def _swap(self) -> None:
        """Another policy is in force: what was compiled from the old one goes with it."""
        policy = self._house.guard.policy
        self._runtime.snapshot = Snapshot.of(policy, self._sign)
        self._public.limits = self._upstream.limits = limits_of(policy)

    def _hang_up(self) -> None:
        self._runtime.keep(self._reloader.reload())

    def _signalled(self) -> None:
        if self._stop.is_set():
            self._public.hurry()
        self._stop.set()

    async def _end(self) -> None:
        """Drain: no new connections, requests under way get their answer, streams end now."""
        self._runtime.draining = True
        self._public.end_streams()
        await self._public.drain(GRACE)
        await self._control.drain(0)
        await self._upstream.close()
        await self._runtime.close()

    def _ready(self) -> Mapping[str, Any]:
        """What readiness tells. Raises DependencyError for what keeps us from serving."""
        house = self._house
        house.store.readable()
        policy = house.guard.policy
        if policy.settings.ledger.required:
            house.record.ready(LedgerReady())
        return {
            "policy": policy.version,
            "stale": house.record.counts.stale,
            "issuers": house.keyring.states(),
        }


def run(house: House, plan: Plan, *, announce: Callable[[Serving], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raises ConfigError before anything listens."""

    async def main() -> None:
        await Process(house, plan).run(announce)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main())


def _settle_memory() -> None:
    """What was made at the start lives to the end; the collector need not look at it again.

    Nor often at what is made per request: references end nearly all of it, and caches are large and hold no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    gc.enable()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
