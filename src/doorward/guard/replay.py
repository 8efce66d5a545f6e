"""A recorded request once more: what would the policy in force say today?

Rule: only what the event kept is used; where that does not suffice the answer is None, never a guess. What is lost: the
last part of an anonymised address, header fields that are not evidence, and whether a credential would still hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from doorward.core.ask import Answers, Rejected
from doorward.core.errors import ConfigError
from doorward.core.path import PathFault, read_target
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView, Via, read_address
from doorward.core.trace import Trace
from doorward.core.verdict import Verdict, status
from doorward.guard.evidence import reasons
from doorward.guard.rehearse import Presented, rehearse
from doorward.guard.remedy import Attempt
from doorward.ledger.event import AuditEvent

# For events whose address was not kept: one that is documentation's own, and in nobody's list (RFC 5737).
_HERE, _SOMEWHERE = "127.0.0.1", "192.0.2.0"
_UNREPEATABLE = frozenset({"parse", "limits", "record"})


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request under the policy in force. same: status and reason are what they were."""

    attempt: Attempt
    verdict: Verdict
    trace: Trace
    same: bool


def replay(policy: Policy, event: AuditEvent, answers: Answers) -> Replay | None:
    """Decide a recorded request again; None where it cannot be put together, or ended in a count or an outage."""
    attempt = attempt_of(event)
    if attempt is None or event.step in _UNREPEATABLE or event.verdict in ("throttle", "unavailable", "bug"):
        return None
    try:
        verdict, trace = rehearse(policy, attempt.view, attempt.who, answers)
    except ConfigError:
        return None
    same = (status(verdict) or 0, *reasons(verdict)) == (event.status, event.reason, event.truth)
    return Replay(attempt, verdict, trace, same)


def attempt_of(event: AuditEvent) -> Attempt | None:
    """The request of an event; None when its path was not kept whole."""
    target = read_target(quote(event.resource, safe="/-._~!$&'()*+,=:@"))
    if isinstance(target, PathFault) or not event.resource:
        return None
    facts = event.facts
    local = bool(facts.get("local"))
    address = event.address.partition("/")[0]
    client = address if read_address(address) else _HERE if local else _SOMEWHERE
    peer = _HERE if local else client
    via = Via(peer, client, str(facts.get("transport", "http")), local)
    headers = Headers([("host", str(facts.get("host", ""))), *_fields(event)])
    upgrade = bool(facts.get("websocket"))
    view = RequestView(event.method, target, str(facts.get("host", "")), headers, via, event.at, upgrade=upgrade)
    return Attempt(view, _who(event))


def _fields(event: AuditEvent) -> Iterable[tuple[str, str]]:
    facts = event.facts
    if "site" in facts:
        yield "sec-fetch-site", facts["site"]
    if "origin" in facts:
        yield "origin", facts["origin"]
    if "csrf_token" in facts:
        yield "x-csrf-token", "(not kept)"
    if "presented" in facts:
        yield "authorization", f"{facts['presented'].replace(' ', '-')} x"
    if event.step == "csrf" and "site" not in facts and "origin" not in facts:
        yield "referer", "(none)"  # so that a rehearsal does not add the proof that was missing


def _who(event: AuditEvent) -> Principal | Presented | None:
    facts = event.facts
    if rejected := facts.get("rejected"):
        return Presented(
            event.scheme,
            Rejected(
                Reason(rejected["reason"]),
                subject=event.claimed,
                expired=bool(rejected.get("expired")),
                disabled=bool(rejected.get("disabled")),
            ),
        )
    if not event.subject:
        return None
    return Principal(
        subject=event.subject,
        issuer=event.issuer,
        name=event.name,
        roles=frozenset(facts.get("roles", ())),
        scopes=frozenset(facts["scopes"]) if "scopes" in facts else None,
        scheme=event.scheme,
        auth_time=facts.get("auth_time"),
        expires=facts.get("expires"),
        session=facts.get("session", ""),
        account=bool(facts.get("account")),
        attributes=dict(facts.get("attributes", {})),
    )
