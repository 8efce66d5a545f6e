"""Compact JWS: taken apart strictly, then verified with a key that knows its own algorithm.

    match verify(token, keys.find, frozenset({"RS256"})):
        case Verified(header, payload): ...
        case Bad(fault): ...

In two steps, where the keys must be asked for first: `peek` names issuer, kid and algorithm, all unverified and good
for choosing keys only; `verify_peeked` then gives them worth.

Rule: this file judges no claim, fetches no key and reads no clock. Nothing here raises, whatever the token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from doorward.core.reason import Reason
from doorward.schemes.jws_encoding import decode_base64url, decode_object
from doorward.schemes.key_checks import SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from doorward.schemes.keys import Key

TOKEN_MAX: Final = 8192
_PARTS, _JWE_PARTS = 3, 5


class Fault(StrEnum):
    """What is wrong with a token as a JWS."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    ENCRYPTED = "encrypted"
    CRIT_UNKNOWN = "crit-unknown"
    ALG_REFUSED = "alg-refused"
    KEY_UNKNOWN = "key-unknown"
    SIGNATURE_BAD = "signature-bad"


_REASONS: Final[Mapping[Fault, Reason]] = {
    Fault.TOO_LARGE: Reason.TOKEN_CONTENT,
    Fault.MALFORMED: Reason.TOKEN_CONTENT,
    Fault.ENCRYPTED: Reason.TOKEN_TYPE,
    Fault.CRIT_UNKNOWN: Reason.TOKEN_CONTENT,
    Fault.ALG_REFUSED: Reason.TOKEN_SIGNATURE,
    Fault.KEY_UNKNOWN: Reason.KEY_UNKNOWN,
    Fault.SIGNATURE_BAD: Reason.TOKEN_SIGNATURE,
}


@dataclass(frozen=True, slots=True)
class Bad:
    """A token that is not a JWS we accept."""

    fault: Fault

    @property
    def reason(self) -> Reason:
        """The word for the ledger."""
        return _REASONS[self.fault]


@dataclass(frozen=True, slots=True)
class Header:
    """What we read of the protected header; jku, x5u, jwk and x5c are not read at all (RFC 8725 3.10).

    alg: as sent; kid, typ: None when absent.
    """

    alg: str
    kid: str | None = None
    typ: str | None = None


@dataclass(slots=True)
class Peeked:
    """A token taken apart, NOT verified. Not frozen because it is made once per request, on the hot path.

    payload: octets; claims: the payload as a JSON object without repeated names, else None.
    """

    header: Header
    payload: bytes = field(repr=False)
    claims: Mapping[str, object] | None = field(repr=False)
    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    head: bytes = field(repr=False)

    @property
    def issuer(self) -> str | None:
        """The unverified issuer, good for choosing keys only; None when it is not a text."""
        issuer = self.claims.get("iss") if self.claims is not None else None
        return issuer if isinstance(issuer, str) else None


@dataclass(slots=True)
class Verified:
    """A token whose signature is right. Its claims may still be stale, foreign or of another kind.

    payload: octets; claims: the payload as a JSON object without repeated names, else None.
    """

    header: Header
    payload: bytes = field(repr=False)
    claims: Mapping[str, object] | None = field(repr=False)


# Header text -> what it says. Entered after verification only, so that strangers cannot fill it; an issuer sends few.
_HEADERS: Final[dict[bytes, Header]] = {}
_HEADERS_MAX: Final = 512


def verify(
    token: str, keys_for: Callable[[str | None, str], Iterable[Key]], algorithms: AbstractSet[str]
) -> Verified | Bad:
    """Verify a compact JWS.

    token: as sent, without the scheme; keys_for: (kid, alg) -> keys, for instance KeySet.find; algorithms: those the
    issuer may use.
    Returns: header and payload, or what is wrong. Never raises unless keys_for does. Source: RFC 7515 5.2, RFC 8725 3.
    """
    peeked = peek(token)
    if isinstance(peeked, Bad):
        return peeked
    return verify_peeked(peeked, keys_for(peeked.header.kid, peeked.header.alg), algorithms)


def peek(token: str) -> Peeked | Bad:
    """Take a compact JWS apart without verifying it.

    token: any text.
    Returns: its parts, or what is wrong with its form. Never raises. Source: RFC 7515 3.1, 4.1.11, 5.2 (1-5).
    """
    if len(token) > TOKEN_MAX:
        return Bad(Fault.TOO_LARGE)
    parts = token.encode("ascii", "replace").split(b".", _JWE_PARTS)
    if len(parts) != _PARTS:
        return Bad(Fault.ENCRYPTED if len(parts) == _JWE_PARTS else Fault.MALFORMED)
    head, body, tail = parts
    header = _HEADERS.get(head) or _read_header(head)
    if isinstance(header, Bad):
        return header
    payload, signature = decode_base64url(body), decode_base64url(tail)
    if payload is None or not signature:
        return Bad(Fault.MALFORMED)
    return Peeked(header, payload, decode_object(payload), signature, head + b"." + body, head)


def verify_peeked(peeked: Peeked, keys: Iterable[Key], algorithms: AbstractSet[str]) -> Verified | Bad:
    """Verify a token that was taken apart.

    keys: of the issuer the caller expects, chosen by the header's kid and alg; algorithms: those it may use.
    Returns: header and payload, or what is wrong. Never raises. Source: RFC 7515 5.2 (8), RFC 8725 3.1.
    """
    header = peeked.header
    if header.alg not in algorithms:
        return Bad(Fault.ALG_REFUSED)
    fault = Fault.KEY_UNKNOWN
    for key in keys:
        check = key.checks.get(header.alg)
        if check is None:
            continue
        if check(peeked.signature, peeked.signed):
            _remember(peeked.head, header)
            return Verified(header, peeked.payload, peeked.claims)
        fault = Fault.SIGNATURE_BAD
    return Bad(fault)


def _read_header(head: bytes) -> Header | Bad:
    text = decode_base64url(head)
    names = decode_object(text) if text is not None else None
    if names is None:
        return Bad(Fault.MALFORMED)
    # RFC 7515 4.1.11: what is critical and not understood is refused; we understand none. RFC 7797 6: "b64" counts
    # as critical even where the sender forgot to say so.
    if "crit" in names or "b64" in names:
        return Bad(Fault.CRIT_UNKNOWN)
    alg, kid, typ = names.get("alg"), names.get("kid"), names.get("typ")
    # A null is not an absent member.
    if any(name in names and not isinstance(names[name], str) for name in ("kid", "typ")) or not isinstance(alg, str):
        return Bad(Fault.MALFORMED)
    if alg not in SUPPORTED:
        return Bad(Fault.ALG_REFUSED)
    return Header(alg, kid if isinstance(kid, str) else None, typ if isinstance(typ, str) else None)


def _remember(head: bytes, header: Header) -> None:
    if len(_HEADERS) >= _HEADERS_MAX:
        _HEADERS.clear()
    _HEADERS[head] = header
