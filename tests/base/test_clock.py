"""Virtual time moves only when nothing is left to do, and then exactly to the next timer."""

from __future__ import annotations

import asyncio

import pytest

from conformance.base.clock import VIRTUAL_EPOCH_SECONDS, run_virtual, virtual_clock


def test_an_hour_of_sleep_takes_an_hour_of_virtual_time_exactly() -> None:
    async def main() -> tuple[float, float]:
        clock = virtual_clock()
        await clock.sleep(3600)
        return clock.monotonic(), clock.wall()

    assert run_virtual(main()) == (3600.0, VIRTUAL_EPOCH_SECONDS + 3600)


def test_timers_fire_in_order_of_their_time_then_of_their_setting() -> None:
    async def main() -> list[tuple[float, str]]:
        clock = virtual_clock()
        seen: list[tuple[float, str]] = []

        async def note(seconds: float, name: str) -> None:
            await clock.sleep(seconds)
            seen.append((clock.monotonic(), name))

        async with asyncio.TaskGroup() as group:
            for seconds, name in ((2.0, "b"), (1.0, "a"), (2.0, "c"), (0.1, "first")):
                group.create_task(note(seconds, name))
        return seen

    assert run_virtual(main()) == [(0.1, "first"), (1.0, "a"), (2.0, "b"), (2.0, "c")]


def test_timeouts_work_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return virtual_clock().monotonic()

    assert run_virtual(main()) == 30.0


def test_a_loop_in_which_nothing_can_ever_happen_says_so_instead_of_hanging() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match=r"^virtual time stands still: every task waits and no timer is set$"):
        run_virtual(main())


def test_a_virtual_clock_outside_a_virtual_loop_is_refused() -> None:
    async def main() -> None:
        virtual_clock()

    with pytest.raises(RuntimeError, match="needs to run inside run_virtual"):
        asyncio.run(main())
