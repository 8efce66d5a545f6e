"""Keys and RS256 access tokens for the load: one token, 500, or more than any cache here holds.

Rule: nothing here knows a server.
"""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER = "https://issuer.bench.example/realms/bench"
AUDIENCE = "https://api.bench.example"
ROLE = "reader"
LIFE = 6 * 3_600
"""Seconds a token lives: longer than any run."""
_CHUNK = 1_000


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class Signer:
    """An RS256 key. pem: private key, PKCS8."""

    pem: bytes = field(repr=False)
    kid: str = "bench-1"

    @classmethod
    def new(cls) -> Signer:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        plain = serialization.NoEncryption()
        return cls(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))

    def private(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key(self.pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    def jwks(self) -> str:
        """The public key set as JSON."""
        public = self.private().public_key().public_numbers()
        key = {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256"}
        return json.dumps({"keys": [{**key, "n": _number(public.n), "e": _number(public.e)}]})


def claims(subject: str, role: str, now: int) -> dict[str, Any]:
    """Claims of an RFC 9068 access token; iat lies a minute back, so that no clock refuses it."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "client_id": "bench",
        "jti": subject,
        "iat": now - 60,
        "exp": now + LIFE,
        "scope": "files:read",
        "roles": [role],
    }


def _sign(signer: Signer, subjects: list[str], role: str = ROLE) -> list[str]:
    key, now = signer.private(), int(time.time())
    head = _b64(json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": signer.kid}).encode())
    made = []
    for subject in subjects:
        text = f"{head}.{_b64(json.dumps(claims(subject, role, now)).encode())}"
        made.append(f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}")
    return made


def make(signer: Signer, count: int, role: str = ROLE) -> list[str]:
    """Distinct tokens; many are signed on all cores (about 0.35 ms each)."""
    names = [f"user-{role}-{number}" for number in range(count)]
    chunks = [names[start : start + _CHUNK] for start in range(0, count, _CHUNK)]
    if len(chunks) == 1:
        return _sign(signer, names, role)
    with ProcessPoolExecutor() as pool:
        return [token for part in pool.map(partial(_sign, signer, role=role), chunks) for token in part]


def forged(token: str) -> str:
    """The same token with another signature of the right length."""
    head, payload, signature = token.split(".")
    turned = "".join(reversed(signature[:-1])) + signature[-1]
    return f"{head}.{payload}.{turned}"
