"""Every contract test runs once against each world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.stands import STANDS, Stand


@pytest.fixture(params=sorted(STANDS))
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    world = STANDS[request.param](tmp_path)
    yield world
    world.close()
