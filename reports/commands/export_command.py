"""`conformance export`: evidence for other programmes, bundles and signed statements, all from a finished run."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.base.errors import Exit


@click.group("export", help="Evidence for other programmes from a finished run.")
def command() -> None:
    pass


@command.command("cncf-ai", help="Entries for the Kubernetes AI conformance checklist.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--checklist",
    type=click.Path(path_type=Path, dir_okay=False),
    help="AIConformance-<version>.yaml; descriptions and levels are copied from it.",
)
@click.option("--bundle-url", help="Where the bundle is stored, for the evidence.")
def cncf_ai(run: Path, checklist: Path | None, bundle_url: str | None) -> int:
    from reports.canonical import dump_yaml
    from reports.cncf import entries, read_checklist
    from reports.stored_run import opened_run

    words = read_checklist(checklist) if checklist else None
    with opened_run(run) as judged:
        click.echo(dump_yaml(entries(judged, words, bundle_url)).decode(), nl=False)
    return Exit.SUCCESS


@command.command("bundle", help="Pack a run's folder as the .tar.gz that is submitted.")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
def bundle_command(run: Path, out: Path | None) -> int:
    from reports.bundle import LARGE_BYTES, bundle

    path = bundle(run, out)
    click.echo(str(path))
    size = path.stat().st_size
    if size > LARGE_BYTES:
        click.echo(f"warning: {size / 2**20:.0f} MB; it has to be stored for a year", err=True)
    return Exit.SUCCESS


@command.command("statement", help="Write statement.json (in-toto in a DSSE envelope) into a run, signed with --key.")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Ed25519 private key, PEM.")
def statement_command(run: Path, key: Path | None) -> int:
    from conformance.base.errors import UsageError
    from reports.statement import write

    try:
        click.echo(str(write(run, key)))
    except FileNotFoundError as error:
        raise UsageError(f"{run} is no finished run: {error.filename} is missing") from error
    return Exit.SUCCESS
