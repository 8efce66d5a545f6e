"""Warnings: what is allowed, and seldom meant (W203 to W213).

Rule: nothing here stops a load; each warning says what happens and what to write instead. Source: policy.md section 4.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from doorward.core.gates import SAFE
from doorward.core.path import Pattern
from doorward.core.policy import Gate, Policy, Rule
from doorward.policyfile.finding import Log
from doorward.policyfile.locate import Path
from doorward.policyfile.people import Known
from doorward.policyfile.reach import COMMON, STRANGER
from doorward.policyfile.rules import Draft
from doorward.policyfile.words import visible

_SIBLING = "\1"
_AMBIENT = frozenset({"session", "basic"})


def check(log: Log, policy: Policy, sound: Sequence[Draft], known: Known) -> None:
    """Everything that is worth a word. sound: rules without an error of their own."""
    _default(log, policy)
    _transport(log, policy)
    _proxies(log, policy)
    _unused(log, known, policy)
    for draft in sound:
        _challenge(log, policy, draft)
        _csrf(log, policy, draft)
        _open_writes(log, draft)
    _hidden(log, policy, sound)


def _default(log: Log, policy: Policy) -> None:
    if policy.default != "deny":
        hint = 'Closed by default is safer: default = "deny".'
        reached = "anybody" if policy.default == "public" else "anybody who is logged in"
        log.add("W204", ("default",), f"a path that no rule names is open to {reached}.", hint)


def _transport(log: Log, policy: Policy) -> None:
    kinds = [kind for kind in policy.settings.credentials.order if kind in ("basic", "apikey")]
    if policy.settings.tls_require is False and kinds:
        message = f"{' and '.join(kinds)} may travel in clear: [tls] require = false."
        log.add("W206", ("tls", "require"), message, 'Write require = true or "redirect".')
    if policy.settings.credentials.order == ("basic",) and not policy.settings.answers.basic_for_scripts:
        message = "scripts are never asked for Basic, and there is nothing else to ask them for."
        log.add("W207", ("credentials",), message, "Accept session or bearer besides.")


def _challenge(log: Log, policy: Policy, draft: Draft) -> None:
    rule, order = draft.rule, policy.settings.credentials.order
    if rule.schemes == frozenset({"basic"}) and len(order) > 1 and not policy.settings.answers.basic_for_scripts:
        message = f'rule "{rule.name}": scripts are never asked for Basic, and it takes nothing else.'
        log.add("W207", ("rule", draft.index, "schemes"), message, "Accept session or bearer besides.", rule.name)


def _proxies(log: Log, policy: Policy) -> None:
    trusted = policy.settings.vantage.trusted
    four = ipaddress.collapse_addresses(net for net in trusted if isinstance(net, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(net for net in trusted if isinstance(net, ipaddress.IPv6Network))
    if any(not net.prefixlen for net in four) or any(not net.prefixlen for net in six):
        message = "[proxy] trusted covers every address there is: any client may say who it is."
        log.add("W208", ("proxy", "trusted"), message, "Name the addresses of your proxies.")


def _unused(log: Log, known: Known, policy: Policy) -> None:
    for name, networks in known.groups.items():
        if networks is not None and name not in known.used_groups:
            log.add("W209", ("groups", name), f'group "{visible(name)}" is never used.', "Name it in a rule or gate.")
    required = {role for rule in policy.rules for role in (*rule.roles, *rule.or_roles)}
    for role in sorted(known.roles - required):
        if not known.includes.get(role):
            place = _role_place(known, role)
            message = f'role "{visible(role)}" is neither required by a rule nor including another.'
            log.add("W209", place, message, "Require it, or take it out.")


def _role_place(known: Known, role: str) -> Path:
    if role in known.includes:
        return ("roles", role)
    return ("roles", next(name for name, inner in known.includes.items() if role in inner))


def _csrf(log: Log, policy: Policy, draft: Draft) -> None:
    rule = draft.rule
    kinds = set(policy.settings.credentials.order)
    ambient = sorted(_AMBIENT & kinds if rule.schemes is None else _AMBIENT & kinds & rule.schemes)
    if not rule.csrf and ambient and rule.access != "nobody" and _unsafe(rule):
        message = (
            f'rule "{rule.name}": csrf = false, and it accepts {" and ".join(ambient)}: foreign pages may post here.'
        )
        hint = 'Write schemes = ["bearer", "apikey"], or take csrf out.'
        log.add("W205", ("rule", draft.index, "csrf"), message, hint, rule.name)


def _unsafe(rule: Rule) -> bool:
    return any(method not in SAFE and rule.takes(method) for method in (*COMMON, *(rule.methods or ())))


def _open_writes(log: Log, draft: Draft) -> None:
    rule = draft.rule
    if rule.access == "public" and not rule.limits and _unsafe(rule):
        message = f'rule "{rule.name}": anybody may write here as often as he likes.'
        hint = 'Write methods = ["GET"], or limit = { rate = "5/minute", by = ["ip"] }.'
        log.add("W210", ("rule", draft.index, "access"), message, hint, rule.name)


def _hidden(log: Log, policy: Policy, sound: Sequence[Draft]) -> None:
    """W203, W213: what the absent neighbour of a hidden path answers."""
    rules = [rule for rule in policy.rules if not rule.line] + [draft.rule for draft in sound]
    asked = Policy("", "", policy.settings, tuple(rules), policy.gates, policy.roles, policy.default)
    for draft in sound:
        if draft.rule.hide is True:
            _stands_out(log, asked, draft)
            _gated(log, policy.gates, draft)


def _stands_out(log: Log, policy: Policy, draft: Draft) -> None:
    rule = draft.rule
    path: Path = ("rule", draft.index, "hide" if "hide" in draft.given else "name")
    neighbours = {neighbour.name: neighbour for neighbour in _neighbours(policy, rule)}.values()
    refusing = [one for one in neighbours if one.kind == "unclaimed" or (one.kind == "rule" and one.access != "public")]
    if refusing:
        who = (
            "a rule that does not take the method" if refusing[0].kind == "unclaimed" else f'rule "{refusing[0].name}"'
        )
        message = f'rule "{rule.name}" is hidden, but {who} answers an absent neighbour with 403, so a 404 stands out.'
        log.add("W203", path, message, "Hide the wider rule too, or do not hide this one.", rule.name)
    elif any(one.access != "nobody" for one in neighbours):
        message = f'rule "{rule.name}" is hidden among paths that the application answers.'
        hint = "Its 404s under the same parent are replaced by ours; timing is not promised."
        log.add("W213", path, message, hint, rule.name)


def _neighbours(policy: Policy, rule: Rule) -> Iterable[Rule]:
    """The rules that would decide next door, for every method."""
    for pattern in rule.patterns:
        segments = tuple(literal or STRANGER for _, literal in pattern.parts)
        yield from (policy.neighbour(method, segments) for method in COMMON)


def _gated(log: Log, gates: Sequence[Gate], draft: Draft) -> None:
    for gate in gates:
        for pattern in draft.rule.patterns:
            segments = tuple(literal or STRANGER for _, literal in pattern.parts)
            if segments and _inside(gate.patterns, segments) and not _inside(gate.patterns, (*segments[:-1], _SIBLING)):
                name = draft.rule.name
                message = f'rule "{name}" is hidden, but gate "{gate.name}" covers it and not its neighbours.'
                log.add("W203", ("rule", draft.index, "name"), message, "Widen the gate to the parent path.", name)
                break


def _inside(patterns: Sequence[Pattern] | None, segments: tuple[str, ...]) -> bool:
    return patterns is None or any(pattern.bind(segments) is not None for pattern in patterns)
