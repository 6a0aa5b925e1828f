"""Tables of rows, each a decision of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clusters.embedded.golden.tally import ReplayTally

Row = Mapping[str, Any]
Answer = Callable[[Row], Mapping[str, Any]]
"""From the inputs in a row to the outputs, by column."""


def read_rows(table: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row by column) of a table with `cols` and `rows`."""
    for number, values in enumerate(table["rows"]):
        yield f"row {number + 1}", dict(zip(table["cols"], values, strict=True))


def replay_rows(tally: ReplayTally, table: Mapping[str, Any], answer: Answer) -> None:
    """Compare in each row what `answer` gives."""
    for place, row in read_rows(table):
        got = answer(row)
        tally.compare(place, {column: row[column] for column in got}, got)
