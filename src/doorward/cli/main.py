"""`doorward`: the group of commands, the common switches, exit codes.

Exit codes: 0 fine, 1 the answer is "no", 2 wrong use or configuration, 3 could not tell.
Rule: listing the commands imports none of them, so that `--help` stays fast. Source: first-minute.md 2.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import Any

import click

from doorward.core.errors import ConfigError, DependencyError

NO, WRONG, UNKNOWN = 1, 2, 3

# name -> (module, one line for --help)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Guard a small shop and show five answers, each with its reason."),
    "init": ("init", "Write a commented policy file to start from."),
    "serve": ("serve", "Stand in front of an application and guard it."),
    "check": ("check", "Check everything that serve would refuse to start with."),
    "explain": ("explain", "Say why a request was refused, or would be."),
    "tail": ("tail", "Show refusals as they happen."),
    "policy": ("policy", "Lint and test the policy file."),
    "user": ("user", "Accounts: add, list, show, roles, disable, enable, passwd, delete."),
    "key": ("key", "API keys: add, list, revoke."),
    "session": ("session", "Sessions: list, revoke."),
    "token": ("token", "Access tokens: inspect, revoke."),
    "grant": ("relation", "Grant a permission on an object."),
    "revoke": ("relation", "Take a permission on an object back."),
}

INTRO = """doorward: who are you (401), what may you do (403), and why.

  doorward demo       a guarded shop, five answers explained
  doorward init       write a policy file
  doorward serve      guard an application
  doorward --help     all commands"""


class LazyGroup(click.Group):
    """A group that knows its commands by name and loads one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"doorward.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            tip = f' Did you mean "{near[0]}"?' if near else " See doorward --help."
            raise click.UsageError(f'No such command "{args[0]}".{tip}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="doorward", prog_name="doorward", message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """The access-control layer for HTTP services."""
    if ctx.invoked_subcommand is None:
        click.echo(INTRO)


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    try:
        result: Any = group.main(args, prog_name="doorward", standalone_mode=False)
    except click.ClickException as error:
        sys.exit(_usage(error))
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(NO)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG)
    except DependencyError as error:
        click.echo(str(error), err=True)
        sys.exit(UNKNOWN)
    except BrokenPipeError:
        # `doorward tail | head`: the reader left; nothing to say, and the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(result if isinstance(result, int) else 0)


def _usage(error: click.ClickException) -> int:
    click.echo(error.format_message(), err=True)
    ctx = getattr(error, "ctx", None)
    if ctx is not None and ctx.parent is not None:
        click.echo(f"See {ctx.command_path} --help.", err=True)
    return WRONG
