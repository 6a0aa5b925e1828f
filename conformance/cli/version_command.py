"""`conformance version`."""

from __future__ import annotations

import click

from conformance.base.suite_version import catalogue_digest, examples_digest, source_digest, suite_version


@click.command("version", help="Version and digests of this suite.")
def command() -> None:
    click.echo(f"version    {suite_version()}")
    click.echo(f"source     {source_digest()}")
    click.echo(f"catalogue  {catalogue_digest()}")
    click.echo(f"examples   {examples_digest()}")
