"""The socket side of a client's connection: who is there, stop and go of reading, the three ways to end.

Rule: no HTTP is read or written here. Source: RFC 9112 9.6.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any, cast

from doorward.edge.phases import GONE, IDLE, LINGER

if TYPE_CHECKING:
    from doorward.edge.server import Server

# struct linger: on, no time. The close is a reset then: TCP has no other word for "this was not all".
_AT_ONCE = struct.pack("ii", 1, 0)
_HIGH, _LOW = 262_144, 65_536


class SocketSide(asyncio.Protocol):
    """What every client connection has.

    peer: address text; local: the listener is bound to loopback; state: for callers, lives as long as the connection;
    since: loop time of the last step that its timer counts from; held: reading is stopped; choked: the client does not
    read; closing: the next answer is the last.
    """

    __slots__ = (
        "buffer",
        "choked",
        "choked_since",
        "closing",
        "held",
        "listener_name",
        "local",
        "peer",
        "phase",
        "secure",
        "server",
        "since",
        "state",
        "transport",
    )

    def __init__(self, server: Server) -> None:
        self.server = server
        self.listener_name = server.name
        self.local = server.local
        self.secure = server.secure
        self.peer = ""
        self.state: dict[str, Any] = {}
        self.transport = cast("asyncio.Transport", None)
        self.phase = IDLE
        self.since = server.now
        self.buffer = b""
        self.closing = self.choked = self.held = False
        self.choked_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self.transport = cast("asyncio.Transport", transport)
        self.peer = address_of(transport.get_extra_info("peername"))
        self.transport.set_write_buffer_limits(_HIGH, _LOW)

    def hold(self) -> None:
        """Stop reading from the client."""
        if not self.held and self.phase != GONE:
            self.held = True
            self.transport.pause_reading()

    def release(self) -> None:
        """Read again."""
        if self.held and self.phase != GONE:
            self.held = False
            self.since = self.server.now
            self.transport.resume_reading()

    def close(self) -> None:
        """End in peace: what was written is still sent."""
        self.phase, self.since = GONE, self.server.now
        self.transport.close()

    def linger(self) -> None:
        """End so that the client can still read the answer: a reset would destroy it (RFC 9112 9.6)."""
        self.phase, self.since, self.buffer = LINGER, self.server.now, b""
        if self.secure or self.transport.is_closing():
            self.close()
            return
        self.transport.write_eof()
        self.release()

    def abort(self) -> None:
        """End now."""
        self.phase, self.since = GONE, self.server.now
        self.transport.abort()

    def reset(self) -> None:
        """End now, so that nobody can take what was sent for the whole."""
        if not self.transport.is_closing():
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.abort()

    def watch_peer(self) -> None:
        """Have the system find out whether a peer that is silent for long still exists."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def address_of(peername: object) -> str:
    """The address text of a socket's peer: IPv4 in IPv6 unfolded, no zone; "" for a Unix socket."""
    if not isinstance(peername, tuple):
        return ""
    text = str(peername[0]).partition("%")[0]
    return text.removeprefix("::ffff:") if "." in text else text
