"""`doorward explain`: why a request was refused, or would be.

    doorward explain 01a1fe6a1389
    doorward explain --as olga PUT /api/v1/users/7/profile

Rule: the words come from `guard.explain`, `explained` lays them out. A rehearsal touches nothing; no secret is taken
from the command line, none is printed. Source: first-minute.md 2 to 4.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from doorward.cli.common import Context, clean, common_options
from doorward.cli.explained import print_explanation, print_masked
from doorward.cli.tail import TIMES, moment
from doorward.core.ask import Account, FindAccount, Rejected
from doorward.core.errors import ConfigError, DependencyError
from doorward.core.policy import Policy
from doorward.core.principal import Principal
from doorward.core.reason import Reason
from doorward.core.request import Headers, RequestView, Via, observe, read_address
from doorward.ledger.event import AuditEvent
from doorward.ledger.identifiers import LONG, short

if TYPE_CHECKING:
    from doorward.guard.house import House
    from doorward.guard.rehearse import Presented
    from doorward.sinks.reading import Reader

NO, UNKNOWN = 1, 3
ANONYMOUS = "anonymous"
_LONGEST_TOKEN = 65_536
_USAGE = "explain ID, or explain --as WHO METHOD PATH"


@click.command()
@common_options
@click.argument("words", nargs=-1, metavar="ID | METHOD PATH")
@click.option("--as", "who", metavar="WHO", help=f"Account by name or subject, or {ANONYMOUS}.")
@click.option("--token", type=click.Choice(["-"]), help="-: as whom an access token on standard input proves.")
@click.option("--ip", metavar="ADDRESS", help="From this address, by https. Default: from this machine.")
@click.option("--at", "when", metavar="TIME", help="At this local time, such as 2026-11-21T14:00. Default: now.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="With this header field.")
@click.option("--unmasked", is_flag=True, help="Show what masked rules hide. For whoever may read the data folder.")
def explain(  # noqa: PLR0917 - click hands over what it was told
    context: Context,
    words: tuple[str, ...],
    who: str | None,
    token: str | None,
    ip: str | None,
    when: str | None,
    headers: tuple[str, ...],
    unmasked: bool,
) -> int:
    """Say why a request was refused, or would be.

    Exit code: 0 explained, or allowed; 1 denied, or nothing recorded under this id; 3 could not tell.
    """
    if len(words) == 1 and who is None and token is None:
        return _recorded(context, words[0], unmasked=unmasked)
    if len(words) != 2 or (who is None) == (token is None):  # noqa: PLR2004 - METHOD and PATH
        raise click.UsageError(f"Say either {_USAGE} (or --token - instead of --as).")
    at = time.time() if when is None else moment(when, time.time())
    with _house(context, needed=True) as house:
        view = _view(house.guard.policy, words[0].upper(), words[1], headers, ip, at)
        return _rehearsed(context, house, view, who)


@contextmanager
def _house(context: Context, *, needed: bool) -> Iterator[Any]:
    """The house of policy file and data folder; None when it cannot be had and is not needed."""
    from doorward.guard.house import House, require_file

    house: House | None = None
    try:
        house = House.open(require_file(context.policy), context.data, waiting=False)
    except (ConfigError, DependencyError):
        if needed:
            raise
    try:
        yield house
    finally:
        if house is not None:
            house.close()


# A request that nobody sent.


def _view(policy: Policy, method: str, target: str, headers: tuple[str, ...], ip: str | None, at: float) -> RequestView:
    """The request to rehearse: as the application's own callers send it, to the first of our origins."""
    vantage = policy.settings.vantage
    scheme, _, host = (vantage.origins[0] if vantage.origins else "http://localhost").partition("://")
    if ip is not None and read_address(ip) is None:
        raise ConfigError(f'"{clean(ip)}" is no address.', hint="For example --ip 192.0.2.7.")
    given = [_field(policy, text) for text in headers]
    pairs = [*([] if any(name == "host" for name, _ in given) else [("host", host)]), *given]
    address = ip or "127.0.0.1"
    via = Via(address, address, "https" if ip is not None else scheme, local_listener=True)
    return observe(vantage, method=method, target=target, headers=Headers(pairs), via=via, at=at)


def _field(policy: Policy, text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    name = name.strip().lower()
    if not colon or not name:
        raise ConfigError(
            f'"{clean(text)}" is no header field.', hint="For example --header 'Origin: https://a.example'."
        )
    if name in ("authorization", "cookie", policy.settings.credentials.key_header):
        raise ConfigError(
            f"{name} does not belong on a command line, where others see it.", hint="Use --as or --token -."
        )
    return name, value.strip()


def _rehearsed(context: Context, house: House, view: RequestView, who: str | None) -> int:
    from doorward.core.verdict import Allow, Unavailable
    from doorward.guard.explain import of_rehearsal
    from doorward.guard.rehearse import arehearse
    from doorward.guard.remedy import Attempt

    policy, answers = house.guard.policy, house.guard.answers
    if who is None:
        view = _with_token(view)
    person = None if who in (None, ANONYMOUS) else _person(house, policy, str(who))
    decided = asyncio.run(arehearse(policy, view, person, answers))
    found = of_rehearsal(policy, Attempt(view, person), decided, answers, house.record.new_id(view.at))
    print_explanation(context, found, str(context.policy), recorded=False)
    return 0 if isinstance(decided[0], Allow) else UNKNOWN if isinstance(decided[0], Unavailable) else NO


def _with_token(view: RequestView) -> RequestView:
    from dataclasses import replace

    token = sys.stdin.read(_LONGEST_TOKEN).strip()
    if not token:
        raise ConfigError(
            "There is no token on standard input.", hint="For example  printenv TOKEN | doorward explain …"
        )
    return replace(view, headers=Headers((*view.headers.pairs, ("authorization", f"Bearer {token}"))))


def _person(house: House, policy: Policy, name: str) -> Principal | Presented:
    from doorward.guard.rehearse import Presented
    from doorward.schemes.accounts import principal_of

    find = house.store.accounts.find
    account: Account | None = find(FindAccount(name)) or find(FindAccount(name, "subject"))
    if account is None:
        raise ConfigError(f'There is no account "{clean(name)}".', hint=f"See doorward user list, or use {ANONYMOUS}.")
    if account.disabled:
        return Presented("", Rejected(Reason.ACCOUNT_DISABLED, subject=account.subject, disabled=True))
    return principal_of(policy, account, "")


# A request that was recorded.


def _recorded(context: Context, request_id: str, *, unmasked: bool) -> int:
    from doorward.guard.explain import of_event
    from doorward.sinks.reading import Reader

    reader = Reader(context.data)
    event, note = _find(context, reader, request_id)
    if event is None:
        return NO
    if event.masked and not unmasked:
        print_masked(context, event)
        return 0
    with _house(context, needed=False) as house:
        policy = house.guard.policy if house is not None else None
        found = of_event(event, policy, house.guard.answers if house is not None else {})
        print_explanation(context, found, str(context.policy), recorded=True, also=[*note, *_also(reader, event)])
    return 0


def _find(context: Context, reader: Reader, request_id: str) -> tuple[AuditEvent | None, list[str]]:
    """The event of an id or of the beginning of one, and what is to be said of it."""
    ident = request_id.replace("…", "").strip()
    found = reader.find(ident)
    if len(found) == 1:
        return found[0], []
    if found:
        context.warn(f"{len(found)} requests begin with {clean(ident)}; more digits, please:")
        for event in found:
            context.warn(f"  {short(event.id, LONG)}  {event.status}  {event.reason}")
        return None, []
    counted = reader.counting(ident)
    if len(counted) == 1:
        return counted[0], [f"counted with {counted[0].count - 1} equal ones; this row stands for all of them"]
    context.warn(f"Nothing is recorded under {clean(ident)} in {clean(str(reader.folder))}.")
    if counted:
        context.warn("It may be one of these, which were counted together at that time:")
        for event in counted:
            context.warn(f"  {short(event.id, LONG)}  {event.status}  {event.reason}  {TIMES}{event.count}")
    return None, []


def _also(reader: Reader, event: AuditEvent) -> list[str]:
    from doorward.guard.explain import LIKE_SPAN

    like = reader.like(event, LIKE_SPAN)
    number = sum(count for count, _ in like) + event.count - 1
    if not number:
        return []
    clients = {client for _, client in like} | {event.facts.get("client", "")}
    whose = f', all from client "{next(iter(clients))}"' if len(clients) == 1 and "" not in clients else ""
    return [
        f"{number} like it in {LIKE_SPAN / 60:.0f} min{whose} → doorward tail --reason {event.truth or event.reason}"
    ]
