"""Puts the archives of `install.images` into the nodes of a kind cluster, under the names that manifests use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from clusters.images.container_cli import ContainerCli
from clusters.images.image_archives import ArchivedImage, archived_images, by_digest, carrying, whole
from clusters.kind.cli import KindCli
from conformance.base.announcements import announced
from conformance.base.clock import Clock
from conformance.base.errors import UsageError


async def load_archives(
    kind: KindCli, docker: ContainerCli, cluster: str, nodes: Sequence[str], folder: Path, clock: Clock
) -> None:
    """Load every archive of a folder into all nodes, but for those that a reused cluster has. Raises UsageError for one
    whose images have no name anywhere."""
    there = [await docker.node_images(node) for node in nodes]
    for path in sorted(folder.glob("*.tar")):
        images = await asyncio.to_thread(archived_images, path)
        if images and all(_held(image, node) for image in images for node in there):
            continue
        with announced(f"loading {path.name} into the nodes", clock):
            nameless = [image for image in images if not image.names]
            tags = [tag for image in nameless for tag in await _tagged(docker, image, path)]
            if not images or len(nameless) < len(images):
                await kind.load_archive(cluster, path)
            for tag in tags:
                await kind.load_image(cluster, tag)
            for name, wanted in by_digest([*(name for image in images for name in image.names), *tags]):
                for node in nodes:
                    await docker.execute(node, ["ctr", "--namespace=k8s.io", "images", "tag", "--force", name, wanted])


def _held(image: ArchivedImage, node: Mapping[str, frozenset[str]]) -> bool:
    """Whether a node has this very image under all its names."""
    names = {whole(name) for name in image.names} | {wanted for _, wanted in by_digest(image.names)}
    return bool(names) and names <= node.get(image.id, frozenset())


async def _tagged(docker: ContainerCli, image: ArchivedImage, path: Path) -> list[str]:
    """Tags that carry the digests under which the local Docker knows an image that its archive does not name."""
    tags = []
    for reference in await docker.digests(image.id):
        tags.append(carrying(reference))
        await docker.tag(reference, tags[-1])
    if not tags:
        raise UsageError(
            f"install.images: {path} holds {image.id} without a name, as docker save writes images named by digest; "
            "docker tag NAME@sha256:DIGEST NAME:sha256-DIGEST and save that"
        )
    return tags
