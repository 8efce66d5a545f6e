"""An event as one line of JSON, for other people's log systems.

The four names of A2-34 (timestamp, error, path, anonymized_ip) are always there. Rule: only what `shown` leaves goes
out; a masked event says "Access denied" and its id.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from doorward.ledger.event import DENIED, AuditEvent, shown


def timestamp(at: float) -> str:
    """RFC 3339 in UTC with milliseconds. at: seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields(event: AuditEvent, *, unmasked: bool = False) -> dict[str, Any]:
    """The event as JSON values. unmasked: for whoever may read the secure ledger itself."""
    if event.masked and not unmasked:
        return _masked(event)
    found = {
        "timestamp": timestamp(event.at),
        "error": str(event.status),
        "path": event.resource,
        "anonymized_ip": event.address,
        "id": event.id,
        "verdict": event.verdict,
        "code": event.code,
        "reason": event.reason,
        "truth": event.truth,
        "rule": event.rule,
        "required": event.required,
        "principal": event.subject,
        "issuer": event.issuer,
        "name": event.name,
        "claimed": event.claimed,
        "scheme": event.scheme,
        "method": event.method,
        "policy": event.version,
        "step": event.step,
        "count": event.count,
        "notes": list(event.notes),
    }
    return found | ({"until": timestamp(event.until)} if event.count > 1 else {})


def _masked(event: AuditEvent) -> dict[str, Any]:
    safe = shown(event)
    found = {
        "timestamp": timestamp(safe.at),
        "error": str(safe.status),
        "path": DENIED,
        "anonymized_ip": safe.address,
        "id": safe.id,
        "count": safe.count,
    }
    return found | ({"until": timestamp(safe.until)} if safe.count > 1 else {})


def line(event: AuditEvent, *, unmasked: bool = False) -> str:
    """The event as one line, without its end."""
    return json.dumps(fields(event, unmasked=unmasked), ensure_ascii=False, separators=(", ", ": "))
