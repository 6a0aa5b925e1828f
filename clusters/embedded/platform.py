"""The embedded platform put together: one event loop, real or virtual, from the API server to the pods.

Everything random comes from one seed, a stream for each part, so that one part's draws do not shift another's.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final

from clusters.embedded.api import bootstrap
from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.api.asgi import Application, create_app
from clusters.embedded.api.auth import ADMIN, Tokens
from clusters.embedded.api.store import Store
from clusters.embedded.autoscaler.hpa_class import HpaClass
from clusters.embedded.autoscaler.pod_autoscalers import PodAutoscalers
from clusters.embedded.autoscaler.serverless_services import ServerlessServices
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import ControllerManager
from clusters.embedded.controllers.configurations import Configurations
from clusters.embedded.controllers.deployments import Deployments
from clusters.embedded.controllers.endpoint_slices import EndpointSlices
from clusters.embedded.controllers.horizontal_autoscalers import HorizontalAutoscalers
from clusters.embedded.controllers.inference_services import InferenceServices
from clusters.embedded.controllers.knative_services import KnativeServices
from clusters.embedded.controllers.namespace_controller import Namespaces
from clusters.embedded.controllers.orphans import Orphans
from clusters.embedded.controllers.replica_sets import ReplicaSets
from clusters.embedded.controllers.revision_controller import Revisions
from clusters.embedded.controllers.route_controller import RouteController as RouteController
from clusters.embedded.controllers.standard_components import StandardComponents
from clusters.embedded.controllers.webhooks import Webhooks
from clusters.embedded.dataplane.activator import Activator
from clusters.embedded.dataplane.ingress import IngressProxy
from clusters.embedded.dataplane.network import Listener, Network, VirtualNetwork
from clusters.embedded.dataplane.revision import ActivatorStat, PodStat, RevisionKey
from clusters.embedded.dataplane.routes import Endpoints, Routes
from clusters.embedded.dataplane.sockets import SocketNetwork
from clusters.embedded.dataplane.task_owner import TaskOwner
from clusters.embedded.dataplane.traffic import Traffic
from clusters.embedded.faults import behaviour_of
from clusters.embedded.install import contents, custom_kinds
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.nodes.device_plugin import Accelerators
from clusters.embedded.nodes.evictions import Evictions
from clusters.embedded.nodes.kubelet import Kubelet
from clusters.embedded.nodes.leases import Leases
from clusters.embedded.nodes.metrics import Metrics
from clusters.embedded.nodes.pod_logs import PodLogs
from clusters.embedded.nodes.scheduler import Scheduler
from clusters.embedded.objects.metadata import ObjectKey
from clusters.embedded.platform_state import LivePlatformState
from clusters.embedded.programs.envoy import envoy
from clusters.embedded.programs.envoy_tables import EnvoyTables
from clusters.embedded.programs.installed_programs import InstalledPrograms
from clusters.embedded.programs.model_server import ModelServers
from conformance.base.clock import Clock, RealClock
from conformance.base.http.exchange import Request, Response
from conformance.base.tasks import first

GATEWAY: Final = "gateway:80"
"""Address of the ingress inside the cluster."""


class Platform:
    """An async context manager; the platform lives inside its block."""

    def __init__(
        self,
        clock: Clock,
        seed: int = 0,
        options: PlatformOptions | None = None,
        fault: str | None = None,
        *,
        ingress_port: int = 0,
        programs: InstalledPrograms | None = None,
    ) -> None:
        """`fault` names a documented behaviour to break; `programs` are real programs for some parts, in real time.
        Raises UsageError for an unknown fault."""
        self.clock = clock
        self.options = options or PlatformOptions()
        self.fault = fault
        self.behaviour: Behaviour = behaviour_of(fault)
        self._seed = seed
        self._ingress_port = ingress_port
        self.programs = programs or InstalledPrograms()
        self._stack = AsyncExitStack()
        self.store = Store(clock, self._stream("store"))
        bootstrap.install(self.store, custom_kinds.definitions())
        self.context = ControllerContext(self.store, clock, self._stream("context"), self.behaviour)
        self.logs = PodLogs()
        self.tokens = Tokens()
        self.token = self._token()
        self.tokens.add(self.token, ADMIN)
        hooks = Hooks(logs=self.logs)
        Webhooks(self.context).install(hooks)
        self.metrics = Metrics(self.store, clock, self.behaviour, lambda key: self.kubelet.process(key))
        self.metrics.install(hooks)
        self.app: Application = create_app(self.store, self.tokens, hooks)
        self._hops = self._stream("hops")
        self._rerouted = asyncio.Event()
        self.routes = Routes(self._rerouted.set)
        self.endpoints = Endpoints(self._rerouted.set)
        self.network: Network = self._network()
        self._owner = TaskOwner()
        self.controllers = ControllerManager(self.store, self._owner)
        self.ingress_address = ""

    def _stream(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")

    def _token(self) -> str:
        """A secret where somebody could ask for it; in virtual time the same each time."""
        if isinstance(self.clock, RealClock):
            return secrets.token_hex(20)
        return f"{self._stream('token').getrandbits(160):040x}"

    def _network(self) -> Network:
        if isinstance(self.clock, RealClock):
            return SocketNetwork()
        return VirtualNetwork()

    async def ingress(self, request: Request) -> Response:
        """Take a request into the platform. In virtual time the way there and through takes a moment in all; one wait
        for all hops, since each wait costs a turn of the event loop."""
        await asyncio.sleep(self._hops.uniform(*self.options.way_seconds))
        return await self._ingress.handle(request)

    async def __aenter__(self) -> Platform:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.network.close)
            await stack.enter_async_context(self._owner)
            await self._start_data_plane(stack)
            contents.fill(self.store, self.options)
            self._start_control_plane()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stack.__aexit__(kind, error, trace)
        except BaseExceptionGroup as errors:
            found = first(errors)
            if found is not error:
                raise found from errors

    async def _start_data_plane(self, stack: AsyncExitStack) -> None:
        activators = []
        for index in range(self.options.activators):
            rng = self._stream(f"activator-{index}")
            name = f"activator-{index}"
            activator = Activator(
                name, self.network, self.clock, rng, self.behaviour, self._report, phase_seconds=rng.random()
            )
            await stack.enter_async_context(activator)
            await self.network.serve(f"{name}:8012", activator.handle)
            activators.append(activator)
        self.traffic = Traffic(self.endpoints, activators)
        self._ingress = IngressProxy(
            self.network,
            self.clock,
            self._stream("ingress"),
            self.behaviour,
            self.routes,
            self.endpoints,
            [f"{activator.name}:8012" for activator in activators],
        )
        self.ingress_address = (await self._front(stack)).bound

    async def _front(self, stack: AsyncExitStack) -> Listener:
        """The ingress: ours, or Envoy that follows the same tables."""
        program = self.programs.envoy
        if program is None:
            return await self.network.serve(GATEWAY, self._ingress.handle, port=self._ingress_port)
        assert isinstance(self.network, SocketNetwork)
        tables = EnvoyTables(self.routes, self.endpoints, self.network.port, self._ingress.activators, self._rerouted)
        running = await stack.enter_async_context(envoy(program.path, self._ingress_port, tables))
        return self.network.attach(GATEWAY, running.port)

    def _models(self) -> ModelServers | None:
        """Real model servers, where asked for."""
        program = self.programs.kserve
        if program is None:
            return None
        assert isinstance(self.network, SocketNetwork)
        return ModelServers(program.path, self.network)

    def _start_control_plane(self) -> None:
        context = self.context
        accelerators = Accelerators()
        for name, count in contents.accelerators(self.options):
            accelerators.add_node(name, count)
        self.kubelet = Kubelet(
            context,
            self.network,
            self._owner,
            self._stream("kubelet"),
            accelerators,
            self.logs,
            self.traffic.spec,
            GATEWAY,
            models=self._models(),
        )
        self.autoscaler = PodAutoscalers(
            context,
            self._owner,
            self._stream("autoscaler"),
            self._read,
            lambda key: self.controllers.poke("autoscaler", key),
        )
        self.behaviour.attach(LivePlatformState(self.store, self.traffic, self.autoscaler))
        standard = StandardComponents(context, self.routes, self.endpoints)
        for controller in (
            Namespaces(context, ordered=self.options.ordered_namespace_deletion),
            InferenceServices(context, self.routes, standard),
            KnativeServices(context),
            Configurations(context),
            Revisions(context, self.traffic),
            RouteController(context, self.routes),
            self.autoscaler,
            HpaClass(context),
            ServerlessServices(context, self.traffic),
            HorizontalAutoscalers(context, self.metrics.pods),
            Deployments(context),
            ReplicaSets(context),
            EndpointSlices(context),
            Scheduler(context),
            Evictions(context),
            Leases(context),
            self.kubelet,
        ):
            self.controllers.add(controller)
        self.controllers.start()
        Orphans(self.store).start()
        self._owner.start(self.metrics.meter.run())

    def _report(self, stat: ActivatorStat) -> None:
        self.autoscaler.take(stat)

    def _read(self, revision: RevisionKey, pod: str) -> PodStat | None:
        """Scrape a pod's metrics port."""
        process = self.kubelet.process(ObjectKey(revision.namespace, pod))
        if process is None or process.queue_proxy is None:
            return None
        return process.queue_proxy.stat()
