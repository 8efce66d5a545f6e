"""Everything one policy file and one data folder need: opened together, reloaded together, closed together.

    house = House.open(Path("doorward.toml"), Path("data"))
    verdict = house.guard.decide(view)

A reload swaps policy and answers at once; a decision under way ends with those it began with. A broken file changes
nothing. Rule: wiring only. Source: architecture.md 3.1, 6.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from doorward.core import ask
from doorward.core.ask import Answers
from doorward.core.errors import ConfigError
from doorward.core.policy import Policy
from doorward.guard.assertion import AssertionSigner, load_or_create
from doorward.guard.cache import CredentialCache
from doorward.guard.compose import compose
from doorward.guard.desk import Desk
from doorward.guard.guard import Guard
from doorward.guard.keys import Keyring
from doorward.guard.record import Record
from doorward.policyfile.load import Loaded, load_file, load_text
from doorward.stores.limits import Limits
from doorward.stores.passwords import Passwords
from doorward.stores.store import Store

CLOSED = b"""version = 1
realm   = "doorward"
default = "deny"
[credentials]
session = {}
"""
"""What is served where no policy was written yet: nothing but the login."""


def load_policy(file: Path | None) -> Loaded:
    """Read a policy file, or the closed policy for None. Raises ConfigError when the file cannot be read."""
    return load_text(CLOSED, file="(no policy)", folder=Path()) if file is None else load_file(file)


class House:
    """The parts, wired. file: None = the closed policy; loaded: what the policy in force was read from.

    waiting: answers may have to be waited for (an event loop drives the guard); False for commands and WSGI.
    """

    def __init__(self, file: Path | None, data: Path, loaded: Loaded, *, waiting: bool = True) -> None:
        policy = compose(loaded.require())
        self.file, self.data, self.loaded = file, data, loaded
        self._waiting = waiting
        self.keyring = Keyring()
        self.keyring.load(policy)
        self.store = Store(data)
        self.limits = Limits()
        self.passwords = Passwords()
        self.cache = self._new_cache()
        self.guard = Guard(policy, {})
        self.record = Record(data, lambda: self.guard.policy)
        self.record.watch_cache(lambda: self.cache)
        self._take(policy)

    @classmethod
    def open(cls, file: Path | None, data: Path, *, waiting: bool = True) -> House:
        """Open everything. Raises PolicyError, ConfigError; DependencyError when the store cannot be had."""
        return cls(file, data, load_policy(file), waiting=waiting)

    def reload(self) -> Loaded:
        """Read the policy file again and take it. Returns: what was read; with errors in it, nothing changes.

        Raises ConfigError for what only opening it shows: no file, a key file that cannot be used.
        """
        loaded = self.read()
        if loaded.policy is not None:
            self.take(loaded)
        return loaded

    def read(self) -> Loaded:
        """Read the policy file; changes nothing, so any thread may do it. Raises ConfigError: it cannot be read."""
        return load_policy(self.file)

    def take(self, loaded: Loaded) -> None:
        """Put what was read in force. Raises PolicyError, ConfigError; then the old policy stays in force."""
        policy = compose(loaded.require())
        self.keyring.load(policy)
        if _identity(policy) != _identity(self.guard.policy):
            # What a credential proves has changed; decisions under way may still fill the old cache, nobody reads it.
            self.cache = self._new_cache()
        self.loaded = loaded
        self._take(policy)

    def signer(self, audience: str) -> AssertionSigner:
        """Who signs identities for the application. audience: its origin. Raises ConfigError."""
        return AssertionSigner(load_or_create(self.data / "assertion.pem"), audience=audience)

    @property
    def desk(self) -> Desk:
        """The verbs of our own pages."""
        sessions = self.store.sessions
        return Desk(sessions.open, sessions.end, sessions.csrf_token, self.store.secret("forms"))

    def close(self) -> None:
        """Write what waits, close files, end threads."""
        self.record.close()
        self.passwords.close()
        self.store.close()

    def _new_cache(self) -> CredentialCache:
        return CredentialCache(self.store.epochs, flights=self._waiting)

    def _take(self, policy: Policy) -> None:
        self.store.sessions.configure(policy.settings.credentials.session)
        self.store.logins.configure(policy.settings.login_limit)
        self.guard.swap(policy, self._answers(), self.cache)

    def _answers(self) -> Answers:
        """Which function answers which question."""
        store = self.store
        table: dict[type, Callable[[Any], Any]] = {
            ask.Recall: self.cache.recall,
            ask.Remember: self.cache.remember,
            ask.FindSession: store.sessions.find,
            ask.FindAccount: store.accounts.find,
            ask.VerifyPassword: self.passwords.verify,
            ask.AdmitLogin: store.logins.admit,
            ask.ClearLogin: store.logins.clear,
            ask.FindApiKey: store.keys.find,
            ask.FindKeys: self.keyring.find,
            ask.SendsAtJwt: self.keyring.sends_at_jwt,
            ask.TokenRevoked: store.revocations.check,
            ask.CheckCsrf: store.sessions.check_csrf,
            ask.TakeSlot: self.limits.take,
            ask.FindRelation: store.relations.check,
            ask.LedgerReady: self.record.ready,
        }
        return table


def _identity(policy: Policy) -> tuple[object, ...]:
    """What of a policy decides what a credential proves."""
    settings = policy.settings
    return settings.credentials, settings.issuers, policy.roles, settings.login_limit


def require_file(file: Path) -> Path:
    """The policy file, which must exist. Raises ConfigError with the way out."""
    if not file.is_file():
        raise ConfigError(f"There is no policy file {file}.", hint="Write one: doorward init; or name it: --policy.")
    return file
