"""`conformance try`: a service of one's own, deployed, loaded, watched and judged like the documented ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from conformance.base.errors import Exit, UsageError
from conformance.catalogue.own_scenario import OwnScenario, deployed, running
from conformance.cli.own_options import load_plan, own_options, payload, read_manifest, repeated
from conformance.cli.service_text import service_lines
from conformance.cli.settings_options import settings_of, settings_options
from conformance.cli.verdict_table import totals, verdict_table
from conformance.judge.judgement import Verdict
from conformance.judge.results import result_line
from conformance.judge.service_summary import ServiceSummary
from conformance.run.own_plan import own_plan
from conformance.run.pipeline import RunOutcome, execute
from conformance.run.progress import Progress
from conformance.settings.providers import check_prerequisites
from conformance.settings.settings import Settings

MENDABLE = ("REFUSED:", "PAYLOAD:", "NOT_FOUND:")
"""Beginnings of reasons that are the user's to correct."""


@click.command("try", help="Try a service of your own: MANIFEST is its InferenceService, or --service one that runs.")
@click.argument("manifest", required=False, metavar="[MANIFEST]")
@own_options
@click.option("--witness", is_flag=True, help="The witness in the model's place; on the embedded platform always.")
@click.option("--service", metavar="NAMESPACE/NAME", help="A service that runs already; nothing of it is changed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
@click.option("--verbose", is_flag=True, help="Show what the harness does; harness.log of the run holds it all.")
@settings_options
def command(
    manifest: str | None,
    *,
    witness: bool,
    service: str | None,
    as_json: bool,
    verbose: bool,
    **given: Any,
) -> int:
    settings = settings_of(given)
    scenario, said = _scenario(manifest, service, settings, witness, given)
    check_prerequisites(settings)
    if not as_json:
        for line in said:
            click.echo(line)
    flags = [*(["--witness"] if witness else []), *(["--service", service] if service else [])]
    flags += ["--cluster", settings.cluster, "--clock", settings.clock]
    plan = own_plan(settings, scenario, repeated("try", manifest or "", given, flags))
    with Progress() as progress:
        outcome = execute(plan, progress, verbose=verbose)
    return _conclude(outcome, as_json=as_json)


def _scenario(
    manifest: str | None, service: str | None, settings: Settings, witness: bool, given: dict[str, Any]
) -> tuple[OwnScenario, list[str]]:
    """The scenario, and what it was not told and takes for granted."""
    plan = load_plan(given, settings.seed)
    body = payload(given["body_file"])
    if (manifest is None) == (service is None):
        raise UsageError("give a MANIFEST to deploy, or --service NAMESPACE/NAME for one that runs")
    if service is not None:
        return _running(service, given, body), [f"load      {plan.words()}", f"service   {service}, left as it is"]
    assert manifest is not None
    own = read_manifest(manifest)
    embedded = settings.cluster == "embedded"
    scenario = deployed(
        own,
        plan,
        witness=witness or embedded,
        image=not embedded,
        payload=body,
        path=given["path"],
        service_ms=100 if given["service_ms"] is None else given["service_ms"],
        start_seconds=6.0 if given["start_seconds"] is None else given["start_seconds"],
    )
    return scenario, list(_said(scenario, own.namespace, plan.words(), witness or embedded, given))


def _running(service: str, given: dict[str, Any], body: bytes | None) -> OwnScenario:
    space, sign, name = service.partition("/")
    if not (space and sign and name):
        raise UsageError(f"--service {service!r}: NAMESPACE/NAME is wanted")
    if body is None:
        body = b'{"instances": [[6.8, 2.8, 4.8, 1.4]]}\n'
    return running(service, load_plan(given), path=given["path"] or f"/v1/models/{name}:predict", payload=body)


def _said(
    scenario: OwnScenario, namespace: str | None, load: str, witness: bool, given: dict[str, Any]
) -> Iterator[str]:
    asked = any(given[name] for name in ("duration", "workers", "requests", "rate", "plan_file"))
    yield f"load      {load}" + ("" if asked else " (-z, -c, -rate or --plan change it)")
    size = len(scenario.contents[scenario.payload])
    told = "" if given["body_file"] else " of a usual form (-D FILE for your own)"
    yield f"request   POST {scenario.path}, {size} bytes{told}"
    if witness:
        yield (
            f"model     the witness in its place, {scenario.service_ms} ms a request, {scenario.start_seconds:g} s to "
            "start (--service-ms, --start-seconds)"
        )
    if namespace:
        yield f"namespace one of its own, not {namespace}"


def _conclude(outcome: RunOutcome, *, as_json: bool) -> int:
    (ended,) = outcome.recorded.run.scenarios
    error = outcome.recorded.error
    if ended.outcome != "complete" and not outcome.recorded.interrupted:
        reason = " ".join((str(error) if error else ended.reason).split())
        click.echo(f"error: {reason}", err=True)
        click.echo(f"facts   {outcome.folder / 'recording'}, log {outcome.folder / 'harness.log'}", err=True)
        return Exit.USAGE if reason.startswith(MENDABLE) else outcome.exit_code
    summary = ServiceSummary(outcome.histories[ended.name]) if ended.name in outcome.histories else None
    applying = [entry for entry in outcome.judgements if entry.verdict is not Verdict.NOT_APPLICABLE]
    if as_json:
        click.echo(json.dumps(_body(outcome, summary), indent=1))
        return outcome.exit_code
    click.echo("")
    for line in verdict_table(applying, {entry.id: entry for entry in outcome.plan.requirements}):
        click.echo(line)
    click.echo("")
    for line in service_lines(summary) if summary else ():
        click.echo(line)
    run = outcome.recorded.run
    click.echo("")
    if applying:
        click.echo(totals(applying, run.finished_wall - run.started_wall))
    elif reasons := Counter(entry.notes for entry in outcome.judgements).most_common(1):
        click.echo(f"none of {len(outcome.judgements)} requirements applies; most because {reasons[0][0]}")
    click.echo(f"report  {outcome.folder / 'report.html'} (your own service: not a submission)")
    click.echo(f"facts   {outcome.folder / 'recording'}")
    click.echo(result_line(outcome.exit_code))
    return outcome.exit_code


def _body(outcome: RunOutcome, summary: ServiceSummary | None) -> dict[str, Any]:
    from conformance.judge.service_body import service_body

    return {
        "folder": str(outcome.folder),
        "exit_code": int(outcome.exit_code),
        "verdicts": {entry.requirement: entry.verdict.value for entry in outcome.judgements},
        "service": service_body(summary) if summary else None,
        "report": str(Path(outcome.folder) / "report.html"),
    }
