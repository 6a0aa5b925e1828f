"""A kind cluster from its creation to its end, however that comes: stand-in tools answer as the real ones do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from clusters import versions
from clusters.images.container_cli import ContainerCli
from clusters.kind.cli import KindCli
from clusters.kind.kind_cluster import FOLDER, SETTLE_SECONDS, kind_cluster
from conformance.base.announcements import announcements
from conformance.base.errors import PlatformError
from conformance.settings.settings import Install, Settings
from tests.clusters.hasty_clock import HastyClock
from tests.clusters.stand_in import StandIn, stand_in

NAME = "serving-conformance"
NODES = f"{NAME}-control-plane\n{NAME}-worker\n{NAME}-worker2\n"
NO_NODES = f'No kind nodes found for cluster "{NAME}".\n'
NODE_IMAGE = versions.row("0.20").node_image
TAG = NODE_IMAGE.partition("@")[0]
REMOVAL = f"remove it with: kind delete cluster --name {NAME}"


@pytest.fixture
def kind(tmp_path: Path) -> StandIn:
    return stand_in(tmp_path, "kind")


@pytest.fixture
def docker(tmp_path: Path) -> StandIn:
    return stand_in(tmp_path, "docker")


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []
    with announcements(lines.append):
        yield lines


def opened(
    kind: StandIn, docker: StandIn, tmp_path: Path, install: Install | None = None, *, reused: bool = False
) -> AbstractAsyncContextManager[None]:
    """The cluster of these tools; `docker` has every image that it was not taught about."""
    docker.answer("image inspect", out="sha256:1\n")
    settings = Settings(cluster="kind", install=install or Install(), reports=str(tmp_path / "reports" / "runs"))
    kubeconfig = tmp_path / "kc"
    return kind_cluster(
        KindCli(kind.path), ContainerCli(docker.path), settings, HastyClock(), kubeconfig, reused=reused
    )


def verbs(kind: StandIn) -> list[str]:
    return [" ".join(call.split()[:2]) for call in kind.calls]


@pytest.mark.parametrize(
    ("keep", "fails", "deleted"),
    [
        ("never", False, True),
        ("never", True, True),
        ("on-failure", False, True),
        ("on-failure", True, False),
        ("always", False, False),
    ],
)
async def test_what_was_made_is_deleted_or_kept_as_told(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str], keep: str, fails: bool, deleted: bool
) -> None:
    kind.answer("create").answer("export").answer("delete")
    if fails or not deleted:
        kind.answer("get nodes", out=NODES, once=True)
    if deleted:
        kind.answer("get nodes", err=NO_NODES)
    kind.answer("get nodes", out=NODES)
    with contextlib.suppress(PlatformError):
        async with opened(kind, docker, tmp_path, Install(keep=keep)):
            if fails:
                raise PlatformError("the installation failed")
    assert ("delete cluster" in verbs(kind)) is deleted
    assert ("export logs" in verbs(kind)) is fails
    assert (f"kind cluster {NAME} is kept; {REMOVAL}" in said) is not deleted
    assert (f"logs of kind cluster {NAME} are in {tmp_path / 'reports' / 'logs' / NAME}" in said) is fails
    assert said[0] == f"creating kind cluster {NAME} from {TAG} ..."


async def test_a_cluster_that_fails_to_start_leaves_its_logs(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    kind.answer("create cluster", err="ERROR: failed to create cluster: could not find a log line\n", code=1)
    kind.answer("export logs").answer("get nodes", out=NODES)
    with pytest.raises(PlatformError, match="could not find a log line"):
        async with opened(kind, docker, tmp_path):
            pass
    config, logs = FOLDER / "gpu-emulated.yaml", tmp_path / "reports" / "logs" / NAME
    assert kind.calls[0].startswith(f"create cluster --name {NAME} --config {config} --image {NODE_IMAGE}")
    assert f"export logs {logs} --name {NAME}" in kind.calls
    assert said[-1] == f"kind cluster {NAME} is kept; {REMOVAL}"


async def test_a_creation_that_left_no_node_names_neither_logs_nor_a_remedy(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    kind.answer("create cluster", err="ERROR: failed to create cluster: all predefined address pools\n", code=1)
    kind.answer("get nodes", err=NO_NODES)
    with pytest.raises(PlatformError, match=r"address pools$"):
        async with opened(kind, docker, tmp_path):
            pass
    assert "export logs" not in verbs(kind)
    assert said == [f"creating kind cluster {NAME} from {TAG} ..."]


async def test_nodes_that_docker_makes_after_creation_took_too_long_are_named(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    """Seen with kind v0.30.0 and Docker 28.5: three nodes in state Created, eight seconds after `kind create` was
    stopped, in a run that had said nothing of them."""
    kind.answer("create cluster", err="ERROR: failed to create cluster: command failed\n", code=1).answer("export")
    for _ in range(3):
        kind.answer("get nodes", err=NO_NODES, once=True)
    kind.answer("get nodes", out=NODES)
    with pytest.raises(PlatformError):
        async with opened(kind, docker, tmp_path):
            pass
    assert said[-1] == f"kind cluster {NAME} is kept; {REMOVAL}"


async def test_a_node_image_that_cannot_be_had_is_named_before_anything_is_made(
    kind: StandIn, docker: StandIn, tmp_path: Path
) -> None:
    docker.answer("image inspect", err="Error: No such image\n", code=1)
    docker.answer("pull", err="Error response from daemon: dial tcp: lookup registry-1.docker.io\n", code=1)
    with pytest.raises(PlatformError) as caught:
        async with opened(kind, docker, tmp_path):
            pass
    text = str(caught.value)
    assert text.startswith(f"image {NODE_IMAGE} is not in the local Docker and cannot be pulled: docker pull")
    assert text.endswith("into the local Docker (docker pull, docker load), or name another in install.node_image")
    assert kind.calls == []


async def test_a_loaded_node_image_is_taken_by_its_tag(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    docker.answer(f"image inspect --format {{{{.Id}}}} {NODE_IMAGE}", err="Error: No such image\n", code=1)
    kind.answer("create").answer("delete").answer("get nodes", err=NO_NODES)
    async with opened(kind, docker, tmp_path):
        pass
    assert f"--image {TAG} --kubeconfig" in kind.calls[0]
    assert said[0] == f"node image {TAG} is in the local Docker without its digest; taken by its tag, unchecked"
    assert not any(call.startswith("pull") for call in docker.calls)


async def test_the_settings_name_another_node_image(kind: StandIn, docker: StandIn, tmp_path: Path) -> None:
    kind.answer("create").answer("delete").answer("get nodes", err=NO_NODES)
    async with opened(kind, docker, tmp_path, Install(node_image="registry.example.net/node:v1.34.4")):
        pass
    assert "--image registry.example.net/node:v1.34.4 --kubeconfig" in kind.calls[0]


async def interrupted(cluster: AbstractAsyncContextManager[None], tool: StandIn, words: str) -> None:
    """Cancel whoever opens the cluster as soon as a tool was called so."""

    async def main() -> None:
        async with cluster:
            raise PlatformError("the installation failed")

    task = asyncio.create_task(main())
    while not any(call.startswith(words) for call in tool.calls):
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nodes_that_docker_makes_after_an_interruption_are_deleted_too(
    kind: StandIn, docker: StandIn, tmp_path: Path
) -> None:
    kind.answer("create", hangs=True).answer("delete")
    for answer in ("", "", NODES, NODES):
        kind.answer("get nodes", out=answer, once=True)
    kind.answer("get nodes", err=NO_NODES)
    await interrupted(opened(kind, docker, tmp_path), kind, "create")
    done = verbs(kind)
    assert done.count("delete cluster") == 3
    assert done[-int(SETTLE_SECONDS) :] == ["get nodes"] * int(SETTLE_SECONDS)


async def test_a_node_that_cannot_be_deleted_yet_is_tried_again(kind: StandIn, docker: StandIn, tmp_path: Path) -> None:
    error = 'ERROR: failed to delete cluster: command "docker rm -f -v a" failed with error: exit status 1'
    kind.answer("create").answer("delete", err=f"{error}\n", code=1, once=True).answer("delete")
    for _ in range(2):
        kind.answer("get nodes", out=NODES, once=True)
    kind.answer("get nodes", err=NO_NODES)
    async with opened(kind, docker, tmp_path):
        pass
    assert verbs(kind).count("delete cluster") == 2


async def test_an_interruption_while_logs_are_written_deletes_the_cluster(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    kind.answer("create").answer("export", hangs=True).answer("delete")
    kind.answer("get nodes", out=NODES, once=True).answer("get nodes", err=NO_NODES)
    await interrupted(opened(kind, docker, tmp_path), kind, "export")
    assert "delete cluster" in verbs(kind)
    assert said[-3] == f"if deleting the cluster is cut short, {REMOVAL}"


async def test_a_kept_cluster_is_told_without_asking_for_its_nodes_again(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    """Where Ctrl-C came while it was asked, three nodes of a real cluster stayed and nobody was told."""
    kind.answer("create").answer("export").answer("get nodes", out=NODES)
    with contextlib.suppress(PlatformError):
        async with opened(kind, docker, tmp_path):
            raise PlatformError("the installation failed")
    assert verbs(kind)[-2:] == ["get nodes", "export logs"]
    assert said[-1].endswith(REMOVAL)


async def test_a_cluster_that_is_there_is_reused_and_never_deleted(
    kind: StandIn, docker: StandIn, tmp_path: Path, said: list[str]
) -> None:
    kind.answer("get kubeconfig", out="the kubeconfig")
    with contextlib.suppress(PlatformError):
        async with opened(kind, docker, tmp_path, Install(keep="never"), reused=True):
            assert (tmp_path / "kc").read_text(encoding="utf-8") == "the kubeconfig"
            assert (tmp_path / "kc").stat().st_mode & 0o077 == 0
            raise PlatformError("the installation failed")
    assert kind.calls == [f"get kubeconfig --name {NAME}"]
    assert said == [f"kind cluster {NAME} is reused"]


@pytest.mark.parametrize(
    "error",
    [
        "could not locate any control plane nodes for cluster named 'serving-conformance'",
        "failed to get cluster internal kubeconfig: cat /etc/kubernetes/admin.conf failed with error: exit status 1",
    ],
)
async def test_a_cluster_that_was_never_finished_says_how_to_remove_it(
    kind: StandIn, docker: StandIn, tmp_path: Path, error: str
) -> None:
    kind.answer("get kubeconfig", err=f"ERROR: {error}\n", code=1)
    with pytest.raises(PlatformError) as caught:
        async with opened(kind, docker, tmp_path, reused=True):
            pass
    text = str(caught.value)
    assert text.startswith(f"kind cluster {NAME} is there but gives no kubeconfig, since it was never finished")
    assert error in text
    assert text.endswith(f"{REMOVAL}, or set install.cluster_name to another name")
