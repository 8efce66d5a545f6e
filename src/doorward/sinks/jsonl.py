"""Events as lines of JSON, appended to a file that other programs read and rotate.

Moved or deleted by a rotation, the file is begun anew. A counted row that grows is told as a line of its own with the
same id. Rule: masked events are written masked; the real names stand in ledger.db alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from doorward.ledger.export import line, timestamp
from doorward.sinks.batch import Batch

_PRIVATE = 0o600


class JsonLines:
    """Appends to one file, readable by its owner only. path: as `[ledger] jsonl` names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = -1

    def write(self, batch: Batch) -> None:
        """Append a batch. Raises OSError."""
        lines = [line(event) for event in batch.rows]
        lines += [_more(row, seen, last) for row, (seen, last) in batch.more.items()]
        data = "".join(f"{text}\n" for text in lines).encode("utf-8", "backslashreplace")
        handle = self._open()
        try:
            # O_APPEND and one write: lines of several processes do not mix.
            while data:
                data = data[os.write(handle, data) :]
        except OSError:
            self.close()
            raise

    def _open(self) -> int:
        if self._handle >= 0 and self._moved():
            self.close()
        if self._handle < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._handle = os.open(self.path, flags, _PRIVATE)
        return self._handle

    def _moved(self) -> bool:
        mine = os.fstat(self._handle)
        try:
            there = self.path.stat()
        except OSError:
            return True
        return (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)

    def close(self) -> None:
        """Close the file. Never raises."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def _more(row: str, seen: int, last: float) -> str:
    return f'{{"timestamp": "{timestamp(last)}", "id": "{row}", "more": {seen}}}'
