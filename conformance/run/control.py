"""What a run does when a scenario fails: go on or stop, and keep what it made or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from conformance.recording.run_record import ScenarioRun

Failures = Callable[[ScenarioRun], Awaitable[tuple[str, ...]]]
"""Ids of the requirements that a scenario's recording fails."""


async def _none(done: ScenarioRun) -> tuple[str, ...]:
    del done
    return ()


@dataclass(frozen=True, slots=True)
class Control:
    """By the settings of the same names; `failures` is asked only where it matters before the end."""

    fail_fast: bool = False
    keep_namespaces: str = "never"
    failures: Failures = _none

    @property
    def asks(self) -> bool:
        """Whether a scenario's verdicts are wanted as soon as it is over."""
        return self.fail_fast or self.keep_namespaces == "on-failure"

    def keeps(self, failed: str) -> bool:
        """Whether the namespace of a scenario stays, which `failed` or is whole."""
        return self.keep_namespaces == "always" or (self.keep_namespaces == "on-failure" and bool(failed))
