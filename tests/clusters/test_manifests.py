import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import versions
from clusters.install.manifests import InstallManifest, Manifests, file_name, objects
from conformance.base.errors import PlatformError, UsageError

URL = "https://github.com/kserve/kserve/releases/download/v0.20.0/kserve.yaml"
CONTENT = b"""kind: Deployment
apiVersion: apps/v1
metadata: {name: a}
spec: {template: {spec: {containers: [{image: one:1}], initContainers: [{image: two:2}]}}}
---
---
kind: ConfigMapList
apiVersion: v1
items: [{kind: ConfigMap, apiVersion: v1, metadata: {name: b}}]
"""
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def reading(tmp_path: Path, content: bytes = CONTENT, **options: Any) -> tuple[Manifests, list[str]]:
    fetched = []

    async def fetch(url: str) -> bytes:
        fetched.append(url)
        return content

    values = {"folder": None, "lock": tmp_path / "lock.yaml", "known": {}, "fetch": fetch, **options}
    return Manifests(**values), fetched


async def test_a_manifest_is_fetched_once_and_its_digest_recorded(tmp_path: Path) -> None:
    manifests, fetched = reading(tmp_path)
    found = await manifests.read(URL)
    assert (found.sha256, [value["metadata"]["name"] for value in found.objects]) == (DIGEST, ["a", "b"])
    assert found.images == ("one:1", "two:2")
    assert manifests.recorded == [URL]
    again, none = reading(tmp_path)
    await again.read(URL)
    assert (fetched, none, again.recorded) == ([URL], [], [])
    assert yaml.safe_load((tmp_path / "lock.yaml").read_text(encoding="utf-8")) == {URL: DIGEST}


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    (value,) = objects(b"{kind: A, date: 2026-01-02, when: 2026-01-02T03:04:05Z, enum: [=, '!='], on: 1}", "x")
    assert value["date"] == "2026-01-02"
    assert value["when"] == "2026-01-02T03:04:05Z"
    assert value["enum"] == ["=", "!="]


def test_images_that_controllers_add_to_pods_are_found_in_their_configuration() -> None:
    content = b"""
kind: ConfigMap
apiVersion: v1
metadata: {name: config-deployment}
data: {queue-sidecar-image: "queue@sha256:1", _example: "image: none"}
---
kind: ConfigMap
apiVersion: v1
metadata: {name: inferenceservice-config}
data: {agent: '{"image": "kserve/agent:v0.20.0"}', ingress: '{"ingressGateway": "a/b"}'}
"""
    assert InstallManifest("", "", objects(content, "x")).images == ("queue@sha256:1", "kserve/agent:v0.20.0")


def test_images_of_runtimes_that_nothing_starts_are_not_asked_for() -> None:
    content = b"""
kind: ClusterServingRuntime
apiVersion: serving.kserve.io/v1alpha1
metadata: {name: kserve-huggingfaceserver}
spec: {containers: [{name: kserve-container, image: "kserve/huggingfaceserver:v0.20.0"}]}
---
kind: LLMInferenceServiceConfig
apiVersion: serving.kserve.io/v1alpha2
metadata: {name: kserve-config-llm-template}
spec: {template: {containers: [{name: main, image: "ghcr.io/llm-d/llm-d-cuda:v0.8.0"}]}}
---
kind: DaemonSet
apiVersion: apps/v1
metadata: {name: agent}
spec: {template: {spec: {containers: [{name: agent, image: "agent:1"}]}}}
"""
    assert InstallManifest("", "", objects(content, "x")).images == ("agent:1",)


async def test_a_file_that_changed_since_it_was_recorded_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock.yaml").write_text(yaml.safe_dump({URL: "0" * 64}), encoding="utf-8")
    manifests, _ = reading(tmp_path)
    with pytest.raises(UsageError, match=f"sha256 is {DIGEST}, recorded was 0000"):
        await manifests.read(URL)


async def test_a_known_digest_goes_before_a_recorded_one(tmp_path: Path) -> None:
    (tmp_path / "lock.yaml").write_text(yaml.safe_dump({URL: "0" * 64}), encoding="utf-8")
    manifests, _ = reading(tmp_path, known={URL: DIGEST})
    assert (await manifests.read(URL)).sha256 == DIGEST


async def test_where_digests_are_required_an_unknown_file_is_refused_with_its_digest(tmp_path: Path) -> None:
    manifests, _ = reading(tmp_path, require=True)
    with pytest.raises(UsageError, match=f"no digest is known for {URL}; its sha256 is {DIGEST}"):
        await manifests.read(URL)


async def test_without_internet_files_come_from_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "kserve_v0.20.0_kserve.yaml").write_bytes(CONTENT)
    manifests, fetched = reading(tmp_path, folder=folder)
    assert len((await manifests.read(URL)).objects) == 2
    assert fetched == []
    with pytest.raises(UsageError, match=r"kserve_v0\.20\.0_kserve-crds\.yaml is missing; it is a copy of https://"):
        await manifests.read(URL.replace("kserve.yaml", "kserve-crds.yaml"))


async def test_an_address_that_cannot_be_reached_says_how_to_do_without() -> None:
    from clusters.install.manifests import download

    with pytest.raises(PlatformError, match=r"cannot be fetched: .*; set install\.manifests to a folder of copies"):
        await download("http://127.0.0.1:9/x.yaml")


@pytest.mark.parametrize("content", [b"a: [", b"just words", b"- 1"])
def test_a_file_that_holds_no_objects_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="x: "):
        objects(content, "x")


@pytest.mark.parametrize("name", versions.names())
@pytest.mark.parametrize("layer", ["kourier", "istio"])
def test_every_row_gives_complete_urls_whose_copies_have_names_of_their_own(name: str, layer: str) -> None:
    row = versions.row(name)
    urls = [url for step in versions.steps(row, layer) for url in step.manifests]
    assert all("{" not in url and url.startswith("https://") for url in urls)
    assert len({file_name(url) for url in urls}) == len(urls)
    assert any(row.kserve in url and url.endswith("kserve-cluster-resources.yaml") for url in urls)


def test_a_network_layer_gets_its_own_steps_only() -> None:
    names = [step.name for step in versions.steps(versions.row("0.20"), "istio")]
    assert "istio" in names
    assert not any("kourier" in name or name == "kserve-ingress" for name in names)


def test_a_profile_gets_what_it_needs_besides() -> None:
    row = versions.row("0.20")
    assert versions.profile_steps(row, ("serving-core", "autoscaling-kpa")) == ()
    (step,) = versions.profile_steps(row, ("standard-hpa",))
    assert (step.name, step.api_service) == ("metrics-server", "v1beta1.metrics.k8s.io")
    assert all(f"/{row.metrics_server}/" in url for url in step.manifests)


def test_an_unknown_row_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"install\.kserve '0\.2'; did you mean '0\.20'\?"):
        versions.row("0.2")


def test_node_images_and_the_kind_tool_are_pinned_by_digest() -> None:
    assert all("@sha256:" in versions.row(name).node_image for name in versions.names())
    assert all(len(digest) == 64 for digest in versions.kind().sha256.values())
