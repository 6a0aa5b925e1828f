"""One simulated run as a history that the judge takes, and random truthful ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from conformance.judge.arrivals import Arrivals, Load, Occupancy
from conformance.judge.band import SPECIFIED
from conformance.judge.fault_hypotheses import FaultHypothesis
from conformance.judge.history import History, build
from conformance.model.config import AutoscalerConfig
from conformance.model.keys import GROUP
from conformance.model.resolve import resolve
from conformance.recording.body import Body, ChangeType
from conformance.recording.facts import Fact
from conformance.recording.load_lines import RecordedPlan
from conformance.recording.pod_bodies import PodBody
from conformance.recording.run_bodies import ConfigBody, EndBody, Outcome
from conformance.recording.service_bodies import PodAutoscalerBody, RevisionBody, RouteModeBody
from conformance.recording.writer import Header
from conformance.simulate.study.simulated_platform import Chances, SimulatedPlatform, Trace, measure
from conformance.simulate.study.simulated_traffic import Pace, Stretch, rows

ORIGIN_WALL: Final = 1_767_225_600.0
REVISION: Final = "flowers-sample-predictor-00001"


@dataclass(frozen=True, slots=True)
class Source:
    """What a recording on disk would say of itself."""

    header: Header
    folder: Path


@dataclass(frozen=True, slots=True)
class Setting:
    """What is asked of a platform, and offered to it."""

    annotations: dict[str, str]
    stretches: tuple[Stretch, ...]
    pace: Pace
    settle_seconds: float
    quiet_seconds: float
    activators: int = 1
    """How many share the traffic, request by request."""
    config: Mapping[str, str] = field(default_factory=dict)
    """config-autoscaler of the cluster."""


def chances(rng: np.random.Generator, start_seconds: float | None = None) -> Chances:
    """Draw what cannot be seen from outside."""
    slow = rng.uniform(0.0, 20.0) if start_seconds is None else start_seconds
    return Chances(
        tick_phase=float(rng.uniform(0.0, 2.0)),
        report_phase=float(rng.uniform(0.0, 1.0)),
        scrape_delay=float(rng.uniform(0.02, 0.2)),
        report_jitter=float(rng.uniform(0.0, 0.02)),
        start_seconds=float(slow),
        start_spread=float(rng.uniform(0.0, 0.3)),
        actuation_seconds=float(rng.uniform(0.02, 1.0)),
        probe_period=float(rng.choice([0.5, 1.0, 10.0])),
        late_reports=float(rng.choice([0.0, 0.001, 0.01])),
        failing_scrapes=float(rng.choice([0.0, 0.001, 0.01])),
        young_share=float(rng.uniform(0.8, 1.0)),
    )


def setting(rng: np.random.Generator) -> Setting:
    """Draw a documented kind of scenario: metric, target, minimum, load, service time."""
    target = float(rng.choice([1, 1, 2, 5, 10]))
    minimum = int(rng.choice([0, 1, 1, 1, 2, 3]))
    annotations = {"target": f"{target:g}", "min-scale": str(minimum), "metric": "concurrency"}
    if rng.random() < 0.15:
        annotations["max-scale"] = str(int(rng.integers(max(minimum, 1) + 1, 12)))
    if rng.random() < 0.1:
        annotations["target-burst-capacity"] = "0"
    service = float(rng.choice([0.02, 0.05, 0.1, 0.2, 0.5]))
    if rng.random() < 0.35:
        annotations["metric"] = "rps"
        scale = rng.uniform(1.0, 12.0) * target
        stretches = tuple(
            Stretch(
                float(rng.uniform(20, 100)),
                rate=max(0.5, scale * rng.uniform(0.3, 1.5)),
                poisson=bool(rng.random() < 0.5),
            )
            for _ in range(int(rng.integers(1, 3)))
        )
    else:
        stretches = tuple(
            Stretch(float(rng.uniform(15, 90)), workers=int(max(1, rng.uniform(0.8, 9.0) * target)))
            for _ in range(int(rng.integers(1, 4)))
        )
    pace = Pace(service, float(rng.uniform(0.0005, 0.01)))
    return Setting(
        annotations, stretches, pace, float(rng.uniform(5.0, 90.0)), float(rng.uniform(10.0, 150.0)),
        int(rng.choice([1, 1, 2, 3])),
    )  # fmt: skip


def run(what: Setting, drawn: Chances, rng: np.random.Generator, hypothesis: FaultHypothesis = SPECIFIED) -> History:
    """Simulate one run and give its history."""
    prefixed = {f"{GROUP}/{key}": value for key, value in what.annotations.items()}
    parameters = resolve(AutoscalerConfig.from_data(dict(what.config)), prefixed)
    platform = SimulatedPlatform(parameters, hypothesis, drawn, ORIGIN_WALL, rng)
    start = 0.5 + float(rng.uniform(0.0, 1.0))
    up = start + drawn.start_seconds * (1.0 + drawn.start_spread * 3.5) + drawn.probe_period + 1.0
    begin = up + what.settle_seconds
    # A revision with a minimum of zero may be at zero by then; whoever is early waits for the first pod.
    idle_long = parameters.min_scale == 0 and what.settle_seconds > 58.0
    if idle_long:
        begin = up + max(what.settle_seconds, 70.0)
    served = platform.first_serving(begin) if idle_long else 0.0
    table = rows(what.stretches, begin, served, what.pace, rng)
    margin = what.pace.way_seconds * 0.3
    came, left = table["sent"] + margin, table["end"] - margin
    owners = rng.integers(0, what.activators, len(table))
    measures = [
        measure(Occupancy(came[owners == each], left[owners == each]), Arrivals(came[owners == each]))
        for each in range(what.activators)
    ]
    until = float(table["end"].max()) + what.quiet_seconds
    trace = platform.run(start, until, measures, came, owners)
    return history(what, trace, table, begin, start, until)


def history(what: Setting, trace: Trace, table: np.ndarray, begin: float, start: float, until: float) -> History:
    """What a run would have recorded."""
    facts = _facts(what, trace, start, until)
    plan = RecordedPlan.parse({"phases": [stretch.body() for stretch in what.stretches], "start": begin})
    names = _pods(trace, table)
    load = Load(0, plan, (), table, names)
    header = Header(
        scenario="simulated", run="study", seed=0, clock="virtual", origin_monotonic=0.0, origin_wall=ORIGIN_WALL,
        suite_version="study", provider="study", scenario_spec={"name": "simulated", "imported": True},
    )  # fmt: skip
    return build(Source(header, Path("simulated")), facts, (load,))


def _pods(trace: Trace, table: np.ndarray) -> np.ndarray:
    """Numbers the pod of each row; the names by number."""
    order = sorted(trace.pods, key=lambda pod: pod.serves)
    serves = np.array([pod.serves for pod in order])
    count = np.maximum(1, np.searchsorted(serves, table["end"]))
    table["pod"] = 1 + (table["worker"].astype(np.int64) + np.arange(len(table))) % count
    return np.array(["", *(pod.name for pod in order)], dtype=object)


def _facts(what: Setting, trace: Trace, start: float, until: float) -> tuple[Fact[Body], ...]:
    added = ChangeType.ADDED
    found: list[tuple[float, Body]] = [
        (0.0, ConfigBody("config-autoscaler", dict(what.config))),
        (0.0, ConfigBody("installation", {"activators": what.activators})),
        (start, RevisionBody(REVISION, added, container_concurrency=0, annotations=what.annotations)),
        (until, EndBody(Outcome.COMPLETE)),
    ]
    found += [(t, PodAutoscalerBody(REVISION, revision=REVISION, desired=desired)) for t, desired in trace.desired]
    found += [(t, RouteModeBody(REVISION, revision=REVISION, mode=mode)) for t, mode in trace.modes]
    for pod in trace.pods:
        found += _pod_facts(pod.name, pod.created, pod.ready, pod.deleted)
    facts = [Fact(t, ORIGIN_WALL + t, body) for t, body in found if t <= until]
    return tuple(sorted(facts, key=lambda fact: fact.t))


def _pod_facts(name: str, created: float, ready: float, deleted: float) -> list[tuple[float, Body]]:
    body = PodBody(name, revision=REVISION, phase="Running", scheduled=True)
    found: list[tuple[float, Body]] = [(created + 0.01, replace(body, change=ChangeType.ADDED))]
    if ready < deleted:
        found.append((ready + 0.01, replace(body, ready=True)))
    found.append((deleted + 0.01, replace(body, deleting=True)))
    found.append((deleted + 30.0, replace(body, change=ChangeType.DELETED)))
    return found


def describe(what: Setting) -> dict[str, Any]:
    """A setting as plain data, to reproduce it."""
    return asdict(what)


def stretches_of(plan: Sequence[tuple[float, int]]) -> tuple[Stretch, ...]:
    """Closed-loop stretches from (seconds, workers)."""
    return tuple(Stretch(seconds, workers=workers) for seconds, workers in plan)
