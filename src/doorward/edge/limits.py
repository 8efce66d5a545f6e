"""How much of anything the edge takes before it stops. Rule: numbers only; who enforces them stands elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, counts and seconds; every one greater than zero. Raises ValueError at construction otherwise.

    head: bytes of request line and header block; fields: header lines; target: bytes of the request target;
    body: bytes of a request body, None: no limit; drain: unread body bytes swallowed to keep a connection;
    connections: accepted at once, what comes beyond is closed; upstream_head: bytes of an upstream's header block.
    head_timeout: first byte to complete head; idle_timeout: keep-alive without a byte; body_timeout: no body progress;
    upstream_connect: TCP and TLS; upstream_response: until the response head; upstream_body: no progress of its body;
    write_timeout: a client that does not read; linger: how long a refused body is swallowed before the close.
    Source: performance.md D4.
    """

    head: int = 16_384
    fields: int = 100
    target: int = 8_192
    body: int | None = None
    head_timeout: float = 10.0
    idle_timeout: float = 75.0
    body_timeout: float = 30.0
    upstream_connect: float = 5.0
    upstream_response: float = 60.0
    upstream_body: float = 60.0
    write_timeout: float = 60.0
    drain: int = 65_536
    connections: int = 10_000
    upstream_head: int = 65_536
    linger: float = 2.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and not value > 0:
                raise ValueError(f"limit {each.name} must be greater than zero")

    @property
    def tick(self) -> float:
        """Seconds between two sweeps: fine enough for the shortest timer, at most one second."""
        client = min(self.head_timeout, self.idle_timeout, self.body_timeout, self.write_timeout, self.linger)
        return min(1.0, client / 4, self.upstream_response / 4, self.upstream_body / 4)
