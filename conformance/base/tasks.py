"""Task groups whose one failure comes out as itself, so that callers can catch it by its class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup that raises the first failure instead of a group; the group stays attached as its cause."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise first(errors) from errors


def first(error: BaseException) -> BaseException:
    """The first leaf of an exception group; the error itself when it is none."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
