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


@command.command("series", help="Pods, wanted pods, load and latency over time, for one's own dashboards.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["openmetrics", "csv"]), default="openmetrics", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write. [standard output]")
def series_command(run: Path, form: str, out: Path | None) -> int:
    from conformance.base.errors import UsageError
    from reports.series import openmetrics, samples, table
    from reports.stored_run import opened_run

    with opened_run(run) as judged:
        lines = (openmetrics if form == "openmetrics" else table)(samples(judged))
        if out is None:
            for line in lines:
                click.echo(line)
            return Exit.SUCCESS
        try:
            with out.open("w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise UsageError(f"--out {out}: {error.strerror}") from error
    click.echo(str(out))
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
