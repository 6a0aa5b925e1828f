"""Checks of whose turn it is: nobody is held back while those who came later are answered."""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge.arrivals import Load
from conformance.judge.checks.answers import loads_of
from conformance.judge.checks.limits import limits_of
from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History

HELD_SECONDS: Final = 3.0
"""Beyond the median of its load; a lost packet is sent again after one second, then two."""
LATER_SECONDS: Final = 0.25
OVERTAKEN: Final = 10
"""So many came at least a quarter of a second later and were answered well before."""
SHARE: Final = 0.01
FEW: Final = 3


@check("not-held-back", CheckParameters, "load", "observer", "capacity", "restart", "starved")
def not_held_back(history: History, parameters: CheckParameters) -> Finding:
    """Where pods are ready and containers have no limit, no request waits for seconds while many that came later are
    answered; one in a hundred may, for what a network loses."""
    if any(limits_of(history)):
        raise NotShownError("a container limit is set, so that requests wait for a slot")
    held, total, first = 0, 0, None
    for load in loads_of(history):
        late, count = _held(history, load)
        held, total = held + len(late), total + count
        first = min(late.min(), np.inf if first is None else first) if len(late) else first
    if not total:
        raise NotShownError("no request was answered while a pod was ready")
    allowed = max(float(FEW), np.floor(SHARE * total))
    return exact(
        held <= allowed, f"at most {allowed:g} requests wait {HELD_SECONDS:g} s longer than most while ten that came "
        "later are answered", held, "requests held back", high=allowed, samples=total,
        facts=() if first is None else (f"t={first:.1f} s: the first that was held back was sent",),
        exercised=f"{total:,} requests while a pod was ready",
    )  # fmt: skip


def _held(history: History, load: Load) -> tuple[np.ndarray, int]:
    """When requests that others overtook were sent, and how many were looked at."""
    rows = load.rows[(load.rows["status"] == 200) & ~np.isnan(load.rows["sent"]) & ~np.isnan(load.rows["end"])]
    sent, end = rows["sent"].astype(np.float64), rows["end"].astype(np.float64)
    up = sum((revision.ready.at(sent) for revision in history.revisions.values()), np.zeros(len(sent))) >= 1
    if not up.any():
        return np.zeros(0), 0
    slow = up & (end - sent > float(np.median(end - sent)) + HELD_SECONDS)
    # All that had ended well before, less all that had come by then: those that came later and were answered at least.
    before = np.searchsorted(np.sort(end), end - HELD_SECONDS + LATER_SECONDS)
    overtakers = before - np.searchsorted(np.sort(sent), sent + LATER_SECONDS, side="right")
    return sent[slow & (overtakers >= OVERTAKEN)], int(up.sum())
