"""Identity for the upstream: a short-lived signed statement of whom the door let through.

    signer = AssertionSigner(load_or_create(folder / "assertion.pem"), audience="http://127.0.0.1:9000")
    header = signer.sign("1", "https://idp.example", ("admin",), ("orders:read",), now)

Its typ is its own, so that it can never come back in through the front door as an access token.

Rule: no decision is taken in this file; it states what was decided. The private key leaves it in no form.
Source: answers.md X9, architecture.md 4.2, RFC 8725 3.11.
"""

from __future__ import annotations

import os
import secrets
import stat
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from doorward.core.errors import ConfigError
from doorward.schemes.jws_encoding import encode_base64url

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

TYP: Final = "doorward-assertion+jwt"
ISSUER: Final = "doorward"
LIFETIME_MAX: Final = 60
# A statement is handed out again for half its life: signing costs more than the rest of an allowed request.
REUSE_SHARE: Final = 0.5
_KEPT_MAX: Final = 10_000
_PRIVATE_MODE: Final = 0o600
_KEY_FILE_MAX: Final = 4096
# RFC 8410 7: an Ed25519 key in PKCS #8 is these octets and 32 of the secret. Reading more forms than the one that is
# written here takes 25 ms of import.
_PKCS8: Final = bytes.fromhex("302e020100300506032b657004220420")
_SECRET_SIZE: Final = 32
_BEGIN, _END = b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----"

_Whom = tuple[str, str, frozenset[str], frozenset[str]]


class AssertionSigner:
    """Signs assertions for one upstream. Holds the private key; its repr shows the key's name only.

    audience: the upstream's origin; lifetime: seconds, at most 60; kid: default the key's thumbprint (RFC 7638).
    """

    __slots__ = ("_audience", "_head", "_kept", "_key", "_lifetime", "kid")

    def __init__(
        self, private_key: Ed25519PrivateKey, kid: str = "", *, audience: str, lifetime: int = LIFETIME_MAX
    ) -> None:
        if not audience or not 1 <= lifetime <= LIFETIME_MAX:
            raise ConfigError(f"An assertion needs an audience and lives 1 to {LIFETIME_MAX} seconds.")
        self._key = private_key
        self.kid = kid or thumbprint(private_key)
        self._audience = audience
        self._lifetime = lifetime
        self._head = _part({"alg": "EdDSA", "kid": self.kid, "typ": TYP}) + b"."
        self._kept: dict[_Whom, tuple[int, str]] = {}

    def __repr__(self) -> str:
        return f"AssertionSigner(kid={self.kid!r}, audience={self._audience!r})"

    def sign(self, subject: str, issuer: str, roles: Collection[str], scopes: Collection[str], now: float) -> str:
        """State whom the door let through.

        subject, issuer: the pair that is the identity (issuer "" for a local account); roles, scopes: in any order;
        now: seconds since 1970.
        Returns: a compact JWS, at most half its lifetime old, ASCII, fit for a header field. Never raises.
        """
        whom = (subject, issuer, frozenset(roles), frozenset(scopes))
        kept = self._kept.get(whom)
        # A clock set back must not stretch the reuse: both sides are bounded.
        if kept is not None and 0 <= now - kept[0] < self._lifetime * REUSE_SHARE:
            return kept[1]
        made_at = int(now)
        token = self._make(whom, made_at)
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[whom] = (made_at, token)
        return token

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public key as a JWK Set, for the upstream to verify with."""
        return {"keys": [_public_jwk(self._key) | {"kid": self.kid, "alg": "EdDSA", "use": "sig"}]}

    def _make(self, whom: _Whom, made_at: int) -> str:
        subject, issuer, roles, scopes = whom
        claims = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": subject,
            "sub_iss": issuer,
            "roles": sorted(roles),
            "scope": " ".join(sorted(scopes)),
            "iat": made_at,
            "exp": made_at + self._lifetime,
        }
        signed = self._head + _part(claims)
        return (signed + b"." + encode_base64url(self._key.sign(signed))).decode("ascii")


def thumbprint(private_key: Ed25519PrivateKey) -> str:
    """Name a key by its public half.

    Returns: base64url of 32 octets. Never raises. Source: RFC 7638, RFC 8037 appendix A.3.
    """
    jwk = _public_jwk(private_key)
    # RFC 7638 3.3: required members only, in lexicographic order, without blanks.
    canonical = msgspec.json.encode(jwk, order="sorted")
    return encode_base64url(sha256(canonical).digest()).decode("ascii")


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """Load the signing key, or make one where there is none yet.

    path: in the data folder; the file is readable by its owner only. Of several processes that start at once one key
    survives, and all of them load it.
    Returns: the key. Raises: ConfigError when the file is somebody else's to read, a link, or no Ed25519 key.
    """
    try:
        if not path.exists():
            _create(path)
        return _load(path)
    except OSError as error:
        raise ConfigError(
            f"The assertion key {path} cannot be read or made: {error.strerror}.",
            hint="Give doorward a data folder it owns.",
        ) from error


def _create(path: Path) -> None:
    secret = _PKCS8 + Ed25519PrivateKey.generate().private_bytes_raw()
    pem = b"\n".join((_BEGIN, b64encode(secret), _END, b""))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole and never replaces what another process has put there first.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _load(path: Path) -> Ed25519PrivateKey:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise ConfigError(f"The assertion key {path} is open to others.", hint=f"chmod 600 {path}")
        data = file.read(_KEY_FILE_MAX)
    secret = _read_pem(data)
    if secret is None:
        raise ConfigError(f"The assertion key {path} is no Ed25519 key.", hint="Remove the file to have one made.")
    return Ed25519PrivateKey.from_private_bytes(secret)


def _read_pem(data: bytes) -> bytes | None:
    """The 32 octets of the key in a PEM text, None when it holds something else."""
    lines = data.split()
    if b" ".join(lines[:3]) != _BEGIN or b" ".join(lines[-3:]) != _END:
        return None
    try:
        octets = b64decode(b"".join(lines[3:-3]), validate=True)
    except ValueError:
        return None
    fits = octets.startswith(_PKCS8) and len(octets) == len(_PKCS8) + _SECRET_SIZE
    return octets[len(_PKCS8) :] if fits else None


def _public_jwk(private_key: Ed25519PrivateKey) -> dict[str, str]:
    x = encode_base64url(private_key.public_key().public_bytes_raw()).decode("ascii")
    return {"crv": "Ed25519", "kty": "OKP", "x": x}


def _part(value: object) -> bytes:
    return encode_base64url(msgspec.json.encode(value))
