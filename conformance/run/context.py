"""What the parts of a run work with: one value for the whole run, one for each scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.base.clock import Clock
from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster
from conformance.kube.serving_runtimes import runtimes
from conformance.load.generator import Generator
from conformance.recording.redaction import Redactor
from conformance.recording.run_record import Run
from conformance.run import deployment
from conformance.run.progress_event import OnProgress
from conformance.run.runtime_choice import builder
from conformance.settings.settings import NAMESPACE_PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all scenarios of a run share."""

    run: str
    seed: int
    suite_version: str
    readiness_seconds: float = 120.0
    runtimes: Callable[..., Iterable[dict[str, Any]]] = runtimes
    """Builds the ServingRuntimes of a namespace: image, service_ms=, start_seconds=."""
    namespace_prefix: str = NAMESPACE_PREFIX
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    deletion_seconds: float = deployment.TEARDOWN_SECONDS
    """How long a namespace may take to vanish before it counts as left over."""
    prometheus: str | None = None
    """The Prometheus that scrapes the autoscaler: an address, or NAMESPACE/SERVICE:PORT. None looks for one, but not in
    a cluster that is somebody else's."""
    redactor: Redactor | None = None
    """Takes secrets and the site's names out of what is recorded."""


def conditions(settings: Settings, draft: Run) -> Conditions:
    """The conditions that the settings ask for."""
    return Conditions(
        draft.id,
        draft.seed,
        draft.suite_version,
        settings.timeouts.readiness_timeout_seconds,
        builder(settings),
        settings.kubernetes.namespace_prefix,
        settings.kubernetes.namespace_labels,
        settings.timeouts.deletion_timeout_seconds,
        prometheus=settings.prometheus.url or settings.prometheus.service,
        redactor=Redactor(secret.reveal() for _, secret in settings.ingress.headers),
    )


@dataclass(frozen=True, slots=True)
class ScenarioContext:
    """One scenario on an open cluster."""

    cluster: Cluster
    scenario: Scenario
    folder: Path
    """The run's; the recording is made below it."""
    conditions: Conditions
    generator: Generator
    tell: OnProgress

    @property
    def clock(self) -> Clock:
        """The cluster's."""
        return self.cluster.clock

    @property
    def namespace(self) -> str:
        """Name of the scenario's own namespace, or of the one that its service runs in."""
        if self.scenario.running:
            return self.scenario.running.partition("/")[0]
        conditions = self.conditions
        return deployment.namespace_name(conditions.run, self.scenario.name, conditions.namespace_prefix)

    @property
    def recording(self) -> str:
        """Place of the recording below the run's folder."""
        return f"recording/{self.scenario.name}"
