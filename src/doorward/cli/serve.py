"""`doorward serve`: stand in front of an application and guard it. Rule: says what will happen, then does it."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from doorward.cli.common import Context, clean, common_options
from doorward.cli.main import WRONG

if TYPE_CHECKING:
    from doorward.core.policy import Policy
    from doorward.gateway.process import Serving
    from doorward.policyfile.load import Loaded


@click.command()
@click.option("--to", metavar="URL", help="The application: http(s)://host:port.")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="Where callers come.")
@click.option(
    "--control",
    default="127.0.0.1:8081",
    show_default=True,
    metavar="HOST:PORT",
    help="Metrics, health and /decide; loopback, or unix:PATH.",
)
@common_options
def serve(context: Context, to: str | None, listen: str, control: str) -> int:
    """Stand in front of an application and guard it.

    SIGHUP, or a change of the policy file, reads the policy again; a broken file keeps the old one in force. An https
    application is verified against the system's certificates; SSL_CERT_FILE names others.
    """
    began = _process_start()
    if to is None:
        raise click.UsageError(
            "--to is missing: the application to guard, for example  doorward serve --to http://127.0.0.1:3000"
        )
    gc.disable()  # nothing that is imported now is garbage; `gateway.process` turns it on again
    try:
        return _serve(context, to, listen, control, began)
    finally:
        gc.enable()


def _serve(context: Context, to: str, listen: str, control: str, began: float) -> int:
    from doorward.gateway.listeners import read_place
    from doorward.gateway.process import Plan, run
    from doorward.guard.house import House, load_policy

    plan = Plan(to, read_place(listen, "--listen"), read_place(control, "--control", unix=True))
    log_to_stderr(context.verbose)
    file = context.policy_file
    loaded = load_policy(file)
    _tell(context, loaded)
    if loaded.policy is None:
        return WRONG
    house = House(file, context.data, loaded)
    try:
        run(house, plan, announce=lambda serving: _announce(context, serving, began))
    finally:
        house.close()
    context.note("stopped")
    return 0


def log_to_stderr(verbose: int) -> None:
    """What happens while it runs goes to the standard error, a line each."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose > 1 else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _tell(context: Context, loaded: Loaded) -> None:
    for finding in loaded.findings:
        if finding.level != "note" or context.verbose:
            context.warn(clean(finding.text(loaded.file)))


def _announce(context: Context, serving: Serving, began: float) -> None:
    """The lines of first-minute.md 3."""
    from doorward import __version__

    house, plan = serving.house, serving.plan
    policy, file = house.guard.policy, house.file
    if context.json:
        context.emit(
            {"listen": plan.listen.text, "control": plan.control.text, "to": plan.to, "policy": policy.version}
        )
        return
    bold = context.paint(f"doorward {__version__}", bold=True)
    context.note(f"{bold} · {_described(policy, file)} · 1 worker")
    context.note(f"  listen   {context.paint(plan.listen.text, fg='cyan')}  →  {plan.to}")
    context.note(f"  control  {context.paint(plan.control.text, fg='cyan')}     metrics · /decide")
    context.note(f"  store    {_short(house.store.path)}")
    for note in notes(policy, file):
        context.note(f"  note     {note}")
    context.note(f"ready in {time.time() - began:.1f} s")


def _described(policy: Policy, file: Path | None) -> str:
    if file is None:
        return "no policy: everything is closed but the login"
    return (
        f"policy {clean(str(file))} ({_count(len(policy.rules), 'rule')}, {_count(len(policy.gates), 'gate')}, "
        f"version {policy.version})"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def notes(policy: Policy, file: Path | None) -> list[str]:
    """What somebody who starts this should know now, rather than find out."""
    settings, found = policy.settings, []
    if file is None:
        found.append("write one: doorward init; then doorward user add NAME and start again")
    if settings.tls_require is not False:
        trusted = ", ".join(map(str, settings.vantage.trusted))
        whom = f"X-Forwarded-Proto from {trusted} counts" if trusted else "[proxy] trusted names nobody yet"
        require = "true" if settings.tls_require is True else f'"{settings.tls_require}"'
        found.append(
            f"TLS is not terminated here; [tls] require = {require}: callers on this machine are served, "
            f"others need https ({whom})"
        )
    return found


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else clean(str(path))


def _process_start() -> float:
    """When this process began, seconds since the epoch: "ready in" counts the interpreter and the imports too."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - (up - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return time.time()
