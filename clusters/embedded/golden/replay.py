"""Replaying golden files of the autoscalers: traces, loops and tables, and Kubernetes' horizontal one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from clusters.embedded.golden import horizontal_replay, loops, traces
from clusters.embedded.golden.golden_file import GoldenDocument, GoldenKind
from clusters.embedded.golden.tables import table_rules
from clusters.embedded.golden.tally import ReplayTally
from conformance.base.errors import UsageError

_REPLAYS: Final[Mapping[GoldenKind, Callable[[str, Mapping[str, Any]], ReplayTally]]] = {
    GoldenKind.TRACE: traces.replay,
    GoldenKind.LOOP: loops.replay,
    GoldenKind.HORIZONTAL: horizontal_replay.replay,
    GoldenKind.TABLE: table_rules.replay,
}


def replay(documents: Iterable[GoldenDocument]) -> Iterable[ReplayTally]:
    """Replay each document; raises UsageError for one that lacks what its kind needs."""
    for document in documents:
        try:
            yield _REPLAYS[document.kind](document.name, document.content)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise UsageError(
                f"{document.path}: cannot be replayed as {document.kind.value}: {type(error).__name__} {error}; "
                "give a golden file as recorded"
            ) from error
