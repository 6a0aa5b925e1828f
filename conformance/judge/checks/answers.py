"""Checks of what callers got: statuses, losses, duplicates, waiting, balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History
from conformance.recording.rows import RowError


def loads_of(history: History, parameters: Mapping[str, Any]) -> list[Any]:
    """The loads in question: all, or those listed by number in `loads`."""
    chosen = parameters.get("loads")
    found = [load for load in history.loads if len(load.rows) and (chosen is None or load.index in chosen)]
    if not found:
        raise NotShownError("no load was recorded")
    return found


@check("answered", "load")
def all_answered(history: History, parameters: Mapping[str, Any]) -> Finding:
    """Every request that was sent is answered with one of the allowed statuses (200 alone by default)."""
    allowed = tuple(int(status) for status in parameters.get("statuses", (200,)))
    total = 0
    wrong: Counter[str] = Counter()
    first: tuple[float, str] | None = None
    for load in loads_of(history, parameters):
        rows = load.rows[load.rows["error"] != RowError.DROPPED]
        total += len(rows)
        bad = rows[~np.isin(rows["status"], allowed) | (rows["error"] != RowError.NONE)]
        for row in bad:
            what = str(int(row["status"])) if row["status"] else RowError(int(row["error"])).name
            wrong[what] += 1
            at = float(row["sent"]) if row["sent"] == row["sent"] else float(row["scheduled"])
            if first is None or at < first[0]:
                first = (at, what)
    if not total:
        raise NotShownError("no request was sent")
    count = sum(wrong.values())
    words = ", ".join(f"{number} x {what}" for what, number in sorted(wrong.items()))
    return exact(
        count == 0, "every request is answered with status " + " or ".join(str(each) for each in allowed),
        count, "requests without", high=0.0, samples=total,
        facts=() if first is None else (f"t={first[0]:.1f} s: first {first[1]}; in all {words}",),
        moments=() if first is None else ((first[0], first[0], first[1]),),
    )  # fmt: skip
