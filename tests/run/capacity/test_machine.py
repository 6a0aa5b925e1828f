"""The harness's own machine: complaints before a run, one warning during it."""

from __future__ import annotations

import asyncio

import pytest

from conformance.base.clock import RealClock, run_virtual, virtual_clock
from conformance.run.capacity.machine import BUSY_LAG_SECONDS, LagWatch, MachineState, look, watched


class Starved(RealClock):
    """A machine's clock on which every wait takes longer than was asked for, without anybody waiting."""

    def __init__(self, late_seconds: float) -> None:
        self._late_seconds = late_seconds
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds + self._late_seconds
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        (MachineState(2, 1.9, 0.0, 0.01), None),
        (MachineState(2, 18.3, 0.0, 0.01), "18.3 processes want 2 cores"),
        (MachineState(16, 18.3, 0.2, 0.01), "18.3 processes want 16 cores"),
        (MachineState(4, 1.0, 0.2, 0.01), "the hypervisor takes 20% of the CPU time"),
        (MachineState(4, 1.0, 0.0, 0.34), "this process wakes 0.34 s late"),
    ],
)
def test_a_busy_machine_is_told_by_load_steal_and_lag(state: MachineState, complaint: str | None) -> None:
    found = state.complaints()
    assert found[:1] == ((complaint,) if complaint else ())


def test_the_lag_test_takes_two_seconds_and_finds_none_where_time_is_virtual() -> None:
    async def main() -> tuple[MachineState, float]:
        clock = virtual_clock()
        return await look(clock), clock.monotonic()

    state, seconds = run_virtual(main())
    assert state.lag_seconds == pytest.approx(0.0, abs=1e-6)
    assert seconds == pytest.approx(2.0)


def test_a_run_that_can_no_longer_decide_is_told_once_and_early() -> None:
    watch = LagWatch()
    said = [watch.add(lag) for lag in (0.0, 0.8, 0.1, 1.4, 0.6, 2.0, 2.0)]
    assert [second for second, text in enumerate(said) if text] == [4]
    assert said[4] is not None
    assert said[4].startswith(
        "warning: this machine is too busy to decide: in 3 of the last 5 s the harness was up to 1.4 s late"
    )


def test_a_single_hiccup_warns_nobody() -> None:
    watch = LagWatch()
    assert not any(watch.add(0.9 if second % 20 == 0 else 0.01) for second in range(200))


@pytest.mark.parametrize(
    ("late_seconds", "told"), [(0.0, 0), (2 * BUSY_LAG_SECONDS, 1), (0.9, 2)], ids=["idle", "busy", "starved"]
)
def test_a_run_is_told_at_once_of_a_busy_machine_and_again_when_it_can_no_longer_decide(
    late_seconds: float, told: int
) -> None:
    async def main() -> list[str]:
        said: list[str] = []
        async with watched(Starved(late_seconds), said.append):
            for _ in range(400):
                await asyncio.sleep(0)
        return said

    said = [text for text in asyncio.run(main()) if f"{late_seconds:.2f} s late" in text or "too busy" in text]
    assert len(said) == told
    assert all(text.startswith("warning: this machine is") for text in said)


def test_a_run_in_virtual_time_is_told_nothing() -> None:
    async def main() -> list[str]:
        said: list[str] = []
        async with watched(virtual_clock(), said.append):
            await asyncio.sleep(60.0)
        return said

    assert run_virtual(main()) == []
