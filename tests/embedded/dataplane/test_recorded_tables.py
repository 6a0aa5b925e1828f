"""The data plane's parts against what the real code did, in virtual time; `golden` replays its choices of pods."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.activator_meter import ActivatorMeter
from clusters.embedded.dataplane.breaker import Breaker, QueueFullError
from clusters.embedded.dataplane.revision import RevisionKey, RevisionSpec
from clusters.embedded.dataplane.stats import RequestStats
from clusters.embedded.dataplane.throttler import Throttler
from conformance.base.clock import run_virtual
from tests.embedded.dataplane.tables import rows, sequences

KEY = RevisionKey("ns", "r")


@pytest.mark.parametrize("row", rows("queue_breaker"), ids=str)
def test_a_breaker_runs_queues_and_refuses_as_recorded(row: list[int]) -> None:
    concurrency, sent, running, waiting, rejected, _ = row

    async def main() -> tuple[int, int, int]:
        behaviour = Behaviour()
        breaker = Breaker(behaviour.running_limit(concurrency), behaviour.waiting_limit(concurrency))
        tasks = [asyncio.create_task(breaker.enter()) for _ in range(sent)]
        await asyncio.sleep(1)
        refused = sum(task.done() and isinstance(task.exception(), QueueFullError) for task in tasks)
        seen = breaker.running, breaker.waiting, refused
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return seen

    assert run_virtual(main()) == (running, waiting, rejected)


@pytest.mark.parametrize(
    "row", [row for row in rows("throttler_queue") if row[1] < 9_000 or row[:2] == [10, 10_001]], ids=str
)
def test_an_activator_without_pods_buffers_everything(row: list[int]) -> None:
    concurrency, sent, waiting, refused = row

    async def main() -> tuple[int, int]:
        behaviour = Behaviour()
        spec = RevisionSpec(KEY, concurrency)
        throttler = Throttler(spec, behaviour, random.Random(0))
        tasks = []
        turned_away = 0
        for _ in range(sent):
            if behaviour.activator_refuses(spec, throttler.waiting) is not None:
                turned_away += 1
            else:
                tasks.append(asyncio.create_task(throttler.acquire()))
        await asyncio.sleep(0)
        seen = throttler.waiting, turned_away
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return seen

    assert run_virtual(main()) == (waiting, refused)


@pytest.mark.parametrize("sequence", sequences("request_stats"), ids=lambda entry: str(entry["sequence"]))
def test_request_statistics_are_the_recorded_ones(sequence: dict[str, Any]) -> None:
    stats = RequestStats(0.0)
    events = list(sequence["events"] or ())
    for at, *expected in sequence["reports"]:
        # The recording applies an event stamped in the past when its turn in the list comes.
        while events and events[0][0] <= at:
            when, what = events.pop(0)
            change = stats.arrive if what.endswith("in") else stats.leave
            change(when, what.startswith("proxied"))
        report = stats.report(at)
        assert [
            report.average_concurrency,
            report.average_proxied_concurrency,
            report.request_count,
            report.proxied_count,
        ] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("sequence", sequences("activator_reports"), ids=lambda entry: str(entry["sequence"]))
def test_an_activator_sends_the_recorded_messages(sequence: dict[str, Any]) -> None:
    meter = ActivatorMeter("activator")
    messages: list[list[Any]] = []
    events = sorted(
        [(when, -order, order) for when, order in _edges(sequence["requests_in_out"])],
        key=lambda event: (event[0], event[1]),
    )
    last = max(message[0] for message in sequence["messages"])
    for second in range(1, int(last) + 3):
        while events and events[0][0] < second:
            when, _, order = events.pop(0)
            if order > 0:
                first = meter.arrive(KEY, when)
                if first is not None:
                    messages.append([when, "immediate", first.concurrency, first.request_count])
            else:
                meter.leave(KEY, when)
        messages.extend(
            [second, "report", stat.concurrency, stat.request_count] for stat in meter.report(float(second))
        )
    expected = sequence["messages"]
    assert [message[:2] for message in messages] == [message[:2] for message in expected]
    for got, wanted in zip(messages, expected, strict=True):
        assert got[2:] == pytest.approx(wanted[2:], abs=1e-9)


def _edges(requests: list[list[float]]) -> list[tuple[float, int]]:
    """Arrivals (1) and departures (-1) of requests given as [in, out], at the recorded clock's nanoseconds."""
    return [(round(when, 9), order) for arrived, left in requests for when, order in ((arrived, 1), (left, -1))]
