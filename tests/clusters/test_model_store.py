from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from clusters.images.container_cli import ContainerCli
from clusters.images.model_store import claim, model_store
from clusters.provisioning.installed_stack import model_source
from conformance.base.errors import UsageError
from conformance.settings.settings import Install, Settings
from tests.clusters.hasty_clock import HastyClock
from tests.clusters.stand_in import stand_in
from tests.clusters.test_registry import Container, docker_with_images


async def test_a_copy_of_the_bucket_is_served_for_the_block(tmp_path: Path) -> None:
    (tmp_path / "models" / "tensorflow").mkdir(parents=True)
    container = Container()
    docker = ContainerCli(docker_with_images(tmp_path).path)
    async with model_store(tmp_path, docker, "net", HastyClock(), lambda: container) as name:
        assert name == "mirror-1"
    calls = dict(container.calls)
    assert calls["with_kwargs"] == {"network": "net"}
    assert calls["with_volume_mapping"] == (str(tmp_path), "/data/kfserving-examples", "ro")
    assert calls["with_command"] == ("-scheme http -port 4443 -data /data -backend memory",)
    assert [name for name, _ in container.calls][-2:] == ["start", "stop"]


async def test_a_folder_that_is_no_copy_of_the_bucket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="copy gs://kfserving-examples/models there"):
        async with model_store(tmp_path, ContainerCli("docker"), "net", HastyClock(), Container):
            pass


def test_kserves_own_initializer_is_sent_to_the_store() -> None:
    value = claim("kserve/storage-initializer:v0.20.0", "172.18.0.9")
    container = value["spec"]["container"]
    assert container["image"] == "kserve/storage-initializer:v0.20.0"
    assert container["env"] == [{"name": "STORAGE_EMULATOR_HOST", "value": "http://172.18.0.9:4443"}]
    assert "command" not in container
    assert value["spec"]["supportedUriFormats"] == [{"prefix": "gs://kfserving-examples/"}]


async def test_models_come_from_the_witness_or_from_where_they_are() -> None:
    async with AsyncExitStack() as stack:
        docker = ContainerCli("docker")
        made = await model_source(stack, Settings(cluster="kind"), docker, "w@sha256:1", "kind", HastyClock())
        assert made is not None
        assert made["spec"]["container"]["command"] == ["python", "-m", "clusters.witness.model_storage"]
        real = Settings(cluster="kind", model="real")
        assert await model_source(stack, real, docker, "w", "kind", HastyClock()) is None


async def test_the_store_is_found_by_its_address(tmp_path: Path) -> None:
    docker = stand_in(tmp_path, "docker").answer("container inspect", out="172.18.0.9\n")
    assert await ContainerCli(docker.path).address("store", "kind") == "172.18.0.9"
    assert docker.calls == ['container inspect --format {{(index .NetworkSettings.Networks "kind").IPAddress}} store']


async def test_a_missing_folder_of_models_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = Settings(cluster="kind", model="real", install=Install(models=str(tmp_path / "none")))
    async with AsyncExitStack() as stack:
        with pytest.raises(UsageError, match="no folder models"):
            await model_source(stack, settings, ContainerCli("docker"), "w", "kind", HastyClock())
