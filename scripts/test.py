"""The whole test suite: pure tests on two processes, then everything with real servers, one after another.

python scripts/test.py             prints what was skipped and why; exit code 1 when anything failed
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PURE = ("unit", "conformance", "contract", "fuzz")
REAL = ("integration", "browser", "docs")


def pytest(*options: str) -> bool:
    """Run pytest; no tests at all counts as a failure, because it would hide one."""
    return subprocess.run([sys.executable, "-m", "pytest", "-rs", *options], cwd=ROOT, check=False).returncode == 0


def folders(names: tuple[str, ...]) -> list[str]:
    """Those folders of tests that exist."""
    return [f"tests/{name}" for name in names if (ROOT / "tests" / name).is_dir()]


def main() -> int:
    """Run both parts, even when the first fails."""
    pure = pytest("-n", "2", *folders(PURE))
    real = pytest(*folders(REAL))
    return 0 if pure and real else 1


if __name__ == "__main__":
    sys.exit(main())
