"""Everything a reader would object to: style, types, import contracts, coverage floors.

python scripts/check.py            all steps; every failing one is named at the end
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
FLOORS = {"core": 100, "schemes": 100, "wire": 95, "policyfile": 95, "ledger": 95}
"""Branch coverage in percent by floor of the architecture."""


def run(title: str, *command: str | Path) -> bool:
    """Run one step and say how it went."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {title}", flush=True)
    return done.returncode == 0


def coverage() -> bool:
    """Unit, conformance and fuzz tests under branch coverage, judged floor by floor."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        tests = [name for name in ("unit", "conformance", "contract", "fuzz") if (ROOT / "tests" / name).is_dir()]
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *(f"tests/{name}" for name in tests)]
        command += ["--cov=doorward", "--cov-branch", "--cov-report=", f"--cov-report=json:{report}"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            return False
        files = json.loads(report.read_text())["files"]
    kept = [_floor(name, least, files) for name, least in FLOORS.items()]
    return all(kept)


def _floor(name: str, least: int, files: dict[str, dict[str, dict[str, int]]]) -> bool:
    sums = [info["summary"] for path, info in files.items() if f"doorward/{name}/" in path]
    done = sum(s["covered_lines"] + s["covered_branches"] for s in sums)
    there = sum(s["num_statements"] + s["num_branches"] for s in sums)
    share = 100.0 * done / there if there else 0.0
    print(f"{'ok  ' if share >= least else 'FAIL'} coverage of {name}: {share:.1f} %, floor {least} %")
    if share < least:
        for path, info in sorted(files.items()):
            if f"doorward/{name}/" in path and (info["missing_lines"] or info["missing_branches"]):
                print(f"       {path}: lines {info['missing_lines']}, branches {info['missing_branches']}")
    return share >= least


def main() -> int:
    """Run all steps; 1 when any failed."""
    steps = [
        run("ruff check", BIN / "ruff", "check", "--quiet", "src", "tests", "bench", "scripts"),
        run("ruff format", BIN / "ruff", "format", "--quiet", "--check", "src", "tests", "bench", "scripts"),
        run("mypy strict", BIN / "mypy"),
        run("import contracts", BIN / "lint-imports", "--no-logo"),
        coverage(),
    ]
    return 0 if all(steps) else 1


if __name__ == "__main__":
    sys.exit(main())
