"""Replaying golden files of the autoscaler: traces, loops and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from clusters.embedded.golden import loops, traces
from clusters.embedded.golden.golden_file import Document, Kind
from clusters.embedded.golden.tables import table_rules
from clusters.embedded.golden.tally import Tally
from conformance.base.errors import SubmissionError

_REPLAYS: Final[Mapping[Kind, Callable[[str, Mapping[str, Any]], Tally]]] = {
    Kind.TRACE: traces.replay,
    Kind.LOOP: loops.replay,
    Kind.TABLE: table_rules.replay,
}


def replay(documents: Iterable[Document]) -> Iterable[Tally]:
    """Replay each document; raises SubmissionError for one that lacks what its kind needs."""
    for document in documents:
        try:
            yield _REPLAYS[document.kind](document.name, document.content)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise SubmissionError(
                f"{document.path}: cannot be replayed as {document.kind.value}: {type(error).__name__} {error}; "
                "give a golden file as recorded"
            ) from error
