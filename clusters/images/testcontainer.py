"""Containers that testcontainers starts, as blocks: its blocking calls in threads, its failures as ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from clusters.images.container_cli import ContainerCli
from clusters.images.local_images import ensure
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError

REAPER: Final = "testcontainers/ryuk:0.8.1"
"""Removes containers that a killed run leaves behind; testcontainers' own default."""


def reaper() -> str | None:
    """The image that testcontainers starts beside its first container; None where its user turned that off."""
    from testcontainers.core.config import testcontainers_config

    return None if testcontainers_config.ryuk_disabled else str(testcontainers_config.ryuk_image)


@asynccontextmanager
async def running(container: Any, what: str, image: str, docker: ContainerCli, clock: Clock) -> AsyncIterator[Any]:
    """A container from its start to its removal. Raises PlatformError when it does not come up, with the image that
    cannot be had where that is why."""
    from docker.errors import DockerException

    for needed in (reaper(), image):
        if needed is not None:
            await ensure(docker, needed, clock)
    try:
        try:
            await asyncio.to_thread(container.start)
        except (DockerException, TimeoutError, OSError) as error:
            raise PlatformError(f"{what} ({image}) did not come up: {error}") from error
        yield container
    finally:
        # Also after a failed start: a container that never became ready is there all the same.
        await asyncio.to_thread(container.stop)


@asynccontextmanager
async def network(made: Any) -> AsyncIterator[Any]:
    """A Docker network for the block. Raises PlatformError when it cannot be made."""
    from docker.errors import DockerException

    try:
        await asyncio.to_thread(made.__enter__)
    except (DockerException, OSError) as error:
        raise PlatformError(f"a Docker network cannot be created: {error}") from error
    try:
        yield made
    finally:
        await asyncio.to_thread(made.__exit__, None, None, None)
