"""`conformance run`: the suite against a cluster, judged and reported."""

from __future__ import annotations

from typing import Any

import click

from conformance.cli.settings_options import settings_of, settings_options


@click.command("run", help="Run the suite and judge it. Options after -- go to pytest.")
@settings_options
@click.option("--dashboard", is_flag=True, help="Serve a live page of the scaling on loopback while it runs.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def command(pytest_arguments: tuple[str, ...], dashboard: bool, **options: Any) -> int:
    settings = settings_of(options)
    from conformance.run.session import run_suite

    return run_suite(settings, pytest_arguments, dashboard=dashboard)
