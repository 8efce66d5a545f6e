"""Key sets: what an issuer signs with, after hygiene.

    keys = load_keys({"keys": [...]}, ("RS256", "ES256"))
    keys.find("2025-11", "RS256")

A key that is unfit is left out; a set that cannot be trusted as a whole (two keys of one name, secrets beside public
keys) is refused, so that nothing depends on which of them a reader happens to pick.

Rule: this file fetches nothing, reads no file and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm

from doorward.core.errors import ConfigError
from doorward.schemes.jws_encoding import decode_object
from doorward.schemes.key_checks import SUPPORTED, SYMMETRIC
from doorward.schemes.key_jwk import Key, KeyFault, read_jwk, read_public, read_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SUPPORTED",
    "Key",
    "KeyFault",
    "KeySet",
    "KeySetError",
    "allowed_algorithms",
    "load_keys",
    "load_pem",
    "load_secret",
    "load_text",
]

_KEYS_MAX: Final = 128
# A token without kid may be tried against this many keys; a forged signature costs as much as a good one.
_TRIES_MAX: Final = 8


class KeySetError(ConfigError):
    """A key set cannot be used. `fault` says why the set fell, `dropped` why each single key did."""

    code = "key-set-error"

    def __init__(self, fault: KeyFault, dropped: Sequence[KeyFault] = ()) -> None:
        details = f" ({', '.join(dropped)})" if dropped else ""
        super().__init__(
            f"Key set refused: {fault}{details}.", hint="Publish sound public keys, each with its own kid."
        )
        self.fault = fault
        self.dropped = tuple(dropped)


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """The usable keys of one issuer. dropped: why others of the same set are not used."""

    keys: tuple[Key, ...]
    dropped: tuple[KeyFault, ...] = ()

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeySetError(KeyFault.SET_HAS_NO_USABLE_KEY, self.dropped)
        _refuse_repeats([key.kid for key in self.keys])
        _refuse_mixture([key.kty for key in self.keys])

    def find(self, kid: str | None, alg: str) -> tuple[Key, ...]:
        """Find the keys a token may have been signed with.

        kid: the header's, None when absent; alg: the header's.
        Returns: the key of that name if it serves alg. A nameless key serves any kid that no key has; a token without
        kid is tried against every key that serves alg, at most 8. Never raises. Source: RFC 7515 4.1.4.
        """
        for key in self.keys:
            if key.kid == kid and kid is not None:
                return (key,) if alg in key.checks else ()
        fit = (key for key in self.keys if alg in key.checks and (kid is None or key.kid is None))
        return tuple(fit)[:_TRIES_MAX]

    def knows(self, kid: str | None) -> bool:
        """Whether fetching the set anew could not help a token of this kid."""
        return any(key.kid is None or key.kid == kid for key in self.keys)


def allowed_algorithms(algorithms: Sequence[str] | None) -> frozenset[str] | None:
    """Check the algorithms an issuer may use.

    Returns: them as a set; None stands for all. Raises: KeySetError for an empty list, for one we do not support
    (never "none") and for HMAC beside public keys. Source: RFC 8725 3.1, 3.2.
    """
    if algorithms is None:
        return None
    allowed = frozenset(algorithms)
    if not allowed or not allowed <= SUPPORTED:
        raise KeySetError(KeyFault.ALGORITHMS_UNKNOWN)
    if allowed & SYMMETRIC and allowed - SYMMETRIC:
        raise KeySetError(KeyFault.SET_MIXES_SYMMETRY)
    return allowed


def load_keys(jwks: object, algorithms: Sequence[str] | None = None) -> KeySet:
    """Load a JWK Set, a list of JWKs or a single JWK, as decoded JSON.

    algorithms: the only ones allowed, of one family; None allows what each key permits.
    Returns: the usable keys. Raises: KeySetError. Source: RFC 7517 sections 4 and 5, RFC 8725 3.1.
    """
    allowed = allowed_algorithms(algorithms)
    entries = _entries(jwks)
    _refuse_repeats([jwk.get("kid") for jwk in entries if isinstance(jwk, dict)])
    _refuse_mixture([jwk.get("kty") for jwk in entries if isinstance(jwk, dict)])
    read = [read_jwk(jwk, allowed) for jwk in entries]
    return KeySet(
        tuple(key for key in read if isinstance(key, Key)),
        tuple(fault for fault in read if isinstance(fault, KeyFault)),
    )


def load_text(data: bytes, algorithms: Sequence[str] | None = None) -> KeySet:
    """Load a JWK Set or a JWK from its JSON text, in which no name may occur twice.

    Returns: the usable keys. Raises: KeySetError. Source: RFC 7517 sections 4 and 5.
    """
    decoded = decode_object(data)
    if decoded is None:
        raise KeySetError(KeyFault.SET_MALFORMED)
    return load_keys(decoded, algorithms)


def load_pem(data: bytes, algorithms: Sequence[str] | None = None, kid: str | None = None) -> KeySet:
    """Load one public key in PEM form (SubjectPublicKeyInfo); without kid it serves every kid.

    Returns: a set of one. Raises: KeySetError, also for a private key.
    """
    if b"PRIVATE KEY-----" in data:
        raise KeySetError(KeyFault.PRIVATE)
    # 25 ms of import, for a form in which few hand over their keys.
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as said

    try:
        public = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise KeySetError(KeyFault.MALFORMED) from None
    return _set_of_one(read_public(public, kid, allowed_algorithms(algorithms)))


def load_secret(secret: bytes, algorithms: Sequence[str] | None = None, kid: str | None = None) -> KeySet:
    """Load a shared secret for HMAC; without kid it serves every kid.

    secret: octets, at least as many as the hash has.
    Returns: a set of one. Raises: KeySetError. Source: RFC 7518 3.2.
    """
    return _set_of_one(read_secret(secret, kid, None, allowed_algorithms(algorithms)))


def _set_of_one(read: Key | KeyFault) -> KeySet:
    return KeySet((read,)) if isinstance(read, Key) else KeySet((), (read,))


def _entries(jwks: object) -> list[object]:
    entries = jwks.get("keys", [jwks]) if isinstance(jwks, dict) else jwks
    if not isinstance(entries, list | tuple):
        raise KeySetError(KeyFault.SET_MALFORMED)
    if len(entries) > _KEYS_MAX:
        raise KeySetError(KeyFault.SET_TOO_LARGE)
    return list(entries)


def _refuse_repeats(kids: Sequence[object]) -> None:
    # RFC 7517 4.5 only says SHOULD; with two keys of one name the reader would choose.
    names = [kid for kid in kids if isinstance(kid, str)]
    if len(names) != len(set(names)):
        raise KeySetError(KeyFault.SET_REPEATS_KID)


def _refuse_mixture(types: Sequence[object]) -> None:
    symmetric = [kty == "oct" for kty in types]
    if any(symmetric) and not all(symmetric):
        raise KeySetError(KeyFault.SET_MIXES_SYMMETRY)
