"""What requests cost: processor time burnt, memory held, and what the witness says of both."""

from __future__ import annotations

import asyncio
import time

from clusters.witness.costs import AccountedCosts, RealCosts, keep_busy
from clusters.witness.witness import Witness
from clusters.witness.witness_settings import WitnessSettings, from_process
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.http.exchange import Request, Response

BODY = b'{"instances": [{"key": "1"}]}'


def asked(**headers: str) -> Request:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("POST", "/v1/models/m:predict", "h", pairs, BODY)


def test_costs_of_requests_that_meet_wait_for_each_other_and_are_told() -> None:
    async def main() -> tuple[list[Response], float, dict[str, object], dict[str, object]]:
        clock = virtual_clock()
        witness = Witness(WitnessSettings("pod-1", service_seconds=0.1), clock)
        start = clock.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(witness(asked(x_cpu_ms="300", x_hold_mb="64"))) for _ in range(2)]
            await clock.sleep(0.45)
            busy = witness.report()
        return [task.result() for task in tasks], clock.monotonic() - start, busy, witness.report()

    answers, seconds, busy, after = run_virtual(main())
    assert round(seconds, 3) == 0.6
    assert {(answer.header("x-burnt-ms"), answer.header("x-held-mb")) for answer in answers} == {("300", "64")}
    assert (busy["cpu_seconds"], busy["held_mb"]) == (0.45, 64)
    assert (after["cpu_seconds"], after["held_mb"]) == (0.6, 0)


def test_a_container_keeps_a_share_of_a_processor_busy() -> None:
    async def main() -> float:
        clock = virtual_clock()
        costs = AccountedCosts(clock)
        async with asyncio.TaskGroup() as group:
            busy = group.create_task(keep_busy(costs, clock, 0.3))
            await clock.sleep(10.0)
            busy.cancel()
        return costs.used_seconds()

    assert 2.9 < run_virtual(main()) < 3.1


def test_a_request_without_costs_says_nothing_of_them() -> None:
    async def main() -> tuple[Response, dict[str, object]]:
        witness = Witness(WitnessSettings("pod-1"), virtual_clock())
        return await witness(asked()), witness.report()

    answer, report = run_virtual(main())
    assert answer.header("x-burnt-ms") is None
    assert "cpu_seconds" not in report


def test_a_cost_that_is_no_number_is_refused() -> None:
    async def main() -> Response:
        return await Witness(WitnessSettings("pod-1"), virtual_clock())(asked(x_hold_mb="much"))

    answer = run_virtual(main())
    assert (answer.status, b"x-hold-mb: 'much' is not an amount in mebibytes" in answer.body) == (400, True)


def test_costs_come_from_the_environment_too() -> None:
    settings = from_process([], {"POD_NAME": "pod-1", "WITNESS_CPU_MS": "25", "WITNESS_HOLD_MB": "2"})
    assert (settings.cpu_seconds, settings.held_bytes) == (0.025, 2 * 2**20)


def test_real_costs_are_borne_by_this_process() -> None:
    async def main() -> tuple[float, float]:
        costs = RealCosts()
        before = time.process_time()
        await costs.burn(0.02)
        return time.process_time() - before, costs.used_seconds()

    used, said = asyncio.run(main())
    assert used >= said >= 0.02
    assert len(bytes(memoryview(RealCosts().take(10_000)))) == 10_000  # type: ignore[arg-type]
