"""`make bench`: CPU per request beside nginx and Envoy, start-up and memory, each with its budget.

    python bench/run.py                 everything; about two minutes
    python bench/run.py --quick         one round of one second: does it run at all?
    python bench/run.py --only 1m       loads whose name contains the word

Everything runs in one go and alternates A, B, C, A, B, C, because only ratios inside one run travel. Times are printed,
never asserted; exit code 1 means that doorward answered wrongly or could not be measured. Source: performance.md 5.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import correct
import cpu
import report
import startup
import tokens
from load import Burst, Load
from peers import Absent, program, start_doorward, start_envoy, start_nginx, start_upstream
from process import Server

RESULTS = Path(__file__).with_name("results")
SEVERAL = 500
POOL = 60_000
"""Distinct tokens for the uncached load: more than doorward's cache of 50 000 holds, so each comes back a stranger."""
ENVOY_CACHE = 1_000
NOTES = (
    "CPU of the server's process tree per request; upstream and load generator are not counted.",
    "nginx checks no token; Envoy runs statistics and a filter chain. Absolute figures belong to this machine,",
    "ratios inside one load travel.",
)


@dataclass(frozen=True)
class Case:
    """A load. role: which port; tokens: which file; envoy: which of the two Envoys is compared."""

    name: str
    role: str
    path: str
    tokens: str
    envoy: str = "envoy"


CASES = (
    Case("decision, cached token", "decide", "/decide", "one"),
    Case("decision, 500 tokens", "decide", "/decide", "several"),
    Case("decision, uncached RS256", "decide", "/decide", "pool", "envoy, no cache"),
    Case("gateway, 1 KiB", "proxy", "/1k.bin", "one"),
    Case("gateway, 1 MiB", "proxy", "/1m.bin", "one"),
)


@dataclass(frozen=True)
class Plan:
    """How long and how often. seconds: of one burst."""

    rounds: int
    seconds: int
    warm: int
    starts: int


FULL, QUICK = Plan(3, 2, 1, 5), Plan(1, 1, 0, 1)


def say(text: str) -> None:
    """One line at once, also into a pipe."""
    print(text, flush=True)


def start_all(stack: ExitStack, upstream: int, jwks: str) -> list[Server]:
    """Every server that is installed here; the others are named with their reason."""
    starters: list[tuple[str, Callable[[], Server]]] = [
        ("nginx", lambda: start_nginx(upstream)),
        ("envoy", lambda: start_envoy(upstream, jwks, ENVOY_CACHE)),
        ("envoy, no cache", lambda: start_envoy(upstream, jwks, 0)),
        ("doorward", lambda: start_doorward(upstream, jwks)[0]),
    ]
    servers = []
    for name, start in starters:
        try:
            server = start()
        except (Absent, RuntimeError) as error:
            say(f"without {name}: {error}")
            continue
        stack.callback(server.stop)
        servers.append(server)
    return servers


def check_all(servers: list[Server], kinds: correct.Tokens) -> list[Server]:
    """Those that answer rightly."""
    right = []
    for server in servers:
        try:
            found = correct.faults(server, kinds)
        except OSError as error:
            found = [f"does not answer: {error}"]
        for fault in found:
            say(f"WRONG {server.name}: {fault}")
        if not found:
            right.append(server)
    say(f"correct before timing: {', '.join(server.name for server in right) or 'none'}")
    return right


def measure(case: Case, plan: Plan, servers: list[Server], files: dict[str, Path], wrk: str) -> dict[str, list[Burst]]:
    """All rounds of one load, interleaved. A server that fails in a burst is named and left out from then on."""
    forwarded = "/1k.bin" if case.role == "decide" else "-"
    chosen = [one for one in servers if one.name in {"nginx", "doorward", case.envoy}]
    loads = {one.name: Load(case.path, files[case.tokens], forwarded) for one in chosen}
    bursts: dict[str, list[Burst]] = {one.name: [] for one in chosen}
    for number in range(-1 if plan.warm else 0, plan.rounds):
        for server in list(chosen):
            seconds = plan.seconds if number >= 0 else plan.warm
            try:
                burst = loads[server.name].burst(wrk, server.pid, server.ports[case.role], seconds)
            except RuntimeError as error:
                say(f"FAILED {case.name} on {server.name}: {error}")
                chosen.remove(server)
                continue
            if number >= 0:
                bursts[server.name].append(burst)
    return bursts


def write_tokens(folder: Path, signer: tokens.Signer, *, pool: bool) -> tuple[dict[str, Path], correct.Tokens]:
    """Token files by name, and one token of each kind."""
    several = tokens.make(signer, SEVERAL)
    lists = {"one": several[:1], "several": several}
    if pool:
        say(f"signing {POOL} tokens")
        lists["pool"] = tokens.make(signer, POOL, tokens.ROLE)
    files = {}
    for name, made in lists.items():
        files[name] = folder / f"{name}.txt"
        files[name].write_text("\n".join(made) + "\n")
    weak = tokens.make(signer, 1, "nobody")[0]
    return files, correct.Tokens(several[0], tokens.forged(several[0]), weak)


def alone(plan: Plan, upstream: int, jwks: str) -> list[report.Row]:
    """Start-up and memory of doorward."""
    found = []
    warm, first = startup.help_ms(plan.starts)
    found.append(report.single("cold doorward --help", "ms", warm))
    bare = startup.interpreter_ms(plan.starts)
    say(f"doorward --help without byte code, once: {first:.0f} ms; an interpreter that does nothing: {bare:.0f} ms")
    try:
        found.append(report.single("serve ready", "ms", startup.ready_ms(upstream, jwks, plan.starts)))
        found.append(report.single("idle memory", "MiB PSS", startup.idle_mib(upstream, jwks)))
    except RuntimeError as error:
        say(f"without start-up of serve: {error}")
    return found


def loads(
    plan: Plan, cases: list[Case], upstream: int, folder: Path, signer: tokens.Signer
) -> tuple[list[report.Row], bool]:
    """Every load on every server. Returns: the rows, and whether doorward was right and could be measured."""
    wrk = program("wrk")
    files, kinds = write_tokens(folder, signer, pool=any(case.tokens == "pool" for case in cases))
    found: list[report.Row] = []
    with ExitStack() as stack:
        servers = check_all(start_all(stack, upstream, signer.jwks()), kinds)
        for case in cases:
            say(f"measuring {case.name}")
            found += report.rows(case.name, measure(case, plan, servers, files, wrk))
    measured = {row.load for row in found if row.server == "doorward"}
    return found, all(case.name in measured for case in cases)


def options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="CPU per request beside nginx and Envoy.")
    parser.add_argument("--quick", action="store_true", help="one round of one second")
    parser.add_argument("--only", default="", help="loads whose name contains this")
    parser.add_argument("--output", type=Path, default=RESULTS / "latest.json")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write. Returns: the exit code."""
    chosen = options(arguments)
    plan = QUICK if chosen.quick else FULL
    if reason := cpu.available():
        say(f"cannot measure here: {reason}")
        return 1
    signer = tokens.Signer.new()
    cases = [case for case in CASES if chosen.only in case.name]
    if not cases:
        say(f"no load is called like {chosen.only!r}; there are: {', '.join(case.name for case in CASES)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder, ExitStack() as stack:
        try:
            upstream = start_upstream()
        except Absent as error:
            say(f"cannot measure here: {error}")
            return 1
        stack.callback(upstream.stop)
        port = upstream.ports["files"]
        try:
            found, complete = loads(plan, cases, port, Path(folder), signer)
        except Absent as error:
            say(f"without load: {error}")
            found, complete = [], False
        if not chosen.only:
            found += alone(plan, port, signer.jwks())
    say(f"\n{report.table(found)}\n")
    for line in NOTES:
        say(line)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    head = {"at": int(time.time()), "machine": cpu.machine(), "python": sys.version.split()[0], "quick": chosen.quick}
    chosen.output.write_text(json.dumps({**head, "rows": report.as_json(found)}, indent=1) + "\n")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
