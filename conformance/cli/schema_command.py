"""`conformance schema`: JSON schemas of scenarios and requirements of one's own, where an editor finds them."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.base.errors import UsageError


@click.command("schema", help="Write JSON schemas of scenarios and requirements of your own into FOLDER, for editors.")
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    from conformance.judge.own_schema import schemas

    for name, text in schemas().items():
        try:
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{folder / name}: {error.strerror}") from error
        click.echo(f"{folder / name}")
