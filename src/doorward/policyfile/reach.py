"""Which rule takes what: rules that can never match (E110), shadowed ones (W202), methods nobody takes (N301).

A pattern is tried with names that stand in no rule. Whatever takes such a path takes every path of its form, and if
nothing does, the path is the proof: so a finite number of paths settles what holds for all.
Rule: the trie that decides at run time is the one that is asked here. Source: policy.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from doorward.core.path import Pattern
from doorward.core.policy import Policy, Rule
from doorward.policyfile.finding import Log
from doorward.policyfile.rules import Draft
from doorward.policyfile.words import visible

STRANGER: Final = "\0"
"""A segment and a method that no file can name."""
COMMON: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
OWN: Final = ".doorward"
Segments = tuple[str, ...]


class Reach:
    """Rules in file order, and what they take. depth: segments of the longest pattern."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.policy = Policy("", "", rules=tuple(rules))
        self.depth = max((len(pattern.parts) for rule in rules for pattern in rule.patterns), default=0)
        named = {method for rule in rules for method in rule.methods or ()}
        named |= {method for rule in rules if rule.acl for method in rule.acl.permissions}
        self.methods = (*sorted({*COMMON, "HEAD", "OPTIONS"} | named), STRANGER)

    def paths(self, pattern: Pattern) -> list[Segments]:
        """Paths that stand for all of a pattern: of every length that could make a difference."""
        base = tuple(literal or STRANGER for _, literal in pattern.parts)
        deeper = range(max(self.depth - len(base), 0) + 2) if pattern.below else range(1)
        return [base + (STRANGER,) * more for more in deeper]

    def asked(self, rule: Rule) -> list[str]:
        """Methods that stand for all a rule takes."""
        return [method for method in self.methods if rule.takes(method)]

    def taker(self, path: Segments, method: str) -> Rule | None:
        """The rule that decides."""
        return next((rule for rule in self.policy.naming(path) if rule.takes(method)), None)

    def covers(self, rule: Rule, pattern: Pattern) -> bool:
        """Whether a rule names every path of a pattern."""
        return all(any(own.bind(path) is not None for own in rule.patterns) for path in self.paths(pattern))


def check(log: Log, drafts: Sequence[Draft], sound: Sequence[Draft], login: Sequence[Rule]) -> None:
    """Tell what is never reached. sound: the drafts without an error of their own; login: rules put before them."""
    reach = Reach([*login, *(draft.rule for draft in sound)])
    for draft in sound:
        if not _unreachable(log, reach, draft):
            _shadowed(log, reach, draft)
    _unclaimed(log, drafts, sound)


def _unreachable(log: Log, reach: Reach, draft: Draft) -> bool:
    rule, path = draft.rule, ("rule", draft.index, "name")
    title = f'rule "{rule.name}" can never match:'
    own = [pattern for pattern in rule.patterns if pattern.parts[:1] == (("", OWN),)]
    asked = reach.asked(rule)
    if len(own) == len(rule.patterns):
        log.add("E110", path, f"{title} /{OWN}/ belongs to doorward itself.", "Take it out.", rule.name)
        return True
    if not asked:
        log.add("E110", path, f"{title} acl names none of its methods.", "Name them in acl.", rule.name)
        return True
    takers = list(_takers(reach, rule, rule.patterns, asked))
    if any(taker is rule for taker in takers):
        return False
    others = list({taker.name: taker for taker in takers}.values())
    together = "takes" if len(others) == 1 else "together take"
    names = " and ".join(_placed(other) for other in others[:3])
    log.add("E110", path, f"{title} {names} {together} every request first.", "Move it up.", rule.name)
    return True


def _takers(reach: Reach, rule: Rule, patterns: Sequence[Pattern], asked: Sequence[str]) -> Iterator[Rule]:
    for pattern in patterns:
        for path in reach.paths(pattern):
            yield from (reach.taker(path, method) or rule for method in asked)


def _placed(rule: Rule) -> str:
    return f'rule "{rule.name}" (line {rule.line})' if rule.line else rule.name


def _shadowed(log: Log, reach: Reach, draft: Draft) -> None:
    """W202: somebody who wrote `/admin/settings` below `/admin/**` meant the narrower one to count."""
    rule, asked = draft.rule, reach.asked(draft.rule)
    for pattern in rule.patterns:
        first = reach.paths(pattern)[0]
        lost: dict[str, list[str]] = {}
        for method in asked:
            taker = reach.taker(first, method) or rule
            if taker is not rule and _wider(reach, taker, pattern):
                lost.setdefault(taker.name, []).append(method)
        for name, methods in lost.items():
            other = next(one for one in reach.policy.rules if one.name == name)
            what = "every method" if len(methods) == len(asked) else ", ".join(m for m in methods if m != STRANGER)
            message = (
                f'rule "{rule.name}" is partly shadowed: {what} on {visible(pattern.text)} goes to {_placed(other)}.'
            )
            hint = "Move it up, or name the methods it is for."
            log.add("W202", ("rule", draft.index, "name"), message, hint, rule.name)


def _wider(reach: Reach, rule: Rule, pattern: Pattern) -> bool:
    """Whether a rule names all of a pattern and more; the same path with other methods is an honest split."""
    if not reach.covers(rule, pattern):
        return False
    twin = Rule("", (pattern,))
    return not any(reach.covers(twin, own) for own in rule.patterns if reach.covers(Rule("", (own,)), pattern))


def _unclaimed(log: Log, drafts: Sequence[Draft], sound: Sequence[Draft]) -> None:
    """N301: what is claimed and taken by nobody is refused, though nothing in the file says so."""
    healthy = {draft.index for draft in sound}
    reach = Reach([draft.rule for draft in sound])
    for draft in drafts:
        rule = draft.rule
        alone = rule if draft.index not in healthy else None
        lacking: dict[tuple[str, ...], list[str]] = {}
        for pattern in rule.patterns:
            if pattern.parts[:1] == (("", OWN),) or _named_before(reach, rule, pattern):
                continue
            missing = tuple(method for method in COMMON if _untaken(reach, alone, pattern, method))
            if missing:
                lacking.setdefault(missing, []).append(visible(pattern.text))
        for missing, paths in lacking.items():
            verb = "are" if len(missing) > 1 else "is"
            message = f"{', '.join(missing)} on {', '.join(paths)} {verb} taken by no rule and will be refused."
            log.add("N301", ("rule", draft.index, "name"), f'rule "{rule.name}": {message}', rule=rule.name)


def _named_before(reach: Reach, rule: Rule, pattern: Pattern) -> bool:
    """Whether an earlier rule names every path of a pattern, so that it was told there."""
    return all(any(one.line < rule.line for one in reach.policy.naming(path)) for path in reach.paths(pattern))


def _untaken(reach: Reach, alone: Rule | None, pattern: Pattern, method: str) -> bool:
    if alone is not None and alone.takes(method):
        return False
    return any(reach.taker(path, method) is None for path in reach.paths(pattern))
