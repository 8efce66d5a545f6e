"""Keys and tokens for the JOSE tests, made once per run by other people's code (cryptography, joserfc)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SECRET = bytes(range(64))
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ES256": (ec.SECP256R1(), "P-256", 32), "ES384": (ec.SECP384R1(), "P-384", 48)}
CURVES["ES512"] = (ec.SECP521R1(), "P-521", 66)
ALGORITHMS = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return made_rsa_key(bits)


@cache
def made_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(alg: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[alg][0])


@cache
def ed_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def rsa_jwk(bits: int = 2048, **more: Any) -> dict[str, Any]:
    public = rsa_key(bits).public_key().public_numbers()
    return {"kty": "RSA", "n": number(public.n), "e": number(public.e), **more}


def ec_jwk(alg: str = "ES256", **more: Any) -> dict[str, Any]:
    public, (_, curve, size) = ec_key(alg).public_key().public_numbers(), CURVES[alg]
    return {"kty": "EC", "crv": curve, "x": number(public.x, size), "y": number(public.y, size), **more}


def ed_jwk(**more: Any) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(ed_key().public_key().public_bytes_raw()), **more}


def oct_jwk(secret: bytes = SECRET, **more: Any) -> dict[str, Any]:
    return {"kty": "oct", "k": b64(secret), **more}


def jwk_for(alg: str, **more: Any) -> dict[str, Any]:
    if alg.startswith("HS"):
        return oct_jwk(**more)
    if alg.startswith("ES"):
        return ec_jwk(alg, **more)
    return ed_jwk(**more) if alg.startswith("Ed") else rsa_jwk(**more)


def sign(alg: str, data: bytes) -> bytes:
    if alg.startswith("HS"):
        return hmac.new(SECRET, data, getattr(hashlib, f"sha{alg[2:]}")).digest()
    if alg.startswith("Ed"):
        return ed_key().sign(data)
    hashing = HASHES[alg[2:]]
    if alg.startswith("ES"):
        size = CURVES[alg][2]
        r, s = decode_dss_signature(ec_key(alg).sign(data, ec.ECDSA(hashing)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if alg.startswith("PS"):
        return rsa_key().sign(data, padding.PSS(padding.MGF1(hashing), hashing.digest_size), hashing)
    return rsa_key().sign(data, padding.PKCS1v15(), hashing)


def token(alg: str = "HS256", payload: bytes | dict[str, Any] = b"{}", header: bytes | None = None, **more: Any) -> str:
    """A compact JWS, rightly signed with the key of alg, whatever header and payload say."""
    head = header if header is not None else json.dumps({"alg": alg, **more}).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{b64(head)}.{b64(body)}"
    return f"{signed}.{b64(sign(alg, signed.encode()))}"
