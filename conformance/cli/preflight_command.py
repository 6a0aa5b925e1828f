"""`conformance preflight`: can this cluster decide?"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from conformance.base.errors import Exit
from conformance.cli.settings_options import settings_of, settings_options


@click.command("preflight", help="Can this cluster decide? Exit code 0 if so, 2 if not.")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of lines.")
def command(as_json: bool, **options: Any) -> int:
    settings = settings_of(options)
    from conformance.run.plan import make_plan
    from conformance.run.preflight.preflight_check import decided, lines
    from conformance.run.preflight.visit import visit

    checks = asyncio.run(visit(make_plan(settings)))
    if as_json:
        rows = [
            {"name": check.name, "level": check.level.value, "found": check.found, "remedy": check.remedy}
            for check in checks
        ]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        for line in lines(checks):
            click.echo(line)
    return Exit.SUCCESS if decided(checks) else Exit.INCONCLUSIVE
