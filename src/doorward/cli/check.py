"""`doorward check`: look at the whole installation, as `serve` would meet it.

Rule: nothing is repaired here; a folder that is not there yet is not made. Source: first-minute.md 2, 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from doorward.cli.common import Context, clean, common_options
from doorward.cli.main import WRONG
from doorward.core.errors import ConfigError, DependencyError, DoorwardError

if TYPE_CHECKING:
    from doorward.core.policy import Policy
    from doorward.policyfile.finding import Level

_LEVELS: tuple[Level, ...] = ("error", "warning", "note")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str


@click.command()
@click.option("--to", metavar="URL", help="The application, to see whether it answers.")
@click.option("--listen", metavar="HOST:PORT", help="Where serve shall listen, to see whether it can.")
@click.option("--control", metavar="HOST:PORT", help="Its control listener.")
@common_options
def check(context: Context, to: str | None, listen: str | None, control: str | None) -> int:
    """Check everything that serve would refuse to start with."""
    lines = list(_look(context, to, listen, control))
    problems = sum(not line.ok for line in lines)
    if context.json:
        context.emit({"checks": [asdict(line) for line in lines], "problems": problems})
    elif problems or not context.quiet:
        for line in lines:
            mark = context.paint("✓", fg="green") if line.ok else context.paint("✗", fg="red")
            context.say(f" {mark} {line.name:9}  {clean(line.text)}")
        context.say(_sum(problems))
    return WRONG if problems else 0


def _sum(problems: int) -> str:
    return {0: "no problems", 1: "1 problem"}.get(problems, f"{problems} problems")


def _look(context: Context, to: str | None, listen: str | None, control: str | None) -> Iterator[Line]:
    lines, policy = _policy(context)
    yield from lines
    if policy is not None:
        yield from _issuers(policy)
        yield from _listeners(policy, listen, control)
    yield _store(context)
    if to is not None:
        yield _upstream(to)


def _policy(context: Context) -> tuple[list[Line], Policy | None]:
    try:
        loaded = context.load()
    except ConfigError as error:
        return [Line("policy", False, str(error))], None
    if loaded is None:
        return [Line("policy", False, f"There is no {context.policy}. Write one: doorward init.")], None
    levels = Counter(finding.level for finding in loaded.findings)
    counts = ", ".join(_count(levels[level], level) for level in _LEVELS)
    policy = loaded.policy
    said = f"{_count(len(policy.rules), 'rule')}, {_count(len(policy.gates), 'gate')}, " if policy else ""
    lines = [Line("policy", policy is not None, f"{loaded.file}: {said}{counts}")]
    lines += [Line("", False, one.text(loaded.file)) for one in loaded.findings if one.level == "error"]
    return lines, policy


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _issuers(policy: Policy) -> Iterator[Line]:
    import asyncio

    from doorward.guard.keys import keys_of

    for name, issuer in policy.settings.issuers.items():
        try:
            found = asyncio.run(keys_of(issuer))
        except (DoorwardError, OSError) as error:
            yield Line("issuer", False, f"{name}: {error}")
        else:
            place = issuer.jwks or issuer.jwks_file or "the policy file"
            unused = f", {len(found.dropped)} of no use" if found.dropped else ""
            yield Line("issuer", True, f"{name}: {_count(len(found.keys), 'key')}{unused}, {place}")


def _store(context: Context) -> Line:
    from doorward.stores.store import FILE

    path = context.data / FILE
    if not path.exists():
        return Line("store", True, f"none yet; made at the first start: {path}")
    try:
        with context.store() as store:
            store.readable()
            accounts = len(store.accounts.all())
    except (ConfigError, DependencyError) as error:
        return Line("store", False, str(error))
    return Line("store", True, f"SQLite {path.stat().st_size / _MIB:.1f} MiB, {_count(accounts, 'account')}: {path}")


def _listeners(policy: Policy, listen: str | None, control: str | None) -> Iterator[Line]:
    import asyncio

    from doorward.gateway.listeners import check_control, check_public, read_place, try_place

    try:
        if listen is not None:
            place = read_place(listen, "--listen")
            check_public(place, policy)
            asyncio.run(try_place(place, "--listen"))
            yield Line("listen", True, place.text)
        if control is not None:
            place = read_place(control, "--control", unix=True)
            check_control(place)
            asyncio.run(try_place(place, "--control"))
            yield Line("control", True, place.text)
    except ConfigError as error:
        yield Line("listener", False, str(error))


def _upstream(to: str) -> Line:
    import asyncio

    from doorward.edge.upstream import Upstream

    async def reach() -> str:
        upstream = Upstream(to)
        why = await upstream.probe()
        await upstream.close()
        return why

    try:
        why = asyncio.run(reach())
    except ConfigError as error:
        return Line("upstream", False, str(error))
    return Line("upstream", not why, to if not why else f"{to} {why} Start it, or change --to.")
