"""API keys: answers `FindApiKey`, makes and revokes them.

A key is `dw_` and 43 letters and digits, 256 random bits; only its SHA-256 is stored. `dw_` and the next four
characters are its public name. Rule: the key itself is returned once, by `add`, and kept nowhere.
Source: articles.md A1-12, answers.md J17.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import string
from collections.abc import Iterable
from dataclasses import dataclass

from doorward.core.ask import ApiKey, FindApiKey
from doorward.stores.database import Database, Row
from doorward.stores.epochs import Epochs, raise_epoch
from doorward.stores.lazily import Lazily
from doorward.stores.names import scope_name, words

PREFIX = "dw_"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43  # 43 * log2(62) = 256 bits
_NAMED = len(PREFIX) + 4
_COLUMNS = "id, subject, scopes, expires, revoked"
_FIND = f"SELECT {_COLUMNS} FROM keys WHERE digest = ?"  # noqa: S608 - constants
_USED = "UPDATE keys SET last_used = max(coalesce(last_used, 0), ?) WHERE id = ?"
GRAIN = 60.0


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as listed. created, last_used: seconds since the epoch, last_used None = never."""

    key: ApiKey
    created: float
    last_used: float | None


class Keys:
    """The table of API keys."""

    def __init__(self, database: Database, epochs: Epochs) -> None:
        self._database, self._epochs = database, epochs
        self._used = Lazily(database, _USED, GRAIN)

    def find(self, question: FindApiKey) -> ApiKey | None:
        """Answer FindApiKey: good, expired or revoked alike. Raises DependencyError("store")."""
        if not question.secret.startswith(PREFIX):
            return None
        row = self._database.row(_FIND, (_digest(question.secret),))
        if row is None:
            return None
        key = _key(row)
        self._used.note(key.id, 0.0, question.at)
        return key

    def add(self, subject: str, scopes: Iterable[str], expires: float | None, at: float) -> tuple[ApiKey, str]:
        """Make a key. expires: seconds since the epoch, None = never. Raises ConfigError: a bad scope; DependencyError.

        Returns: the key as stored, and the secret, which nobody can be told again.
        """
        packed = " ".join(sorted({scope_name(scope) for scope in scopes}))
        secret = _new_secret()
        while self._database.row("SELECT 1 FROM keys WHERE id = ?", (secret[:_NAMED],)) is not None:
            secret = _new_secret()
        key = ApiKey(secret[:_NAMED], subject, words(packed), expires)

        def work(sql: sqlite3.Connection) -> None:
            values = (key.id, _digest(secret), subject, packed, at, expires, None, 0)
            sql.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

        self._epochs.commit(work)
        return key, secret

    def all(self, subject: str | None = None) -> list[KeyEntry]:
        """Keys that were not revoked, by subject; of one subject, or all. Raises DependencyError("store")."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS}, created, last_used FROM keys"  # noqa: S608 - constants
            " WHERE NOT revoked AND (? IS NULL OR subject = ?) ORDER BY subject, created",
            (subject, subject),
        )
        return [KeyEntry(_key(row[:5]), row[5], row[6]) for row in rows]

    def revoke(self, id_: str) -> ApiKey | None:
        """Revoke a key by its public name. Returns: it, or None: no such live key. Raises DependencyError."""

        def work(sql: sqlite3.Connection) -> ApiKey | None:
            row = sql.execute(f"SELECT {_COLUMNS} FROM keys WHERE id = ? AND NOT revoked", (id_,)).fetchone()  # noqa: S608 - constants
            if row is None:
                return None
            sql.execute("UPDATE keys SET revoked = 1 WHERE id = ?", (id_,))
            raise_epoch(sql, row[1])
            return _key(row)

        return self._epochs.commit(work)

    def flush(self) -> None:
        """Hand what is known only in memory to the writer."""
        self._used.flush()


def _new_secret() -> str:
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: Row) -> ApiKey:
    id_, subject, scopes, expires, revoked = row
    return ApiKey(id_, subject, words(scopes), expires, bool(revoked))
