"""What every command shares: the common switches, the data folder, output for people and for programs.

    @click.command()
    @common_options
    def tail(context: Context, follow: bool) -> int: ...

Names come from the network: `clean` takes their control characters away before a terminal sees them.
Rule: nothing heavy is imported before a command needs it, so that `--help` stays fast. Source: first-minute.md 2.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from doorward.core.policy import Policy
    from doorward.policyfile.load import Loaded
    from doorward.stores.store import Store

POLICY_FILE = "doorward.toml"
# What a terminal may take for a command, or what turns the reading order: controls, formats, surrogates, separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Context:
    """The common switches as given. policy: the file, `named` when the caller asked for this one; data: the folder;
    verbose: how often -v; color: the terminal takes it and nobody forbade it.
    """

    policy: Path
    named: bool
    data: Path
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    color: bool = False

    @property
    def policy_file(self) -> Path | None:
        """The policy file; None when nobody named one and there is none here. Raises ConfigError: named, not there."""
        if self.policy.is_file():
            return self.policy
        if self.named:
            raise ConfigError(
                f"There is no policy file {clean(str(self.policy))}.", hint="Write one: doorward init, or name another."
            )
        return None

    def load(self) -> Loaded | None:
        """What the policy file says, errors included; None without a file. Raises ConfigError when unreadable."""
        file = self.policy_file
        if file is None:
            return None
        from doorward.policyfile.load import load_file

        return load_file(file)

    def known_policy(self) -> Policy | None:
        """The policy when there is a good one, for advice only; None otherwise. Raises ConfigError as `load`."""
        loaded = self.load()
        return loaded.policy if loaded is not None else None

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store of the data folder, closed afterwards. Raises ConfigError; DependencyError("store")."""
        from doorward.stores.store import Store

        store = Store(self.data)
        try:
            yield store
        finally:
            store.close()

    def say(self, text: str = "") -> None:
        """Print a line of the result."""
        click.echo(text, color=self.color)

    def note(self, text: str) -> None:
        """Print a remark that -q silences and --json leaves out."""
        if not self.quiet and not self.json:
            click.echo(text, color=self.color)

    def tell(self, value: Mapping[str, Any], text: str) -> None:
        """Confirm what was done: a value under --json, else a line that -q silences."""
        if self.json:
            self.emit(value)
        else:
            self.note(text)

    def warn(self, text: str) -> None:
        """Print a remark on the standard error, whatever the switches."""
        click.echo(text, err=True, color=self.color)

    def emit(self, value: Any) -> None:
        """Print a value as JSON, in ASCII, so that no control character and no encoding can get in the way."""
        click.echo(json.dumps(value, indent=2, default=_plain).replace("\x7f", "\\u007f"))

    def rows(self, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print aligned columns under their heads. Cells are cleaned here."""
        table = [tuple(heads), *(tuple(clean(cell) for cell in row) for row in rows)]
        widths = [max(cells_of(row[column]) for row in table) for column in range(len(heads))]
        for index, row in enumerate(table):
            cells = (cell + " " * (width - cells_of(cell)) for cell, width in zip(row, widths, strict=True))
            line = "  ".join(cells).rstrip()
            self.say(self.paint(line, dim=True) if index == 0 else line)

    def paint(self, text: str, **style: Any) -> str:
        """Text in colour where colour is wanted. style: as click.style."""
        return click.style(text, **style) if self.color else text


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the common switches; it gets them as one Context, its first argument."""

    @functools.wraps(command)
    def with_context(*args: Any, **given: Any) -> Any:
        return command(_context({name: given.pop(name) for name in _NAMES}), *args, **given)

    wrapped: Callable[..., Any] = with_context
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


_NAMES = ("policy", "data", "json", "quiet", "verbose", "no_color")
_OPTIONS = (
    click.option(
        "--policy",
        type=click.Path(path_type=Path),
        envvar="DOORWARD_POLICY",
        help=f"Policy file. Default: ./{POLICY_FILE}; DOORWARD_POLICY.",
    ),
    click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="DOORWARD_DATA",
        help="Data folder. Default: the platform's; DOORWARD_DATA.",
    ),
    click.option("--json", is_flag=True, help="Output for programs."),
    click.option("-q", "--quiet", is_flag=True, help="Say only what was asked for."),
    click.option("-v", "--verbose", count=True, help="Say more."),
    click.option("--no-color", is_flag=True, help="No colour; NO_COLOR is obeyed too."),
)


def _context(given: Mapping[str, Any]) -> Context:
    policy = given["policy"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without Unicode shows escapes rather than a traceback
            stream.reconfigure(errors="backslashreplace")
    return Context(
        policy=policy or Path(POLICY_FILE),
        named=policy is not None,
        data=given["data"] or data_folder(),
        json=given["json"],
        quiet=given["quiet"],
        verbose=given["verbose"],
        color=not given["no_color"] and _terminal_takes_color(),
    )


def _terminal_takes_color() -> bool:
    # no-color.org: "when present and not an empty string".
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


def data_folder(
    platform: str = sys.platform, environ: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """The platform's folder for the data of this user. home: for tests."""
    home = home or Path.home()
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "doorward"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "doorward"
    base = environ.get("XDG_DATA_HOME", "")
    # XDG base directories: "If an implementation encounters a relative path ... it should ... ignore it."
    return (Path(base) if base.startswith("/") else home / ".local" / "share") / "doorward"


class Verbs(click.Group):
    """A command with verbs of its own, which suggests the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            tip = f'Did you mean "{near[0]}"?' if near else f"There are {', '.join(self.commands)}."
            raise click.UsageError(f'No such command "{ctx.info_name} {clean(args[0])}". {tip}', ctx)
        return super().resolve_command(ctx, args)


def clean(text: str) -> str:
    """A text that a terminal takes for nothing but text: what cannot be seen becomes an escape. Never raises."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - what \u can hold


def cells_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
