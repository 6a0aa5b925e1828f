"""`conformance audit`: draw up a re-run of a submission with a seed of the auditor's."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from conformance.base.errors import Exit, UsageError


@click.command("audit", help="Draw up a re-run of a submission (folder or bundle) with a seed nobody knew before.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(1, 2**31 - 1), help="Your own; random by default.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default="audit.yaml", show_default=True)
def command(bundle: Path, seed: int | None, out: Path) -> int:
    from reports.auditing import audit
    from reports.canonical import dump_yaml
    from reports.stored_run import opened_run

    with opened_run(bundle) as judged:
        found = audit(judged, seed or secrets.randbelow(2**31 - 2) + 1, str(out))
    try:
        out.write_bytes(dump_yaml(dict(found.settings)))
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from error
    for line in found.lines:
        click.echo(line)
    return Exit.SUCCESS
