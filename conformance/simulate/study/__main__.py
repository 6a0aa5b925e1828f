"""`python -m conformance.simulate.study`: the false-alarm study, its table on the terminal or in the documentation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from conformance.base.errors import UsageError
from conformance.simulate.study.study_figures import Tally, study, table
from conformance.simulate.study.study_plans import hypothesis_called

BEGIN, END = "<!-- study -->", "<!-- end of study -->"
USUAL = ("target-times-0.75", "target-times-1.25", "target-times-1.5", "utilization-100", "ceil-to-floor")


@click.command()
@click.option("--runs", default=2000, show_default=True, help="Simulated honest runs.")
@click.option("--power-runs", default=20, show_default=True, help="Simulated runs of each broken autoscaler and plan.")
@click.option("--seed", default=0, show_default=True, help="Seed of the first run; each further run takes the next.")
@click.option("--fault", "--mutant", "faults", multiple=True, default=USUAL, help="Broken autoscalers to try.")
@click.option("--configured", is_flag=True, help="Honest runs under drawn settings of config-autoscaler.")
@click.option("--workers", default=os.cpu_count() or 1, help="Processes.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Put the table into this file.")
def main(
    runs: int,
    power_runs: int,
    seed: int,
    faults: tuple[str, ...],
    configured: bool,
    workers: int,
    write: Path | None,
) -> None:
    """Judge simulated platforms, honest and broken ones, and count."""
    for name in faults:
        hypothesis_called(name)
    honest, power = study(runs, power_runs, faults if power_runs else (), workers, seed, _tell, configured)
    text = table(honest, power, seed)
    click.echo(text)
    if write:
        put(write, text)
    sys.exit(1 if honest.runs_failed else 0)


def _tell(part: Tally) -> None:
    for entry in part.accused:
        click.echo(f"accused: seed {entry}", err=True)


def put(path: Path, text: str) -> None:
    """Replace what stands between the marks."""
    whole = path.read_text(encoding="utf-8")
    if BEGIN not in whole or END not in whole:
        raise UsageError(f"{path}: no marks {BEGIN} and {END} to put the table between")
    head, _, rest = whole.partition(BEGIN)
    tail = rest.partition(END)[2]
    path.write_text(f"{head}{BEGIN}\n{text}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
