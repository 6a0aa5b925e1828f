"""What kind and k3s need before there is a cluster: a container tool, a release, the images of what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clusters import versions
from clusters.images.container_cli import find_containers
from clusters.images.image_registry import IMAGE as REGISTRY
from clusters.install.manifests import local_images
from conformance.settings.providers import Prerequisite
from conformance.settings.settings import Settings


def installed_images(settings: Settings, node: str, *, registry: bool = True) -> Iterator[str]:
    """The node's image, that of the registry beside it, and those of the components, as far as their manifests are on
    this machine."""
    yield node
    if registry:
        yield REGISTRY
    steps = versions.steps(versions.row(settings.install.kserve), settings.install.network_layer)
    folder = settings.install.manifests
    images, absent = local_images(Path(folder) if folder else None, [url for step in steps for url in step.manifests])
    yield from images
    if absent:
        yield f"and those of {absent} manifests that are not on this machine yet"


async def container_tool() -> Prerequisite:
    """Docker with a running daemon. Raises PlatformError where there is none."""
    containers = find_containers()
    return Prerequisite("containers", f"{containers.path}, server {await containers.server()}")


def release(settings: Settings) -> Prerequisite:
    """Versions that would be installed. Raises UsageError for a row that is not there."""
    row = versions.row(settings.install.kserve)
    return Prerequisite("versions", f"KServe {row.kserve}, Knative {row.knative}, {settings.install.network_layer}")
