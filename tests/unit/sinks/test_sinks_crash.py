"""Killed in the middle, and without room on the disk: what was acknowledged is there, and the process lives on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sinks_kit import rows

from doorward.sinks.schema import FILE

HERE = Path(__file__).parent

WRITING = """
import asyncio, sys
from pathlib import Path
from doorward.sinks.writer import Waiter
from sinks_kit import item, writer

async def main():
    made = writer(Path(sys.argv[1]))
    async def client():
        while True:
            waiter = Waiter()
            each = item(waiter=waiter, facts={"filling": "x" * 200})
            made.put(each)
            made.hurry()
            await waiter.future
            sys.stdout.write(each[1] + "\\n")
            sys.stdout.flush()
    await asyncio.gather(*(client() for _ in range(8)))

asyncio.run(main())
"""

FULL = """
import logging, resource, signal, sys, time
from pathlib import Path
from doorward.sinks.writer import Writer
from sinks_kit import item, until, writer

logging.basicConfig(stream=sys.stderr)
made = writer(Path(sys.argv[1]), kept=100)
made.put(item())
until(lambda: made.written == 1)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, hard))
put = 1
for _ in range(40):
    for _ in range(50):
        made.put(item(facts={"filling": "x" * 1000}))
        put += 1
    time.sleep(0.02)
until(lambda: made.down and made.lost > 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
until(lambda: not made.down)
made.put(item())
made.close()
print(put + 1, made.written, made.lost)
"""


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("round_", range(3))
def test_every_acknowledged_row_survives_a_kill(tmp_path: Path, round_: int) -> None:
    process = start(WRITING, tmp_path)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(40 + 60 * round_)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    acknowledged = {line.strip() for line in [*told, *rest.splitlines(keepends=True)] if line.endswith("\n")}
    found = {each.id for each in rows(tmp_path)}
    assert len(acknowledged) >= 40
    assert acknowledged <= found
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_full_disk_costs_rows_and_nothing_else(tmp_path: Path) -> None:
    """Loss is counted and logged, the process lives, and writing goes on when there is room again."""
    process = start(FULL, tmp_path)
    out, log = process.communicate()
    assert process.returncode == 0, log
    put, written, lost = map(int, out.split())
    assert lost > 0
    assert written + lost == put
    assert len(rows(tmp_path)) == written
    assert "the ledger cannot be written" in log
    assert "could not be recorded" in log
    assert "is written again" in log
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
