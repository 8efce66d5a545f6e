"""Where the application answers the absent neighbour of something hidden: its 404 there must be ours.

A hidden `/admin/secret` is 404 by us; if `/admin/nothing` were 404 by the application, the two would tell each other
apart. Rule: paths alone decide; whether a 404 is there is the application's doing. Source: answers.md H6.
"""

from __future__ import annotations

from doorward.core.cure import NOTHING_HELPS
from doorward.core.policy import Policy, Rule
from doorward.core.reason import Reason
from doorward.core.verdict import Deny, Hide


class Shadow:
    """The parent paths of all hiding rules of a policy."""

    def __init__(self, policy: Policy) -> None:
        own = policy.settings.answers.hide_render == "own"
        hiding = [rule for rule in policy.rules if own and rule.hide is True]
        self._parents = [(pattern.parts[:-1], rule) for rule in hiding for pattern in rule.patterns]

    def __bool__(self) -> bool:
        return bool(self._parents)

    def cast(self, segments: tuple[str, ...]) -> Hide | None:
        """The answer that stands in for the application's 404 at this path, None where its own may be seen."""
        for parts, rule in self._parents:
            if _below(parts, segments):
                return _absent(rule)
        return None


def _below(parts: tuple[tuple[str, str], ...], segments: tuple[str, ...]) -> bool:
    if len(segments) < len(parts):
        return False
    return all(name or literal == segment for (name, literal), segment in zip(parts, segments, strict=False))


def _absent(rule: Rule) -> Hide:
    return Hide(Deny(Reason.PATH_UNNAMED, rule.name, NOTHING_HELPS), rule.name)
