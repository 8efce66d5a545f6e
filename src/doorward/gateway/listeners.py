"""Where the listeners stand: addresses read, checked against the policy, and bound, with errors that say the mend.

Rule: nothing listens before what can be checked was checked. Source: answers.md X6, X10; architecture.md 4.2.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.core.request import is_loopback

if TYPE_CHECKING:
    from doorward.edge.server import Server

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.\-]*)):(?P<port>[0-9]{1,5})\Z")
_NAMES = frozenset({"localhost", "localhost."})
_TRIES = 50
_HIGHEST = 65_535


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen. host: address or name, "" with path; port: 0 = any free one; path: of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return bool(self.path) or self.host in _NAMES or is_loopback(self.host)

    @property
    def text(self) -> str:
        """As a URL, or as the path of the socket."""
        if self.path:
            return f"unix:{self.path}"
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def read_place(text: str, switch: str, *, unix: bool = False) -> Place:
    """Read HOST:PORT, [IPV6]:PORT, :PORT (every address) or, where taken, unix:PATH. Raises ConfigError."""
    if unix and text.startswith("unix:") and len(text) > len("unix:"):
        return Place(path=text.removeprefix("unix:"))
    found = _ADDRESS.match(text)
    if found is None or int(found["port"]) > _HIGHEST:
        raise ConfigError(
            f"{switch} {text!r} is no HOST:PORT{' and no unix:PATH' if unix else ''}.",
            hint=f"For example {switch} 127.0.0.1:8080.",
        )
    host = found["six"] or found["host"] or "0.0.0.0"  # noqa: S104 - written by the operator as ":8080"
    return Place(host, int(found["port"]))


def check_public(place: Place, policy: Policy) -> None:
    """X6: whoever listens to others must know its own names. Raises ConfigError."""
    if not place.loopback and not policy.settings.server.origins:
        raise ConfigError(
            f"The gateway listens on {place.host}, and the policy does not say under which names it is known.",
            hint='Add to the policy file: [server] origins = ["https://shop.example"]; or listen on 127.0.0.1.',
        )


def check_control(place: Place) -> None:
    """X10: the control listener is for this machine alone. Raises ConfigError."""
    if not place.loopback:
        raise ConfigError(
            f"The control listener cannot be on {place.host}: it has no login of its own.",
            hint="Use --control 127.0.0.1:8081 or --control unix:/run/doorward.sock.",
        )


async def bind(server: Server, place: Place, switch: str, *, search: bool = False) -> Place:
    """Listen. search: when the port is taken, try the next ones. Returns: where. Raises ConfigError."""
    if place.path:
        return await _bind_unix(server, place)
    for offset in range(_TRIES if search and place.port else 1):
        try:
            _, port = await server.start(place.host, place.port + offset)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not search:
                raise _cannot(place, switch, error) from error
        else:
            return Place(place.host, port)
    raise ConfigError(f"Ports {place.port} to {place.port + _TRIES - 1} are all taken.", hint=f"Name one: {switch}.")


async def try_place(place: Place, switch: str) -> None:
    """Listen and stop at once. Raises ConfigError when it cannot be done."""
    if place.path:
        folder = Path(place.path).parent
        if not os.access(folder, os.W_OK):
            raise ConfigError(f"{folder} cannot be written, so no Unix socket can be there.", hint="Name another.")
        return
    try:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), place.host, place.port)
    except OSError as error:
        raise _cannot(place, switch, error) from error
    server.close()
    await server.wait_closed()


def _cannot(place: Place, switch: str, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"Port {place.port} on {place.host} is taken by another program.",
            hint=f"Stop it, or choose another: {switch} {place.host}:{place.port + 1}.",
        )
    if error.errno == errno.EACCES:
        return ConfigError(
            f"Port {place.port} may not be used by this account.",
            hint=f"Use one above 1023: {switch} {place.host}:8080.",
        )
    said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    return ConfigError(
        f"Cannot listen on {place.host}:{place.port}: {said}.", hint=f"Name an address of ours: {switch}."
    )


def _clear(path: Path) -> None:
    """Remove what a killed process left behind; anything that is no socket is somebody's file."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()


async def _bind_unix(server: Server, place: Place) -> Place:
    try:
        _clear(Path(place.path))
        await server.start_unix(place.path)
        os.chmod(place.path, 0o600)  # noqa: PTH101 - one call at the start; nobody waits for it yet
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on the Unix socket {place.path}: {error.strerror or error}.",
            hint="Name another: --control.",
        ) from error
    return place
