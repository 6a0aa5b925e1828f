"""A pod that runs: its containers as handlers at the pod's address.

A serving container is the witness; with a queue-proxy beside it that is the way in. Other containers are only said to
run. Times between the steps are what a node with the images present takes; the model's own start dominates.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.network import Listener, Network
from clusters.embedded.dataplane.queue_proxy import QueueProxy, tcp_probe
from clusters.embedded.dataplane.revision import QUEUE_PORT, USER_PORT, RevisionSpec
from clusters.embedded.knative.revisions import QUEUE_PROXY
from clusters.embedded.kserve.kserve_names import CONTAINER
from clusters.embedded.nodes.pod_usage import IDLE, IDLE_BESIDE, Usage
from clusters.embedded.objects.metadata import Object
from clusters.embedded.programs.model_server import ModelServerProcess, ModelServers
from clusters.witness.witness import Witness
from clusters.witness.witness_settings import WitnessKind, WitnessSettings, from_process
from conformance.base.clock import Clock
from conformance.base.http.exchange import Handler, Request, Response, whole

PROBE_PERIOD_SECONDS: Final = 10.0
"""Readiness probe period of queue-proxy as the kubelet sees it; the probe itself waits up to its timeout."""
PROBE_TIMEOUT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class StartTimes:
    """Seconds between the steps of a pod's start, each drawn between its two bounds."""

    sandbox: tuple[float, float] = (0.15, 0.35)
    initialize: tuple[float, float] = (0.1, 0.25)
    containers: tuple[float, float] = (0.1, 0.3)


class Count:
    """Counts what is in a handler."""

    def __init__(self, handler: Handler) -> None:
        self.in_flight = 0
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        self.in_flight += 1
        try:
            return await self._handler(request)
        finally:
            self.in_flight -= 1


class PodProcess:
    """The running part of one pod."""

    def __init__(
        self,
        pod: Object,
        ip: str,
        spec: RevisionSpec | None,
        network: Network,
        clock: Clock,
        behaviour: Behaviour,
        gateway: str,
        devices: tuple[str, ...],
        models: ModelServers | None,
        heard: Callable[[str], None],
    ) -> None:
        """`models` starts real model servers for predictors, `heard` gets what they say."""
        self.name: str = pod["metadata"]["name"]
        self.ip = ip
        self.queue_proxy: QueueProxy | None = None
        self.witness: Witness | None = None
        self._count: Count | None = None
        self._model: ModelServerProcess | None = None
        self.settings = _settings(pod)
        self._pod = pod
        self._spec = spec
        self._network = network
        self._clock = clock
        self._behaviour = behaviour
        self._gateway = gateway
        self._devices = devices
        self._models = models
        self._heard = heard
        self._listeners: list[Listener] = []
        self.started = clock.monotonic()

    def used(self, container: str, now: float) -> Usage:
        """What a container has used by `now` on the clock: processor seconds since its start, bytes that it holds."""
        seconds, idle = now - self.started, IDLE if container == CONTAINER else IDLE_BESIDE
        if container != CONTAINER or self.settings is None:
            return Usage(idle.cpu_seconds * seconds, idle.held_bytes)
        burnt = self.settings.start_cores * min(seconds, self.settings.start_seconds)
        if self.witness is None:
            return Usage(idle.cpu_seconds * seconds + burnt, idle.held_bytes)
        burnt += self.witness.costs.used_seconds()
        return Usage(idle.cpu_seconds * seconds + burnt, idle.held_bytes + self.witness.held_bytes)

    @property
    def proxied(self) -> bool:
        """Whether requests come through a queue-proxy."""
        return any(container["name"] == QUEUE_PROXY for container in self._pod["spec"]["containers"])

    async def start_proxy(self) -> None:
        """Start queue-proxy; the model server is not there yet."""
        if not self.proxied or self._spec is None:
            return
        user = f"{self.ip}:{USER_PORT}"

        async def forward(request: Request) -> Response:
            return await self._network.call(user, request)

        probe = tcp_probe(self._network, user)
        self.queue_proxy = QueueProxy(self.name, self._spec, forward, probe, self._clock, self._behaviour)
        await self._serve(f"{self.ip}:{QUEUE_PORT}", self.queue_proxy.handle)

    @property
    def in_flight(self) -> int | None:
        """Requests inside the pod; None while it cannot have any."""
        counting = self.witness or self.queue_proxy or self._count
        return None if counting is None else counting.in_flight

    @property
    def is_program(self) -> bool:
        """Whether its model server is a process."""
        return self._models is not None and self.settings is not None and self.settings.kind is WitnessKind.MODEL

    async def start_model(self) -> None:
        """Wait out the model's start and open its port, if this pod serves at all. Raises StartError when a process
        ended instead."""
        if self.settings is None:
            return
        if self._models is not None and self.is_program:
            await self._start_process(self._models, self.settings)
            return
        await self._clock.sleep(self.settings.start_seconds)
        fetch = self._fetch if self.settings.kind is WitnessKind.TRANSFORMER else None
        clock = self._behaviour.model_clock(self._clock)
        self.witness = Witness(self.settings, clock, fetch=fetch, devices=self._devices)
        await self._serve(f"{self.ip}:{USER_PORT}", self._behaviour.model_handler(self.name, self.witness))

    async def _start_process(self, models: ModelServers, settings: WitnessSettings) -> None:
        address = f"{self.ip}:{USER_PORT}"
        self._model = await models.start(address, settings, self._devices, self._before, self._heard)
        self._listeners.append(self._model)

    async def wait_model_end(self) -> int:
        """Return when the process has ended by itself, and its address is free again: its exit code."""
        assert self._model is not None
        code = await self._model.ended()
        self._listeners.remove(self._model)
        await self._model.close()
        return code

    def _before(self, handler: Handler) -> Handler:
        """What stands before a process: a fault, and in pods without queue-proxy a count."""
        handler = self._behaviour.model_handler(self.name, handler)
        if self.proxied:
            return handler
        self._count = Count(handler)
        return self._count

    async def _fetch(self, request: Request) -> Response:
        asked = replace(request, host=request.host.removeprefix("http://"))
        return await whole(await self._network.call(self._gateway, asked))

    async def _serve(self, address: str, handler: Handler) -> None:
        self._listeners.append(await self._network.serve(address, handler))

    async def wait_ready(self, rng: random.Random) -> None:
        """Return when the kubelet's probe first succeeds: it comes every ten seconds and waits one, which is why pods
        serve (through activators, which ask five times a second) long before they are called ready."""
        await self._clock.sleep(rng.uniform(0.0, 1.0))
        if self.queue_proxy is None:
            return
        while not await self.queue_proxy.wait_ready(PROBE_TIMEOUT_SECONDS):
            await self._clock.sleep(PROBE_PERIOD_SECONDS - PROBE_TIMEOUT_SECONDS)

    async def drain(self) -> None:
        """Serve on until nothing comes any more."""
        if self.queue_proxy is not None:
            await self.queue_proxy.drain()

    async def stop(self) -> None:
        """The containers are gone; what they were answering is cut."""
        listeners, self._listeners = self._listeners, []
        for listener in reversed(listeners):
            await listener.close()


def _settings(pod: Object) -> WitnessSettings | None:
    """What the serving container was told; None when no container serves."""
    container = next((c for c in pod["spec"]["containers"] if c["name"] == CONTAINER), None)
    if container is None:
        return None
    environment = {entry["name"]: str(entry.get("value") or "") for entry in container.get("env") or ()}
    environment.setdefault("POD_NAME", pod["metadata"]["name"])
    arguments = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
    try:
        found = from_process(arguments, environment)
    except ValueError:
        return WitnessSettings(pod=pod["metadata"]["name"])
    return replace(found, port=USER_PORT)
