"""`conformance judge`: judge a stored recording again, without a cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--all", "show_all", is_flag=True, help="Show requirements too that do not apply or were skipped.")
@click.option("--drift", is_flag=True, help="Show where the documentation page and the model disagree.")
def command(run: Path, show_all: bool, drift: bool) -> None:
    """Judge RUN, a run folder or its evidence bundle; writes judgements.json into the folder, the same bytes each
    time, and ends with the exit code of its result."""
    from conformance.judge import verdict_lines
    from conformance.judge.results import exit_code
    from conformance.judge.run_folder import opened

    with opened(run) as folder:
        judged = verdict_lines.judge(folder)
        for line in verdict_lines.lines(judged.judgements, show_all):
            click.echo(line)
        if drift:
            for line in verdict_lines.drift_lines(judged):
                click.echo(line)
    click.echo(verdict_lines.closing(judged.judgements))
    sys.exit(exit_code(judged.judgements))
