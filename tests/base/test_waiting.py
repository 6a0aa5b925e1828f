"""Waiting for a condition: at once, later, held, and not at all."""

from __future__ import annotations

from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.waiting import until


class Timeline:
    """Changes only with time: observed by waiting for it to pass."""

    async def changed(self, within: float) -> None:
        await virtual_clock().sleep(min(within, 0.5))


def test_a_condition_that_holds_already_is_returned_at_once() -> None:
    async def main() -> tuple[str | None, float]:
        clock = virtual_clock()
        return await until(lambda: "yes", Timeline(), clock, within=10), clock.monotonic()

    assert run_virtual(main()) == ("yes", 0.0)


def test_a_condition_must_stay_true_for_the_holding_time() -> None:
    async def main() -> tuple[bool | None, float]:
        clock = virtual_clock()

        def flaps() -> bool | None:
            return True if 2 <= clock.monotonic() < 4 or clock.monotonic() >= 6 else None

        return await until(flaps, Timeline(), clock, within=60, holding=3), clock.monotonic()

    assert run_virtual(main()) == (True, 9.0)


def test_a_condition_that_never_holds_gives_none_after_the_limit() -> None:
    async def main() -> tuple[object, float]:
        clock = virtual_clock()
        return await until(lambda: None, Timeline(), clock, within=7), clock.monotonic()

    assert run_virtual(main()) == (None, 7.0)
