"""What a service would do under a load: its manifest on the embedded platform in virtual time, once for each choice of
settings. Nothing is judged; the platform is the documented algorithm itself."""

from __future__ import annotations

import math
import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import PlatformError, UsageError
from conformance.catalogue.own_manifest import OwnManifest
from conformance.catalogue.own_scenario import deployed
from conformance.judge.history import read
from conformance.judge.service_body import finite
from conformance.judge.service_summary import ServiceSummary
from conformance.kube.verbs import ApiStatus
from conformance.load.load_plan import LoadPlan
from conformance.recording.reader import Recording
from conformance.simulate.objectives import Objective
from conformance.simulate.simulation import simulate_scenario
from conformance.simulate.variations import Case

REST_SECONDS: Final = 150.0
"""A stable window, the grace before zero, and some more."""
FEW: Final = 2
"""Cases that are done before other processes have begun."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What all cases share. `service_ms` and `start_seconds` are the model's own times."""

    manifest: OwnManifest
    plan: LoadPlan
    service_ms: float = 100.0
    start_seconds: float = 6.0
    payload: bytes | None = None
    path: str | None = None
    seed: int = 1
    slo: tuple[Objective, ...] = ()
    autoscaler: Mapping[str, str] | None = None
    rest_seconds: float = REST_SECONDS
    """What is looked at after the load."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What became of one case. Latencies in seconds; NaN where nobody was answered."""

    settings: Mapping[str, str]
    peak_pods: int
    pod_minutes: float
    accelerator_minutes: float
    requests: int
    errors: int
    cold_starts: int
    """Callers who met one."""
    p50_seconds: float
    p99_seconds: float
    requests_per_second: float
    meets_slo: bool | None
    course: tuple[tuple[float, float | None, int], ...]
    """(second from the first arrival, wanted pods, ready pods)"""

    def body(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "settings": dict(self.settings),
            "peak_pods": self.peak_pods,
            "pod_minutes": finite(self.pod_minutes),
            "accelerator_minutes": finite(self.accelerator_minutes),
            "requests": self.requests,
            "errors": self.errors,
            "cold_starts": self.cold_starts,
            "p50_seconds": finite(self.p50_seconds),
            "p99_seconds": finite(self.p99_seconds),
            "requests_per_second": finite(self.requests_per_second),
            "meets_slo": self.meets_slo,
            "course": [list(point) for point in self.course],
        }


def compare(what: WhatIf, chosen: Sequence[Case]) -> tuple[Simulated, ...]:
    """All cases in order. Raises UsageError for settings that the platform refuses, PlatformError for a service that
    does not become Ready."""
    if len(chosen) <= FEW:
        return tuple(simulated(what, case) for case in chosen)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(chosen), os.cpu_count() or 1), mp_context=context) as pool:
        return tuple(pool.map(simulated, [what] * len(chosen), chosen))


def simulated(what: WhatIf, case: Case) -> Simulated:
    """One case."""
    service_ms, start_seconds = case.time("service-ms"), case.time("start-seconds")
    scenario = deployed(
        case.manifest(what.manifest),
        what.plan,
        witness=True,
        image=False,
        payload=what.payload,
        path=what.path,
        service_ms=round(what.service_ms if service_ms is None else service_ms),
        start_seconds=what.start_seconds if start_seconds is None else start_seconds,
        rest_seconds=what.rest_seconds,
    )
    autoscaler = {**(what.autoscaler or {}), **case.autoscaler}
    with tempfile.TemporaryDirectory(prefix="conformance-simulate-") as name:
        try:
            run = simulate_scenario(scenario, Path(name), what.seed, autoscaler=autoscaler)
        except ApiStatus as status:
            raise UsageError(f"{case}: {status.message}") from status
        (ended,) = run.scenarios
        if ended.outcome != "complete":
            raise _error(ended.reason, case)
        return _figures(ServiceSummary(read(Recording(Path(name) / ended.recording))), what.slo, case)


def _figures(found: ServiceSummary, slo: Iterable[Objective], case: Case) -> Simulated:
    wanted = tuple(slo)
    return Simulated(
        settings=dict(case.settings),
        peak_pods=found.peak_pods,
        pod_minutes=found.pod_minutes,
        accelerator_minutes=found.accelerator_minutes,
        requests=found.requests,
        errors=found.errors,
        cold_starts=found.cold_requests,
        p50_seconds=found.percentile(50),
        p99_seconds=found.percentile(99),
        requests_per_second=found.requests_per_second,
        meets_slo=all(each.holds(found) for each in wanted) if wanted else None,
        course=tuple(found.course()),
    )


def _error(reason: str, case: Case) -> UsageError | PlatformError:
    text = f"{case}: {reason}" if case.settings else reason
    return PlatformError(text) if reason.startswith("NOT_READY") else UsageError(text)


def cheapest(found: Sequence[Simulated]) -> Simulated | None:
    """The case with the fewest pod minutes among those that meet the objectives."""
    fitting = [each for each in found if each.meets_slo]
    return min(fitting, key=lambda each: (each.pod_minutes, each.p99_seconds), default=None)


def shown_seconds(value: float) -> str:
    """A latency for people."""
    if math.isnan(value):
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
