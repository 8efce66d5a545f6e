"""Install the dependency groups of pyproject.toml that development needs.

python scripts/dev_install.py [GROUP ...]      default: check and test
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Install; the exit code is pip's."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    names = sys.argv[1:] or ["check", "test"]
    wanted = [package for name in names for package in groups[name]]
    return subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])


if __name__ == "__main__":
    sys.exit(main())
