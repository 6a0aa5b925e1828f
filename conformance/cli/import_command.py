"""`conformance import`: raw laboratory recordings into a run that can be judged."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Run folder to write; must be new or empty."
)
def command(folder: Path, out: Path) -> None:
    """Turn FOLDER, one raw laboratory recording or a folder of them, into a run folder for `conformance judge`."""
    from conformance.recording.laboratory.conversion import convert

    run = convert(folder, out)
    for scenario in run.scenarios:
        click.echo(f"{scenario.recording}: {scenario.outcome}")
    click.echo(f"{len(run.scenarios)} recordings in {out}")
