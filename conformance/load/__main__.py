"""`python -m conformance.load`: the load generator by itself, without the rest of the suite."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from conformance.load.command import INTERRUPTED, load_options, run
from conformance.load.load_errors import InvalidLoadError, LoadError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@load_options
def command(**given: Any) -> int:
    """Send HTTP load to URL with hey's flags, and print what came of it.

    Without -rate this is hey: -c workers in a closed loop, -q paces each of them. With -rate it is an open loop at that
    total rate. Ctrl-C prints what there is. Redirects are answers, answers are not compressed, TLS is verified.
    """
    return run(**given)


def main() -> int:
    """Run the command line; its exit code. One line on standard error for anything the user can correct."""
    try:
        result: Any = command.main(prog_name="python -m conformance.load", standalone_mode=False)
    except click.ClickException as error:
        return _complain(error.format_message(), InvalidLoadError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", INTERRUPTED)
    except LoadError as error:
        return _complain(str(error), error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return int(result or 0)


def _complain(text: str, code: int) -> int:
    click.echo(f"error: {' '.join(text.split())}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
