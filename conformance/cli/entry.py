"""The `conformance` command: loads the one subcommand asked for, turns errors into lines and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from conformance.base import plugins
from conformance.base.errors import ConformanceError, Exit, UsageError, nearest

OWN: Final = frozenset(
    {"run", "try", "simulate", "plan", "preflight", "job", "fetch", "judge", "import", "load", "schema", "version"}
)
"""Those that stand beside this file; all others are found in the entry points, a vendor's too."""
HELP: Final = {
    "run": "run the suite against a cluster and judge it",
    "try": "a service of your own: deploy it, load it, see whether it scales as documented",
    "simulate": "what your service would do under a load, and which settings are good enough",
    "plan": "what a run would take: scenarios, wall time, pods, GPU minutes, images",
    "preflight": "can this cluster decide? permissions, capacity, clocks, ingress, configuration",
    "job": "inside a cluster's Job: a run, kept for fetch",
    "fetch": "the run of a Job, from the cluster that it ran in",
    "judge": "judge a stored recording again, without a cluster",
    "verify": "check a submission offline",
    "compare": "two runs side by side",
    "faults": "broken platforms, and which requirement catches which",
    "golden": "replay recorded decisions of Knative's own code",
    "import": "turn a raw lab recording into a run",
    "load": "hey-compatible load generator",
    "platform": "the embedded platform in the foreground",
    "export": "evidence for other programmes from a run",
    "audit": "draw up a re-run with a seed of the auditor's",
    "schema": "JSON schemas of scenarios and requirements of your own, for editors",
    "version": "version and digests of this suite",
}
"""What the suite's own commands do, so that the list of all needs none of them imported; in the order of that list."""


def commands() -> dict[str, str]:
    """Every command with a line about it: the suite's, then those that others have installed."""
    others = [name for name in plugins.names(plugins.COMMANDS) if name not in HELP]
    return {**HELP, **{name: f"from {plugins.provided_by(plugins.COMMANDS, name)}" for name in others}}


class Commands(click.Group):
    """Subcommands as modules of `conformance.cli` or as entry points, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in OWN:
            found: object = importlib.import_module(f"conformance.cli.{name}_command").command
        elif name in HELP or name in plugins.names(plugins.COMMANDS):
            found = plugins.load(plugins.COMMANDS, name)
        else:
            return None
        if not isinstance(found, click.Command):
            raise UsageError(f"{plugins.COMMANDS}: {name} is no click.Command but {type(found).__name__}")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in HELP and not args[0].startswith("-") and args[0] not in (known := commands()):
            raise click.UsageError(f"no command {args[0]!r}; {nearest(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(commands().items()))


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="serving-conformance", message="%(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Conformance of InferenceService autoscaling: run the documented examples, judge what the platform did."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(Exit.USAGE)


def main(args: Sequence[str] | None = None) -> None:
    """Entry point of the console script."""
    sys.exit(invoke(list(sys.argv[1:] if args is None else args)))


def invoke(args: list[str]) -> int:
    """Run a command line; returns its exit code. One line on standard error for anything the user can mend."""
    try:
        result: Any = group.main(args=args, prog_name="conformance", standalone_mode=False)
    except click.UsageError as error:
        _complain(_usage(error))
        return Exit.USAGE
    except click.ClickException as error:
        _complain(error.format_message())
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return Exit.INTERRUPTED
    except ConformanceError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.SUCCESS
    return int(result) if isinstance(result, int) else Exit.SUCCESS


def _usage(error: click.UsageError) -> str:
    text = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        known = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("-")]
        text = f"no option {error.option_name}; {nearest(error.option_name, known)}"
    elif isinstance(error, click.BadParameter) and isinstance(getattr(error.param, "type", None), click.Choice):
        choice: Any = error.param and error.param.type
        # "Invalid value for '-o': 'xml' is not one of ...": the value is the first word quoted after the colon.
        value = text.partition(": ")[2].partition("'")[2].partition("' is not")[0]
        text = f"{error.param.opts[-1] if error.param else ''} {value!r}; {nearest(value, choice.choices)}"
    return text


def _complain(text: str) -> None:
    click.echo(f"error: {' '.join(text.split())}", err=True)


if __name__ == "__main__":
    main()
