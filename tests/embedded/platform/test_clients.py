"""What controllers and scripts do through client libraries: the official one in its three forms, and lightkube."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.embedded.kubectl import SESSIONS, SPACE, kubectl
from tests.embedded.virtual import EXAMPLES

pytestmark = [pytest.mark.smoke, pytest.mark.timeout(120)]

WEB: dict[str, Any] = yaml.safe_load((SESSIONS / "web.yaml").read_text())
FLOWERS: dict[str, Any] = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
KSERVE = ("serving.kserve.io", "v1beta1", SPACE, "inferenceservices")
WITHIN = 30


def ready(value: Any) -> bool:
    conditions = (value.get("status") or {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


async def test_the_official_client_does_a_days_work(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user:
        await asyncio.to_thread(_official, str(user.kubeconfig))


def _official(kubeconfig: str) -> None:
    from kubernetes import client, config, watch

    api = config.new_client_from_config(kubeconfig)
    apps, core, custom = client.AppsV1Api(api), client.CoreV1Api(api), client.CustomObjectsApi(api)
    apps.create_namespaced_deployment(SPACE, WEB)
    for event in watch.Watch().stream(apps.list_namespaced_deployment, SPACE, timeout_seconds=WITHIN):
        if event["object"].status.available_replicas == 2:
            break
    else:
        raise AssertionError("the deployment never became available")
    pods = core.list_namespaced_pod(SPACE, label_selector="app=web").items
    assert [pod.status.phase for pod in pods] == ["Running", "Running"]
    assert pods[0].spec.restart_policy == "Always"
    apps.patch_namespaced_deployment("web", SPACE, {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}})
    apps.patch_namespaced_deployment_scale("web", SPACE, {"spec": {"replicas": 1}})
    assert apps.read_namespaced_deployment_scale("web", SPACE).spec.replicas == 1

    custom.create_namespaced_custom_object(*KSERVE, FLOWERS)
    for event in watch.Watch().stream(custom.list_namespaced_custom_object, *KSERVE, timeout_seconds=WITHIN):
        if ready(event["object"]):
            break
    else:
        raise AssertionError("the service never became ready")
    (pod,) = core.list_namespaced_pod(SPACE, label_selector="component=predictor").items
    assert "listening" in core.read_namespaced_pod_log(pod.metadata.name, SPACE, container="kserve-container")
    used = custom.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", SPACE, "pods")
    # A pod this young has not been measured yet.
    assert used["kind"] == "PodMetricsList"
    said = core.list_namespaced_event(SPACE, field_selector="involvedObject.kind=InferenceService").items
    assert "InferenceServiceReady" in [event.reason for event in said]
    review = client.V1SelfSubjectAccessReview(
        spec={"resourceAttributes": {"namespace": SPACE, "verb": "delete", "resource": "pods"}}
    )
    assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=pod.metadata.name, namespace=SPACE))
    core.create_namespaced_pod_eviction(pod.metadata.name, SPACE, eviction)
    assert core.read_namespaced_pod(pod.metadata.name, SPACE).metadata.deletion_timestamp is not None
    with pytest.raises(client.ApiException) as missing:
        apps.read_namespaced_deployment("nosuch", SPACE)
    assert missing.value.status == 404
    custom.delete_namespaced_custom_object(*KSERVE, "flowers-sample")
    apps.delete_namespaced_deployment("web", SPACE, propagation_policy="Foreground")
    assert apps.read_namespaced_deployment("web", SPACE).metadata.finalizers == ["foregroundDeletion"]
    for event in watch.Watch().stream(apps.list_namespaced_deployment, SPACE, timeout_seconds=WITHIN):
        if event["type"] == "DELETED" and event["object"].metadata.name == "web":
            break
    else:
        raise AssertionError("the deployment never went")
    api.close()


async def test_the_dynamic_client_finds_and_changes_every_kind(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user:
        await asyncio.to_thread(_dynamic, str(user.kubeconfig))


def _dynamic(kubeconfig: str) -> None:
    from kubernetes import config, dynamic

    api = config.new_client_from_config(kubeconfig)
    client = dynamic.DynamicClient(api)
    services = client.resources.get(api_version="serving.kserve.io/v1beta1", kind="InferenceService")
    services.create(body=FLOWERS, namespace=SPACE)
    for event in services.watch(namespace=SPACE, timeout=WITHIN):
        if ready(event["raw_object"]):
            break
    else:
        raise AssertionError("the service never became ready")
    changed = services.patch(
        body={"spec": {"predictor": {"maxReplicas": 2}}},
        name="flowers-sample",
        namespace=SPACE,
        content_type="application/merge-patch+json",
    )
    assert changed.spec.predictor.maxReplicas == 2
    revisions = client.resources.get(api_version="serving.knative.dev/v1", kind="Revision")
    names = {revision.metadata.name for revision in revisions.get(namespace=SPACE).items}
    assert "flowers-sample-predictor-00001" in names
    nodes = client.resources.get(api_version="metrics.k8s.io/v1beta1", kind="NodeMetrics")
    assert len(nodes.get().items) == 4
    services.delete(name="flowers-sample", namespace=SPACE)
    api.close()


async def test_the_asynchronous_client_watches_while_it_works(tmp_path: Path) -> None:
    from kubernetes.aio import client, config, watch

    async with kubectl(tmp_path) as user:
        api = await config.new_client_from_config(str(user.kubeconfig))
        try:
            custom, core = client.CustomObjectsApi(api), client.CoreV1Api(api)

            async def wait() -> None:
                stream = watch.Watch().stream(custom.list_namespaced_custom_object, *KSERVE, timeout_seconds=WITHIN)
                async with stream:
                    async for event in stream:
                        if ready(event["object"]):
                            return
                raise AssertionError("the service never became ready")

            async with asyncio.TaskGroup() as group:
                group.create_task(wait())
                group.create_task(custom.create_namespaced_custom_object(*KSERVE, FLOWERS))
            (pod,) = (await core.list_namespaced_pod(SPACE)).items
            assert pod.status.phase == "Running"
        finally:
            await api.close()


async def test_lightkube_applies_waits_scales_and_reads_logs(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user:
        await asyncio.to_thread(_lightkube, str(user.kubeconfig))


def _lightkube(kubeconfig: str) -> None:
    from lightkube import Client, KubeConfig
    from lightkube.generic_resource import create_namespaced_resource
    from lightkube.models.apps_v1 import DeploymentSpec
    from lightkube.models.autoscaling_v1 import ScaleSpec
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.apps_v1 import Deployment
    from lightkube.resources.core_v1 import Event, Pod
    from lightkube.types import CascadeType

    client = Client(config=KubeConfig.from_file(kubeconfig), namespace=SPACE, field_manager="light")
    spec = DeploymentSpec.from_dict(WEB["spec"])
    assert isinstance(spec, DeploymentSpec)
    client.apply(
        Deployment(
            apiVersion="apps/v1",
            kind="Deployment",
            metadata=ObjectMeta(name="web"),
            spec=spec,
        )
    )
    client.wait(Deployment, "web", for_conditions=["Available"], raise_for_conditions=["ReplicaFailure"])
    client.replace(
        Deployment.Scale(metadata=ObjectMeta(name="web", namespace=SPACE), spec=ScaleSpec(replicas=3)), name="web"
    )
    for change, value in client.watch(Deployment, fields={"metadata.name": "web"}):
        if change == "MODIFIED" and value.status is not None and value.status.readyReplicas == 3:
            break
    services = create_namespaced_resource(*KSERVE[:2], "InferenceService", "inferenceservices")
    client.create(services.from_dict(FLOWERS))
    client.wait(services, "flowers-sample", for_conditions=["Ready"])
    (pod,) = client.list(Pod, labels={"component": "predictor"})
    assert pod.metadata is not None
    assert pod.metadata.name is not None
    lines = list(client.log(pod.metadata.name, container="kserve-container"))
    assert "listening" in lines[0]
    assert "InferenceServiceReady" in [event.reason for event in client.list(Event)]
    client.delete(services, "flowers-sample")
    client.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
    client._client._client.close()
