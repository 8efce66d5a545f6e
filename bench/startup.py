"""Start-up and idle memory of doorward: cold `--help`, seconds until /ready answers 200, PSS at rest.

Rule: medians of fresh processes; the first run without byte code is listed apart.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

import cpu
from peers import program, start_doorward

IDLE = 5.0
"""Seconds after ready until memory is read (performance.md section 5)."""


def help_ms(runs: int) -> tuple[float, float]:
    """Milliseconds of a cold `doorward --help`: median with byte code, and the first run without."""
    with tempfile.TemporaryDirectory() as cache:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = cache
        command = [program("doorward"), "--help"]
        first = _wall_ms(command, env)
        return statistics.median(_wall_ms(command, env) for _ in range(runs)), first


def interpreter_ms(runs: int) -> float:
    """Milliseconds of an interpreter that does nothing: what no program in this language can save."""
    return statistics.median(_wall_ms([sys.executable, "-c", "pass"], dict(os.environ)) for _ in range(runs))


def _wall_ms(command: list[str], env: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=env)
    return (time.perf_counter() - begin) * 1_000


def ready_ms(upstream: int, jwks: str, runs: int) -> float:
    """Milliseconds from the start of `doorward serve` to the first 200 of /ready, median."""
    times = []
    for _ in range(runs):
        server, seconds = start_doorward(upstream, jwks)
        server.stop()
        times.append(seconds * 1_000)
    return statistics.median(times)


def idle_mib(upstream: int, jwks: str) -> float:
    """PSS of the tree in MiB, IDLE seconds after ready, before any request but those of /ready."""
    server, _ = start_doorward(upstream, jwks)
    try:
        time.sleep(IDLE)
        return cpu.pss_bytes(server.pid) / 1024 / 1024
    finally:
        server.stop()
