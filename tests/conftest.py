"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared cases and corpora; tests that read it skip, with the reason, where it is absent."""
    root = Path(os.environ.get("DOORWARD_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not root.is_dir():
        pytest.skip(f"shared test data not found at {root} (set DOORWARD_SHARED)")
    return root
