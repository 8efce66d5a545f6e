"""The policy file while the process runs: looked at twice a second, read again when it changed, swapped as a whole.

A file that has errors changes nothing: the old policy stays in force, the log says so with every finding, and
`doorward_policy_stale` is 1 until a good file is there.
Rule: reading happens off the loop, the swap is one assignment. Source: architecture.md 3.1.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from doorward.core.errors import DoorwardError
from doorward.core.policy import Policy

if TYPE_CHECKING:
    from doorward.guard.house import House
    from doorward.policyfile.load import Loaded

_LOG = logging.getLogger("doorward")
Signature = dict[Path, tuple[int, int, int]]


class Reloader:
    """Keeps the policy in force equal to its file. check: raises ConfigError for a policy this process cannot serve;
    swapped: called right after a new policy came into force.
    """

    def __init__(self, house: House, check: Callable[[Policy], None], swapped: Callable[[], None]) -> None:
        self._house = house
        self._check = check
        self._swapped = swapped
        self._known = self._seen = self._signature()
        self._running = asyncio.Lock()

    async def look(self) -> None:
        """Reload when the file changed and has stopped changing: half-written files are not read."""
        found = self._signature()
        settled, self._seen = found == self._seen, found
        if settled and found != self._known:
            await self.reload()

    async def reload(self) -> bool:
        """Read the file again. Returns: whether it is in force now."""
        async with self._running:
            self._known = self._seen = before = self._signature()
            house = self._house
            if house.file is None:
                return False
            try:
                loaded = await asyncio.to_thread(house.read)
                if loaded.policy is not None:
                    self._check(loaded.policy)
                    house.take(loaded)
            except DoorwardError as error:
                return self._kept((str(error),))
            if loaded.policy is None:
                return self._kept(tuple(finding.text(loaded.file) for finding in loaded.findings))
            # Key files of a new issuer join; one that changed while it was read is read again.
            self._known = self._seen = {file: before.get(file, now) for file, now in self._signature().items()}
            self._swapped()
            house.record.counts.stale = False
            _LOG.info("policy %s in force, version %s", loaded.file, loaded.policy.version)
            _tell(loaded)
            return True

    def _kept(self, findings: tuple[str, ...]) -> bool:
        house = self._house
        house.record.counts.stale = True
        for line in findings:
            _LOG.error("%s", line)
        _LOG.error("policy %s not taken; version %s stays in force", house.file, house.guard.policy.version)
        return False

    def _signature(self) -> Signature:
        """What changes when one of the files does. Key files belong to the policy."""
        house = self._house
        if house.file is None:
            return {}
        issuers = house.guard.policy.settings.issuers.values()
        files = [house.file, *(Path(issuer.jwks_file) for issuer in issuers if issuer.jwks_file)]
        return {file: _stat(file) for file in files}


def _stat(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _tell(loaded: Loaded) -> None:
    for finding in loaded.findings:
        if finding.level == "warning":
            _LOG.warning("%s", finding.text(loaded.file))
