"""What the tests of the stores share: accounts, an event loop for one question, another process on the same folder."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from doorward.core.ask import Account, Later

NOW = 1_764_000_000.0


def account(name: str = "alice", subject: str = "", **more: Any) -> Account:
    return Account(subject or name, name, **more)


async def wait(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def in_loop(ask: Callable[[], Any]) -> Any:
    """Ask within an event loop and wait for the answer, as the gateway does."""

    async def main() -> Any:
        answer = ask()
        return await answer.awaitable if isinstance(answer, Later) else answer

    return asyncio.run(main())


def python(script: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Another process. script: sees the folder as argv[1]."""
    return subprocess.Popen(
        [sys.executable, "-c", script, str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    """What it printed, once it has ended well."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out
