"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Every property test takes its number of examples from the profile: `ci` for each run, `deep` for a night.
_CALM = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("ci", max_examples=300, **_CALM)
settings.register_profile("deep", max_examples=10_000, **_CALM)
settings.load_profile(os.environ.get("DOORWARD_EXAMPLES", "ci"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared cases and corpora; tests that read it skip, with the reason, where it is absent."""
    root = Path(os.environ.get("DOORWARD_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not root.is_dir():
        pytest.skip(f"shared test data not found at {root} (set DOORWARD_SHARED)")
    return root
