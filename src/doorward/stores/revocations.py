"""Revoked tokens, by their `jti`, until they would have expired anyway: answers `TokenRevoked`.

Nobody knows whose a token is from its jti, so everyone's counter rises: each cached token is verified once more.
Rule: an issuer is named as in the policy file; "" revokes the jti whoever issued it. Source: answers.md J16, J17.
"""

from __future__ import annotations

import sqlite3

from doorward.core.ask import TokenRevoked
from doorward.core.errors import ConfigError
from doorward.stores.database import Database
from doorward.stores.epochs import Epochs, raise_epoch

ANY_ISSUER = ""
LEEWAY = 300
"""Seconds that a token may pass after its exp: the largest leeway an issuer can have."""
JTI_MAX = 1024


class Revocations:
    """The table of revoked tokens."""

    def __init__(self, database: Database, epochs: Epochs) -> None:
        self._database, self._epochs = database, epochs
        self._none_at = -1

    def check(self, question: TokenRevoked) -> bool:
        """Answer TokenRevoked. Raises DependencyError("store")."""
        epoch = self._epochs.all
        if epoch == self._none_at:
            return False
        if not self._database.rows("SELECT 1 FROM revocations LIMIT 1"):
            self._none_at = epoch  # as most stores are: nothing to look for until the counter rises
            return False
        sql = "SELECT 1 FROM revocations WHERE jti = ? AND issuer IN (?, ?)"
        return bool(self._database.rows(sql, (question.jti, question.issuer, ANY_ISSUER)))

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
