"""A data plane for tests: one ingress, activators, and pods that come and go by hand, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.activator import Activator
from clusters.embedded.dataplane.ingress import IngressProxy
from clusters.embedded.dataplane.network import Listener, Network, VirtualNetwork
from clusters.embedded.dataplane.queue_proxy import QueueProxy, tcp_probe
from clusters.embedded.dataplane.revision import ActivatorStat, RevisionKey, RevisionSpec
from clusters.embedded.dataplane.routes import Backends, Endpoints, Routes, Split, service_hosts
from conformance.base.clock import Clock, virtual_clock
from conformance.base.http.exchange import Request, Response

KEY = RevisionKey("ns", "model-00001")
HOST = "model.ns.example.com"


@dataclass(slots=True)
class Model:
    """A model server that takes its time and notes what it saw."""

    clock: Clock
    seconds: float = 0.1
    in_flight: int = 0
    high_water: int = 0
    requests: list[Request] = field(default_factory=list)
    cancelled: int = 0
    answer: Callable[[], Response] | None = None
    """Makes the answer, in the place of a short one."""

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        self.in_flight += 1
        self.high_water = max(self.high_water, self.in_flight)
        try:
            await self.clock.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        return self.answer() if self.answer else Response(200, (), b"done")


@dataclass(slots=True)
class Pod:
    """A queue-proxy and its model server."""

    address: str
    proxy: QueueProxy
    model: Model
    listeners: list[Listener]

    async def die(self) -> None:
        for listener in self.listeners:
            await listener.close()


class Stage:
    """Everything of a data plane, with levers."""

    def __init__(
        self, network: Network, clock: Clock, spec: RevisionSpec, behaviour: Behaviour, seconds: float
    ) -> None:
        self.network = network
        self.clock = clock
        self.spec = spec
        self.behaviour = behaviour
        self.seconds = seconds
        self.routes = Routes()
        self.endpoints = Endpoints()
        self.messages: list[tuple[float, ActivatorStat]] = []
        self.pods: list[Pod] = []
        self.rng = rng = random.Random(7)
        self.activator = Activator("activator-0", network, clock, rng, behaviour, self._note)
        self.ingress = IngressProxy(network, clock, rng, behaviour, self.routes, self.endpoints, ("activator-0:8012",))

    def _note(self, stat: ActivatorStat) -> None:
        self.messages.append((self.clock.monotonic(), stat))

    async def add_pod(self, *, ready: bool = True, listening: bool = True) -> Pod:
        """Start a pod; with `ready` the control plane says so at once."""
        ip = f"10.244.0.{len(self.pods) + 1}"
        model = Model(self.clock, self.seconds)
        user = f"{ip}:8080"

        async def forward(request: Request) -> Response:
            return await self.network.call(user, request)

        proxy = QueueProxy(
            f"pod-{len(self.pods)}", self.spec, forward, tcp_probe(self.network, user), self.clock, self.behaviour
        )
        listeners = [await self.network.serve(f"{ip}:8012", proxy.handle)]
        if listening:
            listeners.append(await self.network.serve(user, model))
        pod = Pod(f"{ip}:8012", proxy, model, listeners)
        self.pods.append(pod)
        addresses = tuple(each.address for each in self.pods)
        if ready:
            self.activator.set_pods(KEY, addresses)
        else:
            self.activator.set_pods(KEY, addresses[:-1], addresses[-1:])
        return pod

    async def open_port(self, pod: Pod) -> None:
        """The pod's model server starts to listen."""
        pod.listeners.append(await self.network.serve(pod.address.replace("8012", "8080"), pod.model))

    def direct(self) -> None:
        """Take the activator out of the path."""
        self.endpoints.publish(KEY, Backends(tuple(pod.address for pod in self.pods), proxy=False))

    async def post(self, *, host: str = HOST, path: str = "/v1/models/m:predict", body: bytes = b"{}") -> Response:
        """One request through the ingress."""
        return await self.ingress.handle(Request("POST", path, host, (), body))


@asynccontextmanager
async def stage(
    *,
    concurrency: int = 0,
    timeout_seconds: float = 300.0,
    seconds: float = 0.1,
    response_start_timeout_seconds: float = 0.0,
    idle_timeout_seconds: float = 0.0,
    behaviour: Behaviour | None = None,
    network: Network | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Stage]:
    """A running data plane with one revision and no pod."""
    spec = RevisionSpec(KEY, concurrency, timeout_seconds, response_start_timeout_seconds, idle_timeout_seconds)
    wires = network or VirtualNetwork()
    made = Stage(wires, clock or virtual_clock(), spec, behaviour or Behaviour(), seconds)
    made.routes.publish("ns/model", service_hosts("model", "ns", "example.com"), [Split(KEY)])
    async with made.activator:
        await wires.serve("activator-0:8012", made.activator.handle)
        made.activator.put_revision(spec)
        yield made
        await wires.close()
