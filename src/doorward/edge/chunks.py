"""Chunked bodies: taken apart with exact offsets, and put together again.

Size lines, extensions and trailers are bounded; extensions and trailers are dropped (RFC 9112 7.1.1, 7.1.2 allow it).
Strict where tolerance smuggles: CRLF only, hexadecimal digits only. Rule: bytes in, bytes out; no socket.
"""

from __future__ import annotations

import re

from doorward.edge.faults import BodyBroken

LAST = b"0\r\n\r\n"
# RFC 9112 7.1: chunk-size [ chunk-ext ] CRLF. 12 digits are 256 TiB. The grammar has a blank before ";" for the bad
# habits of others; not every reader knows it, so none is taken.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")
_LINE = 256
_TRAILERS = 8_192
_OVERHEAD = 65_536
_START, _DATA, _CRLF, _TAIL, _DONE = range(5)


class ChunkReader:
    """Takes a chunked body apart. total: bytes of content so far; rest: what followed the body, once done."""

    __slots__ = ("_buffer", "_left", "_overhead", "_phase", "_trailers", "rest", "total")

    def __init__(self) -> None:
        self._phase = _START
        self._buffer = b""
        self._left = 0
        self._trailers = 0
        self._overhead = 0
        self.total = 0
        self.rest = b""

    @property
    def done(self) -> bool:
        """Whether the last chunk and its trailers were read."""
        return self._phase == _DONE

    def feed(self, data: bytes) -> list[bytes]:
        """Read more. Returns: pieces of content in order. Raises BodyBroken; the reader is useless afterwards."""
        if self._phase == _DATA and len(data) <= self._left:
            # The common case of big chunks: no copy.
            self._left -= len(data)
            self.total += len(data)
            if not self._left:
                self._phase = _CRLF
            return [data]
        pieces: list[bytes] = []
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        at = 0
        while self._phase != _DONE:
            step = self._data(data, at, pieces) if self._phase == _DATA else self._line(data, at)
            if step < 0:
                self._buffer = data[at:]
                return pieces
            at = step
        self.rest = data[at:]
        return pieces

    def _data(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        piece = data[at : at + self._left]
        if not piece:
            return -1
        pieces.append(piece)
        self.total += len(piece)
        self._left -= len(piece)
        # A client that sends one byte a chunk makes us work more than it does.
        self._overhead = max(0, self._overhead - len(piece))
        if not self._left:
            self._phase = _CRLF
        return at + len(piece)

    def _line(self, data: bytes, at: int) -> int:
        """Read one line of framing at an offset. Returns: the offset behind it, -1 when it is not complete."""
        bound = _TRAILERS if self._phase == _TAIL else _LINE
        end = data.find(b"\r\n", at, at + bound)
        if end < 0:
            if len(data) - at >= bound or self._hopeless(data, at):
                raise BodyBroken("a line of the chunked framing is malformed or too long.")
            return -1
        line = data[at:end]
        if self._phase == _CRLF:
            if line:
                raise BodyBroken("a chunk is not as long as it says.")
            self._phase = _START
        elif self._phase == _START:
            self._size(line)
        else:
            self._trailer(line)
        return end + 2

    def _hopeless(self, data: bytes, at: int) -> bool:
        # Two octets behind a chunk that are no CRLF, or a bare LF anywhere, will never become right.
        if self._phase == _CRLF and data[at : at + 2] not in (b"", b"\r"):
            return True
        return b"\n" in data[at:]

    def _size(self, line: bytes) -> None:
        found = _SIZE.fullmatch(line)
        if found is None:
            raise BodyBroken("a chunk size is malformed.")
        self._overhead += len(line) - len(found[1])
        if self._overhead > _OVERHEAD:
            raise BodyBroken("there are too many chunk extensions.")
        self._left = int(found[1], 16)
        self._phase = _DATA if self._left else _TAIL

    def _trailer(self, line: bytes) -> None:
        if not line:
            self._phase = _DONE
            return
        self._trailers += len(line)
        if self._trailers > _TRAILERS or _TRAILER.fullmatch(line) is None:
            raise BodyBroken("the trailers are malformed or too long.")


def wrap(pieces: list[bytes]) -> list[bytes]:
    """One chunk that holds the pieces; pieces must hold at least one byte in all."""
    size = sum(map(len, pieces))
    return [b"%x\r\n" % size, *pieces, b"\r\n"]
