"""Cost of one token, in microseconds of CPU: the thin verifier beside joserfc and (where installed) PyJWT.

    python bench/micro_jws.py

Ratios inside one run are what counts; `primitive` is the bare signature check of the cryptography library.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from doorward.schemes.claims import Claims, Expected, check
from doorward.schemes.jws import Bad, Peeked, Verified, peek, verify, verify_peeked
from doorward.schemes.keys import SUPPORTED, load_keys
from jose_material import b64, jwk_for, rsa_jwk, sign

NOW = 1_800_000_000
ISSUER, AUDIENCE = "https://issuer.example/realms/shop", "https://api.example"
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "8f2d1c1e-1111-4222-8333-444455556666",
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "c0ffee00-aaaa-4bbb-8ccc-ddddeeeeffff",
    "client_id": "shop-web",
    "scope": "profile:read articles:write",
    "roles": ["editor"],
}
EXPECTED = Expected(ISSUER, (AUDIENCE,))


def make(alg: str) -> str:
    head = b64(json.dumps({"alg": alg, "kid": "k", "typ": "at+jwt"}, separators=(",", ":")).encode())
    signed = f"{head}.{b64(json.dumps(CLAIMS, separators=(',', ':')).encode())}"
    return f"{signed}.{b64(sign(alg, signed.encode()))}"


def cost(call: Callable[[], object], rounds: int = 7) -> float:
    """Best of several rounds, so that a neighbour on the machine does not count."""
    call()
    begin = time.process_time()
    call()
    number = max(20, int(0.05 / max(time.process_time() - begin, 5e-6)))
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        for _ in range(number):
            call()
        best = min(best, (time.process_time() - begin) / number)
    return best * 1e6


def thin(text: str, alg: str) -> Callable[[], object]:
    keys, allowed = load_keys(jwk_for(alg, kid="k")), frozenset({alg})

    def call() -> object:
        got = verify(text, keys.find, allowed)
        assert isinstance(got, Verified)
        claims = check(got, EXPECTED, now=NOW)
        assert isinstance(claims, Claims)
        return claims

    return call


def primitive(text: str, alg: str) -> Callable[[], object]:
    peeked = peek(text)
    assert isinstance(peeked, Peeked)
    check_signature = load_keys(jwk_for(alg)).keys[0].checks[alg]
    return lambda: check_signature(peeked.signature, peeked.signed)


def with_joserfc(text: str, alg: str) -> Callable[[], object]:
    from joserfc import jwk, jwt

    key = jwk.import_key(jwk_for(alg))
    registry = jwt.JWTClaimsRegistry(
        now=NOW, iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
    )

    def call() -> object:
        token = jwt.decode(text, key, algorithms=[alg])
        registry.validate(token.claims)
        return token

    return call


def with_pyjwt(text: str, alg: str) -> Callable[[], object] | None:
    if importlib.util.find_spec("jwt") is None or alg == "Ed25519":
        return None
    import jwt

    key = jwt.PyJWK.from_dict(jwk_for(alg), algorithm=alg)
    options = {"verify_exp": False, "verify_iat": False}
    return lambda: jwt.decode(text, key, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER, options=options)


def attack(text: str, keys: object) -> Callable[[], object]:
    def call() -> object:
        got = verify(text, keys.find, SUPPORTED)
        assert isinstance(got, Bad)
        return got

    return call


def main() -> None:
    warnings.simplefilter("ignore")
    print(f"{'':8}{'primitive':>11}{'thin':>9}{'glue':>8}{'joserfc':>10}{'PyJWT':>9}   token bytes")
    for alg in ("HS256", "RS256", "PS256", "ES256", "EdDSA"):
        text = make(alg)
        bare, ours, theirs = cost(primitive(text, alg)), cost(thin(text, alg)), cost(with_joserfc(text, alg))
        pyjwt = with_pyjwt(text, alg)
        third = f"{cost(pyjwt):9.1f}" if pyjwt is not None else f"{'absent':>9}"
        print(f"{alg:8}{bare:11.1f}{ours:9.1f}{ours - bare:8.1f}{theirs:10.1f}{third}   {len(text)}")
    keys, good = load_keys(rsa_jwk(kid="k")), make("RS256")
    head, body, tail = good.split(".")
    peeked = peek(good)
    assert isinstance(peeked, Peeked)
    nested = b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"
    print()
    for name, call in {
        "peek alone": lambda: peek(good),
        "verify_peeked": lambda: verify_peeked(peeked, keys.keys, SUPPORTED),
        "alg none": attack(f"{b64(json.dumps({'alg': 'none'}).encode())}.{body}.{tail}", keys),
        "unknown kid": attack(f"{b64(json.dumps({'alg': 'RS256', 'kid': 'x'}).encode())}.{body}.{tail}", keys),
        "garbage": attack("not.a.jwt", keys),
        "8 KiB of dots": attack("." * 8192, keys),
        "8 KiB nested": attack(f"{head}.{b64(nested)}.{tail}", keys),
        "forged RS256": attack(f"{head}.{body}.{tail[:40]}{'A' * 20}{tail[60:]}", keys),
    }.items():
        print(f"{name:16}{cost(call):8.2f}")


if __name__ == "__main__":
    main()
