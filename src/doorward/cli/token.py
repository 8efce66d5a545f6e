"""`doorward token`: access tokens of others.

Rule: a token is read from the standard input and never printed; its claims are. Source: first-minute.md 2, 3.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from doorward.cli.common import Context, Verbs, clean, common_options
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.cli.judged import Judged

NO, UNKNOWN = 1, 3
_SEEN, _MISSED = "✓", "✗"


@click.group(cls=Verbs)
def token() -> None:
    """Access tokens: inspect, revoke."""


@token.command()
@click.argument("source", metavar="[-]", type=click.Choice(["-"]), default="-")
@common_options
def inspect(context: Context, source: str) -> int:  # noqa: ARG001 - the dash says where the token comes from
    """Say what a token claims, whether it would pass, and what it would open. The token is read from standard input.

    Exit code 1: it would be refused; 3: there is no policy to judge it by.
    """
    from doorward.cli.judged import claims_of, judge_token

    text = _read_token()
    loaded = context.load()
    if loaded is None:
        header, claims = claims_of(text)
        context.warn("No policy to judge by: the signature was not checked. Name one: --policy.")
        if context.json:
            context.emit({"header": header, "claims": claims, "passes": None})
        else:
            _claims(context, header, claims)
        return UNKNOWN
    judged = asyncio.run(judge_token(loaded.require(), context.data, text, time.time()))
    if context.json:
        context.emit(judged.public())
    else:
        _show(context, judged)
    return 0 if judged.passes else NO


@token.command()
@click.argument("jti")
@click.option("--until", required=True, help="Its exp: 2027-02-19T12:00Z, seconds since 1970, or 2h from now.")
@click.option("--issuer", default="", help="Issuer by its name in the policy file. Default: whoever issued it.")
@common_options
def revoke(context: Context, jti: str, until: str, issuer: str) -> None:
    """Refuse a token by its jti from now on, although its signature is good."""
    from doorward.cli.times import iso, minute, read_time

    now = time.time()
    end = read_time(until, now)
    _known_issuer(context, issuer)
    with context.store() as store:
        store.revocations.revoke(jti, end, now, issuer)
    whose = f" of {clean(issuer)}" if issuer else ""
    text = f"Token {clean(jti)}{whose} revoked until {minute(end)}. Refused everywhere within 1 s."
    context.tell({"jti": jti, "issuer": issuer or None, "until": iso(end), "revoked": True}, text)


def _known_issuer(context: Context, issuer: str) -> None:
    from doorward.cli.who import nearest

    policy = context.known_policy() if issuer else None
    if policy is not None and issuer not in policy.settings.issuers:
        tip = nearest(issuer, policy.settings.issuers) or "See [issuers.NAME] there."
        raise ConfigError(f'The policy has no issuer "{clean(issuer)}".', hint=tip)


def _read_token() -> str:
    if sys.stdin.isatty():
        click.echo("Paste the token, then Enter and Ctrl-D.", err=True)
    text = sys.stdin.buffer.read().decode("utf-8", "replace").strip()
    text = text[7:].strip() if text[:7].lower() == "bearer " else text
    if not text:
        raise ConfigError("There is no token on the standard input.", hint="Pipe it in: doorward token inspect -")
    return text


def _show(context: Context, judged: Judged) -> None:
    claims = judged.claims
    if not claims:
        context.say(f" {context.paint(_MISSED, fg='red')} {clean(judged.refusal)}")
        return
    name = f" ({clean(judged.issuer)})" if judged.issuer else " (not in the policy)"
    context.say(f" issuer    {_text(claims.get('iss'))}{name}")
    context.say(f" audience  {_text(claims.get('aud'))} {_mark(context, judged.audience)}")
    context.say(f" subject   {_text(claims.get('sub'))}   roles {_list(judged.roles)}   scopes {_list(judged.scopes)}")
    context.say(f" expires   {_expiry(claims, judged.at)}")
    key = f", key {_text(judged.header.get('kid'))}" if judged.header.get("kid") else ""
    context.say(f" signature {_text(judged.header.get('alg'))}{key} {_mark(context, judged.signature)}")
    context.say(f" type      {_text(judged.header.get('typ') or 'not said')}   jti {_text(claims.get('jti'))}")
    if not judged.passes:
        context.say(f" {context.paint('refused', fg='red')}   {clean(judged.refusal)}")
        return
    _show_openings(context, judged)


def _show_openings(context: Context, judged: Judged) -> None:
    for opening in judged.openings:
        if not opening.lacks:
            terms = f", if {', '.join(opening.conditions)}" if opening.conditions else ""
            context.say(f" would open {clean(opening.where)} ({clean(opening.rule.name)}){clean(terms)}")
    for opening in judged.openings:
        if opening.lacks:
            context.say(
                f" lacks {clean(', '.join(opening.lacks))} for {clean(opening.where)} ({clean(opening.rule.name)})"
            )
    if not judged.openings:
        context.say(" No rule takes bearer tokens.")


def _claims(context: Context, header: Mapping[str, object], claims: Mapping[str, object]) -> None:
    for name, value in (*header.items(), *claims.items()):
        context.say(f" {clean(str(name)):12} {_text(value)}")


def _expiry(claims: Mapping[str, object], at: float) -> str:
    from doorward.cli.times import minute

    end = claims.get("exp")
    if not isinstance(end, int | float) or not 0 <= end < 253_402_300_800:  # noqa: PLR2004 - the year 10000
        return "never said"
    left = int(end - at)
    return f"in {_span(left)} ({minute(end)})" if left > 0 else f"{_span(-left)} ago ({minute(end)})"


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _text(value: object) -> str:
    if value is None:
        return "none"
    return clean(value if isinstance(value, str) else json.dumps(value, default=str))


def _list(values: Iterable[str]) -> str:
    return clean(" ".join(sorted(values))) or "none"


def _mark(context: Context, good: bool) -> str:
    return context.paint(_SEEN, fg="green") if good else context.paint(_MISSED, fg="red")
