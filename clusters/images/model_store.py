"""The documented models without Google's storage: an object store beside the cluster that answers for gs:// URIs.

Documented URIs stay as they are. A ClusterStorageContainer claims the documented bucket and runs KServe's own
initializer image, told by Google's client variable STORAGE_EMULATOR_HOST to ask here. testcontainers starts
fake-gcs-server on a folder of downloaded models and removes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from clusters.images.container_cli import ContainerCli
from clusters.images.testcontainer import running
from conformance.base.clock import Clock
from conformance.base.errors import UsageError
from conformance.kube.storage_container import storage_container

Object = dict[str, Any]

BUCKET: Final = "kfserving-examples"
IMAGE: Final = "fsouza/fake-gcs-server:1.52.2"
PORT: Final = 4443


def claim(initializer: str, host: str) -> Object:
    """The ClusterStorageContainer that sends the documented bucket's URIs to the store at a host or address."""
    value = storage_container(initializer)
    container = value["spec"]["container"]
    del container["command"]
    container["resources"]["limits"]["memory"] = "1Gi"
    container["env"] = [{"name": "STORAGE_EMULATOR_HOST", "value": f"http://{host}:{PORT}"}]
    return value


@asynccontextmanager
async def model_store(
    folder: Path, docker: ContainerCli, network: str, clock: Clock, make: Callable[[], Any] | None = None
) -> AsyncIterator[str]:
    """Serve `folder` as the bucket in a Docker network, for the block; gives the container's name.

    Raises UsageError when the folder is not laid out so."""
    if not (folder / "models").is_dir():
        raise UsageError(f"install.models {folder}: no folder models; copy gs://{BUCKET}/models there")
    container = (make or _container)()
    container.with_volume_mapping(str(folder.resolve()), f"/data/{BUCKET}", "ro")
    container.with_command(f"-scheme http -port {PORT} -data /data -backend memory")
    container.with_kwargs(network=network)
    async with running(container, "the model store", IMAGE, docker, clock):
        yield str(container.get_wrapped_container().name)


def _container() -> Any:
    from testcontainers.core.container import DockerContainer

    return DockerContainer(IMAGE)
