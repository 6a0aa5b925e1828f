"""What a pod costs, measured on the embedded platform in virtual time."""

from __future__ import annotations

from collections.abc import Callable

from conformance.base.clock import run_virtual
from conformance.kube.serving_runtimes import runtimes
from conformance.run.capacity.pod_cost import PODS_STARTED, PodCost, machine_cpu_seconds, measure
from tests.embedded.virtual import SPACE, Scene, scene


def measured(cpu: Callable[[Scene], Callable[[], float]] | None, fault_image: str = "") -> PodCost | None:
    async def main() -> PodCost | None:
        async with scene(witness=False) as found:
            meter = cpu(found) if cpu else None
            placed = runtimes(fault_image or "witness", start_seconds=2.0)
            return await measure(found.api, SPACE, placed, found.clock, meter)

    return run_virtual(main())


def test_a_few_pods_are_started_and_timed_with_what_they_ask_for() -> None:
    cost = measured(None)
    assert cost is not None
    assert (cost.pods, cost.cpu_seconds) == (PODS_STARTED, None)
    assert 2.0 <= cost.seconds <= 16.0
    assert cost.need.cpu == 0.05
    assert 0.1 < cost.need.memory_gib < 0.3


def test_cpu_is_what_was_used_beyond_what_had_been_used_before() -> None:
    def steady(found: Scene) -> Callable[[], float]:
        return lambda: 1.5 * found.clock.monotonic()

    def starting(found: Scene) -> Callable[[], float]:
        store = found.platform.store
        return lambda: 0.5 * found.clock.monotonic() + 4.0 * len(store.objects(("", "pods")))

    idle, busy = measured(steady), measured(starting)
    assert idle is not None
    assert idle.cpu_seconds is None, "less than any pod takes is no reading"
    assert busy is not None
    assert busy.cpu_seconds is not None
    assert abs(busy.cpu_seconds - 4.0) < 1e-6


def test_pods_that_do_not_come_up_cost_nobody_knows_what() -> None:
    assert measured(None, "registry.invalid/witness:1") is None


def test_this_machine_counts_its_own_cpu() -> None:
    first = machine_cpu_seconds()
    assert machine_cpu_seconds() >= first > 0
