"""For one's own pytest tests: loads to offer, and what the fixture `conformance` gives back.

    from conformance.testing import closed

    async def test_checkout(conformance):
        run = await conformance.run("checkout.yaml", closed(workers=6, seconds=40))
        assert run.pods.inside_band() and run.load.p99 < 2.0

The service runs on the embedded platform in virtual time, or on a cluster with `--conformance-cluster`. A run is the
same as `conformance try`'s: recorded, judged and reported in a folder of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.base.errors import PlatformError, UsageError
from conformance.catalogue.own_manifest import OwnManifest
from conformance.catalogue.own_scenario import DEFAULT_PLAN, OwnScenario, deployed, running
from conformance.judge.checks.pods import BandParameters
from conformance.judge.history import History
from conformance.judge.judgement import Judgement
from conformance.judge.service_summary import ServiceSummary
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.run.own_plan import own_plan
from conformance.run.pipeline import RunOutcome, execute
from conformance.run.progress import Progress
from conformance.settings.settings import Settings

__all__ = ["Service", "ServiceRun", "burst", "closed", "constant", "idle", "poisson", "ramp", "sequence"]


def closed(*, workers: int, seconds: float) -> LoadPlan:
    """Callers who each send, wait for the answer, and send again."""
    return LoadPlan((Phase(LoadShape.CLOSED, seconds, workers=workers),))


def constant(*, rate: float, seconds: float) -> LoadPlan:
    """So many requests a second, evenly, whatever the answers."""
    return LoadPlan((Phase(LoadShape.CONSTANT, seconds, rate=rate),))


def poisson(*, rate: float, seconds: float) -> LoadPlan:
    """So many requests a second on average, at random."""
    return LoadPlan((Phase(LoadShape.POISSON, seconds, rate=rate),))


def ramp(*, rate: float, rate_end: float, seconds: float) -> LoadPlan:
    """From one rate to another."""
    return LoadPlan((Phase(LoadShape.RAMP, seconds, rate=rate, rate_end=rate_end),))


def burst(*, count: int) -> LoadPlan:
    """So many requests at once."""
    return LoadPlan((Phase(LoadShape.BURST, 0.0, count=count),))


def idle(*, seconds: float) -> LoadPlan:
    """Nothing."""
    return LoadPlan((Phase(LoadShape.IDLE, seconds),))


def sequence(*plans: LoadPlan) -> LoadPlan:
    """One after the other."""
    return LoadPlan(tuple(phase for plan in plans for phase in plan.phases))


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of a run, of one component or of all."""

    summary: ServiceSummary
    component: str | None = None

    def of(self, component: str) -> Pods:
        """Those of one component: predictor, transformer or explainer."""
        return Pods(self.summary, component)

    def inside_band(self, tolerance_pod_seconds: float = BandParameters().tolerance_pod_seconds) -> bool:
        """Whether pods were what the documented algorithm allows for the load that was delivered. Raises ValueError
        where that cannot be said: Knative's autoscaler does not scale it, or there was no load."""
        found = [entry for entry in self.summary.components if self.component in (None, entry.name)]
        outside = [entry.outside_pod_seconds for entry in found]
        if not outside or None in outside:
            raise ValueError("no band: no load was recorded, or Knative's autoscaler does not scale the service")
        return all(each is not None and each <= tolerance_pod_seconds for each in outside)

    @property
    def peak(self) -> int:
        """The most at one time, ready or not."""
        if self.component is None:
            return self.summary.peak_pods
        return max((entry.peak_pods for entry in self.summary.components if entry.name == self.component), default=0)

    @property
    def minutes(self) -> float:
        """Pod minutes of all components from the first arrival on."""
        return self.summary.pod_minutes


@dataclass(frozen=True, slots=True)
class Load:
    """What callers got. Latencies in seconds from the moment each request was due; NaN without an answer 200."""

    summary: ServiceSummary

    def percentile(self, percent: float) -> float:
        """A latency, by nearest rank."""
        return self.summary.percentile(percent)

    @property
    def p50(self) -> float:
        return self.percentile(50)

    @property
    def p90(self) -> float:
        return self.percentile(90)

    @property
    def p99(self) -> float:
        return self.percentile(99)

    @property
    def requests(self) -> int:
        """Arrivals, also those that could not be sent."""
        return self.summary.requests

    @property
    def errors(self) -> int:
        """Arrivals without an answer 200."""
        return self.summary.errors

    @property
    def error_share(self) -> float:
        return self.summary.error_share

    @property
    def endings(self) -> Mapping[str, int]:
        """How many ended how: `200`, `503`, `timeout`."""
        return self.summary.endings

    @property
    def cold_starts(self) -> int:
        """Callers who met one."""
        return self.summary.cold_requests


@dataclass(frozen=True, eq=False)
class ServiceRun:
    """A service under a load: recorded, judged, and to be asked."""

    outcome: RunOutcome
    history: History
    """Everything that was recorded."""

    @cached_property
    def summary(self) -> ServiceSummary:
        """Figures of it all."""
        return ServiceSummary(self.history)

    @property
    def pods(self) -> Pods:
        return Pods(self.summary)

    @property
    def load(self) -> Load:
        return Load(self.summary)

    @property
    def folder(self) -> Path:
        """Where recording and report.html are."""
        return self.outcome.folder

    @property
    def failures(self) -> tuple[str, ...]:
        """Ids of the requirements that it fails."""
        return tuple(name for name, entry in self.judgements.items() if entry.verdict.value == "FAIL")

    @cached_property
    def judgements(self) -> Mapping[str, Judgement]:
        """By requirement."""
        return {entry.requirement: entry for entry in self.outcome.judgements}


class Service:
    """The fixture `conformance`: runs services on the cluster that the options name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def run(
        self,
        manifest: str | os.PathLike[str] | None = None,
        load: LoadPlan = DEFAULT_PLAN,
        *,
        service: str | None = None,
        payload: bytes | None = None,
        path: str | None = None,
        witness: bool = False,
        service_ms: int = 100,
        start_seconds: float = 6.0,
    ) -> ServiceRun:
        """Deploy a manifest, or take a `service` that runs (NAMESPACE/NAME), load it, and judge what was recorded.

        In virtual time minutes of scaling take seconds. `witness`, `service_ms` and `start_seconds` are those of
        `conformance try`. Raises UsageError for what the caller can correct, PlatformError where the service did not
        come up or the cluster was lost."""
        scenario = self._scenario(
            manifest, load, service, payload, path, witness=witness, service_ms=service_ms, start_seconds=start_seconds
        )
        return await asyncio.to_thread(self._run, scenario)

    def _scenario(
        self,
        manifest: str | os.PathLike[str] | None,
        load: LoadPlan,
        service: str | None,
        payload: bytes | None,
        path: str | None,
        *,
        witness: bool,
        service_ms: int,
        start_seconds: float,
    ) -> OwnScenario:
        if (manifest is None) == (service is None):
            raise UsageError("give a manifest, or service= NAMESPACE/NAME")
        if service is not None:
            name = service.rpartition("/")[2]
            body = payload if payload is not None else b'{"instances": [[6.8, 2.8, 4.8, 1.4]]}'
            return running(service, load, path=path or f"/v1/models/{name}:predict", payload=body)
        assert manifest is not None
        embedded = self.settings.cluster == "embedded"
        return deployed(
            OwnManifest.read(Path(manifest)),
            load,
            witness=witness or embedded,
            image=not embedded,
            payload=payload,
            path=path,
            service_ms=service_ms,
            start_seconds=start_seconds,
        )

    def _run(self, scenario: OwnScenario) -> ServiceRun:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, Progress(nowhere) as progress:
            outcome = execute(own_plan(self.settings, scenario, "pytest"), progress)
        (ended,) = outcome.recorded.run.scenarios
        history = outcome.histories.get(ended.name)
        if ended.outcome != "complete" or history is None:
            reason = str(outcome.recorded.error or ended.reason or "no recording can be read")
            kind = UsageError if reason.startswith(("REFUSED", "PAYLOAD", "NOT_FOUND")) else PlatformError
            raise kind(f"{reason} (recorded in {outcome.folder})")
        return ServiceRun(outcome, history)
