"""`conformance verify`: the offline rules for a submission."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from conformance.base.errors import Exit
from conformance.base.terminal import printable

SHOWN = 5


@click.command(
    "verify",
    help="Check a submission (a run's folder or its .tar.gz) by rules V01 to V18, without a cluster or a network.",
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--submitted",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day it was submitted, today by default: its age counts from then.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def command(bundle: Path, submitted: datetime | None, as_json: bool) -> int:
    from reports.verifying import check

    wall = time.time() if submitted is None else submitted.replace(tzinfo=UTC).timestamp() + 86_399
    checked = check(bundle, wall)
    findings, broken = checked.findings, checked.broken
    if as_json:
        body = {
            "bundle": bundle.name,
            "kept": not broken,
            "partial": checked.skipped > 0,
            "rules": [
                {"rule": f.rule.id, "name": f.rule.name, "kept": f.kept, "problems": list(f.problems)} for f in findings
            ],
        }
        click.echo(json.dumps(body, indent=1))
        return Exit.FAILURE if broken else Exit.SUCCESS
    for finding in findings:
        rule = finding.rule
        click.echo(f"{rule.id}  {'kept  ' if finding.kept else 'BROKEN'}  {rule.name:<16} {rule.sentence}")
        for problem in finding.problems[:SHOWN]:
            click.echo(f"             {printable(problem)[:400]}")
        if len(finding.problems) > SHOWN:
            click.echo(f"             and {len(finding.problems) - SHOWN} more")
    if checked.skipped:
        click.echo(
            f"partial: {checked.skipped} of {checked.requirements} requirements were not run; such a run is listed as "
            "partial, run all for a full listing"
        )
    if broken:
        click.echo(f"{len(broken)} of {len(findings)} rules broken: {', '.join(f.rule.id for f in broken)}")
        return Exit.FAILURE
    click.echo(f"all {len(findings)} rules kept")
    return Exit.SUCCESS
