"""The way that was open last time on a connection: an Allow that may be repeated without being taken again.

An Allow that asked nobody but the credential cache depends on three things: the policy, the octets of the request, and
that entry of the cache. While all three are the very same, `core.decide` would say the same, so it is not asked; any
doubt, and it is. Rule: nothing here decides; whatever counts, waits for an hour or asks a store is never repeated.
Source: performance.md section 4; a property test compares both ways.
"""

from __future__ import annotations

from doorward.core.policy import Policy, Rule
from doorward.core.principal import ANONYMOUS
from doorward.core.request import RequestView
from doorward.core.trace import Trace
from doorward.core.verdict import Allow
from doorward.guard.cache import CredentialCache, Entry

_WAY, _SEEN = "way", "seen"
_CACHED = frozenset({"bearer", "apikey", "basic"})


class Way:
    """What an Allow depended on, and what it was. entry: of the credential, None for anonymous on a public path."""

    __slots__ = ("entry", "headers", "kind", "method", "policy", "rule", "target", "verdict")

    def __init__(self, policy: Policy, view: RequestView, trace: Trace, verdict: Allow, entry: Entry | None) -> None:
        self.policy = policy
        self.headers = view.headers
        self.target = view.target
        self.method = view.method
        self.rule = trace.rule
        self.kind = trace.kind
        self.verdict = verdict
        self.entry = entry


def repeat(policy: Policy, cache: CredentialCache, view: RequestView, trace: Trace) -> Allow | None:
    """The Allow of the last request on this connection, if this is the same request and nothing has changed."""
    way: Way | None = view.via.memo.get(_WAY)
    if (
        way is None
        or way.headers is not view.headers
        or way.target is not view.target
        or way.method != view.method
        or way.policy is not policy
        or view.fault is not None
        or view.body
        or view.upgrade
        or (way.entry is not None and not cache.holds(way.entry, view.at))
    ):
        return None
    trace.rule, trace.kind, trace.who = way.rule, way.kind, way.verdict.principal
    return way.verdict


def way_of(view: RequestView, verdict: Allow) -> Way | None:
    """The way that is remembered of this very Allow. For hosts that remember an answer with it."""
    way: Way | None = view.via.memo.get(_WAY)
    return way if way is not None and way.verdict is verdict and way.headers is view.headers else None


def keep(policy: Policy, cache: CredentialCache, view: RequestView, trace: Trace, verdict: Allow) -> None:
    """Remember the way of an Allow, when the same header block came twice in a row and the way can be repeated."""
    memo = view.via.memo
    if memo.get(_SEEN) is not view.headers:
        memo[_SEEN] = view.headers
        return
    rule, who = trace.rule, verdict.principal
    if rule is None or view.body or view.upgrade or not repeatable(policy, rule):
        return
    entry = cache.held(view.via, who) if trace.kind in _CACHED else None
    anonymous = who is ANONYMOUS and not trace.kind and not trace.notes
    if anonymous or (entry is not None and not trace.notes):
        memo[_WAY] = Way(policy, view, trace, verdict, entry)


def repeatable(policy: Policy, rule: Rule) -> bool:
    """Whether the rule, and every gate before it, looks at nothing but path, address, headers and identity."""
    counts = rule.limits or any(gate.limits for gate in policy.gates) or policy.settings.ledger.required
    waits = rule.when is not None or rule.max_age is not None
    return not (counts or waits or rule.acl is not None or rule.hide)
