"""`conformance run`: the suite against a cluster, judged and reported."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import pytest

from conformance.base.errors import ConformanceError, Exit, HarnessError, UsageError
from conformance.base.locations import ROOT
from conformance.cli.settings_options import settings_of, settings_options
from conformance.run.pipeline import RunOutcome
from conformance.run.plan import make_plan
from conformance.settings.option_names import OPTIONS
from conformance.settings.providers import check_fault

INI: Final = ROOT / "conformance" / "catalogue" / "pytest.ini"
"""The suite's own, so that what a folder's pytest is configured to do has no say in a run."""


@dataclass(slots=True)
class _Listener:
    """Keeps what pytest's side of the run came to."""

    outcome: RunOutcome | None = None
    error: ConformanceError | None = None

    def pytest_conformance_finished(self, outcome: RunOutcome) -> None:
        self.outcome = outcome

    def pytest_conformance_refused(self, error: ConformanceError) -> None:
        self.error = error


@click.command("run", help="Run the suite and judge it. Options after -- go to pytest.")
@settings_options
@click.option("--dashboard", is_flag=True, help="Serve a live page of the scaling on loopback while it runs.")
@click.option("--verbose", is_flag=True, help="Show what the harness does; harness.log of the run holds it all.")
@click.option("--only-failures", is_flag=True, help="List only what failed or could not be decided.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    pytest_arguments: tuple[str, ...], dashboard: bool, verbose: bool, only_failures: bool, **options: Any
) -> int:
    plan = make_plan(settings_of(options))
    check_fault(plan.settings.cluster, plan.settings.fault)
    _check(pytest_arguments)
    flags = [name for name, given in (("dashboard", dashboard), ("verbose", verbose)) if given]
    return run_pytest(
        [*_forwarded(options), *(f"--conformance-{name}" for name in flags)], pytest_arguments, only_failures
    )


def _check(pytest_arguments: tuple[str, ...]) -> None:
    """Raises UsageError where somebody names what is to run as if it were an argument of ours."""
    first = next(iter(pytest_arguments), "-")
    if not (first.startswith("-") or "::" in first or Path(first).exists()):
        raise UsageError(f"{first!r} would go to pytest, which finds no such file; to choose what runs: --only {first}")


def run_pytest(forwarded: Sequence[str], pytest_arguments: Sequence[str], only_failures: bool = False) -> int:
    """Let pytest select and run; returns the exit code of `conformance run`. Raises ConformanceError for what kept it
    from running."""
    listener = _Listener()
    arguments = ["--conformance", "-c", str(INI), f"--rootdir={Path.cwd()}", *forwarded]
    arguments += pytest_arguments or ["-p", "no:terminal"]
    status = pytest.main(arguments, plugins=[listener])
    if listener.error is not None:
        raise listener.error
    if listener.outcome is not None:
        return _conclude(listener.outcome, only_failures)
    match status:
        case pytest.ExitCode.OK:
            return Exit.SUCCESS
        case pytest.ExitCode.NO_TESTS_COLLECTED:
            raise UsageError("pytest selected no requirement; see its options after --")
        case pytest.ExitCode.USAGE_ERROR | pytest.ExitCode.TESTS_FAILED:
            return Exit.USAGE
        case pytest.ExitCode.INTERRUPTED:
            return Exit.INTERRUPTED
    raise HarnessError(f"pytest ended with status {int(status)} before anything was judged")


def _forwarded(options: Mapping[str, Any]) -> Iterator[str]:
    """This command's options as the plugin's."""
    for option in OPTIONS:
        value = options[option.key]
        if option.flag:
            if value:
                yield f"--conformance-{option.name}"
            continue
        for text in value if option.multiple else () if value is None else (value,):
            yield f"--conformance-{option.name}={text}"


def _conclude(outcome: RunOutcome, only_failures: bool) -> int:
    from conformance.cli.verdict_table import totals, verdict_table
    from conformance.judge.results import result_line

    known = {entry.id: entry for entry in outcome.plan.requirements}
    for line in verdict_table(outcome.judgements, known, only_failures=only_failures):
        click.echo(line)
    run = outcome.recorded.run
    click.echo(f"\n{totals(outcome.judgements, run.finished_wall - run.started_wall)}")
    click.echo(f"report  {outcome.folder / 'report.html'}\nfacts   {outcome.folder / 'recording'}")
    if outcome.exit_code != Exit.SUCCESS:
        click.echo(f"log     {outcome.folder / 'harness.log'}")
    click.echo(result_line(outcome.exit_code))
    error = outcome.recorded.error
    if error is not None and not outcome.recorded.interrupted and not outcome.recorded.anything:
        print(f"error: {error}", file=sys.stderr)
    return outcome.exit_code
