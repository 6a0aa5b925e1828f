import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import versions
from clusters.install.conditions import nodes_ready, until
from clusters.install.installer import Installer, from_nodes, merged_json
from clusters.install.manifests import Manifests, file_name
from clusters.provisioning.gateway_port import expose
from clusters.versions import ConfigChange, InstallStep
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import PlatformError
from tests.clusters.canned import Canned, config_map, deployment, node

CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x.y"}}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kserve"}}
WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "hook"},
    "webhooks": [{"clientConfig": {"caBundle": "Cg==", "service": {"name": "hook", "namespace": "kserve"}}}],
}


def bare(namespace: str = "kserve", name: str = "manager") -> dict[str, Any]:
    value = deployment(namespace, name)
    del value["status"]
    return value


def become_ready(value: dict[str, Any]) -> None:
    """The controllers a test needs: definitions are established, Deployments roll out."""
    if value["kind"] == "CustomResourceDefinition":
        value["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    if value["kind"] == "Deployment":
        value["status"] = deployment("", "")["status"]


def installer(server: Canned, within: float = 30.0, said: list[str] | None = None) -> Installer:
    manifests = Manifests(folder=None, lock=Path("none.lock"), known={})
    say = said.append if said is not None else (lambda _: None)
    return Installer(server.api, manifests, virtual_clock(), within=within, say=say)


def virtual(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run an async function without arguments in virtual time."""
    return run_virtual(body())


def test_definitions_and_namespaces_go_first() -> None:
    server = Canned()
    server.on_change = become_ready

    async def main() -> None:
        await installer(server).apply((bare(), CRD, NAMESPACE), "kserve")

    virtual(main)
    assert [path.rsplit("/", 1)[1] for _, path, _ in server.log] == ["x.y", "kserve", "manager"]


def test_webhooks_go_last_as_they_refuse_everything_until_their_pods_run() -> None:
    server = Canned()
    server.on_change = become_ready
    hook = {"apiVersion": WEBHOOK["apiVersion"], "kind": WEBHOOK["kind"], "metadata": {"name": "hook"}, "webhooks": []}

    async def main() -> None:
        await installer(server).apply((hook, bare(), NAMESPACE), "kserve")

    virtual(main)
    assert [path.rsplit("/", 1)[1] for _, path, _ in server.log] == ["kserve", "manager", "hook"]


METRICS: dict[str, Any] = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta1.metrics.k8s.io"},
}


def metrics_step(folder: Path) -> InstallStep:
    url = "https://example.com/v1/components.yaml"
    (folder / file_name(url)).write_text(yaml.safe_dump_all([bare("kube-system", "metrics-server"), METRICS]), "utf-8")
    arguments = ("--kubelet-insecure-tls",)
    return InstallStep("metrics-server", manifests=(url,), arguments=arguments, api_service=METRICS["metadata"]["name"])


def test_an_api_is_there_once_it_is_available(tmp_path: Path) -> None:
    """metrics-server answers some scrapes after its pod runs; horizontal autoscalers that ask before learn nothing."""
    server, seen = Canned(), []

    def later(value: dict[str, Any]) -> None:
        become_ready(value)
        if value["kind"] == "APIService":
            seen.append(value)

    server.on_change = later

    async def main() -> None:
        manifests = Manifests(folder=tmp_path, lock=tmp_path / "lock.yaml", known={})
        clock = virtual_clock()
        installing = Installer(server.api, manifests, clock, within=30.0, say=lambda _: None)
        step = metrics_step(tmp_path)
        for _ in range(2):
            with pytest.raises(PlatformError, match=r"not there after 30 s: APIService v1beta1\.metrics\.k8s\.io"):
                await installing.install((step,))
        seen[0]["status"] = {"conditions": [{"type": "Available", "status": "True"}]}
        before = len(server.log)
        await installing.install((step,))
        assert len(server.log) == before, "what is there is left alone"

    virtual(main)
    made = server.get("Deployment", "metrics-server", "kube-system")
    assert [entry["args"] for entry in made["spec"]["template"]["spec"]["containers"]] == [["--kubelet-insecure-tls"]]


def test_images_that_the_nodes_already_hold_are_not_pulled() -> None:
    """KServe v0.20.0's config/manager/manager.yaml has `imagePullPolicy: Always`: without internet its pods stay in
    ImagePullBackOff although `kind load` put the image there."""
    manager = {"name": "manager", "image": "kserve/kserve-controller:v0.20.0", "imagePullPolicy": "Always"}
    once = {"name": "proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.18.0"}
    value = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [manager, once]}}}}
    (changed, same) = from_nodes(value)["spec"]["template"]["spec"]["containers"]
    assert changed == {**manager, "imagePullPolicy": "IfNotPresent"}
    assert same == once
    assert manager["imagePullPolicy"] == "Always"
    assert from_nodes({**value, "kind": CRD["kind"]})["spec"] == value["spec"]


@pytest.mark.parametrize(("preloaded", "policy"), [(True, "IfNotPresent"), (False, "Always")])
def test_pull_policies_stay_unless_the_images_are_there(preloaded: bool, policy: str) -> None:
    server = Canned()
    server.on_change = become_ready
    value = bare()
    value["spec"]["template"] = {"spec": {"containers": [{"name": "m", "image": "m:1", "imagePullPolicy": "Always"}]}}

    async def main() -> None:
        manifests = Manifests(folder=None, lock=Path("none.lock"), known={})
        tool = Installer(server.api, manifests, virtual_clock(), within=30.0, say=print, preloaded=preloaded)
        await tool.apply((value,), "kserve")

    virtual(main)
    (_, _, sent) = server.log[-1]
    assert sent["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_a_step_ends_only_when_its_deployments_are_available() -> None:
    server = Canned()

    async def main() -> None:
        await installer(server).apply((bare(),), "kserve")

    with pytest.raises(PlatformError, match=r"not there after 30 s: Deployment kserve/manager has not been seen"):
        virtual(main)


def test_a_kind_that_is_served_a_moment_later_is_waited_for() -> None:
    server = Canned()
    server.unserved = {"ClusterServingRuntime"}
    runtime = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ClusterServingRuntime", "metadata": {"name": "r"}}

    async def main() -> None:
        clock = virtual_clock()
        import asyncio

        async with asyncio.TaskGroup() as group:
            group.create_task(installer(server).apply((runtime,), "runtimes"))
            await clock.sleep(5)
            server.unserved = set()

    virtual(main)
    assert server.get("ClusterServingRuntime", "r")


def test_a_refused_object_is_final() -> None:
    server = Canned()
    server.refused["/api/v1/namespaces/kserve"] = (422, "metadata.name: too long")

    async def main() -> None:
        await installer(server).apply((NAMESPACE,), "kserve")

    with pytest.raises(PlatformError, match=r"kserve: Namespace kserve is refused: .*metadata\.name: too long"):
        virtual(main)


@pytest.mark.parametrize("lacking", ["certificate", "endpoint", None])
def test_a_webhook_needs_its_certificate_and_an_endpoint(lacking: str | None) -> None:
    server = Canned()
    bundle = "Cg==" if lacking == "certificate" else "TUlJ"
    value = json.loads(json.dumps(WEBHOOK))
    value["webhooks"][0]["clientConfig"]["caBundle"] = bundle
    slices = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s", "namespace": "kserve", "labels": {"kubernetes.io/service-name": "hook"}},
        "endpoints": [{"conditions": {"ready": lacking != "endpoint"}}],
    }
    server.objects["/apis/discovery.k8s.io/v1/namespaces/kserve/endpointslices/s"] = slices

    async def main() -> None:
        await installer(server).apply((value,), "kserve")

    if lacking is None:
        virtual(main)
    else:
        with pytest.raises(PlatformError, match=lacking):
            virtual(main)


def test_json_in_a_config_map_is_merged_not_replaced() -> None:
    ingress = json.dumps({"ingressGateway": "a/b", "nested": {"kept": 1}})
    server = Canned([config_map("kserve", "inferenceservice-config", {"ingress": ingress, "deploy": "{}"})])
    change = ConfigChange(
        "kserve", "inferenceservice-config", json={"ingress": {"disableIstioVirtualHost": True, "nested": {"new": 2}}}
    )

    async def main() -> None:
        await installer(server).configure(change)

    virtual(main)
    data = server.get("ConfigMap", "inferenceservice-config", "kserve")["data"]
    assert json.loads(data["ingress"]) == {
        "ingressGateway": "a/b",
        "nested": {"kept": 1, "new": 2},
        "disableIstioVirtualHost": True,
    }
    assert data["deploy"] == "{}"


@pytest.mark.parametrize(("text", "message"), [("{", "does not hold JSON"), ("[]", "holds list, not an object")])
def test_json_that_cannot_be_merged_is_told(text: str, message: str) -> None:
    with pytest.raises(PlatformError, match=message):
        merged_json(text, {}, "here")


def test_a_restart_is_over_when_old_pods_are_gone() -> None:
    server = Canned([deployment("kserve", "manager")])

    def roll(value: dict[str, Any]) -> None:
        value["metadata"]["generation"] = 2
        value["status"] = {**deployment("", "")["status"], "observedGeneration": 2, "replicas": 2}

    server.on_change = roll

    async def main() -> None:
        import asyncio

        async with asyncio.TaskGroup() as group:
            task = group.create_task(installer(server).restart("kserve", "manager"))
            await virtual_clock().sleep(3)
            assert not task.done()
            server.get("Deployment", "manager", "kserve")["status"]["replicas"] = 1

    virtual(main)
    template = server.get("Deployment", "manager", "kserve")["spec"]["template"]
    assert "conformance.serving/restarted" in template["metadata"]["annotations"]


def test_steps_are_told_one_line_each() -> None:
    server = Canned([config_map("kserve", "c", {})])
    said: list[str] = []

    async def main() -> None:
        await installer(server, said=said).install(
            (InstallStep("settings", settings=(ConfigChange("kserve", "c", {"a": "b"}),)),)
        )

    virtual(main)
    assert said == ["installed settings                        0.0 s"]


def test_a_namespace_that_the_manifests_expect_is_made_first() -> None:
    server = Canned([config_map("kserve", "c", {})])

    async def main() -> None:
        change = ConfigChange("kserve", "c", {"a": "b"})
        await installer(server).install((InstallStep("kserve", namespaces=("kserve",), settings=(change,)),))

    virtual(main)
    assert [path for _, path, _ in server.log] == [
        "/api/v1/namespaces/kserve",
        "/api/v1/namespaces/kserve/configmaps/c",
    ]


def test_kserves_own_namespace_is_made() -> None:
    for layer in ("kourier", "istio"):
        (made,) = [step for step in versions.steps(versions.row("0.20"), layer) if step.namespaces]
        assert (made.name, made.namespaces) == ("kserve", ("kserve",))


def test_every_node_is_waited_for() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    late = {"conditions": [{"type": "Ready", "status": "False"}]}
    server = Canned([{**node("one"), "status": ready}, {**node("two"), "status": late}])

    async def main() -> None:
        await nodes_ready(server.api, virtual_clock(), 60)

    with pytest.raises(PlatformError, match=r"^nodes: not there after 60 s: two not Ready$"):
        virtual(main)
    server.get("Node", "two")["status"] = ready
    virtual(main)


def test_waiting_says_what_is_missing() -> None:
    async def never() -> str:
        return "the moon"

    async def main() -> None:
        await until("sky", never, virtual_clock(), 2.0)

    with pytest.raises(PlatformError, match=r"^sky: not there after 2 s: the moon$"):
        virtual(main)


def gateway(ports: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"name": "kourier", "namespace": "kourier-system"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"type": "LoadBalancer", "ports": ports},
    }


async def test_the_gateway_gets_the_port_that_nodes_publish() -> None:
    server = Canned([gateway([{"name": "http2", "port": 80}, {"name": "https", "port": 443}])])
    await expose(server.api, "kourier")
    spec = server.get("Service", "kourier", "kourier-system")["spec"]
    assert spec["type"] == "NodePort"
    assert spec["ports"] == [{"name": "http2", "port": 80, "nodePort": 31080}, {"name": "https", "port": 443}]
    await expose(server.api, "kourier")
    assert len(server.log) == 1


async def test_a_missing_gateway_is_named() -> None:
    with pytest.raises(PlatformError, match="istio gateway has no Service istio-system/istio-ingressgateway"):
        await expose(Canned().api, "istio")
