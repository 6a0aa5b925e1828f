"""`conformance compare`: two runs side by side; and what the index knows of many."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from conformance.base.errors import Exit, UsageError
from conformance.base.terminal import printable


@click.command(
    "compare",
    help="Compare two runs (folders or bundles). With --ledger or --history and a folder of runs: what many runs say.",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="BEFORE AFTER | RUNS")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "html"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write there instead of standard output.")
@click.option("--gate", is_flag=True, help="Exit with 1 when a requirement came out worse.")
@click.option("--ledger", is_flag=True, help="How often each requirement failed on platforms nobody broke.")
@click.option("--history", metavar="REQUIREMENT", help="One requirement in all runs.")
def command(paths: tuple[Path, ...], form: str, out: Path | None, gate: bool, ledger: bool, history: str | None) -> int:
    if ledger or history:
        return _many(paths, ledger, history)
    if len(paths) != 2:
        raise UsageError(f"two runs are compared, {len(paths)} given")
    from reports import comparison_views
    from reports.comparing import compare
    from reports.stored_run import opened_run

    with opened_run(paths[0]) as before, opened_run(paths[1]) as after:
        found = compare(before, after)
    views = {"text": comparison_views.text, "markdown": comparison_views.markdown, "html": comparison_views.html}
    text = views[form](found)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
    return Exit.FAILURE if gate and found.worse else Exit.SUCCESS


def _many(paths: tuple[Path, ...], ledger: bool, history: str | None) -> int:
    import sqlite3

    from reports import index

    root = paths[0]
    if len(paths) != 1 or not root.is_dir():
        raise UsageError("one folder of runs is wanted, such as reports/runs")
    try:
        if not (root / index.NAME).is_file() and os.access(root, os.W_OK):
            index.rebuild(root)
        if ledger:
            for flake in index.ledger(root):
                state = "provisional" if flake.provisional else "reliable"
                click.echo(
                    f"{flake.requirement:<8} {flake.failures:>4} of {flake.runs:>5} failed, "
                    f"at most {flake.upper95:6.1%}  {state}"
                )
        for past in index.history(root, history) if history else ():
            when = datetime.fromtimestamp(past.started, UTC).strftime("%Y-%m-%d %H:%M")
            value = "" if past.value is None else f"{past.value:g} {past.unit}"
            click.echo(
                printable(f"{when}  {past.verdict:<14} {past.margin:<6} {value:<20} {past.run}  {past.implementation}")
            )
    except sqlite3.Error as error:
        raise UsageError(f"{root / index.NAME}: {error}; delete it, it is made anew") from error
    return Exit.SUCCESS
