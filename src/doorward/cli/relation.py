"""`doorward grant` and `doorward revoke`: stored relations.

    doorward grant alice read document:7
    doorward grant role:editor write document:7
    doorward grant "idp 12" read document:7

Rule: three permissions, and no wild cards: who may do more is said by a role. Source: first-minute.md 2, policy.md 2.3.
"""

from __future__ import annotations

import re

import click

from doorward.cli.common import Context, clean, common_options
from doorward.core.policy import Policy

PERMISSIONS = ("read", "write", "execute")


def _relation(command: click.decorators.FC) -> click.decorators.FC:
    for argument in (
        click.argument("thing", metavar="OBJECT"),
        click.argument("permission", type=click.Choice(PERMISSIONS)),
        click.argument("who", metavar="WHO"),
    ):
        command = argument(command)
    return command


@click.command()
@_relation
@common_options
def grant(context: Context, who: str, permission: str, thing: str) -> None:
    """Grant WHO (an account, role:NAME, or "ISSUER SUBJECT") a PERMISSION on an OBJECT such as document:7."""
    _change(context, who, permission, thing, granting=True)


@click.command()
@_relation
@common_options
def revoke(context: Context, who: str, permission: str, thing: str) -> int:
    """Take a PERMISSION on an OBJECT back from WHO. Exit code 1: it was not granted."""
    return 0 if _change(context, who, permission, thing, granting=False) else 1


def _change(context: Context, who: str, permission: str, thing: str, *, granting: bool) -> bool:
    from doorward.cli.who import subject_of
    from doorward.stores.relations import Relation

    policy = context.known_policy()
    if granting and policy is not None:
        _warn(context, policy, who, thing)
    with context.store() as store:
        row = Relation(subject_of(store, policy, who), permission, thing)
        changed = store.relations.grant(row) if granting else store.relations.revoke(row)
    done = ("may now" if changed else "already could") if granting else ("may no longer" if changed else "could not")
    value = {"subject": row.subject, "permission": permission, "object": thing, "changed": changed}
    context.tell(value, f"{clean(who)} {done} {permission} {clean(thing)}.{' In force within 1 s.' if changed else ''}")
    return changed


def _warn(context: Context, policy: Policy, who: str, thing: str) -> None:
    from doorward.cli.who import roles_of, warn_unknown

    if who.startswith("role:"):
        warn_unknown(context, "role", [who.removeprefix("role:")], roles_of(policy))
    templates = sorted({rule.acl.object for rule in policy.rules if rule.acl is not None})
    if not any(_fits(template, thing) for template in templates):
        asked = f"Rules ask for {', '.join(clean(one) for one in templates)}." if templates else "No rule has an acl."
        context.warn(f'warning: no rule of {clean(str(context.policy))} asks for "{clean(thing)}". {asked}')


def _fits(template: str, thing: str) -> bool:
    """Whether a path could make this object. template: "document:{doc}"."""
    pieces = re.split(r"\{[A-Za-z_][A-Za-z0-9_]*\}", template)
    return re.fullmatch(".+".join(map(re.escape, pieces)), thing, re.DOTALL) is not None
