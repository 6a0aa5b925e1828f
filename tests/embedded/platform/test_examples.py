"""Every documented manifest leads to exactly what KServe makes of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from clusters.embedded.install.platform_options import PlatformOptions
from conformance.kube import resources
from conformance.kube.verbs import Object
from tests.embedded.virtual import SPACE, Scene, condition, play

KPA = "kpa.autoscaling.knative.dev"
FLOWERS, GPU = "flowers-sample", "flowers-sample-gpu"
TENSORFLOW = "tensorflow/serving:2.6.2"

# example, InferenceService, component, target, metric, min-scale, containerConcurrency, image, accelerators
TABLE = [
    ("autoscale-new", FLOWERS, "predictor", "1", "concurrency", "1", 0, TENSORFLOW, None),
    ("autoscale-old", FLOWERS, "predictor", "1", None, "1", 0, TENSORFLOW, None),
    ("autoscale-gpu-new", GPU, "predictor", "1", "concurrency", "1", 0, TENSORFLOW + "-gpu", "1"),
    ("autoscale-gpu-old", GPU, "predictor", "1", None, "1", 0, TENSORFLOW + "-gpu", "1"),
    ("autoscale-custom-new", FLOWERS, "predictor", None, None, "1", 10, TENSORFLOW, None),
    ("autoscale-custom-old", FLOWERS, "predictor", None, None, "1", 10, TENSORFLOW, None),
    ("scale-down-to-zero-new", FLOWERS, "predictor", None, None, "0", 0, TENSORFLOW, None),
    ("scale-down-to-zero-old", FLOWERS, "predictor", None, None, "0", 0, TENSORFLOW, None),
]
ADVANCED = ("autoscale-adv-new", "autoscale-adv-old")
ALL = [row[0] for row in TABLE] + list(ADVANCED)


def autoscaling(service: Object) -> dict[str, str]:
    found: dict[str, str] = service["spec"]["template"]["metadata"]["annotations"]
    prefix = "autoscaling.knative.dev/"
    return {name.removeprefix(prefix): text for name, text in found.items() if name.startswith(prefix)}


def container(service: Object) -> dict[str, Any]:
    found: dict[str, Any] = service["spec"]["template"]["spec"]["containers"][0]
    return found


def environment(entry: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in entry.get("env", ())}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_a_predictor_example_leads_to_the_documented_knative_service(row: tuple[Any, ...]) -> None:
    example, name, component, target, metric, least, limit, image, accelerators = row

    async def story(scene: Scene) -> None:
        await scene.example(example)
        isvc = await scene.ready(name)
        service = await scene.get(resources.KNATIVE_SERVICES, f"{name}-{component}")
        wanted = {"class": KPA, "target": target, "metric": metric, "min-scale": least}
        assert autoscaling(service) == {key: text for key, text in wanted.items() if text is not None}
        pod = service["spec"]["template"]["spec"]
        assert (pod["containerConcurrency"], pod["timeoutSeconds"]) == (limit, 300)
        found = container(service)
        assert (found["name"], found["image"]) == ("kserve-container", image)
        assert found["command"] == ["/usr/bin/tensorflow_model_server"]
        for argument in (f"--model_name={name}", "--rest_api_port=8080", "--model_base_path=/mnt/models"):
            assert argument in found["args"]
        limits = found["resources"]["limits"]
        assert (limits["cpu"], limits["memory"]) == ("1", "2Gi")
        given = limits.get("nvidia.com/gpu")
        assert (None if given is None else str(given)) == accelerators
        assert environment(found)["INFERENCE_SERVICE_NAME"] == name
        assert service["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]
        labels = service["metadata"]["labels"]
        assert labels["serving.kserve.io/inferenceservice"] == name
        assert labels["component"] == component
        owner = service["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("InferenceService", name, True)
        source = "internal.serving.kserve.io/storage-initializer-sourceuri"
        template = service["spec"]["template"]["metadata"]["annotations"]
        assert template[source] == "gs://kfserving-examples/models/tensorflow/flowers"
        assert "modelFormat" not in template
        assert isvc["status"]["clusterServingRuntimeName"] == "kserve-tensorflow-serving"

    play(story, witness=False)


@pytest.mark.parametrize("example", ADVANCED)
def test_the_component_example_leads_to_two_knative_services(example: str) -> None:
    name = "torch-transformer"

    async def story(scene: Scene) -> None:
        await scene.example(example)
        isvc = await scene.ready(name)
        predictor = await scene.get(resources.KNATIVE_SERVICES, f"{name}-predictor")
        transformer = await scene.get(resources.KNATIVE_SERVICES, f"{name}-transformer")
        assert autoscaling(predictor) == {"class": KPA, "target": "2", "metric": "concurrency", "min-scale": "1"}
        assert autoscaling(transformer) == {"class": KPA, "target": "8", "metric": "rps", "min-scale": "1"}
        model, front = container(predictor), container(transformer)
        assert model["image"] == "pytorch/torchserve-kfs:0.9.0"
        assert environment(model)["PROTOCOL_VERSION"] == "v1"
        assert environment(model)["TS_SERVICE_ENVELOPE"] == "kserve"
        assert predictor["spec"]["template"]["metadata"]["labels"]["serviceEnvelope"] == "kserve"
        assert front["image"] == "kserve/image-transformer:latest"
        wanted = ["--model_name", "mnist", "--predictor_host", f"{name}-predictor.{SPACE}", "--http_port", "8080"]
        assert front["args"] == wanted
        assert front["resources"] == {kind: {"cpu": "1", "memory": "2Gi"} for kind in ("requests", "limits")}
        for kind in ("PredictorReady", "TransformerReady", "IngressReady", "RoutesReady", "LatestDeploymentReady"):
            assert condition(isvc, kind) == "True"
        assert isvc["status"]["url"] == f"http://{name}.{SPACE}.example.com"

    play(story, witness=False)


@pytest.mark.parametrize("example", ALL)
def test_the_stored_object_has_the_new_schema_and_its_model_format(example: str) -> None:
    async def story(scene: Scene) -> None:
        stored = await scene.example(example)
        predictor = stored["spec"]["predictor"]
        kind = "pytorch" if "adv" in example else "tensorflow"
        assert predictor["model"]["modelFormat"]["name"] == kind
        assert kind not in predictor
        assert stored["metadata"]["annotations"]["modelFormat"] == kind
        assert ("minReplicas" in predictor) == ("zero" in example)

    play(story)


FORMS = [name.removesuffix("-new") for name in ALL if name.endswith("-new")]


def isvc_name(example: str) -> str:
    return "torch-transformer" if "adv" in example else GPU if "gpu" in example else FLOWERS


@pytest.mark.parametrize("example", FORMS)
def test_both_schemas_of_an_example_give_the_same_knative_services_but_for_the_metric(example: str) -> None:
    async def story(scene: Scene, form: str) -> Any:
        await scene.example(f"{example}-{form}")
        await scene.ready(isvc_name(example))
        services = await scene.listed(resources.KNATIVE_SERVICES)
        for service in services:
            service["spec"]["template"]["metadata"]["annotations"].pop("autoscaling.knative.dev/metric", None)
        return {service["metadata"]["name"]: service["spec"] for service in services}

    new, old = (play(partial(story, form=form), witness=False) for form in ("new", "old"))
    assert new == old
    assert len(new) == (2 if "adv" in example else 1)


@pytest.mark.parametrize("example", FORMS)
def test_a_standard_installation_writes_its_mode_into_the_object_and_makes_no_knative_service(example: str) -> None:
    async def story(scene: Scene) -> None:
        stored = await scene.example(f"{example}-new")
        assert stored["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
        name = isvc_name(example)
        isvc = await scene.ready(name)
        assert isvc["status"]["url"] == f"http://{name}-{SPACE}.example.com"
        assert await scene.listed(resources.KNATIVE_SERVICES) == []
        parts = {"predictor", "transformer"} if "adv" in example else {"predictor"}
        for kind in (resources.DEPLOYMENTS, resources.SERVICES, resources.AUTOSCALERS):
            assert {value["metadata"]["name"] for value in await scene.listed(kind)} == {
                f"{name}-{part}" for part in parts
            }
        for autoscaler in await scene.listed(resources.AUTOSCALERS):
            assert autoscaler["spec"]["minReplicas"] == 1
            (metric,) = autoscaler["spec"]["metrics"]
            assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}

    play(story, witness=False, options=PlatformOptions(default_mode="Standard"))


@pytest.mark.parametrize(
    ("virtual_host", "name", "url", "inside"),
    [
        (True, FLOWERS, "flowers-sample", "flowers-sample"),
        (False, FLOWERS, "flowers-sample-predictor", "flowers-sample-predictor"),
    ],
)
def test_the_url_has_the_host_of_the_ingress_form(virtual_host: bool, name: str, url: str, inside: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready(name)
        assert isvc["status"]["url"] == f"http://{url}.{SPACE}.example.com"
        assert isvc["status"]["address"]["url"] == f"http://{inside}.{SPACE}.svc.cluster.local"
        answer = await scene.request(isvc["status"]["url"], "/v1/models/flowers-sample:predict")
        assert answer.status == 200

    play(story, options=PlatformOptions(virtual_host=virtual_host))


def test_without_virtual_hosts_the_url_is_the_transformers() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-adv-new")
        isvc = await scene.ready("torch-transformer")
        assert isvc["status"]["url"] == f"http://torch-transformer-transformer.{SPACE}.example.com"

    play(story, options=PlatformOptions(virtual_host=False))


@pytest.mark.parametrize("example", ALL)
def test_every_example_becomes_ready_with_all_its_conditions(example: str) -> None:
    name = "torch-transformer" if "adv" in example else GPU if "gpu" in example else FLOWERS
    kinds = ["Ready", "PredictorReady", "IngressReady", "PredictorRouteReady", "PredictorConfigurationReady"]
    kinds += ["RoutesReady", "LatestDeploymentReady"]
    if "adv" in example:
        kinds += ["TransformerReady", "TransformerRouteReady", "TransformerConfigurationReady"]

    async def story(scene: Scene) -> None:
        await scene.example(example)
        isvc = await scene.ready(name)
        assert {kind: condition(isvc, kind) for kind in kinds} == dict.fromkeys(kinds, "True")
        assert condition(isvc, "Stopped") == "False"

    play(story)
