"""Images that Docker itself must have: taken where they are there, else pulled, and named where neither works."""

from __future__ import annotations

from typing import Final

from clusters.images.container_cli import ContainerCli
from conformance.base.announcements import announce, announced
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError

REMEDY: Final = "put it into the local Docker (docker pull, docker load)"


async def ensure(docker: ContainerCli, image: str, clock: Clock, remedy: str = REMEDY) -> None:
    """Pull an image unless it is there. Raises PlatformError with the image, why it cannot be had, and the remedy."""
    if await docker.has(image):
        return
    try:
        with announced(f"pulling {image}", clock):
            await docker.pull(image)
    except PlatformError as error:
        raise PlatformError(
            f"image {image} is not in the local Docker and cannot be pulled: {error}; {remedy}"
        ) from error


async def node_image(docker: ContainerCli, wanted: str, clock: Clock) -> str:
    """The reference under which kind finds the node image: as wanted, or by its tag alone where only that is there.

    `docker load` leaves an image without its digest, and kind would go out to pull it. Raises PlatformError."""
    tag, _, digest = wanted.partition("@")
    if digest and ":" in tag.rpartition("/")[2] and not await docker.has(wanted) and await docker.has(tag):
        announce(f"node image {tag} is in the local Docker without its digest; taken by its tag, unchecked")
        return tag
    await ensure(docker, wanted, clock, f"{REMEDY}, or name another in install.node_image")
    return wanted
