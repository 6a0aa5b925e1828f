"""The kubelet of all nodes: runs what the scheduler placed, says how it is, and takes it away when asked.

A terminating pod serves on until queue-proxy has been quiet for its period, which is why pods linger about 30 seconds
as Terminating on a real cluster; or until its grace period is over, which whoever deletes it can make shorter.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.dataplane.network import Network
from clusters.embedded.dataplane.revision import RevisionKey, RevisionSpec
from clusters.embedded.dataplane.task_owner import TaskOwner
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.knative.revisions import QUEUE_PROXY
from clusters.embedded.nodes.device_plugin import Accelerators
from clusters.embedded.nodes.failing import FailingContainer
from clusters.embedded.nodes.failures import ContainerFailure, failure_of
from clusters.embedded.nodes.pod_logs import PodLogs
from clusters.embedded.nodes.pod_process import PodProcess, StartTimes
from clusters.embedded.nodes.pod_status import PodStatus
from clusters.embedded.nodes.restarts import Restarts
from clusters.embedded.objects.capacity import devices
from clusters.embedded.objects.metadata import Object, ObjectKey, editable, is_terminating, key_of, labels
from clusters.embedded.programs.model_server import ModelServers
from conformance.kube.resources import NODES, PODS

DEVICES_ANNOTATION: Final = "conformance.serving/devices"
ACCELERATOR: Final = "nvidia.com/gpu"
KILL_SECONDS: Final = (0.4, 1.4)
"""From the end of draining until the API server hears that the pod is gone."""
SOON_SECONDS: Final = 1e-3
"""A timer that has run may be a rounding error early."""


class _Run:
    """One pod on its node."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.going = asyncio.Event()
        self.killed = asyncio.Event()
        self.grace_ends = math.inf
        """On the clock; infinite while nobody has deleted it."""
        self.process: PodProcess | None = None
        self.task: asyncio.Task[None] | None = None

    def terminate(self, grace_seconds: float, now: float) -> float | None:
        """Let it go, and have it killed at the end of a grace period that can only become shorter; seconds until then,
        None when it is over."""
        self.going.set()
        self.grace_ends = min(self.grace_ends, now + grace_seconds)
        if self.grace_ends > now + SOON_SECONDS:
            return self.grace_ends - now
        self.killed.set()
        return None


class Kubelet:
    """Reconciles pods that have a node."""

    name = "kubelet"
    watches: Sequence[Watched] = (Watched(PODS),)

    def __init__(
        self,
        context: ControllerContext,
        network: Network,
        owner: TaskOwner,
        rng: random.Random,
        accelerators: Accelerators,
        logs: PodLogs,
        spec_of: Callable[[RevisionKey], RevisionSpec | None],
        gateway: str,
        times: StartTimes | None = None,
        models: ModelServers | None = None,
    ) -> None:
        """`gateway` is where a transformer sends what is for its predictor; `spec_of` finds a revision's limits;
        `models` starts real model servers."""
        self._context = context
        self._network = network
        self._owner = owner
        self._rng = rng
        self._accelerators = accelerators
        self._logs = logs
        self._spec_of = spec_of
        self._gateway = gateway
        self._times = times or StartTimes()
        self._models = models
        self._runs: dict[ObjectKey, _Run] = {}
        self._addresses = 0

    def process(self, key: ObjectKey) -> PodProcess | None:
        """The running part of a pod."""
        run = self._runs.get(key)
        return run.process if run else None

    def reconcile(self, key: ObjectKey) -> float | None:
        pod = self._context.peek(PODS, *key)
        run = self._runs.get(key)
        if run is not None and (pod is None or pod["metadata"]["uid"] != run.uid):
            if run.task is not None:
                run.task.cancel()
            return 0.05 if pod is not None else None
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        if run is None:
            run = self._runs[key] = _Run(pod["metadata"]["uid"])
            run.task = self._owner.start(self._run(key, run, pod))
        if is_terminating(pod):
            grace_seconds = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
            return run.terminate(grace_seconds, self._context.clock.monotonic())
        return None

    async def _run(self, key: ObjectKey, run: _Run, pod: Object) -> None:
        try:
            with suppress(ApiError):
                await self._live(key, run, pod)
        finally:
            if run.process is not None:
                await run.process.stop()
            self._accelerators.give_back(run.uid)
            self._logs.forget(run.uid)
            if self._runs.get(key) is run:
                del self._runs[key]

    async def _live(self, key: ObjectKey, run: _Run, pod: Object) -> None:
        context, clock = self._context, self._context.clock
        node = context.peek(NODES, "", pod["spec"]["nodeName"]) or {}
        status = PodStatus(pod, _node_ip(node), self._next_ip())
        start = asyncio.ensure_future(self._start(key, run, pod, status))
        gone = asyncio.ensure_future(run.going.wait())
        try:
            await gone
        finally:
            for task in (start, gone):
                task.cancel()
            await asyncio.gather(start, gone, return_exceptions=True)
        process = run.process
        serving = process is not None and process.queue_proxy is not None
        context.event(pod, "Killing", f"Stopping container {pod['spec']['containers'][0]['name']}", "kubelet")
        if process is not None:
            self._report(key, status.draining(context.now(), started=serving))
            await first_of(process.drain(), run.killed.wait())
        await clock.sleep(self._rng.uniform(*KILL_SECONDS))
        if process is not None:
            await process.stop()
            self._last_words(run, pod, process)
        await clock.sleep(context.behaviour.lingering_seconds())
        context.store.remove(PODS, *key)

    async def _start(self, key: ObjectKey, run: _Run, pod: Object, status: PodStatus) -> None:
        with suppress(ApiError):
            await self._start_pod(key, run, pod, status)

    async def _start_pod(self, key: ObjectKey, run: _Run, pod: Object, status: PodStatus) -> None:
        context, times = self._context, self._times
        given = self._give_devices(key, pod)
        self._report(key, status.creating(context.now()))
        await self._pass_time(times.sandbox)
        report = partial(self._report, key)
        for container in pod["spec"].get("initContainers") or ():
            self._report(key, status.initializing(context.now()))
            failure = failure_of(container)
            if failure is not None and failure.exit_code != 0:
                await FailingContainer(context, pod, container, failure, status, report, self._logs).run()
                report(status.finished(context.now(), succeeded=False))
                return
            self._say(pod, container)
            log = self._logs.open(run.uid, container["name"])
            log.write(context.now(), f"Copying contents of {' to '.join(container.get('args') or ())}")
            await self._pass_time(times.initialize)
            log.close()
        await self._pass_time(times.containers)
        revision = labels(pod).get(REVISION)
        spec = self._spec_of(RevisionKey(key.namespace, revision)) if revision else None
        log = self._logs.open(run.uid, pod["spec"]["containers"][0]["name"])
        process = PodProcess(
            pod,
            status.pod_ip,
            spec,
            self._network,
            context.clock,
            context.behaviour,
            self._gateway,
            given,
            self._models,
            lambda line: log.write(context.now(), line),
        )
        await process.start_proxy()
        run.process = process
        broken: list[tuple[Object, ContainerFailure]] = []
        for container in pod["spec"]["containers"]:
            failure = failure_of(container)
            if failure is None:
                self._say(pod, container)
            else:
                broken.append((container, failure))
            self._logs.open(run.uid, container["name"])
        self._report(key, status.running(context.now()))
        if broken:
            await self._fail([FailingContainer(context, pod, *each, status, report, self._logs) for each in broken])
            report(status.finished(context.now(), succeeded=all(failure.exit_code == 0 for _, failure in broken)))
            return
        own = [container["name"] for container in pod["spec"]["containers"] if container["name"] != QUEUE_PROXY]
        proxied = process.queue_proxy is not None
        if proxied:
            # The serving container has no probe of its own: Kubernetes calls it ready as soon as it runs.
            self._become_ready(key, own, status)
        async with asyncio.TaskGroup() as group:
            starting = group.create_task(self._start_model(run, pod, process, status, group))
            if not proxied:
                await starting
            await process.wait_ready(self._rng)
            self._become_ready(key, [QUEUE_PROXY] if proxied else own, status)

    async def _fail(self, containers: Sequence[FailingContainer]) -> None:
        """The pod never gets ready: its queue-proxy finds nobody who answers."""
        async with asyncio.TaskGroup() as group:
            for each in containers:
                group.create_task(each.run())

    async def _start_model(
        self, run: _Run, pod: Object, process: PodProcess, status: PodStatus, group: asyncio.TaskGroup
    ) -> None:
        if process.is_program:
            report = partial(self._report, key_of(pod))
            restarts = Restarts(self._context, pod, process, status, report, self._rng)
            group.create_task(restarts.keep_running())
            await restarts.serving.wait()
            return
        await process.start_model()
        if process.settings is None or process.witness is None:
            return
        settings = process.settings
        self._write(run, pod, {"listening": f"0.0.0.0:{settings.port}", "pod": settings.pod, "kind": settings.kind})
        group.create_task(process.witness.log_accounts(lambda account: self._write(run, pod, account)))

    def _last_words(self, run: _Run, pod: Object, process: PodProcess) -> None:
        if process.witness is not None:
            self._write(run, pod, process.witness.account())
        for container in pod["spec"]["containers"]:
            self._logs.open(run.uid, container["name"]).close()

    def _write(self, run: _Run, pod: Object, value: Mapping[str, object]) -> None:
        """A line of the serving container's log."""
        self._logs.open(run.uid, pod["spec"]["containers"][0]["name"]).write(self._context.now(), json.dumps(value))

    def _become_ready(self, key: ObjectKey, containers: Sequence[str], status: PodStatus) -> None:
        for name in containers:
            self._report(key, status.container_ready(name, self._context.now()))

    def _give_devices(self, key: ObjectKey, pod: Object) -> tuple[str, ...]:
        context = self._context
        given = self._accelerators.take(pod["metadata"]["uid"], pod["spec"]["nodeName"], devices(pod, ACCELERATOR))
        fresh = context.peek(PODS, *key)
        if given and fresh is not None:
            notes = {**(fresh["metadata"].get("annotations") or {}), DEVICES_ANNOTATION: ",".join(given)}
            changed = editable(fresh)
            changed["metadata"]["annotations"] = notes
            context.store.update(PODS, changed)
        return given

    def _report(self, key: ObjectKey, status: Object) -> None:
        pod = self._context.peek(PODS, *key)
        if pod is not None:
            self._context.set_status(PODS, pod, status)

    def _say(self, pod: Object, container: Object) -> None:
        context = self._context
        image = container.get("image", "")
        context.event(pod, "Pulled", f'Container image "{image}" already present on machine', "kubelet")
        context.event(pod, "Created", f"Created container: {container['name']}", "kubelet")
        context.event(pod, "Started", f"Started container {container['name']}", "kubelet")

    async def _pass_time(self, bounds: tuple[float, float]) -> None:
        await self._context.clock.sleep(self._rng.uniform(*bounds))

    def _next_ip(self) -> str:
        """Addresses in the order of use, so that they sort by age within a subnet."""
        self._addresses += 1
        return f"10.244.{self._addresses // 250}.{self._addresses % 250 + 1}"


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them is over; the others are cancelled."""
    running = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _node_ip(node: Object) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((entry["address"] for entry in addresses if entry["type"] == "InternalIP"), "127.0.0.1")
