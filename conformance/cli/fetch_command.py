"""`conformance fetch`: the run of a Job, from the cluster that it ran in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from conformance.base.clock import RealClock
from conformance.base.errors import Exit, UsageError
from conformance.judge.results import result_line
from conformance.kube.api_client import ApiClient
from conformance.recording.archive import unpack
from conformance.run.stored_results import Owner, Stored, awaited, collected, discard


@click.command("fetch", help="Fetch the run of JOB, which `conformance job` kept in its cluster.")
@click.argument("job", default="conformance")
@click.option("--namespace", default="default", show_default=True, help="Where the Job is.")
@click.option("--wait", "within", type=click.FloatRange(0), default=0, metavar="SECONDS", help="Wait for its end.")
@click.option("--reports", default="reports/runs", show_default=True, help="Folder that the run's folder is made in.")
@click.option("--discard", "discarded", is_flag=True, help="Take what was kept away from the cluster afterwards.")
@click.option("--kubeconfig", metavar="FILE", help="Of the cluster; KUBECONFIG or ~/.kube/config if left out.")
@click.option("--context", help="Context of the kubeconfig.")
def command(
    job: str,
    *,
    namespace: str,
    within: float,
    reports: str,
    discarded: bool,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    return asyncio.run(_with(kubeconfig, context, Owner(namespace, job, ""), within, Path(reports), discarded))


async def _with(
    kubeconfig: str | None, context: str | None, owner: Owner, within: float, reports: Path, discarded: bool
) -> int:
    from conformance.kube.official_client import connect

    api = await connect(kubeconfig, context)
    try:
        return await fetch(api, owner, within, reports, discarded=discarded)
    finally:
        await api.close()


async def fetch(api: ApiClient, owner: Owner, within: float, reports: Path, *, discarded: bool = False) -> int:
    """Unpack a Job's run below `reports`; returns the exit code that the run ended with. Raises PlatformError where
    there is nothing to fetch, UsageError for a folder that is there."""
    found = await awaited(api, owner, RealClock(), within, lambda reason: click.echo(f"waiting {reason}", err=True))
    if found.parts:
        folder = await _unpacked(api, owner, found, reports)
        click.echo(f"report  {folder / 'report.html'}\nfacts   {folder / 'recording'}")
    else:
        click.echo(f"nothing was recorded; kubectl logs --namespace {owner.namespace} job/{owner.name} says why")
    if discarded:
        click.echo(f"removed {await discard(api, owner)} ConfigMaps")
    known = found.exit_code in set(Exit)
    click.echo(result_line(found.exit_code) if known else f"result  exit code {found.exit_code}")
    return found.exit_code


async def _unpacked(api: ApiClient, owner: Owner, found: Stored, reports: Path) -> Path:
    folder = reports / Path(found.run).name
    if folder.exists():
        raise UsageError(f"{folder} is there already; move it, or name another folder with --reports")
    data = await collected(api, owner, found)
    unpack(data, folder)
    return folder
