"""The steps of a scenario's life once its InferenceService serves; `conformance.catalogue.scenario.Step` says what each
means."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from urllib.parse import urlsplit

from conformance.base.errors import HarnessError, UsageError
from conformance.base.tasks import tasks
from conformance.base.terminal import printable
from conformance.base.waiting import until
from conformance.catalogue.scenario import Step
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import API_SERVICES, INFERENCE_SERVICES, METRICS_SERVICE, PODS
from conformance.kube.verbs import ApiStatus, create, delete, get, merge
from conformance.load.generator import LoadProgress, LoadResult, LoadSpec
from conformance.load.load_plan import LoadPlan, Target
from conformance.load.row_writer import LoadPaths
from conformance.observe.observer import Observer
from conformance.recording.pod_bodies import PodBody
from conformance.recording.run_bodies import Edge, ManifestBody, ManifestStage, NoteBody, PhaseBody, ProbeBody
from conformance.recording.service_bodies import (
    DeploymentBody,
    InferenceServiceBody,
    PodAutoscalerBody,
    RevisionBody,
    ServiceBody,
)
from conformance.recording.shape import JsonObject
from conformance.recording.writer import Recorder
from conformance.run import deployment
from conformance.run.context import ScenarioContext
from conformance.run.live_estimate import LiveEstimate
from conformance.run.load_answers import answers
from conformance.run.probe import probe
from conformance.run.progress_event import ProgressEvent
from conformance.run.scenario_log import ScenarioLog, described
from conformance.run.way import ask, tight_service_ms, way_seconds

REFUSAL_SECONDS: Final = 30.0
RENEW_SECONDS: Final = 9.0
"""metrics-server takes no figure of a container that is younger than ten seconds."""
_REFUSALS: Final = frozenset({400, 404, 405, 413, 415, 422})
"""Statuses with which a model says that it was asked wrongly, and with which no load would be worth anything."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything a step works with."""

    context: ScenarioContext
    recorder: Recorder
    observer: Observer
    estimate: LiveEstimate
    log: ScenarioLog
    deployed: deployment.Deployed | None = None

    @property
    def api(self) -> ApiClient:
        """The cluster's Kubernetes API."""
        return self.context.cluster.api

    def note(self, text: str, level: str = "info") -> None:
        """Keep a note in the recording and in the log; `level` is info or warning."""
        self.recorder.write(NoteBody(text, level))
        self.log.log(logging.getLevelNamesMapping()[level.upper()], "%s", text)

    def show(self, seconds_left: float | None = None) -> None:
        """Tell how pods and load stand."""
        event = self.standing(seconds_left)
        self.log.course(event)
        self.context.tell(event)

    def standing(self, seconds_left: float | None = None) -> ProgressEvent:
        """How pods and load stand."""
        state = self.observer.state
        told = (body.desired for body in state.all(PodAutoscalerBody))
        # Knative says -1 for not yet known.
        wanted = [desired for desired in told if desired is not None and desired >= 0]
        requested = [body.replicas or 0 for body in state.all(DeploymentBody)]
        pods = state.pods()
        return ProgressEvent(
            pods=len(pods),
            ready=sum(pod.ready for pod in pods),
            desired=sum(wanted) if wanted else None,
            requested=sum(requested) if requested else None,
            in_flight=self.estimate.in_flight,
            requests_per_second=self.estimate.requests_per_second,
            panic=self._panic(pods),
            seconds_left=seconds_left,
        )

    def _panic(self, pods: Sequence[PodBody]) -> bool | None:
        """Of the component that takes the traffic."""
        known = sorted(self.observer.state.all(PodAutoscalerBody), key=lambda body: body.revision)
        outer = [body for body in known if body.component == "transformer"] or known
        if not outer:
            return None
        newest = outer[-1]
        ready = sum(pod.ready for pod in pods if pod.revision == newest.revision)
        revision = self.observer.state.get(RevisionBody, newest.revision)
        limit = (revision.container_concurrency if revision else None) or 0
        return self.estimate.panicking(self.context.clock.wall(), ready, newest, limit)


async def take(stage: Stage, steps: Sequence[Step]) -> None:
    """Take the steps in order; background loads run beside the later ones and are awaited at the end."""
    loads = 0
    scenario = stage.context.scenario
    service_ms: int | None = None
    async with tasks() as group:
        for number, step in enumerate(steps):
            begin = PhaseBody(step.name or step.kind, Edge.BEGIN, step.kind, number)
            if step.kind == "load":
                step = step if step.service_ms is not None else replace(step, service_ms=service_ms)
            stage.log.info("step %d %s", number, described(step))
            if step.kind == "load":
                stage.recorder.write(replace(begin, load=loads))
                stage.context.tell(ProgressEvent(phase=step.name or step.kind))
                task = group.create_task(_load(stage, step, number, loads))
                loads += 1
                if not step.background:
                    await task
                continue
            stage.recorder.write(begin)
            stage.context.tell(ProgressEvent(phase=step.name or step.kind))
            if scenario.tight and step.kind == "settle":
                # A question counts as a request in flight. In the middle it meets windows that hold some silence, so
                # that no pod comes of it, and the panic window has forgotten it when the load begins.
                await _wait(stage, replace(step, seconds=step.seconds / 2.0))
                service_ms = await _measured_service_ms(stage, step)
                step = replace(step, seconds=step.seconds / 2.0)
            await _TAKERS[step.kind](stage, step)
            stage.recorder.write(replace(begin, edge=Edge.END))


async def _measured_service_ms(stage: Stage, step: Step) -> int:
    """The service time that a tight scenario takes here, long beside the way; kept as a note."""
    scenario = stage.context.scenario
    readiness = target(stage, replace(step, path=scenario.path.partition(":")[0]))
    way = way_seconds(await ask(stage.context.cluster.ingress, readiness, stage.context.clock, stage.recorder))
    found = tight_service_ms(scenario.service_ms, way)
    measured = "could not be measured" if way is None else f"takes {way * 1000:.0f} ms"
    stage.note(f"the way to the model {measured}; the model takes {found} ms")
    return found


async def _load(stage: Stage, step: Step, number: int, index: int) -> None:
    if step.plan is None:
        raise HarnessError(f"scenario {stage.context.scenario.name}: step {number} is a load without a plan")
    plan = LoadPlan(
        phases=step.plan.phases,
        seed=step.plan.seed or stage.recorder.header.seed,
        drain_seconds=step.plan.drain_seconds,
        timeout_seconds=step.plan.timeout_seconds,
        max_in_flight=step.plan.max_in_flight,
    )
    previous = 0.0
    answered = 0

    def progress(now: LoadProgress) -> None:
        nonlocal previous, answered
        rate = (now.answered - answered) / max(now.seconds - previous, 1e-9)
        previous, answered = now.seconds, now.answered
        stage.estimate.load(index, now.in_flight, rate)
        stage.show()

    recorder = stage.recorder
    load = LoadSpec(plan, target(stage, step), recorder.folder, index, recorder.header.origin_monotonic)
    offered = await stage.context.generator.offer(load, progress)
    stage.log.info("load %d to %s: %s", index, load.target.host, _came_to(offered, load))
    stage.estimate.load(index, 0, 0.0)
    stage.show()
    recorder.write(PhaseBody(step.name or step.kind, Edge.END, step.kind, number, index))


def _came_to(offered: LoadResult, load: LoadSpec) -> str:
    try:
        found = answers(LoadPaths.of(load.folder, load.index))
    except OSError as error:
        found = f"its rows cannot be read: {error}"
    return f"{offered.sent} sent in {offered.end - offered.start:.1f} s; answers {found}"


def target(stage: Stage, step: Step) -> Target:
    """Where a load goes: the host of `status.url`, through the cluster's ingress."""
    if stage.deployed is None:
        raise HarnessError(f"scenario {stage.context.scenario.name}: a load before anything was deployed")
    url = urlsplit(stage.deployed.url)
    path = url.path.rstrip("/") + (step.path or stage.context.scenario.path)
    ingress = stage.context.cluster.ingress
    headers = [("content-type", "application/json"), *ingress.headers]
    if step.service_ms is not None:
        headers.append(("x-service-ms", str(step.service_ms)))
    if step.cpu_ms is not None:
        headers.append(("x-cpu-ms", str(step.cpu_ms)))
    if step.hold_mb is not None:
        headers.append(("x-hold-mb", str(step.hold_mb)))
    body = stage.context.scenario.content(stage.context.scenario.payload)
    return Target(
        url=f"{ingress.scheme}://{url.netloc}{path}",
        host=url.netloc,
        address=ingress.address or None,
        headers=tuple(headers),
        body=body,
        ca_file=ingress.ca_file,
        verify=ingress.verify,
    )


async def _wait(stage: Stage, step: Step) -> None:
    end = stage.context.clock.monotonic() + step.seconds
    while (left := end - stage.context.clock.monotonic()) > 0:
        stage.show(left)
        await stage.context.clock.sleep(min(1.0, left))


async def _patch(stage: Stage, step: Step) -> None:
    api, deployed = stage.api, stage.deployed
    if deployed is None:
        raise HarnessError(f"scenario {stage.context.scenario.name}: a patch before anything was deployed")
    try:
        if step.manifest:
            manifest = stage.context.scenario.content(step.manifest)
            stage.recorder.write(ManifestBody(ManifestStage.APPLIED, deployed.name, text=manifest.decode("utf-8")))
            admitted = await deployment.deploy(api, stage.context.namespace, manifest)
        else:
            stage.recorder.write(
                ManifestBody(ManifestStage.APPLIED, deployed.name, patch=cast(JsonObject, step.patch or {}))
            )
            admitted = await merge(api, INFERENCE_SERVICES, stage.context.namespace, deployed.name, step.patch or {})
    except ApiStatus as status:
        if not status.status or status.status >= 500:
            raise
        stage.recorder.write(refused(deployed.name, status))
        stage.log.warning("the patch was refused: %s", status)
        return
    stage.recorder.write(ManifestBody(ManifestStage.ADMITTED, deployed.name, object=admitted))


async def _zero(stage: Stage, step: Step) -> None:
    await _converge(stage, step, lambda: None if stage.observer.state.pods() else True)


async def _quiet(stage: Stage, step: Step) -> None:
    """Settled: every component at its minimum, wanted and there."""

    def settled() -> bool | None:
        state = stage.observer.state
        minimum = {body.component: _minimum(body.annotations) for body in state.all(ServiceBody)}
        if not minimum:
            return None
        for component, count in minimum.items():
            pods = [pod for pod in state.pods() if pod.component == component]
            wanted = [body.desired for body in state.all(PodAutoscalerBody) if body.component == component]
            if (
                len(pods) != count
                or not all(pod.ready for pod in pods)
                or (wanted and max(value or 0 for value in wanted) > count)
            ):
                return None
        return True

    await _converge(stage, step, settled)


async def _converge(stage: Stage, step: Step, condition: Any) -> None:
    clock = stage.context.clock
    end = clock.monotonic() + step.within

    class Told:
        async def changed(self, within: float) -> None:
            await stage.observer.changed(min(within, 1.0))
            stage.show(max(0.0, end - clock.monotonic()))

    if await until(condition, Told(), clock, within=step.within, holding=step.seconds) is None:
        text = f"{step.name or step.kind} was not reached within {step.within:g} s"
        stage.note(f"{text}; there are {stage.standing().words()}", "warning")


async def _refuse(stage: Stage, step: Step) -> None:
    """Record how the platform answers a manifest it has to refuse, at once or later through its conditions."""
    manifest = stage.context.scenario.content(step.manifest or stage.context.scenario.manifest)
    name = deployment.manifest_name(manifest)
    recorder = stage.recorder
    recorder.write(ManifestBody(ManifestStage.APPLIED, name, text=manifest.decode("utf-8")))
    try:
        admitted = await deployment.deploy(stage.api, stage.context.namespace, manifest)
    except ApiStatus as status:
        recorder.write(refused(name, status))
        return
    recorder.write(ManifestBody(ManifestStage.ADMITTED, name, object=admitted))

    def broken() -> bool | None:
        body = stage.observer.state.get(InferenceServiceBody, name)
        if body is None:
            return None
        return any(each.status == "False" and each.reason for each in body.conditions.values()) or None

    await until(broken, stage.observer, stage.context.clock, within=step.within or REFUSAL_SECONDS)


async def _probe(stage: Stage, step: Step) -> None:
    """One request outside any load, kept as a fact."""
    clock = stage.context.clock
    start = clock.monotonic()
    status, text = await probe(stage.context.cluster.ingress, target(stage, step), "GET" if step.path else "POST")
    name = step.name or step.path or stage.context.scenario.path
    stage.recorder.write(ProbeBody(name, status, round(clock.monotonic() - start, 6), text[:2000]))
    stage.log.info("probe of %s: %d", name, status)
    if stage.context.scenario.own and status in _REFUSALS:
        said = " ".join(printable(text).split())[:200]
        raise UsageError(
            f"PAYLOAD: {stage.context.scenario.path} answers {status} to the payload: {said or 'no words'}"
        )


async def _renew(stage: Stage, step: Step) -> None:
    """Delete the youngest pod whenever its successor would soon be old enough for metrics. A platform that forbids it
    is told in a note, and the judge finds that nothing was shown."""
    space, left = stage.context.namespace, step.seconds
    while left > 0:
        pods = [pod for pod in stage.observer.state.pods() if not pod.deleting]
        youngest = max(pods, key=lambda pod: (pod.created_wall or 0.0, pod.name), default=None)
        if youngest is not None:
            try:
                await delete(stage.api, PODS, space, youngest.name)
            except ApiStatus as status:
                stage.note(f"pod {youngest.name} cannot be deleted: {status}", "warning")
                return
        await _wait(stage, replace(step, seconds=min(RENEW_SECONDS, left)))
        left -= RENEW_SECONDS


async def _metrics_away(stage: Stage, step: Step) -> None:
    """Take away what leads to the metrics API, and put it back whatever happens."""
    api = stage.api
    service = await get(api, API_SERVICES, None, METRICS_SERVICE) if stage.context.cluster.owned else None
    if service is None:
        stage.note("the metrics API cannot be taken away here", "warning")
        await _wait(stage, step)
        return
    metadata = {name: value for name, value in service["metadata"].items() if name in ("name", "labels", "annotations")}
    again = {"apiVersion": API_SERVICES.api_version, "kind": API_SERVICES.kind, "metadata": metadata}
    await delete(api, API_SERVICES, None, METRICS_SERVICE)
    try:
        await _wait(stage, step)
    finally:
        await create(api, API_SERVICES, {**again, "spec": service["spec"]})


def refused(name: str, status: ApiStatus, text: str | None = None) -> ManifestBody:
    """What is recorded of a manifest that the API server did not admit."""
    return ManifestBody(ManifestStage.REFUSED, name, text=text, status=status.status, message=status.message)


def _minimum(annotations: Mapping[str, str]) -> int:
    try:
        return int(annotations.get("autoscaling.knative.dev/min-scale", "0"))
    except ValueError:
        return 0


_TAKERS: Final = {
    "settle": _wait,
    "idle": _wait,
    "patch": _patch,
    "zero": _zero,
    "quiet": _quiet,
    "refuse": _refuse,
    "probe": _probe,
    "renew": _renew,
    "metrics-away": _metrics_away,
}
