"""Keys of the design whose capability this version does not have: refused at load (E120), never ignored.

A key that stood there without effect would be a hole: somebody relies on it. Rule: when a capability arrives, its line
goes away here and the key is read where it belongs. Source: issue 2, policy.md section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.policyfile.finding import Log
from doorward.policyfile.locate import Path

CODE: Final = "E120"


@dataclass(frozen=True, slots=True)
class Later:
    """A key that comes later. what: how it is called in the text, "" = the key; instead: what to do today."""

    instead: str = "Take it out."
    what: str = ""

    def refuse(self, log: Log, path: Path, title: str = "", rule: str = "") -> None:
        """Note the refusal at a path."""
        what = self.what or str(path[-1])
        log.add(CODE, path, f"{title}{what} is not available in this version.", self.instead, rule)


_KEYS: Final = "Name the keys: jwks, jwks_file, keys or secret."
_LISTS: Final = "Say it with roles, scopes, owner or acl."
_GROUPS: Final = "Name networks instead."

TOP: Final[Mapping[str, Later]] = {
    "profile": Later("Take it out, and write the settings you want."),
    "engines": Later(_LISTS, "[engines]"),
    "geo": Later(_GROUPS, "[geo]"),
    "tokens": Later("Tokens come from an issuer of their own: [issuers.NAME].", "[tokens]"),
    "revocation": Later("A revocation that cannot be looked up is always 503 here.", "[revocation]"),
    "shadow": Later(what="[shadow]"),
}
CREDENTIALS: Final[Mapping[str, Later]] = {
    "dpop": Later("Accept bearer, session, apikey or basic."),
    "digest": Later("Accept basic, over TLS."),
    "mtls": Later("Accept bearer, session, apikey or basic."),
}
ISSUER: Final[Mapping[str, Later]] = {
    "builtin": Later("Name an issuer and its keys."),
    "introspect": Later(_KEYS),
    "discovery": Later(_KEYS),
    "client_id": Later("It belongs to introspection and external login."),
    "client_secret": Later("It belongs to introspection and external login."),
}
LOGIN: Final[Mapping[str, Later]] = {
    "provider": Later("The login page takes local accounts."),
    "external": Later("The login page takes local accounts."),
}
ANSWERS: Final[Mapping[str, Later]] = {
    "refused_refresh": Later("It belongs to the token endpoint."),
    "geo_status": Later("It belongs to countries."),
}
LIMITS: Final[Mapping[str, Later]] = {
    "ban": Later("Write a [[gate]] with a limit."),
    "exact": Later("Counters live in the memory of one process."),
}
STORE: Final[Mapping[str, Later]] = {
    "shared": Later("Counters live in the memory of one process."),
}
GROUP: Final[Mapping[str, Later]] = {"countries": Later(_GROUPS)}
RULE: Final[Mapping[str, Later]] = {"engine": Later(_LISTS)}
FRESH: Final[Mapping[str, Later]] = {"factor": Later('Write max_age alone, for example fresh = { max_age = "5m" }.')}
