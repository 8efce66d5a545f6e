"""Where verdicts are noted: counted at once, written by a thread of their own.

    record = Record(data, lambda: guard.policy)
    request_id = record.new_id(view.at)
    record.note(policy, view, verdict, trace, request_id)

A refusal costs the decision one tuple and two integers. Rule: recording never changes a verdict; "no record, no access"
is a question of the core, answered by `ready`. Source: architecture.md 3.3, answers.md C12, A0-29, A1-45, A1-50.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path

from doorward.core.ask import LedgerReady
from doorward.core.policy import Policy
from doorward.core.reason import Reason
from doorward.core.request import RequestView
from doorward.core.settings import LedgerSettings
from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Verdict
from doorward.guard.cache import CredentialCache
from doorward.guard.counting import Counts, describe
from doorward.guard.evidence import event_of
from doorward.ledger.event import AuditEvent
from doorward.ledger.identifiers import Identifiers
from doorward.ledger.mask import anonymised
from doorward.sinks.metrics import Metrics
from doorward.sinks.writer import Item, Waiter, Writer
from doorward.wire.render import failure
from doorward.wire.reply import Reply
from doorward.wire.shown import bug

SAMPLE = 100
"""`allows = "sample"`: one allowed request in so many is recorded."""
_BUG = "bug"


class Record:
    """The ledger of one process. data: its folder; policy: the one in force, for what belongs to no single decision.

    metrics: for the scrape.
    """

    def __init__(self, data: Path, policy: Callable[[], Policy]) -> None:
        self._policy = policy
        self._ids = Identifiers()
        self.new_id = self._ids.new
        self.counts = Counts()
        self._allows = 0
        self.writer = Writer(data, _Press(), self._settings)
        self.metrics = Metrics()
        describe(self.metrics, self.counts, self.writer, lambda: self._policy().version)

    def _settings(self) -> LedgerSettings:
        return self._policy().settings.ledger

    def watch_cache(self, cache: Callable[[], CredentialCache]) -> None:
        """Show the cache of credentials in the metrics. cache: the one in use."""
        watch = self.metrics.watch
        watch("doorward_cache_hits_total", "counter", "Credentials that were known already.", lambda: cache().hits)
        watch("doorward_cache_misses_total", "counter", "Credentials that had to be verified.", lambda: cache().misses)
        watch("doorward_cache_size", "gauge", "Credentials that are known.", lambda: len(cache()))

    def start(self) -> None:
        """Start the writer now instead of with the first refusal: old rows are deleted then, too."""
        self.writer.start()

    def note(
        self, policy: Policy, view: RequestView, verdict: Verdict, trace: Trace, request_id: str
    ) -> Awaitable[None] | None:
        """Count a verdict and have it recorded.

        request_id: from `new_id`; "" will do for an Allow.
        Returns: under `mode = "sync"`, inside an event loop, what to wait for before the reply leaves: the row is on
        disk then, or counted as lost. Otherwise None. Never raises.
        """
        if isinstance(verdict, Allow):
            self.counts.allow(verdict)
            if not verdict.notes and not self._sampled(policy):
                return None
            request_id = request_id or self.new_id(view.at)
        else:
            self.counts.refused(verdict, trace)
        waiter = _waiter() if policy.settings.ledger.mode == "sync" else None
        taken = self.writer.put((view.at, request_id, waiter, policy, view, verdict, trace))
        if waiter is None or not taken:
            return None
        self.writer.hurry()
        return waiter.future

    def _sampled(self, policy: Policy) -> bool:
        allows = policy.settings.ledger.allows
        if allows == "sample":
            self._allows += 1
            return self._allows % SAMPLE == 1
        return allows == "all"

    def ready(self, _question: LedgerReady) -> None:
        """Answer LedgerReady. Raises DependencyError("ledger") when what is decided now could not be recorded."""
        self.writer.ready()

    def bug(self, at: float) -> str:
        """Count and record a fault of ours. Returns: the request id under which the log has the stack."""
        request_id = self.new_id(at)
        self.counts.bugs += 1
        self.writer.put((at, request_id, None, self._policy(), None, None, None))
        return request_id

    @staticmethod
    def bug_reply(request_id: str) -> Reply:
        """What the caller of a bug gets: 500 and the id."""
        return failure(request_id)

    def close(self) -> None:
        """Write what waits and end the thread."""
        self.writer.close()


def _waiter() -> Waiter | None:
    try:
        return Waiter()
    except RuntimeError:  # no event loop: nobody here can wait without blocking
        return None


class _Press:
    """Makes events in the writer's thread."""

    def key(self, item: Item) -> Hashable:
        """Equal: address, rule, reason, and the person, so that nobody's refusals are told as somebody else's."""
        _, _, _, _, view, verdict, trace = item
        if verdict is None:
            return (_BUG,)
        if type(verdict) is Allow:
            return ("allow", view.via.address_key, verdict.rule, verdict.notes) if verdict.notes else None
        person = trace.who.subject if trace.who is not None else ""
        return view.via.address_key, verdict.rule, verdict.reason, person

    def event(self, item: Item, day_key: Callable[[int], bytes]) -> AuditEvent:
        """Put a verdict into words."""
        at, request_id, _, policy, view, verdict, trace = item
        if verdict is None:
            reason = Reason.BUG.value
            return AuditEvent(at, request_id, _BUG, bug().status, reason, reason, rule="(bug)", version=policy.version)
        try:
            address = anonymised(view.via.client_ip, policy.settings.ledger.ip, day_key, at)
        except (sqlite3.Error, OSError):
            address = ""  # without the secret of the day no pseudonym, and never the address itself
        return event_of(policy, view, verdict, trace, request_id, address)
