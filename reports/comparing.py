"""Two runs side by side: verdicts that changed, margins, latencies and cold starts, with their noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from conformance.judge import arrivals, verdict_text
from conformance.judge.history import History
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Judgement, Verdict
from reports.environment import environment
from reports.intervals import Estimate, quantile

RANKS: Final = {
    Verdict.PASS: 0,
    Verdict.NOT_APPLICABLE: 1,
    Verdict.SKIPPED: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.ERROR: 2,
    Verdict.FAIL: 3,
}
"""Higher is worse; going between equals is neither."""
ABSENT: Final = "absent"


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement whose verdict, margin or figure differs."""

    requirement: str
    sentence: str
    before: str
    after: str
    measured_before: str
    measured_after: str
    direction: int
    """1 better, -1 worse, 0 neither."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one scenario in both runs."""

    scenario: str
    name: str
    unit: str
    before: Estimate
    after: Estimate

    @property
    def apart(self) -> bool:
        """Whether the difference is more than noise."""
        return self.before.differs(self.after)

    @property
    def ratio(self) -> float | None:
        """After by before."""
        return self.after.value / self.before.value if self.before.value else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences from `before` to `after`."""

    before: str
    after: str
    verdicts: tuple[Change, ...]
    """Those that both runs tried, the worse first."""
    margins: tuple[Change, ...]
    once: tuple[Change, ...]
    """Those that only one of both tried: neither better nor worse."""
    figures: tuple[Figure, ...]
    surroundings: tuple[tuple[str, str, str], ...]
    """What was installed or set differently: name, before, after."""
    same: int
    """Requirements that came out the same."""

    @property
    def worse(self) -> tuple[Change, ...]:
        """Requirements that came out worse."""
        return tuple(entry for entry in self.verdicts if entry.direction < 0)


def compare(before: JudgedRun, after: JudgedRun) -> Comparison:
    """Differences between two runs."""
    names = sorted(before.by_id.keys() | after.by_id.keys())
    verdicts, margins, once, same = [], [], [], 0
    for name in names:
        change = _change(name, before, after)
        if _tried(name, before) != _tried(name, after):
            once.append(change)
        elif change.before.split()[0] != change.after.split()[0]:
            verdicts.append(change)
        elif change.before != change.after:
            margins.append(change)
        else:
            same += 1
    scenarios = sorted(before.histories.keys() & after.histories.keys())
    return Comparison(
        before=_name(before),
        after=_name(after),
        verdicts=tuple(sorted(verdicts, key=lambda entry: (entry.direction, entry.requirement))),
        margins=tuple(margins),
        once=tuple(once),
        figures=tuple(
            figure for name in scenarios for figure in _figures(name, before.histories[name], after.histories[name])
        ),
        surroundings=tuple(_surroundings(before, after)),
        same=same,
    )


def _tried(name: str, judged: JudgedRun) -> bool:
    judgement = judged.by_id.get(name)
    return judgement is not None and judgement.verdict is not Verdict.SKIPPED


def _name(judged: JudgedRun) -> str:
    made = judged.run.implementation
    return f"{made.project} {made.version}, run {judged.run.id}"


def _change(name: str, before: JudgedRun, after: JudgedRun) -> Change:
    old, new = before.by_id.get(name), after.by_id.get(name)
    entries = {entry.id: entry for entry in (*before.requirements, *after.requirements)}
    direction = 0
    if old is not None and new is not None and Verdict.SKIPPED not in (old.verdict, new.verdict):
        step = RANKS[old.verdict] - RANKS[new.verdict]
        direction = (step > 0) - (step < 0)
    return Change(
        requirement=name,
        sentence=entries[name].sentence,
        before=_state(old),
        after=_state(new),
        measured_before=verdict_text.measured(old.measured) if old else "",
        measured_after=verdict_text.measured(new.measured) if new else "",
        direction=direction,
    )


def _state(judgement: Judgement | None) -> str:
    if judgement is None:
        return ABSENT
    return judgement.verdict.value + (f" {judgement.margin.value.lower()}" if judgement.margin else "")


def _figures(name: str, before: History, after: History) -> Iterator[Figure]:
    for title, unit, measure in MEASURES:
        old, new = measure(before), measure(after)
        if old is not None and new is not None:
            yield Figure(name, title, unit, old, new)


def _latency(q: float) -> Callable[[History], Estimate | None]:
    def measure(history: History) -> Estimate | None:
        rows = [arrivals.answered(load.rows) for load in history.loads]
        values = np.concatenate([entry["end"] - entry["scheduled"] for entry in rows]) if rows else np.empty(0)
        return quantile(values, q)

    return measure


def _cold_start(history: History) -> Estimate | None:
    lengths = [
        pod.first_ready - pod.seen
        for pod in history.pods.values()
        if not pod.listed and np.isfinite(pod.first_ready) and pod.first_ready > pod.seen
    ]
    return quantile(np.array(lengths), 0.5)


def _peak(history: History) -> Estimate | None:
    peaks = [float(entry.ready.values.max()) for entry in history.revisions.values() if len(entry.ready.values)]
    if not peaks:
        return None
    peak = max(peaks)
    # A count at its peak is exact; how much it varies from run to run one run cannot say.
    return Estimate(peak, peak, peak, 1)


MEASURES: Final[tuple[tuple[str, str, Callable[[History], Estimate | None]], ...]] = (
    ("latency p50", "s", _latency(0.5)),
    ("latency p95", "s", _latency(0.95)),
    ("latency p99", "s", _latency(0.99)),
    ("pod start, median", "s", _cold_start),
    ("most pods ready", "pods", _peak),
)


def _surroundings(before: JudgedRun, after: JudgedRun) -> Iterator[tuple[str, str, str]]:
    old, new = _described(before), _described(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name, "") != new.get(name, ""):
            yield name, old.get(name, ""), new.get(name, "")


def _described(judged: JudgedRun) -> dict[str, str]:
    run = judged.run
    found = {
        "suite": run.suite_version,
        "suite source": run.source_digest,
        "implementation": f"{run.implementation.project} {run.implementation.version}",
        "provider": run.provider,
        "clock": run.clock,
        "seed": str(run.seed),
        "fault": run.fault or "",
        **_flat({key: value for key, value in environment(judged).items() if key != "fingerprint"}),
    }
    return found | {f"deviation {entry.name}": str(entry.used) for entry in run.deviations}


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        return {key: text for name, entry in value.items() for key, text in _flat(entry, f"{prefix}{name} ").items()}
    if isinstance(value, list):
        return {key: text for n, entry in enumerate(value, 1) for key, text in _flat(entry, f"{prefix}{n} ").items()}
    return {prefix.strip(): str(value)}
