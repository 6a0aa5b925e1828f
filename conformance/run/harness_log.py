"""What the suite itself did, as log lines: `harness.log` in the run folder, and on the terminal with --verbose.

Stamped by the run's own clock, so that a line is found in a recording by its time; without secrets and the site's
names, as recordings are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from conformance.base import announcements
from conformance.base.clock import Clock
from conformance.base.terminal import printable
from conformance.recording.redaction import Redactor
from conformance.run import run_lines

FILE: Final = "harness.log"
logger = logging.getLogger(__name__)
LOGGERS: Final = ("conformance", "clusters", "reports")


class _Lines(logging.Formatter):
    """`TIME LEVEL logger: text`, one line a record but for tracebacks."""

    def __init__(self, clock: Clock, redactor: Redactor) -> None:
        super().__init__()
        self._clock = clock
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(self._clock.wall(), UTC).isoformat(timespec="milliseconds")
        text = printable(record.getMessage())
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return self._redactor.text(f"{stamp} {record.levelname:<7} {record.name}: {text}")


class _Shown(logging.Handler):
    """Hands each line on to whoever prints them."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show
        # Those are shown as they are, whether details are wanted or not, and the run as a whole on its table.
        self.addFilter(lambda record: record.name not in (announcements.__name__, run_lines.__name__))

    def emit(self, record: logging.LogRecord) -> None:
        self._show(f"{record.levelname.lower()} {record.getMessage()}")


@contextmanager
def harness_log(
    folder: Path, clock: Clock, redactor: Redactor, show: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Write `harness.log` into `folder` while the block lasts, and `show` all but details where that is given; the
    loggers are left as they were found."""
    file = logging.FileHandler(folder / FILE, encoding="utf-8", errors="replace")
    file.setFormatter(_Lines(clock, redactor))
    handlers: list[logging.Handler] = [file, *([_Shown(show)] if show else [])]
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in LOGGERS]
    for found, _ in before:
        found.setLevel(logging.DEBUG)
        for handler in handlers:
            found.addHandler(handler)
    try:
        yield
    except Exception as error:
        logger.critical("the run broke off", exc_info=error)
        raise
    finally:
        for found, level in before:
            found.setLevel(level)
            for handler in handlers:
                found.removeHandler(handler)
        file.close()
