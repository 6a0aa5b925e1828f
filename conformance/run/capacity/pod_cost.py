"""What one pod costs a cluster: a few are started, and the seconds and the CPU of each are told.

The witness itself starts in 0.2 CPU seconds; the rest, init container, queue-proxy, runtime, probes, is the cluster's.
CPU can be told where the nodes share this machine (kind, k3s): what it used beyond what it had been using before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import yaml

from conformance.base.clock import Clock
from conformance.base.locations import FIXTURES
from conformance.base.tasks import tasks
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import PODS, SERVING_RUNTIMES
from conformance.kube.verbs import Object
from conformance.observe.follow import Follower, Gap
from conformance.recording.kubernetes_time import unix
from conformance.run import deployment
from conformance.run.capacity.cluster_room import PodNeed, asked

PODS_STARTED: Final = 3
WITHIN_SECONDS: Final = 120.0
BASELINE_SECONDS: Final = 3.0
LEAST_CPU_SECONDS: Final = 0.2
"""What the witness alone takes. Less is read where others kept all cores busy (0.0 was seen), and tells nothing."""
UNASKED_GIB: Final = 0.08
"""Memory that queue-proxy and the node take for a pod without asking."""
EXAMPLE: Final = "examples/autoscale-new.yaml"
ON_THIS_MACHINE: Final = ("kind", "k3s")
"""Providers whose nodes share this machine's cores."""

CpuMeter = Callable[[], float]
"""CPU seconds that a machine has spent so far."""


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

    def words(self) -> str:
        """In figures."""
        cpu = "unknown CPU" if self.cpu_seconds is None else f"{self.cpu_seconds:.1f} CPU seconds"
        return f"a pod takes {self.seconds:.1f} s and {cpu} to become Ready ({self.pods} started together)"


def machine_cpu_seconds() -> float:
    """What all cores of this machine have been busy. Raises OSError where /proc/stat is not there."""
    fields = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / 100.0


async def measure(
    api: ApiClient, space: str, runtimes: Iterable[dict[str, Any]], clock: Clock, cpu: CpuMeter | None
) -> PodCost | None:
    """Start a few pods of the witness in an existing namespace and time them; None when they are not Ready in time.
    Raises ApiStatus when something is refused."""
    before, idle_cores = (cpu(), 0.0) if cpu else (0.0, 0.0)
    if cpu:
        await clock.sleep(BASELINE_SECONDS)
        idle_cores = (cpu() - before) / BASELINE_SECONDS
    for runtime in runtimes:
        await deployment.put(api, SERVING_RUNTIMES, space, runtime)
    begun, before = clock.monotonic(), cpu() if cpu else 0.0
    pods = _Starting()
    await deployment.deploy(api, space, _manifest())
    try:
        async with asyncio.timeout(WITHIN_SECONDS), tasks() as group:
            following = group.create_task(Follower(api, PODS, space, clock, pods.change, _unseen).run())
            await pods.all_ready.wait()
            following.cancel()
    except TimeoutError:
        return None
    took = clock.monotonic() - begun
    used = max(0.0, cpu() - before - idle_cores * took) / PODS_STARTED if cpu else None
    credible = used if used is not None and used >= LEAST_CPU_SECONDS else None
    return PodCost(PODS_STARTED, median(pods.seconds.values()), credible, pods.need)


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
