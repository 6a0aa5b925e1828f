"""Keep the garbage collector from holding up an event loop.

A full collection walks every container there is: 0.2 s for the 300,000 of an embedded platform under the whole suite,
every few seconds, during which nothing is answered or stamped.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = (10_000, 20)
"""Thresholds of the two young generations, whose collections take a millisecond or two."""
NEVER: Final = 1_000_000_000
FULL_SECONDS: Final = 600.0
"""Between full collections, so that cycles of a long life are not kept for ever."""


@contextmanager
def rarely() -> Iterator[None]:
    """Full collections every ten minutes only; needs a running loop. What is there already is set aside, and stays so
    where somebody had set things aside before."""
    loop = asyncio.get_running_loop()
    before, was_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    gc.collect()
    gc.freeze()
    gc.set_threshold(*YOUNG, NEVER)

    pending: list[asyncio.TimerHandle] = []

    def full() -> None:
        gc.collect()
        pending[:] = [loop.call_later(FULL_SECONDS, full)]

    pending.append(loop.call_later(FULL_SECONDS, full))
    try:
        yield
    finally:
        pending.pop().cancel()
        gc.set_threshold(*before)
        if not was_frozen:
            gc.unfreeze()
