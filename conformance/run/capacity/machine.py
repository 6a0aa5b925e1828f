"""The machine that the harness runs on: whether it is busy before a run, and when it has become too busy to decide."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.base.clock import Clock, RealClock
from conformance.base.tasks import tasks

NAP_SECONDS: Final = 0.02
NAPS: Final = 100
"""A lag test of two seconds."""
BUSY_LOAD: Final = 1.0
"""Processes that want to run, for each core, beside the harness."""
BUSY_STEAL: Final = 0.05
BUSY_LAG_SECONDS: Final = 0.1
"""A fifth of the lag at which a recording decides nothing: runs only add to it."""
LAG_LIMIT_SECONDS: Final = 0.5
"""The judge's LOOP_LAG_SECONDS."""
WINDOW_SECONDS: Final = 30
LATE_SECONDS: Final = 3
"""Late seconds in the window at which 1 % of any scenario's are late, which is what the judge goes by."""


@dataclass(frozen=True, slots=True)
class MachineState:
    """How busy the machine is."""

    cores: int
    load: float
    """Processes that want to run, mean over a minute."""
    steal: float
    """Share of the CPU time that a hypervisor gave to others, during the lag test."""
    lag_seconds: float
    """The second latest of the naps: how late this process wakes."""

    def words(self) -> str:
        """In figures."""
        return (
            f"{self.cores} cores, load {self.load:.1f}, steal {self.steal:.0%}, wakes up to "
            f"{self.lag_seconds * 1000:.0f} ms late"
        )

    def complaints(self) -> tuple[str, ...]:
        """Why a run might not decide."""
        found = []
        if self.load / self.cores > BUSY_LOAD:
            found.append(f"{self.load:.1f} processes want {self.cores} cores")
        if self.steal > BUSY_STEAL:
            found.append(f"the hypervisor takes {self.steal:.0%} of the CPU time")
        if self.lag_seconds > BUSY_LAG_SECONDS:
            found.append(f"this process wakes {self.lag_seconds:.2f} s late")
        return tuple(found)


async def look(clock: Clock) -> MachineState:
    """A lag test of two seconds, and what the kernel says. Without /proc the load is all that is known."""
    before, late = _steal(), []
    for _ in range(NAPS):
        due = clock.monotonic() + NAP_SECONDS
        await clock.sleep(NAP_SECONDS)
        late.append(max(0.0, clock.monotonic() - due))
    after = _steal()
    spent = max(1, after[1] - before[1])
    return MachineState(os.cpu_count() or 1, os.getloadavg()[0], (after[0] - before[0]) / spent, sorted(late)[-2])


def _steal() -> tuple[int, int]:
    """Ticks stolen and ticks in all, of all cores."""
    try:
        fields = [int(word) for word in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0, 0
    return fields[7], sum(fields)


class LagWatch:
    """Tells once when the harness is too late too often for any scenario to be decided."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=WINDOW_SECONDS)
        self._told = False

    def add(self, lag_seconds: float) -> str | None:
        """One second's lag; a warning when it is due."""
        self._late.append(lag_seconds)
        late = [lag for lag in self._late if lag > LAG_LIMIT_SECONDS]
        if self._told or len(late) < LATE_SECONDS:
            return None
        self._told = True
        return (
            f"warning: this machine is too busy to decide: in {len(late)} of the last {len(self._late)} s the harness "
            f"was up to {max(late):.1f} s late, {LAG_LIMIT_SECONDS:g} s is the limit; stop what else runs here, or "
            "interrupt the run"
        )


@asynccontextmanager
async def watched(clock: Clock, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Warn early in a run of real time, while the block lasts: at once when the machine is busy already, later when
    the harness is too late too often."""
    if not isinstance(clock, RealClock):
        yield
        return
    async with tasks() as group:
        watching = group.create_task(_watch(clock, say))
        yield
        watching.cancel()


async def _watch(clock: Clock, say: Callable[[str], None]) -> None:
    state = await look(clock)
    if complaints := state.complaints():
        say(f"warning: this machine is busy: {'; '.join(complaints)}; a run may not be able to decide")
    watch = LagWatch()
    while True:
        due = clock.monotonic() + 1.0
        await clock.sleep(1.0)
        if warning := watch.add(max(0.0, clock.monotonic() - due)):
            say(warning)
