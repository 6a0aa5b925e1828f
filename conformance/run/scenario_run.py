"""Runs one scenario on an open cluster and records it: deploy, wait, load, watch.

Whatever goes wrong ends up in the recording's last fact; only cancellation passes through, after what was recorded has
been flushed. The namespace is left to the caller's `Teardown`, which needs longer than a scenario may wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from conformance.base.clock import Clock, RealClock
from conformance.base.errors import ConformanceError, HarnessError, PlatformError
from conformance.base.tasks import tasks
from conformance.base.waiting import until
from conformance.catalogue.own_manifest import BESIDE
from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster
from conformance.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, SERVING_RUNTIMES
from conformance.kube.verbs import ApiStatus, get
from conformance.load.load_errors import LoadError
from conformance.observe import control_plane, scaling_figures
from conformance.observe.harness_health import record_health
from conformance.observe.observer import Observer, observe
from conformance.observe.platform_health import record_platform
from conformance.observe.pod_logs import record_pod_logs
from conformance.observe.pod_usage import record_usage
from conformance.recording.redaction import Redactor
from conformance.recording.run_bodies import (
    INSTALLATION,
    ConfigBody,
    Edge,
    EndBody,
    ManifestBody,
    ManifestStage,
    NoteBody,
    Outcome,
    PhaseBody,
)
from conformance.recording.run_record import ScenarioRun
from conformance.recording.service_bodies import InferenceServiceBody, PodAutoscalerBody, RevisionBody
from conformance.recording.writer import Header, Recorder
from conformance.run import deployment, overload_guard
from conformance.run.context import ScenarioContext
from conformance.run.live_estimate import LiveEstimate
from conformance.run.progress_event import ProgressEvent
from conformance.run.scenario_log import ScenarioLog
from conformance.run.standing import standing
from conformance.run.steps import Stage, refused, take
from conformance.settings.settings import Timeouts

CONFIG_SOURCES: Final = (
    ("config-autoscaler", "knative-serving"),
    ("config-domain", "knative-serving"),
    ("config-defaults", "knative-serving"),
    ("inferenceservice-config", "kserve"),
)


_STORED_BESIDE: Final = frozenset({"contents", "beside", "formats"})
"""Of a scenario of one's own: files of the run, and what follows from them."""


async def run_scenario(context: ScenarioContext) -> ScenarioRun:
    """Run and record a scenario. Returns how it went; raises only CancelledError."""
    clock, conditions = context.clock, context.conditions
    started = clock.wall()
    header = Header(
        scenario=context.scenario.name,
        run=conditions.run,
        seed=conditions.seed,
        clock=clock_name(clock),
        origin_monotonic=round(clock.monotonic(), 6),
        origin_wall=round(started, 6),
        suite_version=conditions.suite_version,
        provider=context.cluster.provider,
        scenario_spec=_plain(context.scenario),
    )
    log = ScenarioLog(context.scenario.name, lambda: clock.monotonic() - header.origin_monotonic)
    try:
        with Recorder(context.folder / context.recording, header, clock, conditions.redactor) as recorder:
            log.info("is recorded in %s", context.recording)
            try:
                outcome, reason = await _record(context, recorder, log)
            finally:
                _redact_loads(recorder.folder, conditions.redactor)
    except OSError as error:
        outcome, reason = "error", f"cannot write the recording: {error}"
        log.error("%s", reason)
    context.tell(ProgressEvent(phase=outcome))
    return ScenarioRun(context.scenario.name, outcome, reason, started, clock.wall(), context.recording)


def _redact_loads(folder: Path, redactor: Redactor | None) -> None:
    """The generator's own words, such as the address that refused a connection, are redacted once it is done."""
    if redactor is None:
        return
    for path in sorted(folder.glob("load-*.jsonl")):
        before = path.read_text(encoding="utf-8", errors="replace")
        after = redactor.text(before)
        if after != before:
            path.write_text(after, encoding="utf-8")


async def _record(context: ScenarioContext, recorder: Recorder, log: ScenarioLog) -> tuple[str, str]:
    """The scenario with its last fact: how it ended, and why."""
    outcome, reason = "complete", ""
    try:
        await _deploy_and_step(context, recorder, log)
    except asyncio.CancelledError:
        log.warning("interrupted")
        recorder.write(EndBody(Outcome.INTERRUPTED, "the run was interrupted"))
        raise
    except HarnessError as error:
        outcome, reason = "error", str(error)
        # A load generator that ended has said why; where it was called from explains nothing.
        trace = None if isinstance(error.__cause__, LoadError) else error
        log.error("error, not of the platform: %s", error, exc_info=trace)
    except ConformanceError as error:
        outcome, reason = "failed", str(error)
        log.warning("failed by the platform: %s", error)
    else:
        log.info("complete")
    recorder.write(EndBody(Outcome(outcome), reason))
    return outcome, reason


async def _deploy_and_step(context: ScenarioContext, recorder: Recorder, log: ScenarioLog) -> None:
    cluster, scenario, conditions, clock = context.cluster, context.scenario, context.conditions, context.clock
    api, space = cluster.api, context.namespace
    deadline = clock.wall() + 2 * scenario.seconds + 900
    recorder.write(ConfigBody(INSTALLATION, asdict(cluster.installation)))
    recorder.write(ConfigBody("connection", connection(cluster)))
    await _read_configuration(cluster, recorder)
    await _prepare_namespace(context, deadline, log)
    async with observe(api, space, recorder, clock, only=scenario.running) as observer:
        async with (
            tasks() as group,
            record_pod_logs(cluster, space, observer, recorder, context.folder, conditions.redactor),
        ):
            embedded = cluster.installation.distribution == "embedded"
            health = group.create_task(record_health(recorder, clock, api, embedded=embedded))
            platform = group.create_task(record_platform(recorder, clock, api))
            usage = group.create_task(record_usage(recorder, clock, api, space, standard=scenario.mode == "Standard"))
            stage = Stage(context, recorder, observer, LiveEstimate(cluster.installation.autoscaler_config), log)
            guard = group.create_task(overload_guard.watch(stage))
            await _serve_and_step(stage)
            guard.cancel()
            health.cancel()
            platform.cancel()
            usage.cancel()
        await _read_configuration(cluster, recorder)
        search = cluster.provider != "existing"
        await scaling_figures.record(api, recorder, space, conditions.prometheus, search=search)


async def _prepare_namespace(context: ScenarioContext, deadline: float, log: ScenarioLog) -> None:
    """Make the scenario's namespace, and in it what has to be there before the manifest. That of a service that runs
    already is left alone."""
    cluster, scenario, conditions = context.cluster, context.scenario, context.conditions
    if scenario.running:
        return
    api, space = cluster.api, context.namespace
    log.info("creates namespace %s", space)
    await deployment.make_namespace(api, space, conditions.run, deadline, conditions.namespace_labels)
    for runtime in conditions.runtimes(
        cluster.witness_image,
        service_ms=scenario.service_ms,
        start_seconds=scenario.start_seconds,
        formats=scenario.formats,
    ):
        await deployment.put(api, SERVING_RUNTIMES, space, runtime)
    for value in scenario.beside:
        await deployment.put(api, BESIDE[str(value["kind"])], space, deployment.without_namespace(value))


async def _serve_and_step(stage: Stage) -> None:
    steps = stage.context.scenario.steps
    if stage.context.scenario.running:
        await take(replace(stage, deployed=await _found(stage)), steps)
    elif steps and steps[0].kind == "refuse":
        await take(stage, steps)
    else:
        await take(replace(stage, deployed=await _deploy(stage)), steps)


async def _deploy(stage: Stage) -> deployment.Deployed:
    context, recorder, api, space = stage.context, stage.recorder, stage.api, stage.context.namespace
    scenario = context.scenario
    readiness_seconds = context.conditions.readiness_seconds + scenario.start_seconds
    manifest = scenario.applied(context.cluster.witness_image)
    recorder.write(PhaseBody("deploy", Edge.BEGIN))
    context.tell(ProgressEvent(phase="deploy"))
    name = deployment.manifest_name(manifest)
    text = manifest.decode("utf-8")
    recorder.write(ManifestBody(ManifestStage.APPLIED, name, text=text))
    stage.log.info("applies %s as %s/%s", scenario.manifest, space, name)
    try:
        admitted = await deployment.deploy(api, space, manifest)
    except ApiStatus as status:
        recorder.write(refused(name, status, text))
        raise PlatformError(f"REFUSED: the manifest {scenario.manifest} was not admitted: {status}") from status
    recorder.write(ManifestBody(ManifestStage.ADMITTED, name, object=admitted))
    ready = await until(lambda: _ready(stage.observer, name), stage.observer, context.clock, within=readiness_seconds)
    recorder.write(PhaseBody("deploy", Edge.END))
    if ready is None:
        standing = _standing(stage.observer, name)
        stage.log.warning("not Ready within %g s: %s", readiness_seconds, standing)
        seen = f": {standing}" if scenario.own else ""
        usual = Timeouts().readiness_timeout_seconds
        given = context.conditions.readiness_seconds
        short = f" (readiness_timeout_seconds is {given:g}, usually {usual:g})" if given < usual else ""
        raise PlatformError(f"NOT_READY: {name} was not Ready within {readiness_seconds:g} s{short}{seen}")
    stage.log.info("Ready at %s", ready)
    for body in stage.observer.state.all(PodAutoscalerBody):
        revision = stage.observer.state.get(RevisionBody, body.revision)
        limit = revision.container_concurrency if revision else None
        stage.log.info("revision %s: containerConcurrency %s, %s", body.revision, limit or 0, dict(body.annotations))
    final = await get(api, INFERENCE_SERVICES, space, name)
    recorder.write(ManifestBody(ManifestStage.READY, name, object=final))
    return deployment.Deployed(space, name, ready)


async def _found(stage: Stage) -> deployment.Deployed:
    """The service that runs already. Raises PlatformError where it is not there, or not Ready."""
    context, recorder, space = stage.context, stage.recorder, stage.context.namespace
    name = context.scenario.running.rpartition("/")[2]
    recorder.write(PhaseBody("deploy", Edge.BEGIN))
    context.tell(ProgressEvent(phase="deploy"))
    final = await get(stage.api, INFERENCE_SERVICES, space, name)
    if final is None:
        raise PlatformError(f"NOT_FOUND: there is no InferenceService {name} in namespace {space}")
    url = _ready(stage.observer, name)
    if url is None:
        raise PlatformError(f"NOT_READY: {space}/{name} is not Ready: {_standing(stage.observer, name)}")
    recorder.write(ManifestBody(ManifestStage.ADMITTED, name, object=final))
    recorder.write(PhaseBody("deploy", Edge.END))
    recorder.write(ManifestBody(ManifestStage.READY, name, object=final))
    return deployment.Deployed(space, name, url)


def _standing(observer: Observer, name: str) -> str:
    body = observer.state.get(InferenceServiceBody, name)
    return standing(body.conditions if body else {}, observer.state.pods())


def _ready(observer: Observer, name: str) -> str | None:
    body = observer.state.get(InferenceServiceBody, name)
    if body is None or body.status_of("Ready") != "True":
        return None
    if body.observed is not None and body.generation is not None and body.observed < body.generation:
        return None
    return body.url or None


async def _read_configuration(cluster: Cluster, recorder: Recorder) -> None:
    await control_plane.note(cluster.api, recorder)
    for name, space in CONFIG_SOURCES:
        try:
            found = await get(cluster.api, CONFIG_MAPS, space, name)
        except ApiStatus as status:
            recorder.write(NoteBody(f"{name} cannot be read: {status}", "warning"))
            continue
        if found is not None:
            data: Mapping[str, str] = found.get("data") or {}
            plain = {key: value for key, value in data.items() if key != "_example"}
            version = found["metadata"].get("resourceVersion", "")
            recorder.write(ConfigBody(name, plain, version))


def connection(cluster: Cluster) -> dict[str, bool]:
    """Whether the two ends of the cluster were known to be who they say they are."""
    ingress = cluster.ingress
    return {
        "api_verified": cluster.api_verified,
        "ingress_encrypted": ingress.scheme == "https",
        "ingress_verified": ingress.scheme != "https" or ingress.verify,
    }


def _plain(scenario: Scenario) -> dict[str, Any]:
    value = {name: entry for name, entry in asdict(scenario).items() if name not in _STORED_BESIDE}
    for step, source in zip(value["steps"], scenario.steps, strict=True):
        step["plan"] = source.plan.body() if source.plan else None
    return value


def clock_name(clock: Clock) -> str:
    """real or virtual, as the recording's header says."""
    return "real" if isinstance(clock, RealClock) else "virtual"
