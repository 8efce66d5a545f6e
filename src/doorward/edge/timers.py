"""What ends when it has taken too long: one look per tick at each connection, no timer per request.

Source: performance.md D4; slow-loris is the head timer, from the first byte to the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doorward.edge.faults import ClientGone
from doorward.edge.phases import BODY, DRAIN, GONE, HEAD, IDLE, LINGER

if TYPE_CHECKING:
    from doorward.edge.connection import Connection


def sweep(connection: Connection, now: float) -> None:  # noqa: C901 - one row per phase
    """End what has taken too long. now: loop time, seconds."""
    limits, phase, age = connection.server.limits, connection.phase, now - connection.since
    if connection.choked and now - connection.choked_since > limits.write_timeout:
        connection.abort()
    elif phase == IDLE:
        if age > limits.idle_timeout:
            connection.close()
    elif phase == HEAD:
        if age > limits.head_timeout:
            connection.abort()
    elif phase in (BODY, DRAIN) and not connection.held and age > limits.body_timeout:
        connection.break_body(ClientGone("the client stopped sending."))
    elif phase == LINGER:
        if age > limits.linger:
            connection.close()
    elif phase == GONE:
        if age > limits.write_timeout:
            connection.transport.abort()
    elif connection.relay is not None:
        connection.relay.sweep(now)
