"""Two worlds that answer the same questions: one of dictionaries, simple enough to be believed, and the store.

A contract suite sets the scene through a `Stand` and asks; it must not know which one it talks to.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from doorward.core.ask import (
    Account,
    AdmitLogin,
    ApiKey,
    CheckCsrf,
    ClearLogin,
    FindAccount,
    FindApiKey,
    FindRelation,
    FindSession,
    Session,
    TokenRevoked,
)
from doorward.core.settings import LoginLimit, SessionSettings
from doorward.stores.relations import Relation
from doorward.stores.store import Store

TIMES = SessionSettings(idle=1_800, absolute=43_200)
LIMIT = LoginLimit()


class Stand(Protocol):
    """What a suite may do to a world. Times: seconds since the epoch."""

    def add(self, account: Account) -> None: ...
    def disable(self, subject: str) -> None: ...
    def delete(self, subject: str) -> None: ...
    def open_session(self, subject: str, at: float) -> tuple[Session, str]: ...
    def end_session(self, id_: str, at: float) -> None: ...
    def end_all(self, subject: str) -> None: ...
    def csrf(self, session: str) -> str: ...
    def add_key(self, subject: str, scopes: Iterable[str], expires: float | None, at: float) -> tuple[str, str]: ...
    def revoke_key(self, id_: str) -> None: ...
    def grant(self, subject: str, permission: str, thing: str) -> None: ...
    def ungrant(self, subject: str, permission: str, thing: str) -> None: ...
    def revoke_token(self, issuer: str, jti: str, until: float, at: float) -> None: ...
    def ask(self, question: Any) -> Any: ...
    def close(self) -> None: ...


class Memory:
    """Dictionaries."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.keys: dict[str, ApiKey] = {}
        self.relations: set[tuple[str, str, str]] = set()
        self.revoked: set[tuple[str, str]] = set()
        self.pairs: dict[tuple[str, str], tuple[int, float]] = {}
        self.prefixes: dict[str, list[float]] = {}
        self.made = 0

    def add(self, account: Account) -> None:
        self.accounts[account.subject] = account

    def disable(self, subject: str) -> None:
        self.accounts[subject] = replace(self.accounts[subject], disabled=True)
        self._end(subject, "disabled")

    def delete(self, subject: str) -> None:
        del self.accounts[subject]
        self.sessions = {key: one for key, one in self.sessions.items() if one.subject != subject}
        self.keys = {key: one for key, one in self.keys.items() if one.subject != subject}
        self.relations = {row for row in self.relations if row[0] != subject}

    def open_session(self, subject: str, at: float) -> tuple[Session, str]:
        self.made += 1
        session = Session(f"id{self.made}", subject, at, at, at)
        self.sessions[f"secret{self.made}"] = session
        return session, f"secret{self.made}"

    def end_session(self, id_: str, at: float) -> None:
        for secret, one in self.sessions.items():
            if one.id == id_:
                self.sessions[secret] = replace(one, ended="logout")

    def end_all(self, subject: str) -> None:
        self._end(subject, "revoked")

    def _end(self, subject: str, word: str) -> None:
        for secret, one in self.sessions.items():
            if one.subject == subject and not one.ended:
                self.sessions[secret] = replace(one, ended=word)

    def csrf(self, session: str) -> str:
        return hashlib.sha256(f"memory {session}".encode()).hexdigest()

    def add_key(self, subject: str, scopes: Iterable[str], expires: float | None, at: float) -> tuple[str, str]:
        self.made += 1
        self.keys[f"dw_{self.made}"] = ApiKey(f"key{self.made}", subject, frozenset(scopes), expires)
        return f"key{self.made}", f"dw_{self.made}"

    def revoke_key(self, id_: str) -> None:
        self.keys = {key: replace(one, revoked=one.revoked or one.id == id_) for key, one in self.keys.items()}

    def grant(self, subject: str, permission: str, thing: str) -> None:
        self.relations.add((subject, permission, thing))

    def ungrant(self, subject: str, permission: str, thing: str) -> None:
        self.relations.discard((subject, permission, thing))

    def revoke_token(self, issuer: str, jti: str, until: float, at: float) -> None:
        self.revoked.add((issuer, jti))

    def close(self) -> None: ...

    def ask(self, question: Any) -> Any:
        match question:
            case FindAccount(key=key, by=by):
                return next((one for one in self.accounts.values() if getattr(one, by) == key), None)
            case FindSession():
                return self._session(question)
            case FindApiKey(secret=secret):
                return self.keys.get(secret)
            case CheckCsrf(session=session, token=token):
                return token == self.csrf(session)
            case FindRelation(subjects=subjects, permission=permission, object=thing):
                return any((subject, permission, thing) in self.relations for subject in subjects)
            case TokenRevoked(issuer=issuer, jti=jti):
                return bool({(issuer, jti), ("", jti)} & self.revoked)
            case AdmitLogin():
                return self._admit(question)
            case ClearLogin(name=name, address=address):
                self.pairs.pop((name, address), None)
                return None
        raise AssertionError(question)

    def _session(self, question: FindSession) -> Session | None:
        session = self.sessions.get(question.secret)
        if session is None or session.ended:
            return session
        over = question.at - session.created >= TIMES.absolute or question.at - session.last_seen >= TIMES.idle
        if over:
            return replace(session, ended="expired")
        self.sessions[question.secret] = replace(session, last_seen=question.at)
        return session

    def _admit(self, question: AdmitLogin) -> int:
        """P5, read aloud: five free, then 1 s doubling; 30 a minute of the prefix, as a leaking bucket of 30."""
        tries, until = self.pairs.get((question.name, question.address), (0, 0.0))
        times = self.prefixes.setdefault(question.address, [])
        level, last = 0.0, question.at
        for moment in times:
            level, last = max(0.0, level - (moment - last) / 2 if level else 0.0) + 1, moment
        level = max(0.0, level - (question.at - last) / 2)
        waits = (until - question.at, (level + 1 - 30) * 2)
        if max(waits) > 1e-6:
            return max(1, math.ceil(max(waits) - 1e-6))
        times.append(question.at)
        tries += 1
        delay = 0 if tries < 5 else min(2 ** (tries - 5), 900)
        self.pairs[question.name, question.address] = (tries, question.at + delay)
        return 0


class Sqlite:
    """The store, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.store.sessions.configure(TIMES)
        # The slowdown of an account under attack is time, not an answer: its own test measures it.
        self.store.logins.configure(replace(LIMIT, account_delay=0.0))

    def add(self, account: Account) -> None:
        self.store.accounts.add(account, 1.0)

    def disable(self, subject: str) -> None:
        self.store.accounts.set_disabled(subject, disabled=True)

    def delete(self, subject: str) -> None:
        self.store.accounts.delete(subject)

    def open_session(self, subject: str, at: float) -> tuple[Session, str]:
        return asyncio.run(_awaited(self.store.sessions.open(subject, at)))

    def end_session(self, id_: str, at: float) -> None:
        asyncio.run(_awaited(self.store.sessions.end(id_, at)))

    def end_all(self, subject: str) -> None:
        self.store.sessions.revoke_all(subject)

    def csrf(self, session: str) -> str:
        return self.store.sessions.csrf_token(session)

    def add_key(self, subject: str, scopes: Iterable[str], expires: float | None, at: float) -> tuple[str, str]:
        key, secret = self.store.keys.add(subject, scopes, expires, at)
        return key.id, secret

    def revoke_key(self, id_: str) -> None:
        self.store.keys.revoke(id_)

    def grant(self, subject: str, permission: str, thing: str) -> None:
        self.store.relations.grant(Relation(subject, permission, thing))

    def ungrant(self, subject: str, permission: str, thing: str) -> None:
        self.store.relations.revoke(Relation(subject, permission, thing))

    def revoke_token(self, issuer: str, jti: str, until: float, at: float) -> None:
        self.store.revocations.revoke(jti, until, at, issuer)

    def ask(self, question: Any) -> Any:
        store = self.store
        answers: dict[type, Any] = {
            FindAccount: store.accounts.find,
            FindSession: store.sessions.find,
            CheckCsrf: store.sessions.check_csrf,
            FindApiKey: store.keys.find,
            FindRelation: store.relations.check,
            TokenRevoked: store.revocations.check,
            AdmitLogin: store.logins.admit,
            ClearLogin: store.logins.clear,
        }
        return answers[type(question)](question)

    def close(self) -> None:
        self.store.close()


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


STANDS = {"memory": lambda _: Memory(), "sqlite": Sqlite}
