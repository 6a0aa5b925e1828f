import platform as machine
import tomllib
from pathlib import Path

import pytest
import yaml

from clusters import versions
from clusters.images.container_cli import ContainerCli, find_containers
from clusters.kind.cli import KindCli, find_kind
from clusters.kind.kind_cluster import FOLDER
from clusters.kind.kind_provider import OWNER_LABEL, KindProvider, require_ours
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError, UsageError
from conformance.settings.settings import Settings
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
    (patch,) = config["containerdConfigPatches"]
    registry = tomllib.loads(patch)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    assert registry == {"config_path": "/etc/containerd/certs.d"}
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


async def test_a_cluster_we_did_not_make_is_never_touched() -> None:
    ours = node("a", labels={OWNER_LABEL: NAME})
    await require_ours(Canned([ours]).api, NAME)
    for nodes in ([], [ours, node("b")], [node("b", labels={OWNER_LABEL: "someone"})]):
        with pytest.raises(UsageError, match=r"that this suite did not make is there; set install\.cluster_name"):
            await require_ours(Canned(nodes).api, NAME)


async def test_a_cluster_that_does_not_answer_is_said_to_be_removable() -> None:
    server = Canned()
    server.forbidden.add("/api/v1/nodes")
    with pytest.raises(PlatformError, match=r"c does not answer .*kind delete cluster --name c, or set"):
        await require_ours(server.api, "c")


async def test_a_pushed_image_is_known_by_its_digest(docker: StandIn) -> None:
    docker.answer("tag").answer("push", out="localhost:5001/x/witness:1\n")
    docker.answer("image inspect", out='["other/witness@sha256:00","localhost:5001/x/witness@sha256:ab"]\n')
    assert await ContainerCli(docker.path).push("witness:1", "localhost:5001/x/witness:1") == "sha256:ab"
    assert docker.calls == [
        "tag witness:1 localhost:5001/x/witness:1",
        "push --quiet localhost:5001/x/witness:1",
        "image inspect --format {{json .RepoDigests}} localhost:5001/x/witness:1",
        "image rm --no-prune localhost:5001/x/witness:1",
    ]


async def test_a_push_that_fails_leaves_no_name_behind(docker: StandIn) -> None:
    docker.answer("tag").answer("push", err="dial tcp: connection refused\n", code=1)
    with pytest.raises(PlatformError, match="connection refused"):
        await ContainerCli(docker.path).push("a:1", "b:1")
    assert docker.calls[-1] == "image rm --no-prune b:1"


async def test_a_push_without_a_digest_is_an_error(docker: StandIn) -> None:
    docker.answer("tag").answer("push").answer("image inspect", out="null\n")
    with pytest.raises(PlatformError, match="has no digest after its push"):
        await ContainerCli(docker.path).push("a:1", "b:1")


async def test_a_published_port_is_an_address(docker: StandIn) -> None:
    docker.answer("port", out="127.0.0.1:49153\n")
    assert await ContainerCli(docker.path).port("c-control-plane", 31080) == "127.0.0.1:49153"
    assert docker.calls == ["port c-control-plane 31080/tcp"]


async def test_a_port_on_all_addresses_is_reached_on_loopback(docker: StandIn) -> None:
    docker.answer("port", out="0.0.0.0:32768\n[::]:32768\n")
    assert await ContainerCli(docker.path).port("mirror-1", 5000) == "127.0.0.1:32768"


@pytest.mark.parametrize(
    ("accounts", "seconds"),
    [("usage_usec 4500000\nuser_usec 1\nsystem_usec 2\n", 4.5), ("4500000000\n", 4.5)],
    ids=["version 2", "version 1"],
)
async def test_a_node_tells_its_cpu_by_either_version_of_control_groups(
    docker: StandIn, accounts: str, seconds: float
) -> None:
    missing = "cat: /sys/fs/cgroup/one: No such file or directory\n"
    docker.answer("exec c-worker cat /sys/fs/cgroup/cpu.stat", out=accounts, err=missing, code=1)
    assert await ContainerCli(docker.path).cpu_seconds("c-worker") == pytest.approx(seconds)


async def test_a_node_without_accounts_is_told(docker: StandIn) -> None:
    docker.answer("exec c-worker cat", err="cat: no such file\n", code=1)
    with pytest.raises(PlatformError, match="c-worker keeps no account of its CPU: cat: no such file"):
        await ContainerCli(docker.path).cpu_seconds("c-worker")


def test_docker_is_named_by_its_variable_then_found_on_the_path(docker: StandIn) -> None:
    assert find_containers({"DOCKER": docker.path, "PATH": ""}).path == docker.path
    assert find_containers({"PATH": str(docker.folder)}).path == docker.path
    with pytest.raises(PlatformError, match="need Docker; install it, or take CLUSTER=embedded"):
        find_containers({"PATH": ""})
    with pytest.raises(PlatformError, match="DOCKER=/no/such is not a program"):
        find_containers({"DOCKER": "/no/such", "PATH": ""})
