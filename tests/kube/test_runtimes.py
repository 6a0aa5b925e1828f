from pathlib import Path
from typing import Any

import pytest

from conformance.base.errors import UsageError
from conformance.kube.serving_runtimes import runtimes, tags
from conformance.kube.storage_container import shipped_disabled, storage_container
from conformance.run.runtime_choice import builder
from conformance.settings.settings import Placement, Settings


def environment(runtime: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in runtime["spec"]["containers"][0]["env"]}


def test_each_documented_format_is_selected_for_every_version_a_manifest_may_mean() -> None:
    for runtime, name in zip(runtimes("witness@sha256:1"), ("tensorflow", "pytorch"), strict=True):
        assert runtime["metadata"] == {"name": f"stub-{name}"}
        formats = runtime["spec"]["supportedModelFormats"]
        assert [(entry["name"], entry["version"], entry["autoSelect"]) for entry in formats] == [
            (name, "1", True),
            (name, "2", True),
        ]
        assert runtime["spec"]["protocolVersions"] == ["v1"]


def test_the_witness_is_told_its_times_and_its_models_name() -> None:
    (first, _) = runtimes("w@sha256:1", service_ms=20, start_seconds=2.5)
    assert environment(first) == {
        "WITNESS_KIND": "model",
        "WITNESS_SERVICE_MS": "20",
        "WITNESS_START_SECONDS": "2.5",
        "WITNESS_MODEL_NAME": "{{.Name}}",
    }
    container = first["spec"]["containers"][0]
    assert (container["name"], container["image"]) == ("kserve-container", "w@sha256:1")
    assert "cpu" not in container["resources"]["limits"]


def test_placement_goes_to_the_runtime_since_a_manifest_may_not_change() -> None:
    placed = builder(
        Settings(
            placement=Placement(
                node_selector={"pool": "gpu"}, tolerations=({"operator": "Exists"},), image_pull_secret="pull"
            )
        )
    )
    made = tuple(placed("w@sha256:1", service_ms=1, start_seconds=0))
    assert len(made) == 2
    for runtime in made:
        assert runtime["spec"]["nodeSelector"] == {"pool": "gpu"}
        assert runtime["spec"]["tolerations"] == [{"operator": "Exists"}]
        assert runtime["spec"]["imagePullSecrets"] == [{"name": "pull"}]


def test_the_documented_models_run_on_the_clusters_own_runtimes() -> None:
    assert builder(Settings(cluster="kind", model="real"))("w", service_ms=1, start_seconds=0) == ()


def test_a_vendors_runtimes_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "runtimes.yaml"
    path.write_text("kind: ServingRuntime\nmetadata: {name: own, namespace: x}\nspec: {a: 1}\n", encoding="utf-8")
    settings = Settings(placement=Placement(runtime_file=str(path)))
    assert builder(settings)("w") == ({"kind": "ServingRuntime", "metadata": {"name": "own"}, "spec": {"a": 1}},)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: ClusterServingRuntime", "the suite changes nothing cluster-wide"),
        ("kind: Pod", "'Pod' is not a ServingRuntime"),
        ("", "holds no ServingRuntime"),
        ("- 1", "None is not a ServingRuntime"),
        ("a: [", "runtimes"),
    ],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "runtimes.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        builder(Settings(placement=Placement(runtime_file=str(path))))


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("reg:5000/witness:1", ("reg:5000/witness:2.6.2", "reg:5000/witness:2.6.2-gpu")),
        ("reg:5000/witness", ("reg:5000/witness:2.6.2", "reg:5000/witness:2.6.2-gpu")),
        ("witness@sha256:1", ()),
    ],
)
def test_a_tagged_image_needs_the_tags_that_manifests_ask_for(image: str, names: tuple[str, ...]) -> None:
    assert tags(image) == names


def test_storage_claims_the_documented_bucket_and_the_shipped_one_steps_back() -> None:
    value = storage_container("w@sha256:1")
    assert value["spec"]["supportedUriFormats"] == [{"prefix": "gs://kfserving-examples/"}]
    assert value["spec"]["container"]["name"] == "storage-initializer"
    assert shipped_disabled() == {"disabled": True}
