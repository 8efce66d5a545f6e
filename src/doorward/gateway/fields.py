"""Which of the client's header fields reach the application, and what we add.

Every alias of an identity field is removed, every carrier that the policy configures is consumed, forwarding fields
count only from trusted proxies. Rule: nothing here looks at a verdict but for the proven principal.
Source: answers.md H9, H18, X1, X7, X9; dataplanes.md 2.4.
"""

from __future__ import annotations

import re
from functools import lru_cache

from doorward.core.challenge import split_authorization
from doorward.core.policy import Policy
from doorward.core.request import RequestView

Pairs = tuple[tuple[str, str], ...]

# Fields by which some proxy or framework says who the caller is or what was really asked. Compared after aliasing.
_IDENTITY = frozenset(
    {"remote-user", "remote-groups", "remote-email", "remote-name", "client-cert", "client-cert-chain"}
)
_IDENTITY_STARTS = (
    "x-doorward-",
    "x-auth-",
    "x-authenticated-",
    "x-client-cert",
    "x-envoy-",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-remote-",
    "x-ssl-client-",
    "x-webauth-",
    "ssl-client-",
)
_FORWARDING = frozenset(
    {
        "forwarded",
        "x-real-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-request-id",
    }
)
_FORWARDING_STARTS = ("x-forwarded-", "x-original-", "x-rewrite-")
# A method or a target that only the application sees was not decided upon (X7). Proxy credentials end here (H18).
_NEVER = frozenset({"x-http-method-override", "x-method-override", "x-http-method", "proxy-authorization", "proxy"})
# What frames a message or names its host, and a name that CGI turns into the variable HTTP_PROXY: never under an alias.
_FRAMING = frozenset({"connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"})
KEEP, DROP, FORWARDING, COOKIE, AUTHORIZATION = range(5)
LOGIN_COOKIE = "__host-doorward-login"
_MARKS = re.compile(r"[^0-9a-z]")


def canonical(name: str) -> str:
    """A field name as the most careless reader sees it: case folded, whatever is no letter or digit one mark.

    RFC 3875 4.1.18 turns "-" into "_"; some servers do so with `.`, others with every mark that a name may have.
    """
    return _MARKS.sub("-", name.lower())


class FieldPlan:
    """What becomes of each client field under one policy; built once per snapshot."""

    def __init__(self, policy: Policy) -> None:
        settings = policy.settings
        self._identity = frozenset(canonical(name) for name in settings.upstream_headers.names) | _IDENTITY | _NEVER
        self._words = frozenset(scheme.word for scheme in policy.schemes if scheme.word)
        kinds = {scheme.kind for scheme in policy.schemes}
        self._key = canonical(settings.credentials.key_header) if "apikey" in kinds else ""
        self._cookie = settings.credentials.session.cookie.lower()
        self._consume = settings.consume_authorization
        self._chain = settings.vantage.header
        # Of the two standard chains the proxy writes one; the other may be the client's own.
        self._foreign = "forwarded" if self._chain == "x-forwarded-for" else "x-forwarded-for"
        self._numbered = settings.ledger.allows == "all"
        self.sort = lru_cache(maxsize=1024)(self._sort)

    def _sort(self, name: str) -> int:
        """What to do with a field of this name. name: lower case."""
        plain = canonical(name)
        if plain in self._identity or plain.startswith(_IDENTITY_STARTS) or (self._key and plain == self._key):
            return DROP
        if plain != name and plain in _FRAMING:
            return DROP
        if plain in _FORWARDING or plain.startswith(_FORWARDING_STARTS):
            # An alias of such a field comes from no proxy, but through one.
            own = plain != name or plain == self._foreign or (self._numbered and plain == "x-request-id")
            return DROP if own else FORWARDING
        # An alias such as `authori_zation` is no carrier of ours; only the true names are.
        return {"cookie": COOKIE, "authorization": AUTHORIZATION}.get(name, KEEP)

    def rewrite(self, request: RequestView, *, trusted: bool, bare: bool = False) -> Pairs:
        """The client's fields for the application, in order.

        trusted: the peer may speak for others; bare: a forwarded preflight, stripped of every credential.
        """
        kept: list[tuple[str, str]] = []
        for pair in request.headers.pairs:
            action = self.sort(pair[0])
            if action == KEEP or (action == FORWARDING and trusted):
                kept.append(pair)
            elif action == COOKIE and not bare:
                if value := self.strip_cookie(pair[1]):
                    kept.append((pair[0], value))
            elif action == AUTHORIZATION and not bare and self._passes(pair[1]):
                kept.append(pair)
        return tuple(kept)

    def _passes(self, value: str) -> bool:
        """Only unconfigured schemes pass, untouched (H9)."""
        return not self._consume and split_authorization(value)[0] not in self._words

    def strip_cookie(self, value: str) -> str:
        """A Cookie value without the door's own cookies; what remains is untouched."""
        folded = value.lower()
        if self._cookie not in folded and LOGIN_COOKIE not in folded:
            return value
        return ";".join([part for part in value.split(";") if not self._own(part)]).strip(" \t")

    def _own(self, part: str) -> bool:
        # Some readers of cookies fold case; the application shall not find in one what we would not.
        name = part.partition("=")[0].strip(" \t").lower()
        return name in (self._cookie, LOGIN_COOKIE) or name.startswith(f"{self._cookie}-")

    def told(self, request: RequestView, *, trusted: bool) -> Pairs:
        """The forwarding fields that we add: who the peer is and how it came.

        trusted: the client's own fields were kept, so the peer is appended and the rest only filled in.
        """
        via = request.via
        if trusted and self._chain == "forwarded":
            quoted = f'"[{via.peer}]"' if ":" in via.peer else via.peer
            hops = via.client_ip if via.client_ip == via.peer else f"{via.client_ip}, {via.peer}"
            pairs = [("Forwarded", f"for={quoted}"), ("X-Forwarded-For", hops)]
        else:
            pairs = [("X-Forwarded-For", via.peer)]
        headers = request.headers
        if not (trusted and "x-forwarded-proto" in headers):
            pairs.append(("X-Forwarded-Proto", via.scheme))
        if not (trusted and "x-forwarded-host" in headers):
            pairs.append(("X-Forwarded-Host", request.host))
        return tuple(pairs)
