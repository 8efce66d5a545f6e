"""Who the caller proved to be. Rule: nothing here verifies anything; a Principal exists only after verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from doorward.core.values import value

_NONE: Mapping[str, str] = MappingProxyType({})


@value
class Principal:
    """A proven identity; the pair (issuer, subject) identifies it.

    roles: expanded by the hierarchy; scopes: None when the credential is not delegated (session, Basic);
    scheme: kind of credential ("bearer", "session", "apikey", "basic", "" for anonymous); auth_time, expires: seconds
    since the epoch or None; session: public id of the session, "" without one; account: the identity is an account of
    ours, whoever vouched for it; attributes: for `owner.attribute`.
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
    account: bool = False
    attributes: Mapping[str, str] = field(default_factory=lambda: _NONE)

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
        """Names under which relations may be stored: the identity, then `role:NAME`.

        An account is named by its subject, which has neither blank nor colon; anybody else by issuer and subject, so
        that two issuers' equal subjects, or a subject called "role:admin", are never taken for each other.
        """
        own = self.subject if self.account else f"{self.issuer} {self.subject}"
        return (own, *sorted(f"role:{role}" for role in self.roles))


ANONYMOUS = Principal(subject="", issuer="")
"""The caller who proved nothing: one object, compared by identity."""
