"""`conformance golden`: replay recorded decisions."""

from __future__ import annotations

from pathlib import Path

import click

from clusters.embedded.golden.golden_file import GoldenKind, find, read
from clusters.embedded.golden.replay import replay
from conformance.base.errors import Exit, UsageError

_DECISIONS = frozenset({GoldenKind.TRACE, GoldenKind.LOOP, GoldenKind.HORIZONTAL, GoldenKind.TABLE})


@click.command(name="golden")
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path))
def command(paths: tuple[Path, ...]) -> int:
    """Replay golden files: what the autoscalers of Knative and Kubernetes themselves decided.

    A PATH is a file or a directory of files; what a file holds is told by its content. Every value that comes out
    different is one line (file, place, field, expected, got). Exit code 1 if there is any.
    """
    if not paths:
        raise UsageError("no golden file given; give files or directories of them")
    documents = [document for path in find(paths) for document in read(path)]
    decided = [document for document in documents if document.kind in _DECISIONS]
    if not decided:
        raise UsageError(f"{paths[0]}: no recorded decisions in it; give files with ticks or rows")
    others = sum(document.kind is GoldenKind.INTERACTION for document in documents)
    if others:
        click.echo(f"{others} files of recorded API interactions left out: they hold no decisions", err=True)
    compared = mismatches = 0
    for tally in replay(decided):
        compared += tally.decisions
        mismatches += len(tally.mismatches)
        for mismatch in tally.mismatches:
            click.echo(mismatch.line())
    click.echo(f"{compared} decisions, {mismatches} mismatches")
    return Exit.FAILURE if mismatches else Exit.SUCCESS
