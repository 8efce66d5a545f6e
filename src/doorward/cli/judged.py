"""What the door would say of a token: every part of it looked at by the schemes that would judge it at the door.

Rule: the verdict is `schemes.bearer.prove`'s own; nothing here decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doorward.cli.opens import Opening, openings
from doorward.core.ask import FindAccount, FindKeys, Rejected, SendsAtJwt, Steps, TokenRevoked, arun, ask
from doorward.core.challenge import Credential
from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.request import Headers, Vantage, Via, observe
from doorward.guard.compose import compose
from doorward.guard.keys import Keyring
from doorward.schemes.bearer import find_issuer, prove
from doorward.schemes.jws import Bad, Peeked, Verified, peek, verify_peeked
from doorward.schemes.jws_encoding import decode_base64url, decode_object
from doorward.stores.store import FILE, Store


@dataclass(frozen=True, slots=True)
class Judged:
    """issuer: its name in the policy file, "" when unknown; refusal: why it would not pass, "" when it would;
    at: when, in seconds since the epoch; header, claims: as sent, verified or not.
    """

    at: float
    header: Mapping[str, object] = field(default_factory=dict)
    claims: Mapping[str, object] = field(default_factory=dict)
    issuer: str = ""
    signature: bool = False
    audience: bool = False
    refusal: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    openings: tuple[Opening, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the door would take it."""
        return not self.refusal

    def public(self) -> dict[str, Any]:
        """For programs."""
        return {
            "header": self.header,
            "claims": self.claims,
            "issuer": self.issuer or None,
            "signature": self.signature,
            "audience": self.audience,
            "passes": self.passes,
            "refusal": self.refusal or None,
            "roles": sorted(self.roles),
            "scopes": sorted(self.scopes),
            "rules": [
                {"rule": one.rule.name, "where": one.where, "lacks": one.lacks, "conditions": one.conditions}
                for one in self.openings
            ],
        }


def claims_of(text: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Header and claims of a token that nobody verified. Raises ConfigError when it is none."""
    parts = text.encode("ascii", "replace").split(b".")
    header, claims = (decode_object(decode_base64url(part) or b"") for part in (*parts, b"", b"")[:2])
    if header is None or claims is None:
        raise ConfigError("That is no JWT: it has not three parts of base64url with JSON in the first two.")
    return header, claims


async def judge_token(policy: Policy, data: Path, text: str, at: float) -> Judged:
    """Judge a token as the door would. data: folder of the store, which may not be there.

    Raises ConfigError; DependencyError when keys cannot be fetched or the store cannot be read.
    """
    keyring = Keyring()
    keyring.load(policy)
    store = Store(data) if (data / FILE).exists() else None
    answers: dict[type, Callable[[Any], Any]] = {
        FindKeys: keyring.find,
        SendsAtJwt: keyring.sends_at_jwt,
        TokenRevoked: store.revocations.check if store else lambda _: False,
        FindAccount: store.accounts.find if store else lambda _: None,
    }
    try:
        return await arun(_judge(compose(policy), text, at), answers)
    finally:
        if store is not None:
            store.close()


def _judge(policy: Policy, text: str, at: float) -> Steps[Judged]:
    peeked = peek(text)
    if isinstance(peeked, Bad):
        return Judged(at, refusal=f"{peeked.reason}: {peeked.fault}")
    issuer = find_issuer(policy, peeked)
    signed = False
    if issuer is not None:
        keys = yield from ask(FindKeys(issuer.name, peeked.header.kid, peeked.header.alg, at))
        signed = isinstance(verify_peeked(peeked, keys, frozenset(issuer.algorithms)), Verified)
    headers, via = Headers(()), Via("127.0.0.1", "127.0.0.1")
    view = observe(Vantage(), method="GET", target="/", headers=headers, via=via, at=at)
    proof = yield from prove(policy, view, Credential("bearer", text, "authorization"))
    header = decode_object(decode_base64url(peeked.head) or b"") or {}
    known = issuer.name if issuer is not None else ""
    judged = Judged(at, header, peeked.claims or {}, known, signed, _meant(policy, peeked))
    return _told(policy, judged, proof)


def _told(policy: Policy, judged: Judged, proof: object) -> Judged:
    seen = (judged.at, judged.header, judged.claims, judged.issuer, judged.signature, judged.audience)
    if isinstance(proof, Principal):
        found = tuple(openings(policy, proof))
        return Judged(*seen, roles=proof.roles, scopes=proof.scopes or frozenset(), openings=found)
    if isinstance(proof, Rejected):
        detail = f" ({proof.detail})" if proof.detail else ""
        return Judged(*seen, refusal=f"{proof.reason}{detail}")
    return Judged(*seen, refusal="no proof")


def _meant(policy: Policy, peeked: Peeked) -> bool:
    """Whether one of our own names is in aud."""
    named = (peeked.claims or {}).get("aud")
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return any(name in policy.settings.credentials.audience for name in names)
