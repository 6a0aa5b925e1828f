"""`conformance golden`: replay recorded decisions and Kubernetes API interactions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from clusters.embedded.golden.golden_file import Document, GoldenKind, find, read
from clusters.embedded.golden.tally import Tally
from conformance.base.errors import Exit, UsageError


@click.command(name="golden")
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path))
def command(paths: tuple[Path, ...]) -> int:
    """Replay golden files: autoscaler traces, loops and tables, and recorded Kubernetes API interactions.

    A PATH is a file or a directory of files; what a file holds is told by its content. Every value that comes out
    different is one line (file, place, field, expected, got). Exit code 1 if there is any.
    """
    if not paths:
        raise UsageError("no golden file given; give files or directories of them")
    documents = [read(path) for path in find(paths)]
    decided = [
        document for document in documents if document.kind in {GoldenKind.TRACE, GoldenKind.LOOP, GoldenKind.TABLE}
    ]
    recorded = [document for document in documents if document.kind is GoldenKind.INTERACTION]
    if not decided and not recorded:
        raise UsageError(f"{paths[0]}: only lists of golden files; give the files they list")
    mismatches = 0
    if decided:
        mismatches += _replay_decisions(decided)
    if recorded:
        mismatches += _replay_interactions(recorded)
    return Exit.FAILURE if mismatches else Exit.SUCCESS


def _replay_decisions(documents: list[Document]) -> int:
    from clusters.embedded.golden.replay import replay

    return _print(replay(documents), "decisions")


def _replay_interactions(documents: list[Document]) -> int:
    from conformance.golden.kubernetes_api import replay

    return _print(replay([document.path for document in documents]), "interactions")


def _print(tallies: Iterable[Tally], unit: str) -> int:
    """Each mismatch as it is found, the sums last; the number of mismatches."""
    compared = found = 0
    for tally in tallies:
        compared += tally.decisions
        found += len(tally.mismatches)
        for mismatch in tally.mismatches:
            click.echo(mismatch.line())
    click.echo(f"{compared} {unit}, {found} mismatches")
    return found
