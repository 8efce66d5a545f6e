"""Who the caller proved to be. Rule: nothing here verifies anything; a Principal exists only after verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Principal:
    """A proven identity; the pair (issuer, subject) identifies it.

    roles: expanded by the hierarchy; scopes: None when the credential is not delegated (session, Basic);
    scheme: kind of credential ("bearer", "session", "apikey", "basic", "" for anonymous); auth_time, expires: seconds
    since the epoch or None; session: public id of the session, "" without one; attributes: for `owner.attribute`.
    """

    subject: str
    issuer: str = "local"
    name: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    scheme: str = ""
    auth_time: float | None = None
    expires: float | None = None
    session: str = ""
    attributes: Mapping[str, str] = field(default=_NONE)

    @property
    def anonymous(self) -> bool:
        """True for the one caller who proved nothing."""
        return not self.subject

    @property
    def label(self) -> str:
        """How the person is called in texts for people."""
        return self.name or self.subject

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names under which relations may be stored: the subject itself, then `role:NAME`."""
        return (self.subject, *sorted(f"role:{role}" for role in self.roles))


ANONYMOUS = Principal(subject="", issuer="")
"""The caller who proved nothing: one object, compared by identity."""
