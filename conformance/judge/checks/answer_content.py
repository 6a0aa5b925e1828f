"""Whether callers got their own answers, whole: what the load generator read of each, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge.arrivals import Load, Rows
from conformance.judge.checks.answers import loads_of
from conformance.judge.finding import Finding, OutOfReachError, check, exact
from conformance.judge.history import History
from conformance.recording.rows import RowError, RowFlag

CAUSE: Final = "content: "
"""How the load generator's causes begin that speak of an answer's content."""


@check("own-answers", CheckParameters, "load")
def own_answers(history: History, parameters: CheckParameters) -> Finding:
    """Every answer 200 comes from the model, is the one to its own request, and is whole: number, input and body are as
    the model stamped them."""
    loads = loads_of(history)
    read = [(load, *_read(load)) for load in loads]
    fitted = sum(int((rows["flags"] & RowFlag.FITTED != 0).sum()) for _, rows, _ in read)
    wrong = sum(int(bad.sum()) for _, _, bad in read)
    if not fitted and not wrong:
        raise OutOfReachError("no answer says which request it is the answer to", witness=True)
    first = min((row for _, rows, bad in read for row in rows[bad]), key=lambda row: float(row["end"]), default=None)
    facts = () if first is None else (_told(first), *_causes(loads))
    at = 0.0 if first is None else float(first["end"])
    return exact(
        wrong == 0, "every answer is the one to its own request, and whole", wrong, "answers that are not", high=0.0,
        samples=fitted + wrong, exercised=f"{fitted + wrong:,} answers read, number, input and body",
        facts=facts, moments=() if first is None else ((at, at, "another answer"),),
    )  # fmt: skip


def _read(load: Load) -> tuple[Rows, np.ndarray]:
    """Answers 200 of a load, and which of them are wrong. Where a model stamps its answers, one without a model's name
    did not come from it; one with a name and no stamp has been renamed on its way, and tells nothing."""
    rows = load.rows[(load.rows["status"] == 200) & (load.rows["error"] == RowError.NONE)]
    wrong: np.ndarray = rows["flags"] & RowFlag.MISFIT != 0
    if (rows["flags"] & (RowFlag.FITTED | RowFlag.MISFIT) != 0).any():
        wrong = wrong | ((rows["flags"] & RowFlag.FITTED == 0) & load.served_by("", rows=rows))
    return rows, wrong


def _told(row: Rows) -> str:
    what = "is not the one to it" if row["flags"] & RowFlag.MISFIT else "did not come from the model"
    which = f"request {int(row['request'])}"
    return f"t={float(row['end']):.1f} s: the answer to {which}, {int(row['body_bytes'])} bytes, {what}"


def _causes(loads: Sequence[Load]) -> tuple[str, ...]:
    """What was wrong with the answers, in the load generator's words."""
    counts: Counter[str] = Counter()
    for load in loads:
        for record in load.file.health if load.file else ():
            summary = record.get("summary")
            causes = summary.get("causes") if isinstance(summary, dict) else None
            for text, number in causes.items() if isinstance(causes, dict) else ():
                if text.startswith(CAUSE) and isinstance(number, int):
                    counts[text.removeprefix(CAUSE)] += number
    return tuple(f"{number} x {text}" for text, number in sorted(counts.items()))
