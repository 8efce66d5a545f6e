"""The tables, as numbered steps that only go forward.

The number of the last step taken is the database's `user_version`. A step is never changed once released: a new one is
added at the end. Rule: SQL only; who may write what is said in the module of each table.
"""

from __future__ import annotations

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE accounts (
            subject TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, roles TEXT NOT NULL, disabled INTEGER NOT NULL,
            password TEXT NOT NULL, attributes TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, subject TEXT NOT NULL, created REAL NOT NULL,
            last_seen REAL NOT NULL, auth_time REAL NOT NULL, ended TEXT NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX sessions_subject ON sessions (subject)",
        "CREATE INDEX sessions_created ON sessions (created)",
        """CREATE TABLE keys (
            id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, subject TEXT NOT NULL, scopes TEXT NOT NULL,
            created REAL NOT NULL, expires REAL, last_used REAL, revoked INTEGER NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX keys_subject ON keys (subject)",
        """CREATE TABLE relations (
            object TEXT NOT NULL, permission TEXT NOT NULL, subject TEXT NOT NULL,
            PRIMARY KEY (object, permission, subject)) WITHOUT ROWID""",
        "CREATE INDEX relations_subject ON relations (subject)",
        """CREATE TABLE revocations (
            issuer TEXT NOT NULL, jti TEXT NOT NULL, until REAL NOT NULL,
            PRIMARY KEY (issuer, jti)) WITHOUT ROWID""",
        "CREATE TABLE epochs (subject TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE INDEX epochs_value ON epochs (value)",
        """CREATE TABLE logins (
            key BLOB PRIMARY KEY, level REAL NOT NULL, until REAL NOT NULL, last REAL NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX logins_last ON logins (last)",
        "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    ),
)

CURRENT = len(STEPS)
