"""The files of a shard that was lost: its part of the plan, recomputed, as arrivals that were dropped.

So whoever reads the rows sees what was not offered, without having to know that there were shards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Final

from conformance.load.generator import Offered
from conformance.load.load_plan import Plan, Shape
from conformance.load.row_writer import Paths
from conformance.load.schedule import Arrival, stream
from conformance.recording.rows import Row, RowError

CAUSE: Final = "dropped: shard lost"
_PIECE: Final = 10_000


def write_lost(paths: Paths, plan: Plan, shard: int, shards: int, start: float) -> Offered:
    """Replace a lost shard's files; what they hold. `start` counts from the recording's origin, as the result does."""
    arrivals, count = _arrivals(plan, shard, shards), 0
    with paths.rows.open("wb") as file:
        while piece := list(islice(arrivals, _PIECE)):
            count += len(piece)
            file.write(b"".join(_row(arrival, start) for arrival in piece))
    paths.names.write_bytes(b"")
    end = start + plan.seconds
    totals = {"scheduled": count, "sent": 0, "answered": 0, "errors": 0, "cap_hits": count, "missed_ticks": 0}
    summary = {"start": start, "end": end, "stopped": False, **totals, "peak_in_flight": 0, "causes": {CAUSE: count}}
    paths.lines.write_text(json.dumps({"summary": summary}) + "\n", encoding="utf-8")
    return Offered(start, end, 0, 0, 0, count)


def _arrivals(plan: Plan, shard: int, shards: int) -> Iterator[Arrival]:
    """Those that the plan names. A closed loop names none: its lost workers show as requests that nobody sent. Nor does
    a phase that ends with its count rather than its time, which can only be the last."""
    for arrival in stream(plan, shard, shards):
        phase = plan.phases[arrival.phase]
        if phase.shape is Shape.SALVO and not phase.seconds:
            return
        if phase.shape is not Shape.CLOSED:
            yield arrival


def _row(arrival: Arrival, start: float) -> bytes:
    due = start + arrival.due
    return Row(due, end=due, error=RowError.DROPPED, phase=arrival.phase, worker=arrival.worker).pack()
