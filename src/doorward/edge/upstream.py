"""Our own pooled client: where requests go, over which connections. Rule: nothing here reads a message.

Source: performance.md D14; RFC 9112 9.3.1, 9.5.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from doorward.core.errors import ConfigError
from doorward.edge.carrier import Carrier
from doorward.edge.limits import Limits

if TYPE_CHECKING:
    from doorward.edge.relay import Relay

# Application servers close idle connections after 2 to 75 seconds (uvicorn: 5). We leave before they do.
_KEPT = 4.0
# What must not be sent twice goes only over connections that were alive a moment ago, or over new ones.
_FRESH = 1.0
_IDLE = 256


class Upstream:
    """One origin behind the door. url: "http://host:port" or "https://host:port", no path; tls: None = verifying.

    Raises ConfigError for what is no such URL. Safe within one event loop only.
    """

    def __init__(self, url: str, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"the upstream {url!r} is no URL.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ConfigError(f"the upstream {url!r} is not http(s)://host:port.", hint="A path is not taken.")
        if parts.query or parts.fragment or parts.username is not None:
            raise ConfigError(f"the upstream {url!r} is not http(s)://host:port.", hint="Host and port only.")
        self.limits = limits or Limits()
        self.host = parts.hostname
        self.port = port or (443 if parts.scheme == "https" else 80)
        self.authority = parts.netloc
        self.tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self.carriers: set[Carrier] = set()
        self._idle: list[Carrier] = []
        self._dials: set[asyncio.Task[None]] = set()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def __repr__(self) -> str:
        return f"Upstream({self.origin})"

    def take(self, now: float, *, repeatable: bool) -> Carrier | None:
        """An idle connection, the youngest first, or None. repeatable: the request may be sent again if this fails."""
        idle = self._idle
        while idle:
            carrier = idle[-1]
            if now - carrier.since > (_KEPT if repeatable else _FRESH):
                return None
            idle.pop()
            if not carrier.transport.is_closing():
                return carrier
        return None

    def dial(self, relay: Relay) -> None:
        """Make a new connection for a relay, which is told how it went."""
        task = asyncio.get_running_loop().create_task(self._dial(relay))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _dial(self, relay: Relay) -> None:
        loop = asyncio.get_running_loop()
        name = self.host if self.tls else None
        try:
            async with asyncio.timeout(self.limits.upstream_connect):
                _, carrier = await loop.create_connection(
                    lambda: Carrier(self), self.host, self.port, ssl=self.tls, server_hostname=name
                )
        except TimeoutError:
            relay.failed("timeout")
        except (OSError, ssl.CertificateError):
            relay.failed("unreachable")
        else:
            if relay.dead:
                carrier.discard()
            else:
                relay.attach(carrier)

    async def probe(self) -> str:
        """Connect once. Returns: "" when that worked, else what happened, for people."""
        try:
            async with asyncio.timeout(self.limits.upstream_connect):
                _, writer = await asyncio.open_connection(
                    self.host, self.port, ssl=self.tls, server_hostname=self.host if self.tls else None
                )
        except TimeoutError:
            return "does not answer."
        except ssl.SSLCertVerificationError as error:
            return f"has a certificate that is not trusted: {error.verify_message}."
        except ConnectionRefusedError:
            return "refuses connections."
        except OSError as error:
            return f"cannot be reached: {error.strerror or error}."
        writer.close()
        return ""

    def give_back(self, carrier: Carrier, now: float) -> None:
        """Keep a connection for the next request."""
        carrier.since = now
        if len(self._idle) < _IDLE:
            self._idle.append(carrier)
        else:
            carrier.discard()

    def forget(self, carrier: Carrier) -> None:
        """A connection has ended."""
        self.carriers.discard(carrier)
        if carrier in self._idle:
            self._idle.remove(carrier)

    def sweep(self, now: float) -> None:
        """Leave connections that were idle for long."""
        for carrier in [each for each in self._idle if now - each.since > _KEPT]:
            carrier.discard()

    async def close(self) -> None:
        """End all connections."""
        dials = list(self._dials)
        for task in dials:
            task.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        for carrier in list(self.carriers):
            carrier.discard()
        await asyncio.sleep(0)
