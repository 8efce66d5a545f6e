"""One key: read from a JWK or a public key object, or dropped with the reason.

A key that is not fit for signatures is not repaired. It is refused here, so that no token can ever choose it.

Rule: this file knows no set, no token and no network. Secrets stay inside the checks and have no repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from doorward.schemes import key_checks
from doorward.schemes.jws_encoding import decode_base64url
from doorward.schemes.key_roca import is_roca

if TYPE_CHECKING:
    from collections.abc import Mapping

    from doorward.schemes.key_checks import Check


class KeyFault(StrEnum):
    """Why a key, or a whole set, is not used. Stable words for logs and load errors."""

    MALFORMED = "malformed"
    TYPE_UNKNOWN = "type-unknown"
    USE_UNFIT = "use-unfit"
    ALG_UNFIT = "alg-unfit"
    ALG_NOT_ALLOWED = "alg-not-allowed"
    PRIVATE = "private-half-present"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    EXPONENT_WEAK = "exponent-weak"
    MODULUS_WEAK = "modulus-weak"
    POINT_WEAK = "point-weak"
    SECRET_IS_A_PUBLIC_KEY = "secret-is-a-public-key"  # noqa: S105 - a word for a fault, not a secret
    SET_MALFORMED = "set-malformed"
    SET_TOO_LARGE = "set-too-large"
    SET_MIXES_SYMMETRY = "set-mixes-symmetry"
    SET_REPEATS_KID = "set-repeats-kid"
    SET_HAS_NO_USABLE_KEY = "set-has-no-usable-key"
    ALGORITHMS_UNKNOWN = "algorithms-unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key for verification only.

    kid: its name, None when nameless; kty: JWK key type; checks: per algorithm, (signature, data) -> bool.
    """

    kid: str | None
    kty: str
    checks: Mapping[str, Check] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.checks or not self.checks.keys() <= key_checks.SUPPORTED:
            raise ValueError("a key needs at least one supported algorithm")

    @property
    def algs(self) -> frozenset[str]:
        """The algorithms this key may be used with."""
        return frozenset(self.checks)


_PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth")
_RSA_BITS_MIN, _RSA_BITS_MAX, _EXPONENT_MIN, _EXPONENT_END = 2048, 8192, 3, 2**33
_CURVES: Final[Mapping[str, tuple[str, ec.EllipticCurve]]] = {
    "P-256": ("ES256", ec.SECP256R1()),
    "P-384": ("ES384", ec.SECP384R1()),
    "P-521": ("ES512", ec.SECP521R1()),
}
_ED25519_SIZE, _ED25519_PRIME, _SIGN_BIT = 32, 2**255 - 19, 1 << 255
# The y of all points of order 1, 2, 4 and 8: under such a key one signature fits every message.
_ED25519_SMALL: Final = frozenset(
    {
        *(0, 1, _ED25519_PRIME - 1),
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


def read_jwk(jwk: object, allowed: frozenset[str] | None) -> Key | KeyFault:
    """Read one JWK.

    jwk: a decoded JSON value; allowed: the only algorithms it may serve, None for all supported ones.
    Returns: the key, or why it is not used. Never raises. Source: RFC 7517 section 4, RFC 7518 sections 3 and 6.
    """
    if not isinstance(jwk, dict):
        return KeyFault.MALFORMED
    fault = _purpose_fault(jwk)
    if fault is not None:
        return fault
    kid = jwk.get("kid")
    match jwk.get("kty"):
        case "RSA":
            made = _read_rsa(jwk)
        case "EC":
            made = _read_ec(jwk)
        case "OKP":
            made = _read_okp(jwk)
        case "oct":
            made = _read_oct(jwk)
        case _:
            return KeyFault.TYPE_UNKNOWN
    return made if isinstance(made, KeyFault) else _pin(kid, jwk["kty"], made, jwk.get("alg"), allowed)


def read_public(key: object, kid: str | None, allowed: frozenset[str] | None) -> Key | KeyFault:
    """Take a public key object of `cryptography`, under the same rules as a JWK.

    Returns: the key, or why it is not used. Never raises.
    """
    match key:
        case rsa.RSAPublicKey():
            made, kty = _rsa_fault(key.public_numbers()) or _rsa_checks(key), "RSA"
        case ec.EllipticCurvePublicKey():
            made, kty = _ec_checks(key), "EC"
        case Ed25519PublicKey():
            made, kty = _ed25519_checks(key.public_bytes_raw()), "OKP"
        case _:
            return KeyFault.TYPE_UNKNOWN
    return made if isinstance(made, KeyFault) else _pin(kid, kty, made, None, allowed)


def read_secret(secret: bytes, kid: str | None, alg: str | None, allowed: frozenset[str] | None) -> Key | KeyFault:
    """Take a shared secret for HMAC.

    secret: octets; alg: the one algorithm it is for, None for each that it is long enough for.
    Returns: the key, or why it is not used. Never raises. Source: RFC 7518 3.2.
    """
    made = _secret_checks(secret)
    return made if isinstance(made, KeyFault) else _pin(kid, "oct", made, alg, allowed)


def _purpose_fault(jwk: Mapping[str, object]) -> KeyFault | None:
    kid, alg, operations = jwk.get("kid"), jwk.get("alg"), jwk.get("key_ops", ["verify"])
    if not isinstance(kid, str | None) or not isinstance(alg, str | None):
        return KeyFault.MALFORMED
    # RFC 7517 4.2, 4.3: a key meant for something else is not ours to use.
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return KeyFault.USE_UNFIT
    # A published private half lets everybody sign.
    return KeyFault.PRIVATE if any(member in jwk for member in _PRIVATE_MEMBERS) else None


def _pin(
    kid: str | None, kty: str, checks: Mapping[str, Check], alg: str | None, allowed: frozenset[str] | None
) -> Key | KeyFault:
    """Narrow a key to the algorithm it names (RFC 7517 4.4) and to those allowed."""
    if alg is not None and alg not in checks:
        return KeyFault.TOO_SHORT if kty == "oct" and alg in key_checks.SYMMETRIC else KeyFault.ALG_UNFIT
    named = {alg: checks[alg]} if alg is not None else checks
    pinned = {name: check for name, check in named.items() if allowed is None or name in allowed}
    return Key(kid, kty, pinned) if pinned else KeyFault.ALG_NOT_ALLOWED


def _octets(jwk: Mapping[str, object], name: str) -> bytes | None:
    value = jwk.get(name)
    return decode_base64url(value.encode("ascii", "replace")) if isinstance(value, str) else None


def _read_rsa(jwk: Mapping[str, object]) -> Mapping[str, Check] | KeyFault:
    modulus, exponent = _octets(jwk, "n"), _octets(jwk, "e")
    if modulus is None or exponent is None:
        return KeyFault.MALFORMED
    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
    return _rsa_fault(numbers) or _rsa_checks(numbers.public_key())


def _rsa_fault(numbers: rsa.RSAPublicNumbers) -> KeyFault | None:
    bits = numbers.n.bit_length()
    if bits < _RSA_BITS_MIN:  # RFC 7518 3.3: "A key of size 2048 bits or larger MUST be used".
        return KeyFault.TOO_SHORT
    if bits > _RSA_BITS_MAX:  # Work per token grows with the square; nobody signs with more.
        return KeyFault.TOO_LONG
    if not _EXPONENT_MIN <= numbers.e < _EXPONENT_END or numbers.e % 2 == 0:
        return KeyFault.EXPONENT_WEAK
    return KeyFault.MODULUS_WEAK if numbers.n % 2 == 0 or is_roca(numbers.n) else None


def _rsa_checks(key: rsa.RSAPublicKey) -> Mapping[str, Check]:
    return {alg: key_checks.rsa_check(alg, key) for alg in key_checks.RSA}


def _read_ec(jwk: Mapping[str, object]) -> Mapping[str, Check] | KeyFault:
    named = _CURVES.get(str(jwk.get("crv")))
    x, y = _octets(jwk, "x"), _octets(jwk, "y")
    if named is None:
        return KeyFault.TYPE_UNKNOWN
    # RFC 7518 6.2.1.2: the length "MUST be the full size of a coordinate".
    if x is None or y is None or not len(x) == len(y) == key_checks.EC[named[0]][1]:
        return KeyFault.MALFORMED
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), named[1])
    try:
        return _ec_checks(numbers.public_key())
    except ValueError:  # not on the curve
        return KeyFault.POINT_WEAK


def _ec_checks(key: ec.EllipticCurvePublicKey) -> Mapping[str, Check] | KeyFault:
    for alg, curve in _CURVES.values():
        if key.curve.name == curve.name:
            return {alg: key_checks.ec_check(alg, key)}
    return KeyFault.TYPE_UNKNOWN


def _read_okp(jwk: Mapping[str, object]) -> Mapping[str, Check] | KeyFault:
    if jwk.get("crv") != "Ed25519":
        return KeyFault.TYPE_UNKNOWN
    raw = _octets(jwk, "x")
    return KeyFault.MALFORMED if raw is None or len(raw) != _ED25519_SIZE else _ed25519_checks(raw)


def _ed25519_checks(raw: bytes) -> Mapping[str, Check] | KeyFault:
    y = int.from_bytes(raw, "little") & ~_SIGN_BIT
    if y >= _ED25519_PRIME or y in _ED25519_SMALL:
        return KeyFault.POINT_WEAK
    check = key_checks.ed25519_check(Ed25519PublicKey.from_public_bytes(raw))
    return dict.fromkeys(key_checks.ED25519, check)


def _read_oct(jwk: Mapping[str, object]) -> Mapping[str, Check] | KeyFault:
    secret = _octets(jwk, "k")
    return KeyFault.MALFORMED if secret is None else _secret_checks(secret)


def _secret_checks(secret: bytes) -> Mapping[str, Check] | KeyFault:
    # RFC 8725 2.1: a public key taken for an HMAC secret is a secret everybody knows.
    if b"-----BEGIN " in secret or secret.startswith(b"ssh-"):
        return KeyFault.SECRET_IS_A_PUBLIC_KEY
    # RFC 7518 3.2: "A key of the same size as the hash output or larger MUST be used".
    long_enough = [alg for alg in sorted(key_checks.SYMMETRIC) if len(secret) * 8 >= int(alg[2:])]
    return {alg: key_checks.hmac_check(alg, secret) for alg in long_enough} or KeyFault.TOO_SHORT
