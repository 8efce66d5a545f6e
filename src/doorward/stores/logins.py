"""Throttled logins: answers `AdmitLogin` and `ClearLogin`, in the store, so that a restart forgives nobody.

The try is counted, and on disk, before the password is looked at; unknown names are counted alike. Names are kept as
keyed digests only: people type passwords into the wrong field. Where the table is full, the rows that were not used
for longest make room; they are never shared, since a shared row would let one lock out another.
Rule: the arithmetic is in `tries.py`. Source: answers.md P5, P8.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import Future
from hashlib import blake2b
from typing import NamedTuple

from doorward.core.ask import AdmitLogin, ClearLogin, Later
from doorward.core.errors import DependencyError
from doorward.core.settings import LoginLimit
from doorward.stores import tries
from doorward.stores.database import Database
from doorward.stores.names import normal
from doorward.stores.tries import NEW, Tries
from doorward.stores.waiting import in_loop

SIZE = 100_000
_TRIM = 256
_ROW = "SELECT level, until, last FROM logins WHERE key = ?"
_PUT = "INSERT OR REPLACE INTO logins VALUES (?, ?, ?, ?)"
_AGED = "DELETE FROM logins WHERE last < ?"
_OLDEST = "DELETE FROM logins WHERE key IN (SELECT key FROM logins ORDER BY last LIMIT max(0, ?))"


class _Keys(NamedTuple):
    pair: bytes
    prefix: bytes
    account: bytes


class _Admission(NamedTuple):
    """wait: whole seconds, 0 = admitted; slow: seconds to hold the answer back."""

    wait: int
    slow: float = 0.0


class Logins:
    """The table of tries. key: of the digests; size: rows at most."""

    def __init__(self, database: Database, key: bytes, *, size: int = SIZE) -> None:
        self._database, self._key, self._size = database, key, size
        self._limit = LoginLimit()
        self._since_trim = _TRIM  # a process that lives shortly trims as well

    def configure(self, limit: LoginLimit) -> None:
        """Take the policy's numbers."""
        self._limit = limit

    def admit(self, question: AdmitLogin) -> int | Later:
        """Answer AdmitLogin: 0 when the try was counted, else seconds. Raises DependencyError("store")."""
        keys = self._keys(question.name, question.address)
        wait = self._refused(keys, question.at)
        if wait:  # a refused try writes nothing: a flood of them costs two reads each
            return wait
        counted = self._database.write(lambda sql: self._count(sql, keys, question.at))
        if in_loop():
            return Later(_admitted(counted))
        admission = counted.result()
        time.sleep(admission.slow)
        return admission.wait

    def clear(self, question: ClearLogin) -> Later | None:
        """Answer ClearLogin. Never raises: what cannot be written stays counted, which lets nobody in."""
        keys = self._keys(question.name, question.address)
        done = self._database.write(lambda sql: _forget(sql, keys, question.at))
        if in_loop():
            return Later(_cleared(done))
        done.exception()
        return None

    def _keys(self, name: str, address: str) -> _Keys:
        name = normal(name)
        return _Keys(
            self._key_of("pair", name, address), self._key_of("prefix", address), self._key_of("account", name)
        )

    def _key_of(self, *parts: str) -> bytes:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._key, digest_size=16).digest()

    def _refused(self, keys: _Keys, at: float) -> int:
        pair, prefix = (_tries(self._database.row(_ROW, (key,)), at) for key in (keys.pair, keys.prefix))
        return _wait(pair, prefix, at, self._limit)

    def _count(self, sql: sqlite3.Connection, keys: _Keys, at: float) -> _Admission:
        limit = self._limit
        pair, prefix, account = (_read(sql, key, at) for key in keys)
        wait = _wait(pair, prefix, at, limit)
        if wait:
            return _Admission(wait)
        counted = tries.count_account(account, at)
        rows = (tries.count_pair(pair, at, limit), tries.count_prefix(prefix, at, limit), counted)
        sql.executemany(_PUT, [(key, row.level, row.until, row.last) for key, row in zip(keys, rows, strict=True)])
        self._trim(sql, at)
        return _Admission(0, tries.slowdown(counted, limit))

    def _trim(self, sql: sqlite3.Connection, at: float) -> None:
        self._since_trim += 1
        if self._since_trim < _TRIM:
            return
        self._since_trim = 0
        sql.execute(_AGED, (at - tries.FORGET,))
        rows: int = sql.execute("SELECT count(*) FROM logins").fetchone()[0]
        sql.execute(_OLDEST, (rows - self._size,))


def _wait(pair: Tries, prefix: Tries, at: float, limit: LoginLimit) -> int:
    return max(tries.wait_for_pair(pair, at, limit), tries.wait_for_prefix(prefix, at, limit))


async def _admitted(counted: Future[_Admission]) -> int:
    admission = await asyncio.wrap_future(counted)
    if admission.slow:
        await asyncio.sleep(admission.slow)
    return admission.wait


async def _cleared(done: Future[None]) -> None:
    try:
        await asyncio.wrap_future(done)
    except DependencyError:
        return


def _forget(sql: sqlite3.Connection, keys: _Keys, at: float) -> None:
    sql.execute("DELETE FROM logins WHERE key = ?", (keys.pair,))
    row = tries.forgive_account(_read(sql, keys.account, at), at)
    sql.execute(_PUT, (keys.account, row.level, row.until, row.last))


def _read(sql: sqlite3.Connection, key: bytes, at: float) -> Tries:
    return _tries(sql.execute(_ROW, (key,)).fetchone(), at)


def _tries(row: tuple[float, float, float] | None, at: float) -> Tries:
    return NEW if row is None else tries.current(Tries(*row), at)
