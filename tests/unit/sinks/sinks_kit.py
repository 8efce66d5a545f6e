"""Events and a writer's press made by hand, for the tests of the sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

from doorward.core.settings import LedgerSettings
from doorward.ledger.event import AuditEvent
from doorward.ledger.identifiers import Identifiers
from doorward.sinks.batch import Batch
from doorward.sinks.reading import Reader, Wanted
from doorward.sinks.writer import Writer

NOW = 1_764_000_000.0
IDS = Identifiers()
ALL = Wanted(allows=True)


def event(**fields: Any) -> AuditEvent:
    """A refusal: 403, role-missing, of carol, unless said otherwise."""
    at = fields.pop("at", NOW)
    made = AuditEvent(at, IDS.new(at), "deny", 403, "role-missing", rule="settings", subject="13", name="carol")
    return replace(made, **fields)


def batch(*events: AuditEvent) -> Batch:
    """A batch of rows."""
    made = Batch()
    for each in events:
        made.add(each)
    return made


class Press:
    """An item is (at, id, waiter, key, event fields). broken: keys whose events cannot be made."""

    def __init__(self, broken: Hashable = "broken") -> None:
        self.broken = broken

    def key(self, item: Any) -> Hashable:
        return item[3]

    def event(self, item: Any, day_key: Callable[[int], bytes]) -> AuditEvent:
        if item[3] == self.broken:
            raise LookupError("a bug")
        return event(at=item[0], id=item[1], **item[4])


def item(at: float = NOW, key: Hashable = None, waiter: Any = None, **fields: Any) -> Any:
    """An item for `Press`."""
    return at, IDS.new(at), waiter, key, fields


def writer(folder: Path, settings: LedgerSettings | None = None, **more: Any) -> Writer:
    """A writer over `Press`."""
    found = settings or LedgerSettings(retention=10**10)
    return Writer(folder, Press(), lambda: found, **more)


def rows(folder: Path, most: int = 100_000) -> list[AuditEvent]:
    """Everything in the ledger of a folder."""
    return Reader(folder).latest(ALL, most)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a thread to get there. Raises AssertionError when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.005)
