"""One burst of load by wrk against one port, and what it cost the server.

Rule: nothing here knows which server it is.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import cpu

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 64


@dataclass(frozen=True)
class Burst:
    """What one burst showed. cpu_us: of the server's tree per request; bad: answers over 399; broken: socket errors."""

    requests: int
    cpu_us: float
    per_second: float
    bad: int
    broken: int
    p50_us: int
    p99_us: int


@dataclass
class Load:
    """Requests to one path with rotating tokens. offset: where the rotation goes on at the next burst."""

    path: str
    tokens: Path
    forwarded: str = "-"
    offset: int = field(default=0)

    def burst(self, wrk: str, pid: int, port: int, seconds: int) -> Burst:
        """Load the server for whole seconds. Raises RuntimeError when wrk fails."""
        url = f"http://127.0.0.1:{port}{self.path}"
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(SCRIPT), url]
        arguments = ["--", str(self.tokens), str(self.offset), self.forwarded]
        before = cpu.cpu_ns(pid)
        done = subprocess.run([wrk, *options, *arguments], capture_output=True, text=True, check=False)
        spent = cpu.cpu_ns(pid) - before
        result = parse(done.stdout + done.stderr)
        self.offset += int(result["requests"])
        return judge(result, spent)


def parse(output: str) -> dict[str, int]:
    """The script's one line of JSON. Raises RuntimeError with wrk's own words where there is none."""
    for line in output.splitlines():
        if line.startswith("RESULT "):
            found: dict[str, int] = json.loads(line.removeprefix("RESULT "))
            return found
    raise RuntimeError(f"wrk said: {output.strip()[:400]}")


def judge(result: dict[str, int], spent_ns: int) -> Burst:
    """Per-request figures. Raises RuntimeError when nothing was answered."""
    requests = result["requests"]
    if not requests:
        raise RuntimeError("no request was answered")
    return Burst(
        requests,
        spent_ns / 1_000 / requests,
        requests / (result["us"] / 1e6),
        result["status"],
        result["socket"] + result["timeout"],
        result["p50"],
        result["p99"],
    )
