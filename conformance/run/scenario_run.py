"""Runs one scenario on an open cluster and records it: deploy, wait, load, watch, take away.

Whatever goes wrong ends up in the recording's last fact; only cancellation passes through, after what was recorded has
been flushed and what was created has been deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from conformance.base.clock import Clock, RealClock
from conformance.base.errors import ConformanceError, HarnessError, PlatformError
from conformance.base.locations import FIXTURES
from conformance.base.tasks import tasks
from conformance.base.waiting import until
from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster
from conformance.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, SERVING_RUNTIMES
from conformance.kube.serving_runtimes import runtimes
from conformance.kube.verbs import ApiStatus, get
from conformance.load.generator import Generator
from conformance.observe import control_plane, scaling_figures
from conformance.observe.harness_health import pulse
from conformance.observe.observer import Observer, observe
from conformance.observe.pod_logs import record_pod_logs
from conformance.recording.facts import FactKind
from conformance.recording.redaction import Redactor
from conformance.recording.run_record import ScenarioRun
from conformance.recording.writer import Header, Recorder
from conformance.run import deployment
from conformance.run.live_estimate import LiveEstimate
from conformance.run.progress_event import ProgressEvent, Tell
from conformance.run.steps import Stage, take

CONFIG_SOURCES: Final = (
    ("config-autoscaler", "knative-serving"),
    ("config-domain", "knative-serving"),
    ("config-defaults", "knative-serving"),
    ("inferenceservice-config", "kserve"),
)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all scenarios of a run share."""

    run: str
    seed: int
    suite_version: str
    readiness_seconds: float = 120.0
    runtimes: Callable[..., Iterable[dict[str, Any]]] = runtimes
    """Builds the ServingRuntimes of a namespace: image, service_ms=, start_seconds=."""
    namespace_prefix: str = deployment.PREFIX
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    deletion_seconds: float = deployment.TEARDOWN_SECONDS
    """How long a namespace may take to vanish before it counts as left over."""
    prometheus: str | None = None
    """The Prometheus that scrapes the autoscaler: an address, or NAMESPACE/SERVICE:PORT. None looks for one, but not in
    a cluster that is somebody else's."""
    redactor: Redactor | None = None
    """Takes secrets and the site's names out of what is recorded."""


async def run_scenario(
    cluster: Cluster,
    scenario: Scenario,
    folder: Path,
    conditions: Conditions,
    generator: Generator,
    tell: Tell,
) -> ScenarioRun:
    """Run and record a scenario below `folder` (the run's). Returns how it went; raises only CancelledError."""
    clock = cluster.clock
    started = clock.wall()
    place = f"recording/{scenario.name}"
    header = Header(
        scenario=scenario.name,
        run=conditions.run,
        seed=conditions.seed,
        clock=clock_name(clock),
        origin_monotonic=round(clock.monotonic(), 6),
        origin_wall=round(started, 6),
        suite_version=conditions.suite_version,
        provider=cluster.provider,
        scenario_spec=_plain(scenario),
    )
    try:
        with Recorder(folder / place, header, clock, conditions.redactor) as recorder:
            try:
                outcome, reason = await _record(cluster, scenario, recorder, folder, conditions, generator, tell)
            finally:
                _redact_loads(recorder.folder, conditions.redactor)
    except OSError as error:
        outcome, reason = "error", f"cannot write the recording: {error}"
    tell(ProgressEvent(phase=outcome))
    return ScenarioRun(scenario.name, outcome, reason, started, clock.wall(), place)


def _redact_loads(folder: Path, redactor: Redactor | None) -> None:
    """The generator's own words, such as the address that refused a connection, are redacted once it is done."""
    if redactor is None:
        return
    for path in sorted(folder.glob("load-*.jsonl")):
        before = path.read_text(encoding="utf-8", errors="replace")
        after = redactor.text(before)
        if after != before:
            path.write_text(after, encoding="utf-8")


async def _record(
    cluster: Cluster,
    scenario: Scenario,
    recorder: Recorder,
    folder: Path,
    conditions: Conditions,
    generator: Generator,
    tell: Tell,
) -> tuple[str, str]:
    outcome, reason = "complete", ""
    try:
        await _live(cluster, scenario, recorder, folder, conditions, generator, tell)
    except asyncio.CancelledError:
        recorder.write(FactKind.END, {"outcome": "interrupted", "reason": "the run was interrupted"})
        raise
    except HarnessError as error:
        outcome, reason = "error", str(error)
    except ConformanceError as error:
        outcome, reason = "failed", str(error)
    recorder.write(FactKind.END, {"outcome": outcome, "reason": reason})
    return outcome, reason


async def _live(
    cluster: Cluster,
    scenario: Scenario,
    recorder: Recorder,
    folder: Path,
    conditions: Conditions,
    generator: Generator,
    tell: Tell,
) -> None:
    clock = cluster.clock
    space = deployment.namespace_name(conditions.run, scenario.name, conditions.namespace_prefix)
    deadline = clock.wall() + 2 * scenario.seconds + 900
    recorder.write(FactKind.CONFIG, {"source": "installation", "data": asdict(cluster.installation)})
    recorder.write(FactKind.CONFIG, {"source": "connection", "data": connection(cluster)})
    await _read_configuration(cluster, recorder)
    async with deployment.namespace(cluster.api, space, conditions.run, deadline, conditions.namespace_labels):
        for runtime in conditions.runtimes(
            cluster.witness_image, service_ms=scenario.service_ms, start_seconds=scenario.start_seconds
        ):
            await deployment.put(cluster.api, SERVING_RUNTIMES, space, runtime)
        async with observe(cluster.api, space, recorder, clock) as observer:
            async with (
                tasks() as group,
                record_pod_logs(cluster, space, observer, recorder, folder, conditions.redactor),
            ):
                beats = group.create_task(
                    pulse(recorder, clock, cluster.api, embedded=cluster.installation.distribution == "embedded")
                )
                estimate = LiveEstimate(cluster.installation.autoscaler_config)
                stage = Stage(cluster, scenario, space, recorder, observer, generator, tell, estimate)
                if scenario.steps and scenario.steps[0].kind == "refuse":
                    await take(stage, scenario.steps)
                else:
                    deployed = await _deploy(stage, conditions.readiness_seconds)
                    await take(replace(stage, deployed=deployed), scenario.steps)
                beats.cancel()
            await _read_configuration(cluster, recorder)
            await scaling_figures.record(
                cluster.api, recorder, space, conditions.prometheus, search=cluster.provider != "existing"
            )


async def _deploy(stage: Stage, readiness_seconds: float) -> deployment.Deployed:
    manifest = (FIXTURES / stage.scenario.manifest).read_bytes()
    recorder, api = stage.recorder, stage.cluster.api
    recorder.write(FactKind.PHASE, {"name": "deploy", "edge": "begin"})
    stage.tell(ProgressEvent(phase="deploy"))
    name = deployment.manifest_name(manifest)
    text = manifest.decode("utf-8")
    recorder.write(FactKind.MANIFEST, {"stage": "applied", "name": name, "text": text})
    try:
        admitted = await deployment.deploy(api, stage.space, manifest)
    except ApiStatus as status:
        recorder.write(
            FactKind.MANIFEST,
            {"stage": "refused", "name": name, "status": status.status, "message": status.message, "text": text},
        )
        raise PlatformError(f"REFUSED: the manifest {stage.scenario.manifest} was not admitted: {status}") from status
    recorder.write(FactKind.MANIFEST, {"stage": "admitted", "name": name, "object": admitted})
    ready = await until(
        lambda: _ready(stage.observer, name), stage.observer, stage.cluster.clock, within=readiness_seconds
    )
    recorder.write(FactKind.PHASE, {"name": "deploy", "edge": "end"})
    if ready is None:
        raise PlatformError(f"NOT_READY: {name} was not Ready within {readiness_seconds:g} s")
    final = await get(api, INFERENCE_SERVICES, stage.space, name)
    recorder.write(FactKind.MANIFEST, {"stage": "ready", "name": name, "object": final})
    return deployment.Deployed(stage.space, name, ready)


def _ready(observer: Observer, name: str) -> str | None:
    body = observer.state.bodies.get(FactKind.INFERENCE_SERVICE, {}).get(name)
    if body is None or body["conditions"].get("Ready", [""])[0] != "True":
        return None
    if body["observed"] is not None and body["generation"] is not None and body["observed"] < body["generation"]:
        return None
    return body["url"] or None


async def _read_configuration(cluster: Cluster, recorder: Recorder) -> None:
    await control_plane.note(cluster.api, recorder)
    for name, space in CONFIG_SOURCES:
        try:
            found = await get(cluster.api, CONFIG_MAPS, space, name)
        except ApiStatus as status:
            recorder.write(FactKind.NOTE, {"level": "warning", "text": f"{name} cannot be read: {status}"})
            continue
        if found is not None:
            data: Mapping[str, str] = found.get("data") or {}
            plain = {key: value for key, value in data.items() if key != "_example"}
            version = found["metadata"].get("resourceVersion", "")
            recorder.write(FactKind.CONFIG, {"source": name, "data": plain, "version": version})


def connection(cluster: Cluster) -> dict[str, bool]:
    """Whether the two ends of the cluster were known to be who they say they are."""
    ingress = cluster.ingress
    return {
        "api_verified": cluster.api_verified,
        "ingress_encrypted": ingress.scheme == "https",
        "ingress_verified": ingress.scheme != "https" or ingress.verify,
    }


def _plain(scenario: Scenario) -> dict[str, Any]:
    value = asdict(scenario)
    for step, source in zip(value["steps"], scenario.steps, strict=True):
        step["plan"] = source.plan.body() if source.plan else None
    return value


def clock_name(clock: Clock) -> str:
    """real or virtual, as the recording's header says."""
    return "real" if isinstance(clock, RealClock) else "virtual"
