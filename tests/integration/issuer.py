"""An identity provider as far as tokens go: one RSA key, its public set as a file, tokens good and bad.

Rule: signs with `cryptography` alone; the code under test is not asked how a token looks.
"""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER, AUDIENCE, KID = "https://idp.test", "https://api.test", "test-1"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """One key per name and process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks(name: str = KID) -> str:
    """The public key set as JSON. name: of the key in it, whose kid stays the same."""
    public = key(name).public_key().public_numbers()
    n = _b64(public.n.to_bytes(256, "big"))
    return json.dumps({"keys": [{"kty": "RSA", "kid": KID, "use": "sig", "alg": "RS256", "n": n, "e": "AQAB"}]})


def token(subject: str, roles: list[str], scope: str = "", *, life: int = 600, signer: str = KID, **more: Any) -> str:
    """A signed access token. life: seconds from now, negative = expired; signer: another name = a key nobody knows."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "client_id": "tests", "jti": f"{subject}-{now}"}
    claims |= {"iat": now - 3_600, "exp": now + life, "roles": roles, "scope": scope, **more}
    parts = ({"alg": "RS256", "typ": "at+jwt", "kid": KID}, claims)
    text = ".".join(_b64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_b64(key(signer).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def bearer(subject: str, roles: list[str], scope: str = "", **more: Any) -> tuple[str, str]:
    """The Authorization field with such a token."""
    return "Authorization", f"Bearer {token(subject, roles, scope, **more)}"


def basic(name: str, password: str) -> tuple[str, str]:
    """The Authorization field with name and password."""
    return "Authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


POLICY_HEAD = f"""version = 1
realm   = "shop"
default = "deny"

[credentials]
bearer  = {{ issuers = ["idp"], audience = "{AUDIENCE}" }}
session = {{ idle = "30m", absolute = "12h" }}
basic   = {{ accounts = "local" }}

[issuers.idp]
issuer     = "{ISSUER}"
jwks_file  = "jwks.json"
algorithms = ["RS256"]
roles      = "roles"
"""
"""The part of a policy that all applications share; rules and roles follow."""
