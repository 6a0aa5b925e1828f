"""KServe's real model server in pods. Skipped where the SDK is not installed (`make kserve`)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import yaml

from clusters.embedded.dataplane.sockets import SocketNetwork
from clusters.embedded.embedded_provider import EmbeddedProvider
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.loopback_servers import serving
from clusters.embedded.objects.metadata import ObjectKey
from clusters.embedded.programs import model_server as parts
from clusters.witness.witness_settings import WitnessSettings
from conformance.base.clock import RealClock
from conformance.base.http.exchange import Handler, Request, Response
from conformance.base.http.http_client import Client
from conformance.kube import resources
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Cluster
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.serving_runtimes import runtimes
from conformance.kube.verbs import Object, create, delete, get, list_all
from conformance.run import deployment
from tests.embedded.programs.installed import needs_kserve
from tests.embedded.programs.processes import children, gone
from tests.embedded.virtual import EXAMPLES, MNIST, PAYLOAD

pytestmark = [pytest.mark.smoke, needs_kserve]

ADDRESS = "10.244.0.2:8080"
JSON = (("content-type", "application/json"),)
WITHIN_SECONDS = 120
"""A start takes some seconds of a core, many times as long on a busy machine."""


class Pod:
    """One model server, and what it said."""

    def __init__(self, network: SocketNetwork, lines: list[str]) -> None:
        self.network = network
        self.lines = lines

    async def ask(self, path: str, body: bytes = PAYLOAD, headers: tuple[tuple[str, str], ...] = JSON) -> Response:
        return await self.network.call(ADDRESS, Request("POST", path, "m", headers, body))


@asynccontextmanager
async def pod(settings: WitnessSettings, wrap: Callable[[Handler], Handler] | None = None) -> AsyncIterator[Pod]:
    network, lines = SocketNetwork(), list[str]()
    async with asyncio.timeout(WITHIN_SECONDS):
        servers = parts.ModelServers(parts.find(None), network)
        listener = await servers.start(ADDRESS, settings, ("GPU-7",), wrap or _unwrapped, lines.append)
        try:
            yield Pod(network, lines)
        finally:
            await listener.close()
            await network.close()


def _unwrapped(handler: Handler) -> Handler:
    return handler


async def test_it_answers_as_the_documented_models_do_and_gives_an_account() -> None:
    settings = WitnessSettings(pod="pod-1", model_name="flowers", service_seconds=0.02)
    async with pod(settings) as there:
        flowers = await there.ask("/v1/models/flowers:predict")
        assert flowers.status == 200
        (prediction,) = json.loads(flowers.body)["predictions"]
        assert prediction["prediction"] == 0
        assert (flowers.header("x-pod"), flowers.header("x-in-flight"), flowers.header("server")) == (
            "pod-1",
            "1",
            "uvicorn",
        )
        assert float(flowers.header("x-model-ms") or 0) >= 20
        mnist = await there.ask("/v1/models/flowers:predict", MNIST)
        assert json.loads(mnist.body) == {"predictions": [2]}
        untyped = await there.ask("/v1/models/flowers:predict", headers=())
        assert untyped.body == flowers.body
        v2 = {"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [0.0, 0.0]}]}
        infer = await there.ask("/v2/models/flowers/infer", json.dumps(v2).encode())
        assert json.loads(infer.body)["outputs"][0]["shape"] == [2, 6]
        slow = await there.ask("/v1/models/flowers:predict", headers=(*JSON, ("x-service-ms", "150")))
        assert float(slow.header("x-model-ms") or 0) >= 150
        assert (await there.ask("/v1/models/flowers:predict", b'{"x": 1}')).status == 400
        assert (await there.ask("/v1/models/other:predict")).status == 404
        burst = await asyncio.gather(*(there.ask("/v1/models/flowers:predict") for _ in range(8)))
        assert max(int(answer.header("x-in-flight") or 0) for answer in burst) == 8
        spoken = there.lines
        (server,) = children(os.getpid(), "fixtures/model_server")
        os.kill(server, signal.SIGTERM)
        while there.network.listening(ADDRESS):
            await asyncio.sleep(0.01)
    assert any("Registering model: flowers" in line for line in spoken)
    account = json.loads([line for line in spoken if line.startswith('{"pod"')][-1])
    assert (account["pod"], account["served"], account["high_water"], account["devices"]) == ("pod-1", 15, 8, ["GPU-7"])


async def test_what_is_put_in_front_of_it_gets_its_requests() -> None:
    seen: list[str] = []

    def wrap(handler: Handler) -> Handler:
        async def look(request: Request) -> Response:
            seen.append(request.path)
            return await handler(request)

        return look

    async with pod(WitnessSettings(pod="pod-1", model_name="m", service_seconds=0.0), wrap) as there:
        assert (await there.ask("/v1/models/m:predict")).status == 200
        assert seen == ["/v1/models/m:predict"]
    assert not there.network.listening(ADDRESS)


async def test_one_that_cannot_start_is_told_with_its_code() -> None:
    network = SocketNetwork()
    servers = parts.ModelServers(parts.find(None), network)
    lines: list[str] = []
    settings = WitnessSettings(pod="pod-1", start_seconds=float("inf"))
    with pytest.raises(parts.StartError, match=r"^the model server ended with code 1 before it was ready$"):
        async with asyncio.timeout(WITHIN_SECONDS):
            await servers.start(ADDRESS, settings, (), _unwrapped, lines.append)
    assert not network.listening(ADDRESS)
    assert any("WITNESS_START_SECONDS" in line for line in lines)
    await network.close()


@asynccontextmanager
async def deployed(options: PlatformOptions) -> AsyncIterator[Cluster]:
    """A platform with the first documented example."""
    clock = RealClock()
    async with asyncio.timeout(WITHIN_SECONDS), EmbeddedProvider(clock=clock, options=options).open() as cluster:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
        await create(cluster.api, resources.NAMESPACES, space)
        for runtime in runtimes("witness", service_ms=20, start_seconds=0.1):
            await deployment.put(cluster.api, resources.SERVING_RUNTIMES, "demo", runtime)
        await deployment.deploy(cluster.api, "demo", (EXAMPLES / "autoscale-new.yaml").read_bytes())
        yield cluster


async def pods(api: ApiClient, state: str = "", *, given: str = "status") -> list[Object]:
    """Pods, or those of which a condition is given."""
    found = (await list_all(api, resources.PODS, "demo"))[0]
    return [each for each in found if not state or condition(each, state).get(given) not in (None, "False")]


def condition(pod: Object, name: str) -> Object:
    found = (pod.get("status") or {}).get("conditions") or ()
    return next((entry for entry in found if entry["type"] == name), {})


async def first_pod(cluster: Cluster) -> str:
    """The name of the first pod, once it is ready."""
    while not (ready := [each for each in await pods(cluster.api) if condition(each, "Ready").get("status") == "True"]):
        await asyncio.sleep(0.1)
    return str(ready[0]["metadata"]["name"])


async def host_of(api: ApiClient) -> str:
    """Where the service is reached, once it is ready."""
    while True:
        found = await get(api, resources.INFERENCE_SERVICES, "demo", "flowers-sample") or {}
        if condition(found, "Ready").get("status") == "True":
            return str(found["status"]["url"]).removeprefix("http://")
        await asyncio.sleep(0.1)


async def log(cluster: Cluster, name: str) -> str:
    path = resources.PODS.path("demo", name, "log")
    answer = await cluster.api.request("GET", path, query={"container": "kserve-container"})
    return answer.body.decode()


async def test_a_pod_is_a_process_with_a_log_that_ends_when_its_pod_does() -> None:
    async with deployed(PlatformOptions(model_server="kserve")) as cluster:
        name = await first_pod(cluster)
        assert cluster.pid is not None
        before = children(cluster.pid, "fixtures/model_server")
        assert len(before) == 1
        host, _, port = cluster.ingress.address.rpartition(":")
        client = Client()
        request = Request("POST", "/v1/models/flowers-sample:predict", await host_of(cluster.api), JSON, PAYLOAD)
        answer = await client.call(host, int(port), request)
        await client.close()
        assert (answer.status, answer.header("x-pod")) == (200, name)
        assert "Registering model: flowers-sample" in await log(cluster, name)
        await delete(cluster.api, resources.PODS, "demo", name)
        await gone_from(cluster, name)
        await gone(*before)
        assert "model server 0." in cluster.installation.kserve
    assert not children(os.getpid(), "clusters.embedded")


async def gone_from(cluster: Cluster, name: str) -> None:
    """Return when a pod is no more."""
    while any(each["metadata"]["name"] == name for each in await pods(cluster.api)):
        await asyncio.sleep(0.1)


async def test_a_process_that_ends_is_started_again_and_the_pod_ready_again() -> None:
    async with deployed(PlatformOptions(model_server="kserve")) as cluster:
        name = await first_pod(cluster)
        assert cluster.pid is not None
        (server,) = children(cluster.pid, "fixtures/model_server")
        os.kill(server, signal.SIGKILL)
        while await pods(cluster.api, "Ready"):
            await asyncio.sleep(0.01)
        (shown,) = await pods(cluster.api)
        states = {each["name"]: each for each in shown["status"]["containerStatuses"]}
        assert states["kserve-container"]["lastState"]["terminated"]["exitCode"] == 137
        assert states["kserve-container"]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert not states["queue-proxy"]["ready"]
        assert await first_pod(cluster) == name
        (shown,) = await pods(cluster.api)
        assert {each["name"]: each["restartCount"] for each in shown["status"]["containerStatuses"]} == {
            "kserve-container": 1,
            "queue-proxy": 0,
        }
        pids = children(cluster.pid, "fixtures/model_server")
        assert len(pids) == 1
    await gone(*pids)


async def test_pods_beyond_the_most_wait_and_say_so() -> None:
    async with deployed(PlatformOptions(model_server="kserve", nodes=1, max_pods=1)) as cluster:
        await first_pod(cluster)
        assert cluster.pid is not None
        manifest = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text(encoding="utf-8"))
        manifest["metadata"]["name"] = "second"
        await deployment.deploy(cluster.api, "demo", json.dumps(manifest).encode())
        while not (
            held := [each for each in await pods(cluster.api) if condition(each, "PodScheduled").get("message")]
        ):
            await asyncio.sleep(0.1)
        assert "1 Too many pods" in condition(held[0], "PodScheduled")["message"]
        assert len(children(cluster.pid, "fixtures/model_server")) == 1


async def test_without_queue_proxy_what_is_inside_is_known_too() -> None:
    """Horizontal autoscalers and `kubectl top` go by it."""
    options = PlatformOptions(model_server="kserve", default_mode="Standard")
    async with asyncio.timeout(WITHIN_SECONDS), serving(seed=1, options=options, fault=None) as served:
        platform = served.platform
        api = InProcessClient(platform.app, platform.token)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
        await create(api, resources.NAMESPACES, space)
        for runtime in runtimes("witness", start_seconds=0.1):
            await deployment.put(api, resources.SERVING_RUNTIMES, "demo", runtime)
        manifest = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text(encoding="utf-8"))
        manifest["spec"]["predictor"].update(scaleMetric="cpu", scaleTarget=50)
        await deployment.deploy(api, "demo", json.dumps(manifest).encode())
        host = await host_of(api)
        (each,) = await pods(api)
        inside = platform.kubelet.process(ObjectKey("demo", each["metadata"]["name"]))
        assert inside is not None
        assert inside.in_flight == 0
        address, _, port = served.ingress.rpartition(":")
        client = Client()
        request = Request("POST", "/v1/models/flowers-sample:predict", host, (*JSON, ("x-service-ms", "300")), PAYLOAD)
        asked = asyncio.create_task(client.call(address, int(port), request))
        while not inside.in_flight:
            await asyncio.sleep(0.01)
        assert (await asked).status == 200
        assert inside.in_flight == 0
        await client.close()


async def test_no_process_outlives_a_platform_that_is_killed() -> None:
    async with deployed(PlatformOptions(model_server="kserve")) as cluster:
        await first_pod(cluster)
        assert cluster.pid is not None
        pids = children(cluster.pid, "fixtures/model_server")
        assert pids
        os.kill(cluster.pid, signal.SIGKILL)
        await gone(*pids)
