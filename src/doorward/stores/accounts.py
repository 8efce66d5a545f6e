"""Local accounts: answers `FindAccount`, and what the command line does to them.

What takes rights away ends the sessions and raises the subject's counter in the same transaction.
Rule: no password is looked at here; hashes come from `passwords.py`. Source: answers.md BA2, CK3, J17.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from doorward.core.ask import Account, FindAccount
from doorward.core.errors import ConfigError
from doorward.stores.database import Database, Row
from doorward.stores.epochs import RELATIONS, Epochs, raise_epoch
from doorward.stores.memo import Memo
from doorward.stores.names import login_name, normal, role_name, subject_name, words
from doorward.stores.sessions import end_sessions

_COLUMNS = "subject, name, roles, disabled, password, attributes"
_BY = {
    "name": f"SELECT {_COLUMNS} FROM accounts WHERE name = ?",  # noqa: S608 - constants
    "subject": f"SELECT {_COLUMNS} FROM accounts WHERE subject = ?",  # noqa: S608 - constants
}


class Accounts:
    """The table of accounts."""

    def __init__(self, database: Database, epochs: Epochs) -> None:
        self._database, self._epochs = database, epochs
        self._memo: Memo[str, Account] = Memo(epochs)

    def find(self, question: FindAccount) -> Account | None:
        """Answer FindAccount. Raises DependencyError("store")."""
        if question.by == "subject":
            return self._memo.get(question.key) or self._read_subject(question.key)
        row = self._database.row(_BY["name"], (normal(question.key),))
        return None if row is None else _account(row)

    def _read_subject(self, subject: str) -> Account | None:
        mark = self._memo.mark()
        row = self._database.row(_BY["subject"], (subject,))
        if row is None:
            return None
        account = _account(row)
        self._memo.put(subject, account, subject, mark)
        return account

    def find_any(self, who: str) -> Account | None:
        """The account with this name, else this subject: as people name somebody on a command line."""
        return self.find(FindAccount(who)) or self.find(FindAccount(who, "subject"))

    def all(self) -> list[Account]:
        """All accounts by name."""
        return [_account(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM accounts ORDER BY name")]  # noqa: S608 - constants

    def created(self, subject: str) -> float:
        """When the account was made: seconds since the epoch, 0 when there is none."""
        row = self._database.row("SELECT created FROM accounts WHERE subject = ?", (subject,))
        return float(row[0]) if row else 0.0

    def refuse_taken(self, name: str, subject: str) -> None:
        """Raise ConfigError when either is taken already; for asking before a password is typed."""
        if self.find(FindAccount(name)) is not None:
            raise _taken("name", name)
        if self.find(FindAccount(subject, "subject")) is not None:
            raise _taken("subject", subject)

    def add(self, account: Account, at: float) -> Account:
        """Make an account. Raises ConfigError: a name or subject that is taken or not allowed; DependencyError."""
        made = Account(
            subject_name(account.subject),
            login_name(account.name),
            frozenset(role_name(role) for role in account.roles),
            account.disabled,
            account.password,
            account.attributes,
        )

        def work(sql: sqlite3.Connection) -> None:
            _refuse_taken(sql, made)
            sql.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?)", (*_row(made), at))
            raise_epoch(sql, made.subject)  # a refusal that was remembered of this subject is no longer true

        self._epochs.commit(work)
        return made

    def set_password(self, subject: str, password: str) -> int:
        """Store another hash; ends all sessions. Returns: how many ended. Raises DependencyError."""
        return self._change(subject, "password", password, "password")

    def set_disabled(self, subject: str, *, disabled: bool) -> int:
        """Disable (ends all sessions) or enable. Returns: how many ended. Raises DependencyError."""
        return self._change(subject, "disabled", int(disabled), "disabled" if disabled else "")

    def set_roles(self, subject: str, roles: Iterable[str]) -> None:
        """Give other roles. Raises ConfigError, DependencyError."""
        self._change(subject, "roles", _packed(role_name(role) for role in roles), "")

    def delete(self, subject: str) -> None:
        """Delete an account with its sessions, keys and relations. Raises DependencyError."""

        def work(sql: sqlite3.Connection) -> None:
            for table in ("accounts", "sessions", "keys", "relations"):
                sql.execute(f"DELETE FROM {table} WHERE subject = ?", (subject,))  # noqa: S608 - constants
            raise_epoch(sql, subject)
            raise_epoch(sql, RELATIONS)

        self._epochs.commit(work)

    def _change(self, subject: str, column: str, value: object, ending: str) -> int:
        def work(sql: sqlite3.Connection) -> int:
            sql.execute(f"UPDATE accounts SET {column} = ? WHERE subject = ?", (value, subject))  # noqa: S608 - constants
            ended = end_sessions(sql, subject, ending) if ending else 0
            raise_epoch(sql, subject)
            return ended

        return self._epochs.commit(work)


def _refuse_taken(sql: sqlite3.Connection, account: Account) -> None:
    for column, value in (("name", account.name), ("subject", account.subject)):
        taken = sql.execute(f"SELECT 1 FROM accounts WHERE {column} = ?", (value,)).fetchone()  # noqa: S608 - constants
        if taken:
            raise _taken(column, value)


def _taken(column: str, value: str) -> ConfigError:
    return ConfigError(f"There is already an account with the {column} {value}.", hint="Choose another one.")


def _row(account: Account) -> tuple[object, ...]:
    attributes = json.dumps(account.attributes) if account.attributes else ""
    roles = _packed(account.roles)
    return account.subject, account.name, roles, int(account.disabled), account.password, attributes


def _account(row: Row) -> Account:
    subject, name, roles, disabled, password, attributes = row
    return Account(
        subject,
        name,
        words(roles),
        bool(disabled),
        password,
        tuple((key, value) for key, value in json.loads(attributes)) if attributes else (),
    )


def _packed(roles: Iterable[str]) -> str:
    return " ".join(sorted(set(roles)))
