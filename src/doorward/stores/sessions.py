"""Sessions of our own login: answers `FindSession` and `CheckCsrf`, opens and ends them.

The cookie holds 256 random bits; only their SHA-256 is stored. When a session was last seen is known in memory at once
and written once a minute at most, so that reading a page writes nothing.
Rule: an ended session keeps the word of how it ended until it is purged. Source: answers.md CK1-CK3, CS1, J17.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3

from doorward.core.ask import CheckCsrf, FindSession, Session
from doorward.core.settings import DAY, SessionSettings
from doorward.stores.database import Database, Row
from doorward.stores.epochs import Epochs, raise_epoch
from doorward.stores.lazily import Lazily
from doorward.stores.memo import Memo
from doorward.stores.waiting import finished

_COLUMNS = "id, subject, created, last_seen, auth_time, ended"
_FIND = f"SELECT {_COLUMNS} FROM sessions WHERE digest = ?"  # noqa: S608 - constants
_SEEN = "UPDATE sessions SET last_seen = max(last_seen, ?) WHERE id = ?"
GRAIN = 60.0
"""Seconds between two writes of `last_seen`; an idle limit of minutes has a finer grain, see `configure`."""
KEPT = 7 * DAY
"""Seconds that an ended session is remembered beyond its longest life."""


class Sessions:
    """The table of sessions. key: of the CSRF tokens."""

    def __init__(self, database: Database, epochs: Epochs, key: bytes) -> None:
        self._database, self._epochs, self._key = database, epochs, key
        self._settings = SessionSettings()
        self._seen = Lazily(database, _SEEN, GRAIN)
        self._memo: Memo[bytes, Row] = Memo(epochs)

    def configure(self, settings: SessionSettings) -> None:
        """Take the policy's times: seconds."""
        self._settings = settings
        self._seen.grain = min(GRAIN, settings.idle / 10)

    def find(self, question: FindSession) -> Session | None:
        """Answer FindSession: live, or ended with the word how. Raises DependencyError("store")."""
        digest = hashlib.sha256(question.secret.encode("utf-8", "surrogatepass")).digest()
        row = self._memo.get(digest)
        if row is None or self._judge(row, question.at).ended:  # another process may have seen it since
            row = self._read(digest)
        if row is None:
            return None
        session = self._judge(row, question.at)
        if not session.ended:
            self._seen.note(session.id, row[3], question.at)
        return session

    def _read(self, digest: bytes) -> Row | None:
        mark = self._memo.mark()
        row = self._database.row(_FIND, (digest,))
        if row is not None and not row[-1]:
            self._memo.put(digest, row, row[1], mark)
        return row

    def _judge(self, row: Row, at: float) -> Session:
        id_, subject, created, last_seen, auth_time, ended = row
        seen = max(last_seen, self._seen.last(id_))
        if not ended and (at - created >= self._settings.absolute or at - seen >= self._settings.idle):
            ended = "expired"
        return Session(id_, subject, created, seen, auth_time, ended)

    def csrf_token(self, session: str) -> str:
        """The token bound to a session (CS1). session: public id."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check_csrf(self, question: CheckCsrf) -> bool:
        """Answer CheckCsrf. Constant time. Never raises."""
        given = question.token.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(self.csrf_token(question.session).encode(), given)

    async def open(self, subject: str, at: float) -> tuple[Session, str]:
        """Begin a session. Returns: it, and the secret of its cookie. Raises DependencyError("store")."""
        secret, id_ = secrets.token_urlsafe(32), secrets.token_hex(8)
        digest = hashlib.sha256(secret.encode()).digest()
        oldest = at - self._settings.absolute - KEPT

        def work(sql: sqlite3.Connection) -> str:
            # Whoever disables the account between the password and this line must not be passed by.
            live = sql.execute("SELECT 1 FROM accounts WHERE subject = ? AND NOT disabled", (subject,)).fetchone()
            ended = "" if live else "disabled"
            sql.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", (id_, digest, subject, at, at, at, ended))
            sql.execute("DELETE FROM sessions WHERE created < ?", (oldest,))
            return ended

        ended = await finished(self._database.write(work))
        return Session(id_, subject, at, at, at, ended), secret

    async def end(self, session: str, at: float) -> None:  # noqa: ARG002 - the verb of the desk has the time
        """Log out. session: public id. Raises DependencyError("store")."""
        await finished(self._database.write(lambda sql: _end(sql, session, "logout")))
        self._epochs.look()

    def live(self, at: float, subject: str | None = None) -> list[Session]:
        """Live sessions, newest first; of one subject, or all. Raises DependencyError("store")."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM sessions WHERE ended = '' AND (? IS NULL OR subject = ?) ORDER BY created DESC",  # noqa: S608 - constants
            (subject, subject),
        )
        return [session for session in (self._judge(row, at) for row in rows) if not session.ended]

    def revoke(self, session: str) -> bool:
        """End one session. session: public id. Returns: whether there was a live one. Raises DependencyError."""
        return self._epochs.commit(lambda sql: _end(sql, session, "revoked"))

    def revoke_all(self, subject: str) -> int:
        """End every session of a subject. Returns: how many. Raises DependencyError."""

        def work(sql: sqlite3.Connection) -> int:
            ended = end_sessions(sql, subject, "revoked")
            raise_epoch(sql, subject)
            return ended

        return self._epochs.commit(work)

    def flush(self) -> None:
        """Hand what is known only in memory to the writer."""
        self._seen.flush()


def end_sessions(sql: sqlite3.Connection, subject: str, word: str) -> int:
    """End every live session of a subject, within the caller's transaction. Returns: how many."""
    return sql.execute("UPDATE sessions SET ended = ? WHERE subject = ? AND ended = ''", (word, subject)).rowcount


def _end(sql: sqlite3.Connection, session: str, word: str) -> bool:
    row = sql.execute("SELECT subject FROM sessions WHERE id = ? AND ended = ''", (session,)).fetchone()
    if row is None:
        return False
    sql.execute("UPDATE sessions SET ended = ? WHERE id = ?", (word, session))
    raise_epoch(sql, row[0])
    return True
