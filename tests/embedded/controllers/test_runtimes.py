"""Which runtime serves a model, and what it makes of a manifest's image."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.embedded.kserve.component_objects import predictor
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.kserve.runtimes import ChosenRuntime, NoRuntimeError, choose
from clusters.embedded.kserve.storage import inject

MODEL = {"modelFormat": {"name": "tensorflow"}}


def runtime(name: str, *, created: str = "2026-01-01T00:00:00Z", **spec: Any) -> dict[str, Any]:
    supported = {"name": "tensorflow", "version": "1", "autoSelect": True, "priority": spec.pop("priority", 1)}
    supported |= spec.pop("supported", {})
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "spec": {"supportedModelFormats": [supported], "containers": [{"name": "kserve-container"}], **spec},
    }


def test_a_runtime_of_the_namespace_goes_before_the_clusters_whatever_the_priority() -> None:
    chosen = choose(MODEL, [runtime("own", priority=1)], [runtime("whole", priority=9)])
    assert (chosen.name, chosen.cluster) == ("own", False)


def test_priority_goes_before_age_and_the_newest_before_the_others() -> None:
    old = runtime("old", created="2025-01-01T00:00:00Z")
    assert choose(MODEL, [], [old, runtime("new")]).name == "new"
    assert choose(MODEL, [], [runtime("new"), runtime("first", created="2020-01-01T00:00:00Z", priority=2)]).name == (
        "first"
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"disabled": True},
        {"multiModel": True},
        {"protocolVersions": ["v2"]},
        {"supported": {"autoSelect": False}},
        {"supported": {"name": "onnx"}},
    ],
)
def test_a_runtime_that_does_not_fit_is_not_chosen(spec: dict[str, Any]) -> None:
    with pytest.raises(NoRuntimeError) as refused:
        choose(MODEL, [], [runtime("whole", **spec)])
    assert refused.value.reason == "NoSupportingRuntime"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nobody", "RuntimeNotRecognized"), ("off", "RuntimeDisabled"), ("other", "NoSupportingRuntime")],
)
def test_a_named_runtime_must_be_there_and_fit(name: str, reason: str) -> None:
    listed = [runtime("off", disabled=True), runtime("other", supported={"name": "onnx"})]
    with pytest.raises(NoRuntimeError) as refused:
        choose({**MODEL, "runtime": name}, [], listed)
    assert refused.value.reason == reason


def test_a_named_runtime_needs_no_auto_selection() -> None:
    listed = [runtime("shy", supported={"autoSelect": False})]
    assert choose({**MODEL, "runtime": "shy"}, [], listed).name == "shy"


@pytest.mark.parametrize(
    ("image", "model", "found"),
    [
        ("tensorflow/serving:2.6.2", {}, "tensorflow/serving:2.6.2"),
        ("tensorflow/serving:2.6.2", {"runtimeVersion": "2.6.2-gpu"}, "tensorflow/serving:2.6.2-gpu"),
        (
            "tensorflow/serving:2.6.2",
            {"resources": {"limits": {"nvidia.com/gpu": 1}}},
            "tensorflow/serving:2.6.2-gpu",
        ),
        ("registry:5000/witness", {"runtimeVersion": "2"}, "registry:5000/witness:2"),
        ("witness@sha256:0123", {"runtimeVersion": "2.6.2-gpu"}, "witness@sha256:0123"),
    ],
)
def test_the_image_follows_version_and_accelerator_but_never_a_digest(
    image: str, model: dict[str, Any], found: str
) -> None:
    spec = {"containers": [{"name": "kserve-container", "image": image}]}
    service = {
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"predictor": {"model": {**MODEL, **model}}},
    }
    template = predictor(service, ChosenRuntime("kserve-tensorflow-serving", True, spec, {}), KserveSettings())
    assert template.spec["containers"][0]["image"] == found


def test_annotations_reach_the_pods_except_those_that_fields_decide() -> None:
    service = {
        "metadata": {
            "name": "s",
            "namespace": "n",
            "annotations": {
                "autoscaling.knative.dev/target": "1",
                "autoscaling.knative.dev/min-scale": "3",
                "autoscaling.knative.dev/maxScale": "4",
                "modelFormat": "tensorflow",
                "mine": "yes",
            },
        },
        "spec": {"predictor": {"model": MODEL, "annotations": {"mine": "closer"}}},
    }
    spec = {"containers": [{"name": "kserve-container", "image": "i"}], "annotations": {"mine": "far", "theirs": "r"}}
    template = predictor(service, ChosenRuntime("r", True, spec, {}), KserveSettings())
    assert template.annotations == {
        "autoscaling.knative.dev/target": "1",
        "autoscaling.knative.dev/maxScale": "4",
        "mine": "closer",
        "theirs": "r",
    }


def container_for(name: str, prefix: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"container": {"image": name}, "supportedUriFormats": [{"prefix": prefix}]}, **more}


def test_the_model_is_fetched_by_the_first_container_that_serves_its_address() -> None:
    pod: dict[str, Any] = {
        "metadata": {
            "labels": {"serving.kserve.io/inferenceservice": "s"},
            "annotations": {"internal.serving.kserve.io/storage-initializer-sourceuri": "gs://b/m"},
        },
        "spec": {"containers": [{"name": "kserve-container"}]},
    }
    containers = [
        container_for("off", "gs://", disabled=True),
        container_for("other", "s3://"),
        container_for("right", "gs://"),
    ]
    (initializer,) = inject(pod, containers, {"image": "fallback"})["spec"]["initContainers"]
    assert (initializer["image"], initializer["args"]) == ("right", ["gs://b/m", "/mnt/models"])
    assert "initContainers" not in pod["spec"]


def test_a_pod_of_somebody_else_is_left_alone() -> None:
    pod: dict[str, Any] = {"metadata": {}, "spec": {"containers": []}}
    assert inject(pod, [], {}) is pod
