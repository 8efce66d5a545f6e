"""What is worked out once per policy and kept: texts, field values, and bounded memories of what was rendered.

Rule: nothing here decides or renders; a memory may be emptied at any time and only speed is lost. Callers choose paths
and header fields, so every memory is bounded in entries and refuses long keys.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from doorward.core.policy import Policy
from doorward.wire.locale import ENGLISH, Catalog

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_POLICIES = 8  # two are in force during a reload; tests and `explain` make a few more


class Bounded(Generic[K, V]):
    """A dictionary that is emptied when it is full: cheaper than any order of eviction, and as safe."""

    __slots__ = ("_entries", "_size", "get")

    def __init__(self, size: int) -> None:
        self._entries: dict[K, V] = {}
        self._size = size
        self.get = self._entries.get

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        if len(self._entries) >= self._size:
            self._entries.clear()
        self._entries[key] = value


class PolicyMemo:
    """Everything kept for one policy. shown, wishes: filled by the modules of these names."""

    __slots__ = ("catalog", "language", "policy", "shown", "vary", "wishes")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.catalog = Catalog(policy.settings.messages)
        default = policy.settings.pages.language
        self.language = default if default in self.catalog.languages else ENGLISH
        self.vary = _vary(policy)
        self.shown: Bounded[tuple[object, ...], object] = Bounded(1024)
        self.wishes: Bounded[tuple[object, ...], object] = Bounded(1024)


def _vary(policy: Policy) -> str:
    """One value per policy, whatever the refusal: it must not tell a hidden resource from an absent one."""
    names = ["Accept", "Accept-Language", "Sec-Fetch-Mode", "Sec-Fetch-Dest"]
    kinds = {scheme.kind for scheme in policy.schemes}
    if kinds & {"bearer", "basic", "dpop", "digest"}:
        names.append("Authorization")
    if "session" in kinds:
        names.append("Cookie")
    if policy.settings.cors.origins:
        names.append("Origin")
    return ", ".join(names)


_memos: dict[int, PolicyMemo] = {}


def memo_of(policy: Policy) -> PolicyMemo:
    """The memo of a policy; the same object for the same policy object."""
    found = _memos.get(id(policy))
    # An id may be used again after its object died; the memo holds its policy alive, so only a cleared table can err.
    if found is None or found.policy is not policy:
        if len(_memos) >= _POLICIES:
            _memos.clear()
        found = _memos[id(policy)] = PolicyMemo(policy)
    return found
