"""`doorward demo`: a small shop behind the door, five answers explained, everything gone on Ctrl-C.

Rule: bound to loopback; nothing is fetched, nothing is kept but what `--keep` asks for. Source: first-minute.md 1.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from doorward.cli.common import Context, clean, common_options

if TYPE_CHECKING:
    from doorward.gateway.listeners import Place
    from doorward.gateway.process import Plan, Serving
    from doorward.guard.house import House

POLICY = Path(__file__).with_name("demo.toml")
_PORT, _CONTROL = 8080, 8081
_STYLES = {"2": {"fg": "green"}, "4": {"fg": "yellow"}}


@click.command()
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep the data in this folder.")
@click.option("--once", is_flag=True, help="Show the five answers and end.")
@common_options
def demo(context: Context, keep: Path | None, once: bool) -> None:
    """Guard a small shop and show five answers, each with its reason."""
    from doorward.cli.demo_shop import Shop

    folder = keep or Path(tempfile.mkdtemp(prefix="doorward-demo-"))
    shop = Shop()
    try:
        _run(context, folder, shop.url, once=once, kept=keep is not None)
    finally:
        shop.close()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(context: Context, folder: Path, to: str, *, once: bool, kept: bool) -> None:
    from doorward.cli.serve import log_to_stderr
    from doorward.gateway.listeners import Place
    from doorward.gateway.process import Plan, run
    from doorward.guard.house import House

    log_to_stderr(context.verbose)
    house = House.open(POLICY, folder)
    _populate(house)
    guide = Guide(context, folder, once=once, kept=kept)
    try:
        plan = Plan(to, Place("127.0.0.1", _PORT), Place("127.0.0.1", _CONTROL), search=True)
        run(house, plan, announce=guide.begin)
    finally:
        guide.end()
        house.close()
    guide.raise_failure()


def _populate(house: House) -> None:
    """The personas; in a kept folder they may be there already."""
    from doorward.cli.demo_tour import PERSONAS
    from doorward.core.ask import Account
    from doorward.stores.passwords import hash_password

    known = {account.name for account in house.store.accounts.all()}
    for name, role in PERSONAS.items():
        if name not in known:
            roles = frozenset({role} - {""})
            # The password is the name: whoever reads the screen can try. Nobody else can reach this listener.
            house.store.accounts.add(Account(name, name, roles, password=hash_password(name)), time.time())


class Guide:
    """Prints the banner and leads through the tour, in a thread of its own while the gateway serves."""

    def __init__(self, context: Context, folder: Path, *, once: bool, kept: bool) -> None:
        self._context, self._folder, self._once, self._kept = context, folder, once, kept
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def begin(self, serving: Serving) -> None:
        """Called when the listeners are open."""
        self._thread = threading.Thread(target=self._lead, args=(serving,), name="guide", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """The gateway has stopped."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(5)

    def raise_failure(self) -> None:
        """Raise what went wrong on the tour: a demo that cannot lie cannot hide it either."""
        if self._failure is not None:
            raise self._failure

    def _lead(self, serving: Serving) -> None:
        try:
            self._show(serving)
        except BaseException as failure:  # noqa: BLE001 - of a thread; raised again by the main one
            self._failure = failure
            self._stop()

    def _stop(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def _show(self, serving: Serving) -> None:
        from doorward.cli.demo_tour import take
        from doorward.sinks.reading import Reader

        self._head(serving.plan)
        say, plan = self._context.say, serving.plan
        host = f"localhost:{plan.listen.port}"
        last = ""
        for number, shown in enumerate(take(plan.listen.host, plan.listen.port, Reader(self._folder)), start=1):
            say(f"  {number}  {shown.step.command(host)}")
            code = self._context.paint(str(shown.status), **_STYLES.get(str(shown.status)[0], {"fg": "red"}))
            say(f"     {code}  {clean(shown.what):42}  {clean(shown.why)}")
            last = shown.id or last
        say()
        where = f"--data {clean(str(self._folder))} --policy {clean(str(POLICY))}"
        say(f"  Why?     doorward explain {last} {where}")
        say("           (the id stands on every refusal; in another terminal, while this one runs)")
        say(f"  Look:    http://{host}/ and http://{host}/.doorward/login")
        say("  Yours:   doorward init && doorward serve --to http://127.0.0.1:3000")
        self._wait(plan.control)

    def _head(self, plan: Plan) -> None:
        from doorward.cli.demo_tour import PERSONAS

        say, paint = self._context.say, self._context.paint
        where = f"data in {clean(str(self._folder))}" if self._kept else "data in a throw-away folder, gone on exit"
        people = ", ".join(f"{name} ({role or 'no role'})" for name, role in PERSONAS.items())
        say(f"{paint('doorward demo', bold=True)} · shop with {len(PERSONAS)} personas · {where}")
        say()
        say(f"  {paint(plan.listen.text, fg='cyan')}   the shop, guarded{_moved(plan.listen, _PORT)}")
        say(f"  {paint(plan.control.text, fg='cyan')}   control: metrics, /decide{_moved(plan.control, _CONTROL)}")
        say(f"  policy   {clean(str(POLICY))}")
        say(f"  people   {people}; the password is the name")
        say()

    def _wait(self, control: Place) -> None:
        """Until Ctrl-C, with the number of decisions; it goes on counting on a terminal."""
        line = f"  Ctrl-C stops.    live: {_decisions(control)} decisions"
        if self._once:
            self._context.say(line)
            self._stop()
        elif not sys.stdout.isatty():
            self._context.say(line)
        else:
            while not self._done.wait(1):
                click.echo(f"\r  Ctrl-C stops.    live: {_decisions(control)} decisions ", nl=False)
            click.echo()


def _moved(place: Place, wanted: int) -> str:
    return "" if place.port == wanted else f"   ({wanted} is taken)"


def _decisions(control: Place) -> int:
    """How many decisions were taken, as the control listener tells it."""
    from doorward.cli.demo_tour import ask

    lines = ask(control.host, control.port, "GET", "/metrics", "").body.decode().splitlines()
    return sum(int(line.rpartition(" ")[2]) for line in lines if line.startswith("doorward_decisions_total{"))
