"""Images that manifests name by digest are found by that name in the nodes, whatever docker save left of it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from clusters.images.container_cli import ContainerCli
from clusters.images.image_archives import ArchivedImage, archived_images, by_digest, carrying
from clusters.kind.cli import KindCli
from clusters.kind.node_images import load_archives
from conformance.base.errors import UsageError
from tests.clusters.hasty_clock import HastyClock
from tests.clusters.stand_in import StandIn, stand_in

ID = "ab" * 32
DIGEST = "cd" * 32
ACTIVATOR = "gcr.io/knative-releases/activator"
TAG = f"{ACTIVATOR}:sha256-{DIGEST}"
NODES = ("c-control-plane", "c-worker")


def archive(path: Path, *names: str | None, config: str = f"blobs/sha256/{ID}") -> Path:
    """As docker save writes one: its list of images, without names for what was named by digest."""
    rows = [{"Config": config, "RepoTags": None if name is None else [name], "Layers": []} for name in names]
    content = json.dumps(rows).encode()
    with tarfile.open(path, "w") as file:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        file.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def kind(tmp_path: Path) -> StandIn:
    return stand_in(tmp_path, "kind").answer("load")


@pytest.fixture
def docker(tmp_path: Path) -> StandIn:
    empty = json.dumps({"images": []})
    docker = stand_in(tmp_path, "docker")
    for node in NODES:
        docker.answer(f"exec {node} crictl", out=empty, once=True)
    return docker.answer("exec").answer("tag")


async def load(kind: StandIn, docker: StandIn, folder: Path) -> None:
    await load_archives(KindCli(kind.path), ContainerCli(docker.path), "c", NODES, folder, HastyClock())


@pytest.mark.parametrize("config", [f"blobs/sha256/{ID}", f"{ID}.json"])
def test_an_archive_says_what_it_holds(tmp_path: Path, config: str) -> None:
    found = archived_images(archive(tmp_path / "x.tar", "kserve/a:v1", None, config=config))
    assert found == (ArchivedImage(f"sha256:{ID}", ("kserve/a:v1",)), ArchivedImage(f"sha256:{ID}", ()))


def test_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("no archive", encoding="utf-8")
    with pytest.raises(UsageError, match=r"install\.images: .*x\.tar is no archive of docker save"):
        archived_images(tmp_path / "x.tar")


def test_a_tag_carries_a_digest_there_and_back() -> None:
    assert carrying(f"{ACTIVATOR}@sha256:{DIGEST}") == TAG
    assert by_digest([TAG, "kserve/a:v1"]) == ((TAG, f"{ACTIVATOR}@sha256:{DIGEST}"),)
    assert by_digest([f"kserve/a:sha256-{DIGEST}"]) == (
        (f"docker.io/kserve/a:sha256-{DIGEST}", f"docker.io/kserve/a@sha256:{DIGEST}"),
    )


async def test_an_image_saved_under_its_digests_tag_gets_its_name_in_every_node(
    kind: StandIn, docker: StandIn, tmp_path: Path
) -> None:
    path = archive(tmp_path / "x.tar", TAG, "kserve/a:v1")
    await load(kind, docker, tmp_path)
    assert kind.calls == [f"load image-archive {path} --name c"]
    assert docker.calls[len(NODES) :] == [
        f"exec {node} ctr --namespace=k8s.io images tag --force {TAG} {ACTIVATOR}@sha256:{DIGEST}" for node in NODES
    ]


def held(*tags: str, digests: tuple[str, ...] = (), id: str = ID) -> str:
    """What `crictl images --output json` of a kind v0.30.0 node says of one image."""
    row = {"id": f"sha256:{id}", "repoTags": list(tags), "repoDigests": list(digests), "size": "1", "pinned": False}
    return json.dumps({"images": [row]})


@pytest.mark.parametrize(
    ("first", "second", "loaded"),
    [
        ({}, {}, False),
        ({}, {"id": "00" * 32}, True),
        ({}, {"digests": ()}, True),
    ],
)
async def test_only_what_some_node_of_a_reused_cluster_lacks_is_loaded(
    kind: StandIn, tmp_path: Path, first: dict[str, object], second: dict[str, object], loaded: bool
) -> None:
    docker = stand_in(tmp_path, "docker")
    for node, changed in zip(NODES, (first, second), strict=True):
        state = {"digests": (f"{ACTIVATOR}@sha256:{DIGEST}",), **changed}
        docker.answer(f"exec {node} crictl images --output json", out=held(TAG, **state))  # type: ignore[arg-type]
    docker.answer("exec")
    archive(tmp_path / "x.tar", TAG)
    await load(kind, docker, tmp_path)
    assert (kind.calls != []) is loaded


async def test_a_node_that_cannot_say_what_it_has_is_given_everything(kind: StandIn, tmp_path: Path) -> None:
    docker = stand_in(tmp_path, "docker")
    for node in NODES:
        docker.answer(f"exec {node} crictl", err='exec: "crictl": executable file not found in $PATH\n', code=127)
    archive(tmp_path / "x.tar", "kserve/a:v1")
    await load(kind, docker, tmp_path)
    assert len(kind.calls) == 1


async def test_an_archive_without_names_is_taken_from_the_local_docker(
    kind: StandIn, docker: StandIn, tmp_path: Path
) -> None:
    reference = f"{ACTIVATOR}@sha256:{DIGEST}"
    docker.answer(f"image inspect --format {{{{json .RepoDigests}}}} sha256:{ID}", out=json.dumps([reference]))
    archive(tmp_path / "x.tar", None)
    await load(kind, docker, tmp_path)
    assert kind.calls == [f"load docker-image {TAG} --name c"]
    assert docker.calls[len(NODES) + 1] == f"tag {reference} {TAG}"
    assert docker.calls[-1] == f"exec c-worker ctr --namespace=k8s.io images tag --force {TAG} {reference}"


async def test_an_archive_whose_image_has_no_name_anywhere_says_how_to_save_it(
    kind: StandIn, docker: StandIn, tmp_path: Path
) -> None:
    docker.answer("image inspect", err="Error: No such image\n", code=1)
    archive(tmp_path / "x.tar", None)
    with pytest.raises(UsageError, match="docker tag NAME@sha256:DIGEST NAME:sha256-DIGEST and save that"):
        await load(kind, docker, tmp_path)
    assert kind.calls == []
