"""Which of the client's header fields reach the application, and what we add.

Every alias of an identity field is removed, every carrier that the policy configures is consumed, forwarding fields
count only from trusted proxies. Rule: nothing here looks at a verdict but for the proven principal.
Source: answers.md H9, X1, X7, X9; dataplanes.md 2.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from doorward.core.challenge import split_authorization
from doorward.core.policy import Policy
from doorward.core.request import RequestView

Pairs = list[tuple[str, str]]

# Fields by which some proxy or framework says who the caller is or what was really asked. Compared after aliasing.
_IDENTITY = frozenset({"remote-user", "remote-groups", "remote-email", "remote-name", "client-cert", "client-cert-chain"})
_IDENTITY_STARTS = ("x-doorward-", "x-auth-", "x-forwarded-user", "x-forwarded-groups", "x-forwarded-email", "x-remote-", "x-envoy-")
_IDENTITY_STARTS += ("x-forwarded-preferred-username", "x-webauth-", "x-authenticated-", "ssl-client-", "x-ssl-client-", "x-client-cert")
_FORWARDING = frozenset({"forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip", "x-cluster-client-ip"})
_FORWARDING_STARTS = ("x-forwarded-", "x-original-", "x-rewrite-")
_OVERRIDE = frozenset({"x-http-method-override", "x-method-override", "x-http-method"})
KEEP, DROP, FORWARDING, COOKIE, AUTHORIZATION = range(5)


def canonical(name: str) -> str:
    """A field name as the most careless reader sees it: case, `_` and `.` folded."""
    return name.lower().replace("_", "-").replace(".", "-")


class FieldPlan:
    """What becomes of each client field under one policy; built once per snapshot."""

    def __init__(self, policy: Policy) -> None:
        settings = policy.settings
        self._identity = frozenset(canonical(name) for name in settings.upstream_headers.names) | _IDENTITY
        self._words = frozenset(scheme.word for scheme in policy.schemes if scheme.word)
        kinds = {scheme.kind for scheme in policy.schemes}
        self._key = settings.credentials.key_header if "apikey" in kinds else ""
        self._cookies = frozenset({settings.credentials.session.cookie, CSRF_COOKIE, LOGIN_COOKIE})
        self._consume = settings.consume_authorization
        self.sort = lru_cache(maxsize=1024)(self._sort)

    def _sort(self, name: str) -> int:
        """What to do with a field of this name."""
        plain = canonical(name)
        if plain in self._identity or plain.startswith(_IDENTITY_STARTS) or plain in _OVERRIDE:
            return DROP
        if self._key and plain == canonical(self._key):
            return DROP
        if plain in _FORWARDING or plain.startswith(_FORWARDING_STARTS):
            return FORWARDING
        if plain == "x-request-id":
            return DROP  # ours is the one that the ledger knows
        # An alias such as `authori_zation` is no carrier of ours; only the true names are.
        return {"cookie": COOKIE, "authorization": AUTHORIZATION}.get(name, KEEP)

    def rewrite(self, request: RequestView, *, trusted: bool, anonymous: bool = False) -> Pairs:
        """The client's fields for the application, in order.

        trusted: the peer may speak for others; anonymous: a forwarded preflight, stripped of every credential.
        """
        kept: Pairs = []
        for pair in request.headers.pairs:
            action = self.sort(pair[0])
            if action == KEEP or (action == FORWARDING and trusted):
                kept.append(pair)
            elif action == COOKIE and not anonymous:
                if value := self.strip_cookie(pair[1]):
                    kept.append((pair[0], value))
            elif action == AUTHORIZATION and not anonymous and self._passes(pair[1]):
                kept.append(pair)
        return kept

    def _passes(self, value: str) -> bool:
        """Only unconfigured schemes pass, untouched (H9)."""
        return not self._consume and split_authorization(value)[0] not in self._words

    def strip_cookie(self, value: str) -> str:
        """A Cookie value without the door's own cookies; what remains is untouched."""
        if not any(name in value for name in self._cookies):
            return value
        parts = [part for part in value.split(";") if part.partition("=")[0].strip(" \t") not in self._cookies]
        return ";".join(parts).strip(" \t")

    def own_cookie(self, set_cookie: bytes) -> bool:
        """Whether an upstream Set-Cookie tries to set one of the door's cookies."""
        return set_cookie.partition(b"=")[0].strip().decode("latin-1") in self._cookies


LOGIN_COOKIE = "__Host-doorward-login"
CSRF_COOKIE = "__Host-doorward-csrf"


def forwarding(request: RequestView, *, trusted: bool, present: Iterable[str]) -> Pairs:
    """The forwarding fields that we add: who the peer is and how it came.

    trusted: the client's own fields were kept, so the peer is appended and the rest is only filled in.
    """
    via = request.via
    pairs: Pairs = [("X-Forwarded-For", via.peer)]
    have = set(present) if trusted else set()
    if "x-forwarded-proto" not in have:
        pairs.append(("X-Forwarded-Proto", via.scheme))
    if "x-forwarded-host" not in have:
        pairs.append(("X-Forwarded-Host", request.host))
    return pairs
