"""What one pod costs a cluster: a few are started, and the seconds and the CPU of each are told.

The witness itself starts in 0.2 CPU seconds; the rest, init container, queue-proxy, runtime, probes, is the cluster's.
CPU can be told where the provider reads its nodes' accounts (kind, k3s): what they used beyond what they had been using
before. Whatever else runs on the machine is not in it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final

import yaml

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.base.locations import FIXTURES
from conformance.base.tasks import tasks
from conformance.kube.api_client import ApiClient
from conformance.kube.follow import Follower, Gap
from conformance.kube.resources import PODS, SERVING_RUNTIMES
from conformance.kube.verbs import Object
from conformance.recording.kubernetes_time import unix
from conformance.run import deployment
from conformance.run.capacity.cluster_room import PodNeed, asked

PODS_STARTED: Final = 3
WITHIN_SECONDS: Final = 120.0
BASELINE_SECONDS: Final = 3.0
LEAST_CPU_SECONDS: Final = 0.2
"""What the witness alone takes. Less is no reading."""
USUAL_CPU_SECONDS: Final = 4.5
"""Measured on kind v0.30.0 with Kourier on two cores (docs/clusters.md, Room)."""
UNASKED_GIB: Final = 0.08
"""Memory that queue-proxy and the node take for a pod without asking."""
EXAMPLE: Final = "examples/autoscale-new.yaml"
ON_THIS_MACHINE: Final = ("kind", "k3s")
"""Providers whose nodes share this machine's cores."""

CpuMeter = Callable[[], Awaitable[float]]
"""CPU seconds that the nodes have spent so far. Raises PlatformError."""


@dataclass(frozen=True, slots=True)
class PodCost:
    """What starting one pod takes, from being made to being Ready."""

    pods: int
    """How many were started together."""
    seconds: float
    """Median."""
    cpu_seconds: float | None
    """Mean; None where nobody can tell."""
    need: PodNeed
    assumed: bool = False
    """The CPU seconds are those of another cluster."""

    def words(self) -> str:
        """In figures."""
        cpu = "unknown CPU" if self.cpu_seconds is None else f"{self.cpu_seconds:.1f} CPU seconds"
        said = ", CPU assumed, since the nodes' own cannot be read" if self.assumed else ""
        return f"a pod takes {self.seconds:.1f} s and {cpu} to become Ready ({self.pods} started together{said})"

    def or_usual(self) -> PodCost:
        """With the usual CPU where none could be told: without any, nothing would keep a small machine from starting
        all pods of a run at once."""
        return self if self.cpu_seconds is not None else replace(self, cpu_seconds=USUAL_CPU_SECONDS, assumed=True)


async def measure(
    api: ApiClient, space: str, runtimes: Iterable[dict[str, Any]], clock: Clock, cpu: CpuMeter | None
) -> PodCost | None:
    """Start a few pods of the witness in an existing namespace and time them; None when they are not Ready in time.
    Raises ApiStatus when something is refused."""
    idle = await _Spending.since_now(cpu, clock)
    if idle:
        await clock.sleep(BASELINE_SECONDS)
    idle_cores = await idle.cores() if idle else None
    for runtime in runtimes:
        await deployment.put(api, SERVING_RUNTIMES, space, runtime)
    spending = await _Spending.since_now(cpu, clock)
    pods = _Starting()
    await deployment.deploy(api, space, _manifest())
    try:
        async with asyncio.timeout(WITHIN_SECONDS), tasks() as group:
            following = group.create_task(Follower(api, PODS, space, clock, pods.change, _unseen).run())
            await pods.all_ready.wait()
            following.cancel()
    except TimeoutError:
        return None
    return PodCost(PODS_STARTED, median(pods.seconds.values()), await _each(spending, idle_cores), pods.need)


async def _each(spending: _Spending | None, idle_cores: float | None) -> float | None:
    """CPU seconds of one pod beyond what the nodes spend anyway; None where no reading is credible."""
    cores = await spending.cores() if spending else None
    if spending is None or cores is None or idle_cores is None:
        return None
    used = (cores - idle_cores) * spending.seconds / PODS_STARTED
    return used if used >= LEAST_CPU_SECONDS else None


class _Spending:
    """What the nodes spend from a moment on."""

    def __init__(self, cpu: CpuMeter, clock: Clock, before: float) -> None:
        self._cpu = cpu
        self._clock = clock
        self._before = before
        self._begun = clock.monotonic()
        self.seconds = 0.0
        """Between the two readings."""

    @classmethod
    async def since_now(cls, cpu: CpuMeter | None, clock: Clock) -> _Spending | None:
        """None where nobody can tell."""
        try:
            return cls(cpu, clock, await cpu()) if cpu else None
        except PlatformError:
            return None

    async def cores(self) -> float | None:
        """Mean number of cores busy until now; None where nobody can tell any more."""
        try:
            after = await self._cpu()
        except PlatformError:
            return None
        self.seconds = self._clock.monotonic() - self._begun
        return (after - self._before) / self.seconds if self.seconds > 0.0 else 0.0


class _Starting:
    """The pods as they become Ready; times are Kubernetes' own, in whole seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.need = PodNeed()
        self.all_ready = asyncio.Event()

    def change(self, kind: str, pod: Object) -> None:
        metadata, status = pod["metadata"], pod.get("status") or {}
        ready: Object = next((c for c in status.get("conditions") or () if c.get("type") == "Ready"), {})
        since, born = unix(ready.get("lastTransitionTime")), unix(metadata.get("creationTimestamp"))
        if kind == "DELETED" or ready.get("status") != "True" or since is None or born is None:
            return
        self.seconds.setdefault(metadata["name"], max(0.0, since - born))
        spec = pod.get("spec") or {}
        self.need = PodNeed(asked(spec, "cpu"), round(asked(spec, "memory") / 2**30 + UNASKED_GIB, 3))
        if len(self.seconds) >= PODS_STARTED:
            self.all_ready.set()


def _manifest() -> bytes:
    value = yaml.safe_load((FIXTURES / EXAMPLE).read_bytes())
    value["spec"]["predictor"] |= {"minReplicas": PODS_STARTED, "maxReplicas": PODS_STARTED}
    return json.dumps(value).encode()


def _unseen(gap: Gap) -> None:
    del gap
