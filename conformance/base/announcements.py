"""Lines for whoever waits, from code that knows nothing of terminals: what a provider does while a cluster comes up.

A logger of its own carries them, so that they stand in `harness.log` beside everything else and a provider needs
nothing handed to it. Who has a terminal shows them with `announcements`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from conformance.base.clock import Clock

logger = logging.getLogger(__name__)


def announce(text: str, level: int = logging.INFO) -> None:
    """Say one line."""
    logger.log(level, "%s", text)


@contextmanager
def announced(what: str, clock: Clock) -> Iterator[None]:
    """Say what begins and, once it is done, how many seconds it took."""
    announce(f"{what} ...")
    begun = clock.monotonic()
    yield
    announce(f"{what}: {clock.monotonic() - begun:.1f} s")


@contextmanager
def announcements(show: Callable[[str], None]) -> Iterator[None]:
    """Hand every line to `show` while the block lasts."""
    handler = _Handler(show)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())
