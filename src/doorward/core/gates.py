"""What closes before identity is known: transport, blocks, limits, sensitive files.

Rule: a gate has no way to open. Source: policy.md 2.2, answers.md rows 11, 16, 20, 27, 30.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from functools import lru_cache

from doorward.core.ask import Steps, TakeSlot, ask
from doorward.core.challenge import split_authorization
from doorward.core.cure import NOTHING_HELPS, Act, Cure
from doorward.core.errors import DependencyError
from doorward.core.path import Pattern
from doorward.core.policy import Gate, Limit, Policy, Rule
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import FORWARDING_FIELDS, LOOPBACK_NAMES, RequestView, inside, is_loopback
from doorward.core.verdict import Deny, Hide, LimitState, Malformed, Throttle, malformed

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_TRACING = frozenset({"TRACE", "TRACK", "CONNECT"})
# What deployments leave lying about. Whole segments or endings, compared without case: file systems may not care.
_SENSITIVE_SEGMENT = re.compile(
    r"(?:\.env(?:\..+)?|\.git|\.svn|\.hg|\.bzr|\.ht(?:access|passwd)|\.npmrc|\.pypirc|\.netrc|\.pgpass|\.aws|\.ssh|\.docker"
    r"|\.kube|\.ds_store|\.bash_history|id_(?:rsa|dsa|ecdsa|ed25519)|wp-config\.php.*|web\.config)\Z",
    re.IGNORECASE,
)
_SENSITIVE_ENDING = re.compile(
    r".*(?:\.(?:sql|bak|backup|old|orig|save|swp|swo|pem|key|p12|pfx|jks|keystore|kdbx|sqlite3?|db|mdb|dump|log\.gz|ovpn|tfstate)"
    r"|\.(?:sql|db|dump)\.(?:gz|zip|bz2|xz|7z|tar)|~)\Z",
    re.IGNORECASE,
)


def parse(request: RequestView) -> Malformed | Deny | None:
    """What is wrong with the request as such; seen before everything else, on public paths too."""
    if request.fault:
        return malformed(request.fault.reason, request.fault.why)
    # Methods are case-sensitive, yet some servers fold them: `delete` must not slip past a rule for DELETE.
    if request.method in _TRACING or not request.method.isupper():
        return Deny(Reason.METHOD_REFUSED, "(request)", NOTHING_HELPS, status=405, allow=_METHODS)
    if request.method not in SAFE and "1" in request.headers.all("early-data"):
        return malformed(Reason.EARLY_DATA, "this request is not taken from TLS early data")
    return None


def tls(policy: Policy, request: RequestView) -> Deny | None:
    """Plain http where TLS is required. Exempt: one machine talking to itself, and the ACME challenge (C17)."""
    if policy.settings.tls_require is False or request.via.scheme == "https" or _one_machine(request):
        return None
    segments = request.target.segments
    if segments[:2] == (".well-known", "acme-challenge") and request.method in ("GET", "HEAD"):
        return None
    return Deny(Reason.TLS_REQUIRED, "(tls)", Cure(Act.RESEND, note="use https"))


def _one_machine(request: RequestView) -> bool:
    via = request.via
    if not (via.local_listener and is_loopback(via.peer)):
        return False
    host = request.host
    named = host in LOOPBACK_NAMES or host.rpartition(":")[0] in LOOPBACK_NAMES
    return named and not request.headers.any_of(FORWARDING_FIELDS)


def gates(policy: Policy, request: RequestView) -> Steps[Deny | Throttle | None]:
    """The first gate that refuses, in file order."""
    for gate in policy.gates:
        if applies(gate, request):
            refusal = yield from _gate(policy, gate, request)
            if refusal:
                return refusal
    return None


def sensitive_files(policy: Policy, request: RequestView) -> Hide | None:
    """The built-in gate behind those of the file: what deployments leave lying about is not there (row 16)."""
    if policy.settings.sensitive_files and _sensitive(policy, request):
        return Hide(Deny(Reason.SENSITIVE_FILE, "sensitive-files", NOTHING_HELPS), "sensitive-files")
    return None


def applies(gate: Gate, request: RequestView) -> bool:
    """Whether a gate stands before this request."""
    if gate.methods is not None and request.method not in gate.methods:
        return False
    return gate.patterns is None or any(p.bind(request.target.segments) is not None for p in gate.patterns)


def _gate(policy: Policy, gate: Gate, request: RequestView) -> Steps[Deny | Throttle | None]:
    ip = request.via.client_ip
    if gate.block and inside(ip, gate.block):
        return Deny(Reason.NETWORK_BLOCKED, gate.name, NOTHING_HELPS)
    if gate.only is not None and not inside(ip, gate.only):
        return Deny(Reason.NETWORK_BLOCKED, gate.name, Cure(Act.COME_FROM, networks=tuple(map(str, gate.only))))
    return (yield from take(policy, gate.name, gate.limits, request, None))


def _sensitive(policy: Policy, request: RequestView) -> bool:
    segments = request.target.segments
    if not segments or segments[0] == ".doorward":
        return False
    read = _suspicious_short if len(request.target.raw) <= _SHORT else _suspicious
    return read(segments) and not any(_names_it(rule, segments) for rule in policy.naming(segments))


def _suspicious(segments: tuple[str, ...]) -> bool:
    return bool(_SENSITIVE_ENDING.match(segments[-1]) or any(map(_SENSITIVE_SEGMENT.match, segments)))


# Attackers choose paths: bounded, and long targets are not kept.
_SHORT = 256
_suspicious_short = lru_cache(maxsize=4096)(_suspicious)


def _names_it(rule: Rule, segments: tuple[str, ...]) -> bool:
    """Only a literal last segment names such a file; `/static/**` does not (policy.md 2.2)."""
    return any(_literal_last(pattern, segments) for pattern in rule.patterns)


def _literal_last(pattern: Pattern, segments: tuple[str, ...]) -> bool:
    return (
        pattern.bind(segments) is not None
        and len(pattern.parts) == len(segments)
        and pattern.parts[-1][1] == segments[-1]
    )


def by_principal(rule: Rule) -> tuple[Limit, ...]:
    """The limits of a rule that are taken once the caller is known."""
    return tuple(limit for limit in rule.limits if limit.needs_identity)


def take(
    policy: Policy, name: str, limits: tuple[Limit, ...], request: RequestView, who: Principal | None
) -> Steps[Throttle | None]:
    """Take a slot of each limit. who: None before identity is known; limits by principal are skipped then."""
    for index, limit in enumerate(limits):
        if limit.needs_identity and who is None:
            continue
        buckets = tuple(f"{name}/{index}/{_bucket(key, request, who)}" for key in limit.by)
        try:
            wait = yield from ask(TakeSlot(buckets, limit.rate, limit.period, limit.burst, request.at))
        except DependencyError:
            if policy.settings.limits_open:
                continue
            raise
        if wait:
            state = LimitState(limit.name or name, limit.burst, limit.period, 0, wait)
            return Throttle(name, wait, (state,), limit.status)
    return None


def _bucket(key: str, request: RequestView, who: Principal | None) -> str:
    return "+".join(f"{part}={_value(part, request, who)}" for part in key.split("+"))


def _value(part: str, request: RequestView, who: Principal | None) -> str:
    if part == "ip":
        return request.via.address_key
    if part == "principal" and who is not None:
        return f"{who.issuer} {who.subject}" if not who.anonymous else request.via.address_key
    if part == "account":
        return presented_account(request)
    return ""  # route: one bucket for all


def presented_account(request: RequestView) -> str:
    """The account name presented by Basic, "" when none can be read. Nothing is verified."""
    word, rest = split_authorization(request.headers.get("authorization"))
    if word != "basic":
        return ""
    try:
        name = binascii.a2b_base64(rest, strict_mode=True).partition(b":")[0].decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return unicodedata.normalize("NFC", name).casefold()  # spellings of one name share its bucket
