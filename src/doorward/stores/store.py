"""The store of one data folder: all tables of doorward.db, opened and closed together.

    store = Store(Path("data"))
    store.accounts.find(FindAccount("alice"))

Rule: wiring only. Source: architecture.md 5, 6.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from doorward.stores.accounts import Accounts
from doorward.stores.database import Database
from doorward.stores.epochs import Epochs
from doorward.stores.keys import Keys
from doorward.stores.logins import Logins
from doorward.stores.relations import Relations
from doorward.stores.revocations import Revocations
from doorward.stores.sessions import Sessions

FILE = "doorward.db"


class Store:
    """Every table. folder: made, for its owner alone, when it is not there.

    Raises ConfigError: the folder cannot be used, or the file is not ours; DependencyError("store").
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._database = Database.open(self.path)
        try:
            self.epochs = Epochs(self._database)
            self.accounts = Accounts(self._database, self.epochs)
            self.sessions = Sessions(self._database, self.epochs, self.secret("csrf"))
            self.keys = Keys(self._database, self.epochs)
            self.relations = Relations(self._database, self.epochs)
            self.revocations = Revocations(self._database, self.epochs)
            self.logins = Logins(self._database, self.secret("logins"))
        except BaseException:
            self._database.close()
            raise

    def secret(self, name: str) -> bytes:
        """32 random bytes, made at the first call and the same ever after, in every process. Raises DependencyError."""
        found = self._database.row("SELECT value FROM secrets WHERE name = ?", (name,))
        if found is None:
            fresh = secrets.token_bytes(32)
            found = self._database.write(lambda sql: _keep(sql, name, fresh)).result()
        return bytes(found[0])

    def readable(self) -> None:
        """Raise DependencyError("store") when the store cannot be read."""
        self._database.rows("SELECT 1 FROM accounts LIMIT 1")

    def close(self) -> None:
        """Write what waits, then close."""
        self.sessions.flush()
        self.keys.flush()
        self._database.close()


def _keep(sql: sqlite3.Connection, name: str, fresh: bytes) -> tuple[bytes]:
    """Whichever process is first decides."""
    sql.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, fresh))
    row: tuple[bytes] = sql.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return row
