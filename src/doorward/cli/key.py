"""`doorward key`: API keys.

Rule: a key is printed once, when it is made, and can never be shown again. Source: first-minute.md 2, 3.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.common import Context, Verbs, clean, common_options
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.stores.keys import KeyEntry


@click.group(cls=Verbs)
def key() -> None:
    """API keys: add, list, revoke."""


@key.command()
@click.argument("who")
@click.option("--scope", "scopes", multiple=True, help="A scope; may be repeated. Without: none.")
@click.option("--expires", help="90d, 12h, 2027-02-19. Default: never.")
@common_options
def add(context: Context, who: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a key for an account, and print it once."""
    from doorward.cli.times import day, iso, read_time
    from doorward.cli.who import known_account, scopes_of, warn_unknown

    now = time.time()
    end = None if expires is None else read_time(expires, now)
    if end is not None and end <= now:
        raise ConfigError("That time is past: the key would never work.", hint="Give a later one: --expires 90d.")
    policy = context.known_policy() if scopes else None
    if policy is not None:
        warn_unknown(context, "scope", scopes, scopes_of(policy))
    with context.store() as store:
        account = known_account(store, who)
        made, secret = store.keys.add(account.subject, scopes, end, now)
    held = " ".join(sorted(made.scopes))
    if context.json:
        context.emit(
            {"id": made.id, "key": secret, "subject": made.subject, "scopes": held.split(), "expires": iso(end)}
        )
    elif context.quiet:
        context.say(secret)
    else:
        until = "no expiry" if end is None else f"until {day(end)}"
        context.say(f"{secret}   shown once. Prefix {made.id}, {f'scopes {held}' if held else 'no scopes'}, {until}.")
        if account.disabled:
            context.warn(f"warning: {clean(account.name)} is disabled; the key works once the account is enabled.")
        _warn_untaken(context)


def _warn_untaken(context: Context) -> None:
    """Say so when no rule can ever take a key: `doorward init` leaves them out."""
    try:
        policy = context.known_policy()
    except ConfigError:  # advice only; the key is made
        return
    if policy is not None and "apikey" not in policy.settings.credentials.order:
        file = clean(str(context.policy))
        context.warn(
            f'warning: {file} takes no API keys yet. Add to its [credentials]: apikey = {{ header = "X-API-Key" }}'
        )


@key.command("list")
@click.argument("who", required=False)
@common_options
def list_(context: Context, who: str | None) -> None:
    """List keys that were not revoked; of one account, or all."""
    from doorward.cli.who import known_account

    with context.store() as store:
        subject = None if who is None else known_account(store, who).subject
        entries = store.keys.all(subject)
        names = {one.subject: one.name for one in store.accounts.all()}
    if context.json:
        context.emit([_public(entry) for entry in entries])
    elif entries:
        now = time.time()
        rows = [_row(entry, names.get(entry.key.subject, entry.key.subject), now) for entry in entries]
        context.rows(("ID", "WHO", "SCOPES", "EXPIRES", "LAST USED"), rows)
    else:
        context.note("No keys. Make one: doorward key add WHO --scope SCOPE --expires 90d")


@key.command()
@click.argument("id_", metavar="ID")
@common_options
def revoke(context: Context, id_: str) -> None:
    """Revoke a key by its public name, as key list shows it."""
    from doorward.cli.who import nearest

    with context.store() as store:
        gone = store.keys.revoke(id_)
        if gone is None:
            tip = nearest(id_, [entry.key.id for entry in store.keys.all()])
            raise ConfigError(f'There is no live key "{clean(id_)}".', hint=tip or "doorward key list shows them.")
    context.tell({"id": gone.id, "revoked": True}, f"{gone.id} revoked. Refused everywhere within 1 s.")


def _row(entry: KeyEntry, name: str, now: float) -> tuple[str, ...]:
    from doorward.cli.times import day, minute

    end = entry.key.expires
    expires = f"{day(end)} (expired)" if end is not None and end <= now else day(end, "never")
    scopes = " ".join(sorted(entry.key.scopes)) or "none"
    return entry.key.id, name, scopes, expires, minute(entry.last_used, "never")


def _public(entry: KeyEntry) -> dict[str, Any]:
    from doorward.cli.times import iso

    return {
        "id": entry.key.id,
        "subject": entry.key.subject,
        "scopes": sorted(entry.key.scopes),
        "created": iso(entry.created),
        "expires": iso(entry.key.expires),
        "last_used": iso(entry.last_used),
    }
