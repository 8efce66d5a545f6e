"""`doorward init`: write a policy file to start from.

Rule: nothing is overwritten unasked, and what is written passes `policy lint`. Source: first-minute.md 2.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import click

from doorward.cli.common import Context, clean, common_options
from doorward.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@common_options
def init(context: Context, force: bool) -> int:
    """Write a commented policy file to start from."""
    write(context.policy, force=force)
    name = clean(str(context.policy))
    if context.json:
        context.emit({"written": str(context.policy)})
        return 0
    context.note(f"{name} written: closed but for /, open it rule by rule. Next:")
    context.note("  doorward user add NAME --role admin             an account for the login page")
    context.note("  doorward serve --to http://127.0.0.1:3000       guard the application that listens there")
    context.note("  doorward policy lint                            after each change: errors with line and mend")
    return 0


def write(file: Path, *, force: bool = False) -> None:
    """Write the starting policy. Raises ConfigError when the file is there, or cannot be written."""
    text = files("doorward.cli").joinpath("init.toml").read_bytes()
    try:
        with file.open("wb" if force else "xb") as target:
            target.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{clean(str(file))} is there already.", hint="Look at it, or write over it: doorward init --force."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{clean(str(file))} cannot be written: {error.strerror}.", hint="Name it: --policy."
        ) from error
