"""Signature checks: one function per algorithm and key, made when the key is loaded.

A check is bound to its algorithm for life, so a token can pick a key but never what the key does (RFC 8725 3.1).

Rule: this file knows no JWK, no header and no token; it is given public keys and octets.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    Check = Callable[[bytes, bytes], bool]

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}

SYMMETRIC: Final = frozenset({"HS256", "HS384", "HS512"})
RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
# RFC 7518 3.4: the curve belongs to the algorithm. Value: JWK curve name, octets per coordinate.
EC: Final[Mapping[str, tuple[str, int]]] = {"ES256": ("P-256", 32), "ES384": ("P-384", 48), "ES512": ("P-521", 66)}
# RFC 9864 2.2 gives EdDSA over curve 25519 a name of its own.
ED25519: Final = frozenset({"EdDSA", "Ed25519"})
SUPPORTED: Final = SYMMETRIC | RSA | frozenset(EC) | ED25519


def hmac_check(alg: str, secret: bytes) -> Check:
    """Make the check of an HMAC key.

    alg: HS256, HS384 or HS512; secret: octets, length checked by the caller.
    Returns: (signature, data) -> bool, constant in time. Source: RFC 7518 3.2.
    """
    digest = f"sha{alg[2:]}"
    compute, same = hmac.digest, hmac.compare_digest

    def check(signature: bytes, data: bytes) -> bool:
        return same(compute(secret, data, digest), signature)

    return check


def rsa_check(alg: str, key: RSAPublicKey) -> Check:
    """Make the check of an RSA key.

    alg: RS or PS with 256, 384 or 512; for PS the salt is as long as the hash (RFC 7518 3.5).
    Returns: (signature, data) -> bool, which never raises. Source: RFC 7518 3.3, 3.5.
    """
    algorithm = _HASHES[alg[2:]]
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if alg.startswith("PS"):
        scheme = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size)
    verify = key.verify

    def check(signature: bytes, data: bytes) -> bool:
        try:
            verify(signature, data, scheme, algorithm)
        except InvalidSignature:
            return False
        return True

    return check


def ec_check(alg: str, key: EllipticCurvePublicKey) -> Check:
    """Make the check of an elliptic curve key.

    alg: ES256, ES384 or ES512, of the key's own curve.
    Returns: (signature, data) -> bool, which never raises; the signature is R and S, each exactly as long as a
    coordinate. Source: RFC 7518 3.4.
    """
    size = EC[alg][1]
    algorithm = ECDSA(_HASHES[alg[2:]])
    verify, number = key.verify, int.from_bytes

    def check(signature: bytes, data: bytes) -> bool:
        if len(signature) != 2 * size:
            return False
        try:
            verify(
                encode_dss_signature(number(signature[:size], "big"), number(signature[size:], "big")), data, algorithm
            )
        except InvalidSignature:
            return False
        return True

    return check


def ed25519_check(key: Ed25519PublicKey) -> Check:
    """Make the check of an Ed25519 key.

    Returns: (signature, data) -> bool, which never raises. Source: RFC 8037 3.1, RFC 9864 2.2.
    """
    verify = key.verify

    def check(signature: bytes, data: bytes) -> bool:
        try:
            verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return check
