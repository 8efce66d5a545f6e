"""Where the keys of each issuer come from: answers `FindKeys`.

Rule: a source without any key is a dependency that is down (503), never a bad token. Source: answers.md J8, J14.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from doorward.core.ask import FindKeys, Later, SendsAtJwt
from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.core.settings import Issuer
from doorward.idp.fetch import fetch_json
from doorward.idp.jwks import JwksCache, StaticKeys
from doorward.schemes.keys import KeySet, load_keys, load_text

KeySource = JwksCache | StaticKeys


class Keyring:
    """Key sources by issuer name; kept over a reload for issuers whose settings did not change."""

    def __init__(self) -> None:
        self._sources: dict[str, tuple[Issuer, KeySource]] = {}
        self._at_jwt: set[str] = set()

    def load(self, policy: Policy) -> None:
        """Open the sources of all issuers. Raises ConfigError when a file or an inline key cannot be used."""
        fresh: dict[str, tuple[Issuer, KeySource]] = {}
        for name, issuer in policy.settings.issuers.items():
            known = self._sources.get(name)
            keep = known is not None and known[0] == issuer and not issuer.jwks_file
            fresh[name] = known if keep and known else (issuer, open_source(issuer))
        self._sources = fresh

    def sends_at_jwt(self, question: SendsAtJwt) -> bool:
        """Answer SendsAtJwt, from what was seen since the process began."""
        if question.seen:
            self._at_jwt.add(question.issuer)
        return question.issuer in self._at_jwt

    def find(self, question: FindKeys) -> Any:
        """Answer FindKeys: a tuple of keys, none for an issuer that a reload removed; Later while they are fetched."""
        source = self._sources.get(question.issuer)
        if source is None:
            return ()
        found = source[1].lookup(question.kid, question.alg, question.at)
        return Later(found) if isinstance(found, Awaitable) else found

    def states(self) -> dict[str, str]:
        """How each issuer's keys are: "ready", "not fetched yet", or why they could not be had, for the operator."""
        return {name: _state(source) for name, (_, source) in self._sources.items()}


def _state(source: KeySource) -> str:
    if isinstance(source, StaticKeys):
        return "ready"
    return source.last_error or ("ready" if source.fetches else "not fetched yet")


async def keys_of(issuer: Issuer) -> KeySet:
    """The keys that an issuer has now; those behind an address are fetched. Raises ConfigError, DependencyError."""
    if issuer.jwks:
        return load_text((await fetch_json(issuer.jwks)).body, issuer.algorithms)
    return _given(issuer)


def open_source(issuer: Issuer) -> KeySource:
    """The key source an issuer names. Raises ConfigError when it cannot be used."""
    try:
        return _open(issuer)
    except OSError as error:
        said = f"{issuer.jwks_file} cannot be read."
        raise ConfigError(f'issuer "{issuer.name}": {said}', hint=f"{error.strerror}.") from error
    except ConfigError as error:
        raise ConfigError(f'issuer "{issuer.name}": {error.message}', hint=error.hint) from error


def _open(issuer: Issuer) -> KeySource:
    return JwksCache(issuer.jwks, algorithms=issuer.algorithms) if issuer.jwks else StaticKeys(_given(issuer))


def _given(issuer: Issuer) -> KeySet:
    """The keys in a file or in the policy."""
    if issuer.jwks_file:
        return load_text(Path(issuer.jwks_file).read_bytes(), issuer.algorithms)
    # Through JSON, since the values of a policy are immutable and a key set is plain lists and dictionaries.
    plain = json.loads(json.dumps([dict(key) for key in issuer.keys]))
    return load_keys({"keys": plain}, issuer.algorithms)
