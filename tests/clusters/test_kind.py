import asyncio
import contextlib
import platform as machine
from pathlib import Path

import pytest
import yaml

from clusters import versions
from clusters.images.container_cli import ContainerCli, find_containers
from clusters.kind.cli import KindCli, find_kind
from clusters.kind.kind_provider import FOLDER, OWNER_LABEL, KindProvider, require_ours
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError, UsageError
from conformance.settings.settings import Install, Settings
from tests.clusters.canned import Canned, node
from tests.clusters.stand_in import StandIn, stand_in

NAME = "serving-conformance"
NONE = "No kind clusters found.\n"


@pytest.fixture
def kind(tmp_path: Path) -> StandIn:
    return stand_in(tmp_path, "kind").answer("version", out="kind v0.30.0 go1.24.6 linux/amd64\n")


@pytest.fixture
def docker(tmp_path: Path) -> StandIn:
    return stand_in(tmp_path, "docker").answer("info", out="28.2.2\n")


async def test_the_version_is_the_second_word(kind: StandIn) -> None:
    assert await KindCli(kind.path).version() == versions.kind().version


@pytest.mark.parametrize(
    ("answer", "names"), [({"err": NONE}, ()), ({"out": "kind\nserving-conformance\n"}, ("kind", NAME))]
)
async def test_no_clusters_are_said_on_the_other_stream(
    kind: StandIn, answer: dict[str, str], names: tuple[str, ...]
) -> None:
    kind.answer("get clusters", **answer)
    assert await KindCli(kind.path).clusters() == names


async def test_creation_waits_keeps_what_failed_and_leaves_the_users_kubeconfig_alone(
    kind: StandIn, tmp_path: Path
) -> None:
    kind.answer("create cluster", files={"--kubeconfig": "apiVersion: v1\n"})
    await KindCli(kind.path).create("c", FOLDER / "cpu.yaml", "image@sha256:1", tmp_path / "kc", 30)
    assert kind.calls == [
        f"create cluster --name c --config {FOLDER / 'cpu.yaml'} --image image@sha256:1 "
        f"--kubeconfig {tmp_path / 'kc'} --wait 180s --retain"
    ]


async def test_loading_exporting_and_deleting_name_the_cluster(kind: StandIn, tmp_path: Path) -> None:
    for words in ("load", "export", "delete", "get"):
        kind.answer(words, out="a\nb\n")
    cli = KindCli(kind.path)
    await cli.load_archive("c", tmp_path / "x.tar")
    await cli.load_image("c", "witness:1")
    await cli.export_logs("c", tmp_path / "logs")
    await cli.delete("c", tmp_path / "kc")
    assert await cli.nodes("c") == ("a", "b")
    assert kind.calls == [
        f"load image-archive {tmp_path / 'x.tar'} --name c",
        "load docker-image witness:1 --name c",
        f"export logs {tmp_path / 'logs'} --name c",
        f"delete cluster --name c --kubeconfig {tmp_path / 'kc'}",
        "get nodes --name c",
    ]


def test_kind_is_named_by_its_variable_then_found_on_the_path(kind: StandIn) -> None:
    assert find_kind({"KIND": kind.path, "PATH": ""}).path == kind.path
    assert find_kind({"PATH": str(kind.folder)}).path == kind.path


def test_without_kind_the_pinned_release_and_its_checksum_are_named() -> None:
    with pytest.raises(PlatformError) as caught:
        find_kind({"PATH": ""})
    text = str(caught.value)
    assert "set KIND or put it on PATH: https://github.com/kubernetes-sigs/kind/releases/download/v0.30.0/kind-" in text
    if (machine.system(), machine.machine()) == ("Linux", "x86_64"):
        assert versions.kind().sha256["linux-amd64"] in text
    with pytest.raises(PlatformError, match="KIND=/no/such is not a program"):
        find_kind({"KIND": "/no/such", "PATH": ""})


@pytest.mark.parametrize("name", ["cpu", "gpu-emulated", "gpu-real"])
def test_every_configuration_marks_its_nodes_as_ours_and_publishes_the_gateway(name: str) -> None:
    config = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    assert (config["kind"], config["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert all(entry["labels"][OWNER_LABEL] == NAME for entry in config["nodes"])
    control = [entry for entry in config["nodes"] if entry["role"] == "control-plane"]
    (mapping,) = control[0]["extraPortMappings"]
    assert (mapping["containerPort"], mapping["hostPort"], mapping["listenAddress"]) == (31080, 0, "127.0.0.1")


async def test_a_daemon_that_does_not_run_is_told(tmp_path: Path) -> None:
    words = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    docker = stand_in(tmp_path, "docker").answer("info", out="\n", err=f"{words}\n", code=1)
    provider = KindProvider(
        Settings(cluster="kind"), RealClock(), kind=KindCli("kind"), docker=ContainerCli(docker.path)
    )
    with pytest.raises(PlatformError, match="docker has no running daemon: Cannot connect"):
        async with provider.open():
            pass


async def test_a_cluster_that_fails_to_start_leaves_its_logs_and_says_how_to_remove_it(
    kind: StandIn, docker: StandIn, tmp_path: Path
) -> None:
    kind.answer("get clusters", err=NONE)
    kind.answer("create cluster", err="ERROR: failed to create cluster: could not find a log line\n", code=1)
    kind.answer("export logs", out="")
    settings = Settings(cluster="kind", reports=str(tmp_path / "reports" / "runs"))
    provider = KindProvider(settings, RealClock(), kind=KindCli(kind.path), docker=ContainerCli(docker.path))
    with pytest.raises(
        PlatformError, match=f"could not find a log line.*remove it with: kind delete cluster --name {NAME}"
    ):
        async with provider.open():
            pass
    config, logs = FOLDER / "gpu-emulated.yaml", tmp_path / "reports" / "logs" / NAME
    assert kind.calls[2].startswith(
        f"create cluster --name {NAME} --config {config} --image kindest/node:v1.34.0@sha256:"
    )
    assert kind.calls[3:] == [f"export logs {logs} --name {NAME}"]


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
async def test_what_was_made_is_deleted_as_told(
    kind: StandIn, tmp_path: Path, keep: str, fails: bool, deleted: bool
) -> None:
    kind.answer("get clusters", err=NONE)
    for words in ("create", "export", "delete"):
        kind.answer(words)
    settings = Settings(cluster="kind", install=Install(keep=keep), reports=str(tmp_path / "runs"))
    provider = KindProvider(settings, RealClock(), kind=KindCli(kind.path))
    with contextlib.suppress(PlatformError):
        async with provider._cluster(KindCli(kind.path), tmp_path / "kc") as notes:
            assert notes == (f"kind cluster {NAME} was created",)
            if fails:
                raise PlatformError("the installation failed")
    assert any(call.startswith("delete") for call in kind.calls) is deleted
    assert any(call.startswith("export") for call in kind.calls) is fails


async def test_an_interrupted_run_deletes_what_it_made(kind: StandIn, tmp_path: Path) -> None:
    kind.answer("get clusters", err=NONE)
    for words in ("create", "export", "delete"):
        kind.answer(words)
    provider = KindProvider(Settings(cluster="kind"), RealClock())
    inside = asyncio.Event()

    async def main() -> None:
        async with provider._cluster(KindCli(kind.path), tmp_path / "kc"):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(main())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [call.split()[0] for call in kind.calls][-1] == "delete"
    assert not any(call.startswith("export") for call in kind.calls)


async def test_a_cluster_that_is_there_is_reused_and_never_deleted(kind: StandIn, tmp_path: Path) -> None:
    kind.answer("get clusters", out=f"{NAME}\n").answer("get kubeconfig", out="the kubeconfig")
    settings = Settings(cluster="kind", install=Install(keep="never"))
    with contextlib.suppress(PlatformError):
        async with KindProvider(settings, RealClock())._cluster(KindCli(kind.path), tmp_path / "kc"):
            assert (tmp_path / "kc").read_text(encoding="utf-8") == "the kubeconfig"
            assert (tmp_path / "kc").stat().st_mode & 0o077 == 0
            raise PlatformError("the installation failed")
    assert kind.calls == ["version", "get clusters", f"get kubeconfig --name {NAME}"]


async def test_another_kind_than_the_pinned_one_is_noted(tmp_path: Path) -> None:
    kind = stand_in(tmp_path, "kind").answer("version", out="kind v0.33.0 go1.25.0 linux/amd64\n")
    kind.answer("get clusters", out=f"{NAME}\n").answer("get kubeconfig", out="x")
    async with KindProvider(Settings(cluster="kind"), RealClock())._cluster(
        KindCli(kind.path), tmp_path / "kc"
    ) as notes:
        assert notes[0] == "kind v0.33.0 is used, v0.30.0 is what this suite is written for"


async def test_a_cluster_we_did_not_make_is_never_touched() -> None:
    ours = node("a", labels={OWNER_LABEL: NAME})
    await require_ours(Canned([ours]).api, NAME)
    for nodes in ([], [ours, node("b")], [node("b", labels={OWNER_LABEL: "someone"})]):
        with pytest.raises(UsageError, match=r"that this suite did not make is there; set install\.cluster_name"):
            await require_ours(Canned(nodes).api, NAME)


async def test_a_pushed_image_is_known_by_its_digest(docker: StandIn) -> None:
    docker.answer("tag").answer("push", out="localhost:5001/x/witness:1\n")
    docker.answer("image inspect", out='["other/witness@sha256:00","localhost:5001/x/witness@sha256:ab"]\n')
    assert await ContainerCli(docker.path).push("witness:1", "localhost:5001/x/witness:1") == "sha256:ab"
    assert docker.calls == [
        "tag witness:1 localhost:5001/x/witness:1",
        "push --quiet localhost:5001/x/witness:1",
        "image inspect --format {{json .RepoDigests}} localhost:5001/x/witness:1",
    ]


async def test_a_push_without_a_digest_is_an_error(docker: StandIn) -> None:
    docker.answer("tag").answer("push").answer("image inspect", out="null\n")
    with pytest.raises(PlatformError, match="has no digest after its push"):
        await ContainerCli(docker.path).push("a:1", "b:1")


async def test_a_published_port_is_an_address(docker: StandIn) -> None:
    docker.answer("port", out="127.0.0.1:49153\n")
    assert await ContainerCli(docker.path).port("c-control-plane", 31080) == "127.0.0.1:49153"
    assert docker.calls == ["port c-control-plane 31080/tcp"]


def test_docker_is_named_by_its_variable_then_found_on_the_path(docker: StandIn) -> None:
    assert find_containers({"DOCKER": docker.path, "PATH": ""}).path == docker.path
    assert find_containers({"PATH": str(docker.folder)}).path == docker.path
    with pytest.raises(PlatformError, match="need Docker; install it, or take CLUSTER=embedded"):
        find_containers({"PATH": ""})
    with pytest.raises(PlatformError, match="DOCKER=/no/such is not a program"):
        find_containers({"DOCKER": "/no/such", "PATH": ""})
