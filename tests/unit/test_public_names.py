"""The public interface: its names, and what importing costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import doorward

NAMES = [
    "ANONYMOUS",
    "Allow",
    "Challenge",
    "ConfigError",
    "Denied",
    "Deny",
    "DependencyError",
    "DoorwardError",
    "Guard",
    "Hide",
    "Malformed",
    "PolicyError",
    "Principal",
    "Throttle",
    "Unavailable",
    "Verdict",
    "__version__",
]
HEAVY = {"aiohttp", "argon2", "asyncio", "cryptography", "jinja2", "joserfc", "msgspec", "sqlite3", "uvloop"}


def loaded(code: str) -> set[str]:
    """Modules a fresh interpreter has loaded after this code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_public_names_are_these() -> None:
    assert sorted(doorward.__all__) == NAMES
    assert all(getattr(doorward, name) is not None for name in NAMES)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        doorward.nothing  # noqa: B018 - the access is the test


def test_importing_the_package_loads_nothing_of_it() -> None:
    found = loaded("import doorward")
    assert not HEAVY & found
    assert {name for name in found if name.startswith("doorward")} == {"doorward"}


def test_the_core_needs_the_standard_library_alone() -> None:
    found = loaded("import doorward.core.decide")
    assert not HEAVY & found
    outside = {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names) - {"doorward", "__main__"}
    assert not {name for name in outside if not name.startswith(("_", "__editable__", "sitecustomize"))}


def test_the_help_of_the_command_line_loads_neither_the_core_nor_a_server() -> None:
    found = loaded("from doorward.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert not HEAVY & found
    assert not {"doorward.core.verdict", "doorward.core.policy", "doorward.guard.guard"} & found
