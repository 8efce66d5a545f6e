"""What is kept of one verdict. A value; nothing in it is a secret, and no field could hold one.

The event knows the real resource, for whoever holds the data folder; `shown` is what goes out of the house: under
`mask = true` nothing but "Access denied" and the request id. Source: answers.md G1-G3, HP1, C12, A0-31, A2-33.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

DENIED = "Access denied"
HIDDEN_RULE = "(masked)"
LONGEST = 512
_WORD = 64
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One verdict, or `count` equal ones between `at` and `until` (seconds since the epoch).

    verdict: "allow", "challenge", "deny", "hide", "throttle", "malformed", "unavailable" or "bug"; status: 0 where the
    application answered; reason: as the caller's answer was meant ("concealed" for a hidden one); truth: the reason
    behind it; required: role, scope, permission or circumstance that was missing, in words; subject, issuer: the
    proven identity, "" for nobody; name: how the person is called; claimed: the subject of an account whose credentials
    were refused; scheme: kind of credential presented; address: anonymised;
    resource: decoded path without query; masked: the rule says so; version: of the policy; step: where it ended;
    notes: such as "ignored_bad_credentials"; facts: the evidence, JSON values only.
    """

    at: float
    id: str
    verdict: str
    status: int
    reason: str
    code: str = ""
    truth: str = ""
    rule: str = ""
    required: str = ""
    subject: str = ""
    issuer: str = ""
    name: str = ""
    claimed: str = ""
    scheme: str = ""
    address: str = ""
    method: str = ""
    resource: str = ""
    masked: bool = False
    version: str = ""
    step: str = ""
    count: int = 1
    until: float = 0.0
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def who(self) -> str:
        """How the caller is called in lists: with a question mark where nothing was proven; "" for nobody."""
        return self.name or self.subject or (f"{self.claimed}?" if self.claimed else "")


def shown(event: AuditEvent) -> AuditEvent:
    """The event as it may leave the house: of a masked one neither resource nor rule, need, person or evidence."""
    if not event.masked:
        return event
    return replace(
        event,
        rule=HIDDEN_RULE,
        required="",
        subject="",
        issuer="",
        name="",
        claimed="",
        method="",
        resource=DENIED,
        notes=(),
        facts=_NOTHING,
    )


def clean(text: str, longest: int = LONGEST) -> str:
    """A text that a client chose, fit for a line: one line, nothing that moves a cursor or turns the direction,
    at most `longest` characters. Never raises.
    """
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def word(text: str) -> str:
    """`clean` for a name: at most 64 characters."""
    return clean(text, _WORD)
