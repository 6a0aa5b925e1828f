"""What kind and k3s need before there is a cluster: a container tool, a release, the images of what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clusters import versions
from clusters.images.container_cli import find_containers
from clusters.images.image_names import DOCUMENTED
from clusters.images.image_registry import IMAGE as REGISTRY
from clusters.images.model_store import IMAGE as MODEL_STORE
from clusters.images.testcontainer import REAPER
from clusters.images.witness_build import base_image, built_witness
from clusters.install.manifests import local_images
from conformance.kube.serving_runtimes import TRANSFORMER_IMAGE
from conformance.settings.providers import Prerequisite
from conformance.settings.settings import Settings


def needed_images(settings: Settings, node: str, *, registry: bool) -> Iterator[str]:
    """Images of the scenarios' pods, of the node and of what runs beside it, and those of the components as far as
    their manifests are on this machine."""
    yield from DOCUMENTED if settings.model == "real" else _witness(settings)
    yield node
    if registry:
        yield REGISTRY
    if settings.model == "real" and settings.install.models is not None:
        yield MODEL_STORE
    if registry or settings.install.models is not None:
        yield f"{REAPER} (removes containers that a killed run leaves)"
    row = versions.row(settings.install.kserve)
    steps = (*versions.steps(row, settings.install.network_layer), *versions.profile_steps(row, settings.profiles))
    folder = settings.install.manifests
    images, absent = local_images(Path(folder) if folder else None, [url for step in steps for url in step.manifests])
    yield from images
    if absent:
        yield f"and those of {absent} manifests that are not on this machine yet"


def _witness(settings: Settings) -> Iterator[str]:
    if settings.placement.witness_image:
        yield settings.placement.witness_image
    else:
        yield f"{built_witness()} (built here unless the local Docker has it)"
        yield f"{base_image()} (what it is built on)"
    yield f"{TRANSFORMER_IMAGE} (the witness under this name)"


async def container_tool() -> Prerequisite:
    """Docker with a running daemon. Raises PlatformError where there is none."""
    containers = find_containers()
    return Prerequisite("containers", f"{containers.path}, server {await containers.server()}")


def release(settings: Settings) -> Prerequisite:
    """Versions that would be installed. Raises UsageError for a row that is not there."""
    row = versions.row(settings.install.kserve)
    return Prerequisite("versions", f"KServe {row.kserve}, Knative {row.knative}, {settings.install.network_layer}")
