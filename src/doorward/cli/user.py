"""`doorward user`: accounts.

Rule: a password comes from the standard input or a prompt, never from an argument. Source: first-minute.md 2, 3.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.common import Context, Verbs, clean, common_options
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.core.ask import Account
    from doorward.stores.store import Store

EVERYWHERE = "Refused everywhere within 1 s."
_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from the standard input.")


@click.group(cls=Verbs)
def user() -> None:
    """Accounts: add, list, show, roles, disable, enable, passwd, delete."""


@user.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role; may be repeated.")
@click.option("--id", "subject", help="Stable identity, where it is not the name.")
@click.option("--no-password", is_flag=True, help="For machines: nobody can log in, API keys work.")
@_STDIN
@common_options
def add(
    context: Context, name: str, roles: tuple[str, ...], subject: str | None, no_password: bool, password_stdin: bool
) -> None:
    """Make an account. The password is asked for, or read with --password-stdin."""
    from doorward.core.ask import Account
    from doorward.stores.names import login_name

    if no_password and password_stdin:
        raise click.UsageError("Either --no-password or --password-stdin.")
    name = login_name(name)
    _warn_roles(context, roles)
    with context.store() as store:
        store.accounts.refuse_taken(name, subject or name)  # before anybody types a password
        password = "" if no_password else _hashed(_new_password(password_stdin))
        made = store.accounts.add(Account(subject or name, name, frozenset(roles), password=password), time.time())
    named = f"{clean(made.name)} added. Roles: {_roles(made)}."
    context.tell({**_public(made), "added": True}, named + (" No password: API keys only." if no_password else ""))


@user.command("list")
@common_options
def list_(context: Context) -> None:
    """List accounts."""
    with context.store() as store:
        accounts = store.accounts.all()
    if context.json:
        context.emit([_public(account) for account in accounts])
    elif accounts:
        rows = [(one.name, one.subject, _roles(one), _state(one)) for one in accounts]
        context.rows(("NAME", "SUBJECT", "ROLES", "STATE"), rows)
    else:
        context.note("No accounts yet. Make one: doorward user add NAME --role ROLE")


@user.command()
@click.argument("name")
@common_options
def show(context: Context, name: str) -> None:
    """Show an account, its sessions, keys and relations."""
    from doorward.cli.times import iso, minute
    from doorward.cli.who import known_account

    with context.store() as store:
        account = known_account(store, name)
        made, held = store.accounts.created(account.subject), _held(context, store, account)
        relations = store.relations.of(account.subject)
    if context.json:
        rows = [{"permission": row.permission, "object": row.object} for row in relations]
        context.emit({**_public(account), "created": iso(made), **held, "relations": rows})
        return
    context.say(f"{clean(account.name)}  subject {clean(account.subject)}  {_state(account)}")
    context.say(f"  roles      {_roles(account)}")
    context.say(f"  made       {minute(made)}")
    context.say(f"  sessions   {held['sessions']}")
    context.say(f"  keys       {held['keys']}")
    context.say(f"  relations  {'none' if not relations else ''}".rstrip())
    for row in relations:
        context.say(f"    {row.permission:8} {clean(row.object)}")


@user.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role; may be repeated; none: takes all roles away.")
@common_options
def roles(context: Context, name: str, roles: tuple[str, ...]) -> None:
    """Give an account these roles in place of those it has."""
    from doorward.cli.who import known_account

    _warn_roles(context, roles)
    with context.store() as store:
        account = known_account(store, name)
        store.accounts.set_roles(account.subject, roles)
        account = known_account(store, account.subject)
    context.tell(_public(account), f"{clean(account.name)} has roles: {_roles(account)}. In force within 1 s.")


@user.command()
@click.argument("name")
@common_options
def disable(context: Context, name: str) -> None:
    """Close an account and end its sessions; nothing is deleted."""
    _switch(context, name, disabled=True)


@user.command()
@click.argument("name")
@common_options
def enable(context: Context, name: str) -> None:
    """Open an account again."""
    _switch(context, name, disabled=False)


@user.command()
@click.argument("name")
@_STDIN
@common_options
def passwd(context: Context, name: str, password_stdin: bool) -> None:
    """Set another password and end all sessions."""
    from doorward.cli.who import known_account

    with context.store() as store:
        account = known_account(store, name)
        ended = store.accounts.set_password(account.subject, _hashed(_new_password(password_stdin)))
    text = f"{clean(account.name)} has a new password. {count(ended, 'session')} ended. {EVERYWHERE}"
    context.tell({"name": account.name, "sessions_ended": ended}, text)


@user.command()
@click.argument("name")
@click.option("--forget", is_flag=True, help="Take the person out of the ledger too; refusals stay counted.")
@common_options
def delete(context: Context, name: str, forget: bool) -> None:
    """Delete an account with its sessions, keys and relations."""
    from doorward.cli.who import known_account

    with context.store() as store:
        account = known_account(store, name)
        held, relations = _held(context, store, account), len(store.relations.of(account.subject))
        store.accounts.delete(account.subject)
    forgotten = _forget(context, account) if forget else 0
    gone = f"{count(held['sessions'], 'session')}, {count(held['keys'], 'key')}, {count(relations, 'relation')}"
    value = {"name": account.name, "deleted": True, **held, "relations": relations, "ledger_rows": forgotten}
    said = f" Taken out of {count(forgotten, 'row')} of the ledger." if forget else ""
    context.tell(value, f"{clean(account.name)} deleted, with {gone}. {EVERYWHERE}{said}")


def _forget(context: Context, account: Account) -> int:
    """Take a person out of the ledger. Raises DependencyError when it cannot be written."""
    import sqlite3

    from doorward.core.errors import DependencyError
    from doorward.sinks.sqlite import erase

    try:
        return sum(erase(context.data, word) for word in {account.subject, account.name})
    except (sqlite3.Error, OSError) as error:
        raise DependencyError("ledger", hint=f"The account is deleted, the ledger not changed: {error}.") from error


def count(number: int, noun: str) -> str:
    """One session, three sessions: the number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _switch(context: Context, name: str, *, disabled: bool) -> None:
    from doorward.cli.who import known_account

    with context.store() as store:
        account = known_account(store, name)
        ended = store.accounts.set_disabled(account.subject, disabled=disabled)
    ending = f" {count(ended, 'session')} ended. {EVERYWHERE}" if disabled else ""
    value = {"name": account.name, "disabled": disabled, "sessions_ended": ended}
    context.tell(value, f"{clean(account.name)} {'disabled' if disabled else 'enabled'}.{ending}")


def _new_password(from_stdin: bool) -> str:
    """A password that may be taken. Raises ConfigError: too short, or nobody to ask."""
    from doorward.stores.passwords import check_new

    if from_stdin:
        secret = _read_stdin()
    elif sys.stdin.isatty():
        secret = str(click.prompt("Password", hide_input=True, confirmation_prompt="Again", err=True))
    else:
        raise ConfigError("There is no terminal to ask for a password.", hint="Pipe it in: --password-stdin.")
    check_new(secret)
    return secret


def _read_stdin() -> str:
    octets = sys.stdin.buffer.read()
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise ConfigError("The password on the standard input is not UTF-8.") from None
    return text.removesuffix("\n").removesuffix("\r")


def _hashed(secret: str) -> str:
    from doorward.stores.passwords import hash_password

    return hash_password(secret)


def _warn_roles(context: Context, roles: tuple[str, ...]) -> None:
    from doorward.cli.who import roles_of, warn_unknown

    policy = context.known_policy() if roles else None
    if policy is not None:
        warn_unknown(context, "role", roles, roles_of(policy))


def _held(context: Context, store: Store, account: Account) -> dict[str, int]:
    from doorward.cli.session import take_times

    take_times(context, store)
    sessions = store.sessions.live(time.time(), account.subject)
    return {"sessions": len(sessions), "keys": len(store.keys.all(account.subject))}


def _public(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "subject": account.subject,
        "roles": sorted(account.roles),
        "disabled": account.disabled,
        "password": bool(account.password),
    }


def _roles(account: Account) -> str:
    return clean(", ".join(sorted(account.roles))) or "none"


def _state(account: Account) -> str:
    return "disabled" if account.disabled else "enabled" if account.password else "enabled, no password"
