"""`doorward session`: sessions of our own login.

Rule: a session is named by its public id; its secret is known to the browser alone. Source: first-minute.md 2, 3.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.common import Context, Verbs, clean, common_options
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.core.ask import Session
    from doorward.stores.store import Store


@click.group(cls=Verbs)
def session() -> None:
    """Sessions: list, revoke."""


@session.command("list")
@click.argument("who", required=False)
@common_options
def list_(context: Context, who: str | None) -> None:
    """List live sessions; of one account, or all."""
    from doorward.cli.times import minute
    from doorward.cli.who import known_account

    with context.store() as store:
        take_times(context, store)
        subject = None if who is None else known_account(store, who).subject
        found = store.sessions.live(time.time(), subject)
        names = {one.subject: one.name for one in store.accounts.all()}
    if context.json:
        context.emit([_public(one) for one in found])
    elif found:
        rows = [
            (one.id, names.get(one.subject, one.subject), minute(one.created), minute(one.last_seen)) for one in found
        ]
        context.rows(("ID", "WHO", "STARTED", "LAST SEEN"), rows)
    else:
        context.note("No live sessions.")


@session.command()
@click.argument("id_", metavar="ID", required=False)
@click.option("--all", "who", metavar="WHO", help="Every session of this account.")
@common_options
def revoke(context: Context, id_: str | None, who: str | None) -> None:
    """End one session by its id, or all sessions of an account."""
    if (id_ is None) == (who is None):
        raise click.UsageError("Name one session, as session list shows it, or an account: --all WHO.")
    with context.store() as store:
        ended = _end_all(store, who) if who is not None else _end_one(store, id_ or "")
    plural = "1 session" if ended == 1 else f"{ended} sessions"
    context.tell({"sessions_ended": ended}, f"{plural} ended. Refused everywhere within 1 s.")


def take_times(context: Context, store: Store) -> None:
    """Judge sessions by the times of the policy, where there is one."""
    policy = context.known_policy()
    if policy is not None:
        store.sessions.configure(policy.settings.credentials.session)


def _end_all(store: Store, who: str) -> int:
    from doorward.cli.who import known_account

    return store.sessions.revoke_all(known_account(store, who).subject)


def _end_one(store: Store, id_: str) -> int:
    if not store.sessions.revoke(id_):
        raise ConfigError(f'There is no live session "{clean(id_)}".', hint="doorward session list shows them.")
    return 1


def _public(one: Session) -> dict[str, Any]:
    from doorward.cli.times import iso

    return {
        "id": one.id,
        "subject": one.subject,
        "created": iso(one.created),
        "last_seen": iso(one.last_seen),
        "auth_time": iso(one.auth_time),
    }
