"""`conformance job`: any command of the suite inside a cluster's Job, its results kept for `conformance fetch`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from conformance.base.errors import ConformanceError, Exit, UsageError
from conformance.recording.archive import packed
from conformance.run.stored_results import Owner, newest, store
from conformance.settings.settings import Settings
from conformance.settings.sources import variable


@click.command(
    "job",
    help="For a Job's pod: `conformance run …` or `try …`, and keep its folder in ConfigMaps for `conformance fetch`.",
    context_settings={"ignore_unknown_options": True},
)
@click.option("--name", envvar="JOB_NAME", required=True, help="The Job's name. [$JOB_NAME]")
@click.option("--uid", envvar="JOB_UID", required=True, help="The Job's uid, with which results go. [$JOB_UID]")
@click.option("--namespace", envvar="JOB_NAMESPACE", required=True, help="The Job's namespace. [$JOB_NAMESPACE]")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
def command(name: str, uid: str, namespace: str, arguments: tuple[str, ...]) -> int:
    from conformance.cli.entry import invoke

    reports = Path(os.environ.get(variable("reports")) or Settings().reports)
    before = frozenset(path.parent.name for path in reports.glob("*/run.json"))
    # What a report says repeats the run is the command itself.
    sys.argv = ["conformance", *arguments]
    code = invoke(list(arguments))
    folder = newest(reports, before)
    try:
        if folder is None and code in (Exit.SUCCESS, Exit.FAILURE, Exit.INCONCLUSIVE, Exit.PARTIAL):
            raise UsageError(f"no run came to {reports}; say where it is in {variable('reports')}, not by a flag")
        asyncio.run(_store(Owner(namespace, name, uid), folder, code))
    except ConformanceError as error:
        click.echo(f"error: the results were not kept: {error}", err=True)
        return code or error.exit_code
    click.echo(f"kept    conformance fetch {name} --namespace {namespace}")
    return code


async def _store(owner: Owner, folder: Path | None, code: int) -> None:
    from conformance.kube.official_client import connect

    api = await connect()
    try:
        await store(api, owner, folder.name if folder else "", code, packed(folder) if folder else b"")
    finally:
        await api.close()
