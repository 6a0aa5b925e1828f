"""The collector stays out of the way."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from conformance.base import gc_tuning
from conformance.base.clock import VirtualLoop


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


def _knots() -> int:
    return sum(type(one) is Knot for one in gc.get_objects())


@pytest.mark.asyncio
async def test_no_full_collection_happens_by_itself() -> None:
    with gc_tuning.rarely():
        fulls = gc.get_stats()[2]["collections"]
        kept = [[number] for number in range(400_000)]
        assert gc.get_stats()[2]["collections"] == fulls
    del kept


@pytest.fixture
def thawed() -> Iterator[None]:
    """Nothing is set aside, not even what the tests' own collection made."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.asyncio
@pytest.mark.usefixtures("thawed")
async def test_the_collector_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    with gc_tuning.rarely():
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


@pytest.mark.asyncio
@pytest.mark.usefixtures("thawed")
async def test_what_was_set_aside_before_stays_so() -> None:
    gc.freeze()
    with gc_tuning.rarely():
        pass
    assert gc.get_freeze_count() > 0


def test_cycles_are_collected_in_the_end() -> None:
    import asyncio

    async def live() -> int:
        with gc_tuning.rarely():
            Knot()
            await asyncio.sleep(gc_tuning.FULL_SECONDS + 1)
            return _knots()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(live()) == 0
