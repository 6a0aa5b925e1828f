"""`conformance plan`: what a run would take, without touching a cluster."""

from __future__ import annotations

import json
from typing import Any

import click

from conformance.cli.settings_options import settings_of, settings_options


@click.command("plan", help="What a run would take: scenarios, wall time, pods, GPU minutes, images.")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def command(as_json: bool, **options: Any) -> int:
    settings = settings_of(options)
    from conformance.run.plan import make_plan
    from conformance.run.preflight.forecast import forecast

    found = forecast(make_plan(settings))
    if as_json:
        click.echo(json.dumps(found.body(), indent=1, ensure_ascii=False))
    else:
        for line in found.lines():
            click.echo(line)
    return 0
