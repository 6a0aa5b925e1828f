import asyncio
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest
import yaml

from clusters.images.container_cli import ContainerCli
from clusters.images.image_names import mirrored, repository, witness_image
from clusters.images.image_registry import ImageRegistry, fill, mirror_hosts_toml, registry
from clusters.images.local_images import ensure
from clusters.images.testcontainer import REAPER, reaper
from clusters.images.witness_build import base_image, build_context, built_witness
from clusters.k3s.k3s_provider import K3sProvider
from conformance.base.announcements import announcements
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError, UsageError
from conformance.settings.settings import Placement, Settings
from tests.clusters.hasty_clock import HastyClock
from tests.clusters.stand_in import StandIn, stand_in


class Container:
    """What testcontainers' containers answer, without Docker; keeps the calls."""

    def __init__(
        self,
        *,
        starts: bool = True,
        host: str = "localhost",
        ports: Mapping[int, str] = MappingProxyType({5000: "32768"}),
        kubeconfig: str = "",
    ) -> None:
        self.calls: list[tuple[str, object]] = []
        self._starts = starts
        self._host = host
        self._ports = ports
        self._kubeconfig = kubeconfig

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("with_"):
            raise AttributeError(name)
        return lambda *values, **named: self.calls.append((name, named or values))

    def start(self) -> None:
        self.calls.append(("start", ()))
        if not self._starts:
            raise TimeoutError("no line 'Node controller sync successful' in 120 s")

    def stop(self) -> None:
        self.calls.append(("stop", ()))

    def get_container_host_ip(self) -> str:
        return self._host

    def get_exposed_port(self, port: int) -> str:
        return self._ports[port]

    def config_yaml(self) -> str:
        return self._kubeconfig

    def get_wrapped_container(self) -> SimpleNamespace:
        return SimpleNamespace(name="mirror-1")


def docker_with_images(tmp_path: Path) -> StandIn:
    """A docker that has every image asked for."""
    return stand_in(tmp_path, "docker").answer("image inspect --format {{.Id}}", out="sha256:1\n")


async def test_a_registry_starts_in_the_network_and_is_pushed_to_on_the_daemons_loopback(tmp_path: Path) -> None:
    """Joining a network later moves the published port, and in a container testcontainers names the bridge."""
    container = Container(host="172.18.0.5", ports={})
    docker = docker_with_images(tmp_path).answer("port", out="0.0.0.0:32770\n[::]:32770\n")
    async with registry(ContainerCli(docker.path), "kind", HastyClock(), lambda: container) as place:
        assert place == ImageRegistry("127.0.0.1:32770", "mirror-1")
        assert place.inside == "http://mirror-1:5000"
    assert container.calls == [
        ("with_exposed_ports", (5000,)),
        ("with_kwargs", {"network": "kind"}),
        ("start", ()),
        ("stop", ()),
    ]
    assert docker.calls[-1] == "port mirror-1 5000/tcp"


async def test_the_image_that_is_missing_is_the_one_that_is_named(tmp_path: Path) -> None:
    missing = "image inspect --format {{.Id}} testcontainers/ryuk"
    docker = stand_in(tmp_path, "docker").answer(missing, err="Error: No such image\n", code=1)
    docker.answer("image inspect", out="sha256:1\n").answer("pull", err="connection refused\n", code=1)
    with pytest.raises(PlatformError, match=r"^image testcontainers/ryuk:0\.8\.1 is not in the local Docker"):
        async with registry(ContainerCli(docker.path), "kind", HastyClock(), Container):
            pass


async def test_an_image_that_is_not_here_is_pulled_and_said(tmp_path: Path) -> None:
    docker = stand_in(tmp_path, "docker").answer("image inspect", err="Error: No such image\n", code=1).answer("pull")
    said: list[str] = []
    with announcements(said.append):
        await ensure(ContainerCli(docker.path), "registry:2", HastyClock())
    assert docker.calls[-1] == "pull --quiet registry:2"
    assert said == ["pulling registry:2 ...", "pulling registry:2: 0.0 s"]


def test_the_reaper_that_is_listed_is_the_one_that_testcontainers_starts() -> None:
    assert reaper() == REAPER


def test_the_witness_is_named_by_what_it_is_built_from(tmp_path: Path) -> None:
    with build_context() as (_, folder):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    fixtures = tmp_path / "fixtures"
    first = built_witness(tmp_path, fixtures)
    assert first == built_witness()
    (tmp_path / "README.md").write_text("not part of it", encoding="utf-8")
    assert built_witness(tmp_path, fixtures) == first
    (tmp_path / "clusters" / "witness" / "witness.py").write_text("b", encoding="utf-8")
    assert built_witness(tmp_path, fixtures) != first
    assert re.fullmatch(r"serving-conformance/witness:0\.1\.0-[0-9a-f]{12}", first)
    assert re.fullmatch(r"docker\.io/library/python:3\.13-slim-bookworm@sha256:[0-9a-f]{64}", base_image())


def test_nodes_ask_the_mirror_first_for_anything_of_docker_hub() -> None:
    place = ImageRegistry("localhost:1", "mirror-1")
    assert b'server = "https://registry-1.docker.io"' in place.hosts_toml()
    assert b'[host."http://mirror-1:5000"]' in place.hosts_toml()
    assert yaml.safe_load(place.registries_yaml()) == {"mirrors": {"docker.io": {"endpoint": ["http://mirror-1:5000"]}}}


def test_a_users_mirror_comes_after_ours_and_serves_all_other_registries() -> None:
    place = ImageRegistry("localhost:1", "mirror-1")
    text = place.hosts_toml("http://cache:5000").decode()
    assert text.index("mirror-1:5000") < text.index('[host."http://cache:5000"]')
    assert mirror_hosts_toml("cache.example.net/proxy").decode() == (
        '[host."https://cache.example.net/v2/proxy"]\n  capabilities = ["pull", "resolve"]\n  override_path = true\n'
    )
    endpoints = yaml.safe_load(place.registries_yaml("cache:5000"))["mirrors"]
    assert endpoints["*"] == {"endpoint": ["https://cache:5000"]}
    assert endpoints["docker.io"] == {"endpoint": ["http://mirror-1:5000", "https://cache:5000"]}


async def test_a_witness_that_cannot_be_built_here_may_come_from_elsewhere(tmp_path: Path) -> None:
    error = 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: network is unreachable\n'
    docker = stand_in(tmp_path, "docker").answer("image inspect", err="Error: No such image\n", code=1)
    docker.answer("build", err=error, code=1)
    with pytest.raises(PlatformError) as caught:
        await fill(ContainerCli(docker.path), ImageRegistry("localhost:1", "mirror-1"), HastyClock())
    text = str(caught.value)
    assert text.startswith("the witness cannot be built here: docker build")
    assert "network is unreachable" in text
    assert f"under the name {built_witness()} and put it into the local Docker" in text


@pytest.mark.parametrize("built", [True, False])
async def test_the_witness_is_pushed_under_its_own_name_and_the_transformers(tmp_path: Path, built: bool) -> None:
    docker = stand_in(tmp_path, "docker").answer(
        "image inspect --format {{.Id}}", out="sha256:1\n", code=0 if built else 1
    )
    docker.answer("build").answer("tag").answer("push")
    ours = '["localhost:1/serving-conformance/witness@sha256:ab","localhost:1/kserve/image-transformer@sha256:ab"]'
    docker.answer("image inspect --format {{json .RepoDigests}}", out=ours)
    image = await fill(ContainerCli(docker.path), ImageRegistry("localhost:1", "mirror-1"), HastyClock())
    assert image == "docker.io/serving-conformance/witness@sha256:ab"
    builds = [call for call in docker.calls if call.startswith("build --file ")]
    assert bool(builds) is not built
    assert all(f"--tag {built_witness()} " in call for call in builds)
    pushed = [call for call in docker.calls if call.startswith("push")]
    assert pushed == [
        "push --quiet localhost:1/serving-conformance/witness:0.1.0",
        "push --quiet localhost:1/kserve/image-transformer:latest",
    ]


async def test_a_witness_image_of_ones_own_that_is_not_here_is_pulled(tmp_path: Path) -> None:
    name = "registry.example.net/witness@sha256:1"
    docker = stand_in(tmp_path, "docker")
    docker.answer(f"image inspect --format {{{{.Id}}}} {name}", err="Error: No such image\n", code=1)
    docker.answer("pull").answer("tag").answer("push")
    ours = '["localhost:1/serving-conformance/witness@sha256:ab","localhost:1/kserve/image-transformer@sha256:ab"]'
    docker.answer("image inspect --format {{json .RepoDigests}}", out=ours)
    await fill(ContainerCli(docker.path), ImageRegistry("localhost:1", "mirror-1"), HastyClock(), name)
    assert docker.calls[1:3] == [
        f"pull --quiet {name}",
        f"tag {name} localhost:1/serving-conformance/witness:0.1.0",
    ]


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("redis", ("docker.io", "library/redis")),
        ("kserve/image-transformer:latest", ("docker.io", "kserve/image-transformer:latest")),
        ("ghcr.io/a/b@sha256:1", ("ghcr.io", "a/b@sha256:1")),
        ("localhost:5000/a", ("localhost:5000", "a")),
    ],
)
def test_an_image_reference_names_its_registry_or_means_docker_hub(reference: str, parts: tuple[str, str]) -> None:
    assert repository(reference) == parts


def test_the_witness_comes_from_where_the_settings_say() -> None:
    assert witness_image(Settings()) == "serving-conformance/witness:0.1.0"
    assert witness_image(Settings(placement=Placement(registry_mirror="r:5000/mirror/"))) == (
        "r:5000/mirror/serving-conformance/witness:0.1.0"
    )
    assert witness_image(Settings(placement=Placement(witness_image="x@sha256:1", registry_mirror="r"))) == "x@sha256:1"
    assert mirrored("redis:7", None) == "redis:7"


async def test_k3s_in_a_container_has_no_real_accelerators() -> None:
    with pytest.raises(UsageError, match="gpu real needs cluster kind or existing"):
        async with K3sProvider(Settings(cluster="k3s", gpu="real"), RealClock()).open():
            pass


async def test_a_k3s_server_that_does_not_come_up_is_taken_away_again(tmp_path: Path) -> None:
    server = Container(starts=False)
    images = []

    def make(image: str) -> Container:
        images.append(image)
        return server

    provider = K3sProvider(Settings(cluster="k3s"), RealClock(), factory=SimpleNamespace(server=make))
    docker = ContainerCli(docker_with_images(tmp_path).path)
    with pytest.raises(PlatformError, match=r"k3s \(rancher/k3s:v1\.34\.1-k3s1\) did not come up"):
        async with provider._server(docker, tmp_path, ImageRegistry("localhost:1", "mirror-1"), "net"):
            await asyncio.sleep(0)
    names = [name for name, _ in server.calls]
    assert names == ["with_exposed_ports", "with_network", "with_volume_mapping", "start", "stop"]
    mapping = dict(server.calls)["with_volume_mapping"]
    assert mapping == (str(tmp_path / "registries.yaml"), "/etc/rancher/k3s/registries.yaml", "ro")
    assert images == ["rancher/k3s:v1.34.1-k3s1"]


def test_what_is_called_here_is_what_testcontainers_has() -> None:
    from testcontainers.community.k3s import K3SContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network

    names = "with_exposed_ports with_network with_kwargs with_volume_mapping with_command start stop waiting_for"
    answers = "get_container_host_ip get_exposed_port get_wrapped_container"
    assert all(hasattr(DockerContainer, name) for name in f"{names} {answers}".split())
    assert hasattr(K3SContainer, "config_yaml")
    assert hasattr(Network, "__enter__")
    assert hasattr(Network, "__exit__")


async def test_a_container_that_does_not_come_up_is_removed_and_told(tmp_path: Path) -> None:
    container = Container(starts=False)
    docker = ContainerCli(docker_with_images(tmp_path).path)
    with pytest.raises(PlatformError, match=r"the registry \(registry:2\) did not come up: no line"):
        async with registry(docker, "kind", HastyClock(), lambda: container):
            pass
    assert container.calls[-1] == ("stop", ())
