"""CPU time and memory of a process tree, read from /proc.

Rule: nothing here knows which programs are measured. Source: performance.md section 5.
"""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
KIB = 1024


def tree(pid: int) -> list[int]:
    """The process and all its descendants that are alive now, parents first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _parent(entry: Path) -> int | None:
    try:
        stat = (entry / "stat").read_text()
    except OSError:  # it ended between the listing and the reading
        return None
    # The program's name stands in parentheses and may hold any character, so the fields are counted from the last one.
    return int(stat.rpartition(")")[2].split()[1])


def cpu_ns(pid: int) -> int:
    """Nanoseconds on a CPU, user and kernel, of every live thread of the tree.

    Threads that ended meanwhile are not counted: the measured servers keep theirs.
    """
    return sum(_thread_ns(path) for one in tree(pid) for path in _threads(one))


def _threads(pid: int) -> list[Path]:
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def _thread_ns(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text().split()[0])
    except (OSError, IndexError):
        return 0


def pss_bytes(pid: int) -> int:
    """Proportional set size of the tree: shared pages are divided among those who share them."""
    return sum(_pss(one) for one in tree(pid))


def _pss(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith("Pss:")), 0)


def available() -> str:
    """Why this system cannot be measured, empty when it can."""
    own = PROC / str(os.getpid())
    missing = [name for name in ("schedstat", "smaps_rollup") if not (own / name).exists()]
    return f"/proc has no {', '.join(missing)}" if missing else ""


def machine() -> dict[str, str | int]:
    """What the figures belong to."""
    models = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {"cpu": models[0] if models else "unknown", "cores": os.cpu_count() or 0, "kernel": os.uname().release}


def _cpuinfo() -> list[str]:
    try:
        return (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return []
