"""How load is measured: windows, sample sizes, sampling, failing and young pods."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from statistics import fmean, pstdev
from typing import Any, Final

from clusters.embedded.golden.golden_fields import flag
from clusters.embedded.golden.tables.table_rows import Row, read_rows
from clusters.embedded.golden.tally import ReplayTally
from conformance.model.collector import Stat
from conformance.model.sampling import PodsExhaustedError, sample_size, scrape
from conformance.model.window import Window

_SCRAPES_RECORDED: Final = 1500
_SCRAPES: Final = 200
"""Scrapes of ours per row: enough to see an error of 30 % in the spread, cheap enough to do always."""
_SIGMAS: Final = 5.0
"""Bounds of what chance may do: one in two million."""
_SEED: Final = 1


def replay_window(tally: ReplayTally, sequence: Mapping[str, Any]) -> None:
    """window_average: ["w", t, value] writes, ["r", t, linear, weighted, is_empty] reads."""
    start = sequence["t0_unix"]
    linear = Window(sequence["window_s"])
    weighted = Window(sequence["window_s"], weighted=True)
    for number, (operation, t, *values) in enumerate(sequence["ops"]):
        now = start + t
        if operation == "w":
            linear.record(now, values[0])
            weighted.record(now, values[0])
            continue
        place = f"{sequence['sequence']}, window {sequence['window_s']} s, operation {number + 1}"
        expected = dict(zip(("linear", "weighted", "is_empty"), values, strict=True))
        got = {
            "linear": linear.average(now),
            "weighted": weighted.average(now),
            "is_empty": flag(linear.is_empty(now)),
        }
        tally.compare(place, expected, got)


def answer_sample_size(row: Row) -> dict[str, Any]:
    """sample_size: pods asked of those ready."""
    return {"sample": sample_size(row["pods"])}


def answer_failing(row: Row) -> dict[str, Any]:
    """failing_pods: every pod carries 5, the failing ones refuse."""
    pods = [None] * row["failing"] + [Stat(5.0)] * (row["pods"] - row["failing"])
    got: dict[str, Any] = {"sample": sample_size(row["pods"]), "reported": 0, "error": ""}
    try:
        stat = scrape(pods, [], lambda pod: pod, random.Random(_SEED))
    except PodsExhaustedError as error:
        return {**got, "error": str(error)}
    return {**got, "reported": 0 if stat is None else stat.concurrency}


def answer_young(row: Row) -> dict[str, Any]:
    """young_pods_bias: old pods carry 10, young ones 1, so the estimate is the same whichever are drawn."""
    rng = random.Random(_SEED)
    reports = []
    for _ in range(10):
        stat = scrape([Stat(10.0)] * row["old"], [Stat(1.0)] * row["young"], lambda pod: pod, rng)
        reports.append(0.0 if stat is None else stat.concurrency)
    digits = len(str(row["mean_reported"]).partition(".")[2])
    return {
        "sample": sample_size(row["old"] + row["young"]),
        "mean_reported": round(fmean(reports), digits) if digits else fmean(reports),
        "min": min(reports),
        "max": max(reports),
    }


def replay_noise(tally: ReplayTally, table: Mapping[str, Any]) -> None:
    """sampling_noise: both the recording and our own scrapes agree with the theory of drawing without replacement.

    The pods' single values are not recorded, but the spread of an estimate depends on their variance only, which the
    theoretical spread gives: our pods have the same total and variance.
    """
    rng = random.Random(_SEED)
    for place, row in read_rows(table):
        pods, sample, theory = row["pods"], row["sample"], row["theory_sd"]
        ours = _draw(pods, sample, row["true_total"], theory, rng)
        expected = {"sample": sample, "mean": row["true_total"], "sd": theory}
        recorded = {"mean": row["mean"], "sd": row["sd"]}
        got = {"sample": sample_size(pods), "mean": fmean(ours), "sd": pstdev(ours)}
        # An outcome that fits counts as the theory's value, so that a mismatch shows what was measured.
        tally.compare(f"{place}, recorded", expected, {"sample": sample, **_fit(recorded, expected, _SCRAPES_RECORDED)})
        tally.compare(f"{place}, drawn", expected, {**got, **_fit(got, expected, _SCRAPES)})


def _draw(pods: int, sample: int, total: float, theory: float, rng: random.Random) -> list[float]:
    """Estimates of the total from scrapes of pods with that total and the variance the theory was made from."""
    share = 1 - sample / pods
    variance = 0.0 if share == 0 else theory * theory * sample / (pods * pods * share)
    half = pods // 2
    offset = math.sqrt(variance * (pods - 1) / (2 * half)) if half else 0.0
    values = [total / pods + offset] * half + [total / pods - offset] * half + [total / pods] * (pods % 2)
    estimates = []
    for _ in range(_SCRAPES):
        stat = scrape([Stat(value) for value in values], [], lambda pod: pod, rng)
        assert stat is not None
        estimates.append(stat.concurrency)
    return estimates


def _fit(measured: Mapping[str, float], expected: Mapping[str, float], scrapes: int) -> dict[str, float]:
    """The expected values where chance explains the difference, the measured ones elsewhere."""
    theory = expected["sd"]
    allowed = {
        "mean": _SIGMAS * theory / math.sqrt(scrapes) + 1e-9 * max(1.0, expected["mean"]),
        # The spread of a spread, for distributions as skewed as all load on one pod of a hundred.
        "sd": _SIGMAS * theory / math.sqrt(scrapes) * 1.5 + 1e-9,
    }
    return {
        name: expected[name] if abs(measured[name] - expected[name]) <= bound else measured[name]
        for name, bound in allowed.items()
    }
