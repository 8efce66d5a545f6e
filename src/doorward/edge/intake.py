"""The body of one request on its way in: how much is still to come, and when it is too much. Rule: no socket."""

from __future__ import annotations

from typing import Protocol

from doorward.edge.chunks import ChunkReader
from doorward.edge.faults import BodyTooLarge, EdgeError
from doorward.edge.head import Facts


class Sink(Protocol):
    """Who takes a request body."""

    def feed(self, pieces: list[bytes], done: bool) -> None:  # noqa: FBT001 - one interface, two facts
        """Take pieces; done: these were the last."""

    def fail(self, error: EdgeError) -> None:
        """There will be no more, and the body is incomplete."""


class Intake:
    """Reads a body. left: announced bytes still to come, 0 when chunked; continued: no 100 Continue is owed.

    limit: bytes of content, None: any; drained: bytes swallowed unused; done: the body is complete, rest follows it.
    """

    __slots__ = ("_chunks", "_limit", "continued", "done", "drained", "left", "rest")

    def __init__(self, facts: Facts, limit: int | None, *, continued: bool) -> None:
        self.left = facts.length or 0
        self.continued = continued
        self.drained = 0
        self.done = False
        self.rest = b""
        self._limit = limit
        self._chunks = ChunkReader() if facts.length is None else None

    def take(self, data: bytes) -> list[bytes]:
        """Read more. Returns: pieces of content. Raises BodyBroken, BodyTooLarge; then nothing more can be read."""
        if self._chunks is not None:
            return self._unchunk(self._chunks, data)
        size = len(data)
        if size < self.left:
            self.left -= size
            return [data]
        pieces = [data[: self.left]]
        self.rest = data[self.left :]
        self.left = 0
        self.done = True
        return pieces

    def _unchunk(self, chunks: ChunkReader, data: bytes) -> list[bytes]:
        pieces = chunks.feed(data)
        if self._limit is not None and chunks.total > self._limit:
            raise BodyTooLarge("the body is too long.")
        self.done, self.rest = chunks.done, chunks.rest
        return pieces
