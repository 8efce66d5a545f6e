"""Secrets: never in the file, only where the file says they are.

    secret = { env = "IDP_SECRET" }        secret = { file = "idp.secret" }

Rule: no finding quotes what it found here. Source: policy.md 2.1, E117.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from doorward.core.keysource import PRIVATE_MEMBERS
from doorward.policyfile.files import read_octets
from doorward.policyfile.finding import Log
from doorward.policyfile.locate import Path
from doorward.policyfile.table import Table

MEND: Final = 'Write { env = "NAME" } or { file = "path" }, and put the secret there.'
_SECRET_MAX: Final = 1 << 16
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_IN_ADDRESS: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://[^/?#\s@]*:[^/?#\s@]+@")
_NAMES: Final = frozenset({"secret", "client_secret", "password", "passwd", "api_key", "private_key", "signing_key"})


def find_secrets(log: Log, data: Mapping[str, Any]) -> None:
    """Note every secret that stands in the file: by the name of its key, or by its looks."""
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(value)]
        elif isinstance(value, str) and (what := _secret(path, value)):
            log.add("E117", path, f"{what} is written into the file.", MEND)


def _secret(path: Path, value: str) -> str:
    if _PRIVATE_KEY.search(value):
        return "a private key"
    if _IN_ADDRESS.match(value):
        return "an address with a password"
    key = path[-1]
    if key in _NAMES and path[0] not in ("issuers", "roles", "rule", "gate"):
        return f'the secret "{key}"'
    # Inside `keys` of an issuer a member of this name is half of a key pair, or the shared secret itself.
    return f'the private member "{key}" of a key' if "keys" in path[:-1] and key in PRIVATE_MEMBERS else ""


def read_secret(table: Table, key: str, folder: FilePath) -> bytes:
    """The octets a `{ env }` or `{ file }` names; b"" where there is none, which is noted.

    folder: what a relative path is relative to. One line break at the end is no part of the secret.
    """
    value = table.raw(key)
    if value is not None and not isinstance(value, Mapping):
        table.fault(key, "the secret is written into the file.", MEND, "E117")
        return b""
    source = table.table(key)
    if source is None:
        return b""
    env, file = source.text("env"), source.text("file")
    source.close()
    if bool(env) == bool(file):
        if not table.log.broken(*source.path):
            source.fault((), f"it names {'two sources' if env else 'no source'}.", MEND)
        return b""
    return _from_env(source, env) if env else _from_file(source, folder / file)


def _from_env(source: Table, name: str) -> bytes:
    value = os.environ.get(name, "")
    if not value:
        # Not quoted: somebody may have written the secret itself here.
        source.fault("env", "there is no such environment variable.", "Set it where doorward starts.")
    return value.encode("utf-8", "surrogateescape")


def _from_file(source: Table, file: FilePath) -> bytes:
    octets = read_octets(file, _SECRET_MAX)
    if isinstance(octets, str):
        source.fault("file", f"the file cannot be read: {octets}.", "Name a file that doorward may read.")
        return b""
    octets = octets.removesuffix(b"\n").removesuffix(b"\r")
    if not octets:
        source.fault("file", "the file is empty.", "Put the secret there.")
    return octets
