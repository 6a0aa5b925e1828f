"""Containers that testcontainers starts, as blocks: its blocking calls in threads, its failures as ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from conformance.base.errors import PlatformError


@asynccontextmanager
async def running(container: Any, what: str) -> AsyncIterator[Any]:
    """A container from its start to its removal. Raises PlatformError when it does not come up."""
    from docker.errors import DockerException

    try:
        try:
            await asyncio.to_thread(container.start)
        except (DockerException, TimeoutError, OSError) as error:
            raise PlatformError(f"{what} did not come up: {error}") from error
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
