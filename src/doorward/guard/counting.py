"""What is counted of verdicts, and how `/metrics` tells it.

Labels are status, reason, scheme and rule; rules are those of the policy, masked ones by one name for all (HP1).
Rule: nothing is formatted while a request is decided. Source: articles.md A0-29, A1-45, A2-30.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

from doorward.core.trace import Trace
from doorward.core.verdict import Allow, Refusal, status
from doorward.guard.evidence import kind_of, reasons
from doorward.ledger.event import HIDDEN_RULE
from doorward.sinks.metrics import Family, Metrics, Samples
from doorward.sinks.writer import Writer

MOST = 10_000
OTHER = "(other)"
KINDS = ("allow", "challenge", "deny", "hide", "throttle", "malformed", "unavailable")
_Labels = tuple[str, str, str, str, str]
"""Verdict, status, reason, scheme, rule."""


class Counts:
    """Counters of one process, written by whoever decides. allowed, bugs: numbers; ignored: by note of an Allow;
    stale: the policy file in force is not the one on disk, because that one has errors.
    """

    def __init__(self) -> None:
        self.allowed = self.bugs = 0
        self.ignored: Counter[str] = Counter()
        self.stale = False
        self._seen: dict[Hashable, int] = {}
        self._labels: dict[Hashable, _Labels] = {}

    def refused(self, verdict: Refusal, trace: Trace) -> None:
        """Count a refusal."""
        rule = trace.rule
        mask = rule is not None and rule.mask
        key = (verdict.__class__, verdict.reason, verdict.rule, trace.kind, getattr(verdict, "status", 0), mask)
        try:
            self._seen[key] += 1
        except KeyError:
            self._first(key, verdict, trace.kind, mask=mask)

    def _first(self, key: Hashable, verdict: Refusal, kind: str, *, mask: bool) -> None:
        rule = HIDDEN_RULE if mask else verdict.rule
        if len(self._seen) >= MOST:  # a policy that is reloaded for months with ever new names
            key, rule = (verdict.__class__, OTHER), OTHER
        self._labels[key] = (kind_of(verdict), str(status(verdict)), reasons(verdict)[0], kind or "none", rule)
        self._seen[key] = self._seen.get(key, 0) + 1

    def allow(self, verdict: Allow) -> None:
        """Count an allowed request, and what was left out of account in it."""
        self.allowed += 1
        for note in verdict.notes:
            self.ignored[note] += 1

    def failures(self) -> Samples:
        """Samples of auth_failures_total."""
        found: Counter[_Labels] = Counter()
        for key, number in self._seen.items():
            found[self._labels[key]] += number
        for (_, code, reason, scheme, rule), number in found.items():
            yield {"status": code, "reason": reason, "scheme": scheme, "rule": rule}, number

    def decisions(self) -> Samples:
        """Samples of doorward_decisions_total: every verdict there is, also those that did not occur."""
        found = Counter({"allow": self.allowed})
        for key, number in self._seen.items():
            found[self._labels[key][0]] += number
        return [({"verdict": kind}, found[kind]) for kind in KINDS]

    def notes(self) -> Samples:
        """Samples of doorward_ignored_credentials_total."""
        return [({"note": note}, number) for note, number in self.ignored.items()]


def describe(metrics: Metrics, counts: Counts, writer: Writer, version: Callable[[], str]) -> None:
    """Put the metrics of the door on the list. version: of the policy in force."""
    families = (
        Family("auth_failures_total", "counter", "Requests that the door refused.", counts.failures),
        Family("doorward_decisions_total", "counter", "Decisions by verdict.", counts.decisions),
        Family(
            "doorward_ignored_credentials_total",
            "counter",
            "Requests served as anonymous because their credentials did not count, by why.",
            counts.notes,
        ),
        Family(
            "doorward_policy_version",
            "gauge",
            "The policy in force, as a label.",
            lambda: (({"version": version()}, 1),),
        ),
    )
    for family in families:
        metrics.add(family)
    watch = metrics.watch
    watch("doorward_bugs_total", "counter", "Faults of doorward itself; each is in the log.", lambda: counts.bugs)
    watch(
        "doorward_policy_stale",
        "gauge",
        "1: the file on disk has errors, an older one is in force.",
        lambda: counts.stale,
    )
    watch("ledger_lost_total", "counter", "Refusals that the ledger could not record.", lambda: writer.lost)
    watch("ledger_written_total", "counter", "Refusals that are on disk.", lambda: writer.written)
    watch("ledger_queue", "gauge", "Refusals that wait to be written.", lambda: len(writer))
    watch("ledger_down", "gauge", "1: the ledger cannot be written at the moment.", lambda: writer.down)
    watch("ledger_jsonl_lost_total", "counter", "Refusals missing in the JSON lines file.", lambda: writer.lines_lost)
