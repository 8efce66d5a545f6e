"""Revoked tokens, by their `jti`, until they would have expired anyway: answers `TokenRevoked`.

Nobody knows whose a token is from its jti, so everyone's counter rises: each cached token is verified once more.
Rule: an issuer is named as in the policy file; "" revokes the jti whoever issued it. Source: answers.md J16, J17.
"""

from __future__ import annotations

import sqlite3

from doorward.core.ask import TokenRevoked
from doorward.core.errors import ConfigError
from doorward.stores.database import Database, Row
from doorward.stores.epochs import Epochs, raise_epoch

ANY_ISSUER = ""
LEEWAY = 300
"""Seconds that a token may pass after its exp: the largest leeway an issuer can have."""
JTI_MAX = 1024
HELD = 10_000
"""Rows kept in memory until the counter rises; more are asked for one by one."""


class Revocations:
    """The table of revoked tokens."""

    def __init__(self, database: Database, epochs: Epochs) -> None:
        self._database, self._epochs = database, epochs
        self._held: frozenset[Row] | None = None
        self._epoch = -1

    def check(self, question: TokenRevoked) -> bool:
        """Answer TokenRevoked. Raises DependencyError("store")."""
        epoch = self._epochs.all
        if epoch != self._epoch:
            rows = self._database.rows("SELECT issuer, jti FROM revocations LIMIT ?", (HELD + 1,))
            self._held = frozenset(rows) if len(rows) <= HELD else None
            self._epoch = epoch
        jti = question.jti
        if self._held is not None:
            return (question.issuer, jti) in self._held or (ANY_ISSUER, jti) in self._held
        sql = "SELECT 1 FROM revocations WHERE jti = ? AND issuer IN (?, ?)"
        return bool(self._database.rows(sql, (jti, question.issuer, ANY_ISSUER)))

    def revoke(self, jti: str, until: float, at: float, issuer: str = ANY_ISSUER) -> None:
        """Refuse a token from now on. until: its exp; both in seconds since the epoch.

        Raises ConfigError: no jti, or it has expired; DependencyError.
        """
        if not 0 < len(jti) <= JTI_MAX:
            raise ConfigError(f"A jti has 1 to {JTI_MAX} characters.")
        if until + LEEWAY <= at:
            raise ConfigError("That time is past: the token has expired by itself.", hint="Give its exp: --until.")

        def work(sql: sqlite3.Connection) -> None:
            sql.execute("DELETE FROM revocations WHERE until < ?", (at - LEEWAY,))
            sql.execute(
                "INSERT INTO revocations VALUES (?, ?, ?)"
                " ON CONFLICT (issuer, jti) DO UPDATE SET until = max(until, excluded.until)",
                (issuer, jti, until),
            )
            raise_epoch(sql)

        self._epochs.commit(work)
