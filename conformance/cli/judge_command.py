"""`conformance judge`: judge a stored recording again, without a cluster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.base.errors import UsageError
from conformance.base.terminal import printable

if TYPE_CHECKING:
    from conformance.judge.judged_run import JudgedRun


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="Show also what does not apply or was skipped, and what each PASS would have found.",
)
@click.option("--drift", is_flag=True, help="Show where the documentation page and the model disagree.")
def command(run: Path, show_all: bool, drift: bool) -> None:
    """Judge RUN, a run folder or its evidence bundle; writes judgements.json into the folder, the same bytes each
    time, and ends with the exit code of its result."""
    from conformance.cli.verdict_table import verdict_table
    from conformance.judge.judgement import Verdict
    from conformance.judge.results import exit_code
    from conformance.judge.run_folder import opened
    from conformance.judge.verdict_text import counted, drifted

    quiet = () if show_all else (Verdict.NOT_APPLICABLE, Verdict.SKIPPED)
    with opened(run) as folder:
        judged = _judge(folder)
        listed = [entry for entry in judged.judgements if entry.verdict not in quiet]
        for line in verdict_table(listed, judged.requirement, full=show_all):
            click.echo(line)
        for entry in judged.drifts if drift else ():
            click.echo(printable(drifted(entry)))
    click.echo(counted(judged.judgements))
    sys.exit(exit_code(judged.judgements))


def _judge(folder: Path) -> JudgedRun:
    """Judge and store; a folder that is not a run is the user's to correct."""
    from conformance.judge.judged_run import store
    from conformance.judge.judging import judge_run

    try:
        judged = judge_run(folder)
        store(judged)
        return judged
    except (ValueError, KeyError) as error:
        raise UsageError(f"{folder}: cannot be judged: {error}") from error
