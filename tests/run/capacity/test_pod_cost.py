"""What a pod costs, measured on the embedded platform in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from conformance.base.clock import run_virtual
from conformance.base.errors import PlatformError
from conformance.kube.cluster import Cluster, Ingress, Installation
from conformance.kube.serving_runtimes import runtimes
from conformance.run.capacity.pod_cost import PODS_STARTED, USUAL_CPU_SECONDS, PodCost, measure
from conformance.run.capacity.run_fit import pod_cost
from tests.embedded.virtual import SPACE, Scene, scene

INSTALLATION = Installation("1.34", "any", "0.20", "1.21", "kpa", "kourier", "Knative", None, "example.com", "none")


def told(seconds: Callable[[], float]) -> Callable[[], Awaitable[float]]:
    """As a provider tells it."""

    async def read() -> float:
        return seconds()

    return read


def measured(cpu: Callable[[Scene], Callable[[], float]] | None, fault_image: str = "") -> PodCost | None:
    async def main() -> PodCost | None:
        async with scene(witness=False) as found:
            meter = told(cpu(found)) if cpu else None
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


@pytest.mark.parametrize("readings", [0, 1, 2, 3])
def test_cpu_that_cannot_be_read_or_not_to_the_end_is_unknown(readings: int) -> None:
    def lost(found: Scene) -> Callable[[], float]:
        left = [0.0, 0.0, 0.0][:readings]

        def read() -> float:
            if not left:
                raise PlatformError("the node is gone")
            return left.pop() + 9.0 * len(found.platform.store.objects(("", "pods")))

        return read

    cost = measured(lost)
    assert cost is not None
    assert cost.cpu_seconds is None


def test_where_nodes_share_this_machine_unknown_cpu_is_taken_to_be_as_usual() -> None:
    async def costs() -> list[PodCost | None]:
        found = []
        for provider in ("kind", "existing"):
            async with scene(witness=False) as made:
                cluster = Cluster(provider, made.api, Ingress(""), INSTALLATION, made.clock)
                found.append(await pod_cost(cluster, SPACE, runtimes("witness", start_seconds=2.0)))
        return found

    kind, existing = run_virtual(costs())
    assert kind is not None
    assert existing is not None
    assert (kind.cpu_seconds, existing.cpu_seconds) == (USUAL_CPU_SECONDS, None)
    assert "CPU assumed, since the nodes' own cannot be read" in kind.words()
    assert "assumed" not in existing.words()
