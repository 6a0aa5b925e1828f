"""Hands a judged run to every reporter that is installed (entry points of the group `conformance.reporters`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, cast

from conformance.base import plugins
from conformance.base.errors import UsageError
from conformance.judge.judged_run import JudgedRun

Reporter = Callable[[JudgedRun], None]
DEFAULT: Final = "default"
"""The suite's own reports."""


def report(judged: JudgedRun) -> None:
    """Let all reporters write, the suite's own last: its manifest lists what the others left in the run's folder. It
    writes even if one of the others fails, whose error is raised then. Raises UsageError when one is not there."""
    with ExitStack() as waiting:
        waiting.callback(_reporter(DEFAULT), judged)
        for name in plugins.names(plugins.REPORTERS):
            if name != DEFAULT:
                waiting.callback(_reporter(name), judged)


def _reporter(name: str) -> Reporter:
    found = plugins.load(plugins.REPORTERS, name)
    if not callable(found):
        raise UsageError(f"{plugins.REPORTERS}: {name} is no function but {type(found).__name__}")
    return cast(Reporter, found)
