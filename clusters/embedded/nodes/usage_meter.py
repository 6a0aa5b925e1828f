"""Measuring pods as a cluster does it: the kubelet every ten seconds, metrics-server every fifteen.

The kubelet's figures are sums since a container's start; metrics-server keeps the last two that differ, and what it
serves is what was used between them. A pod is so known some 15 to 30 seconds after its start, and a figure is up to
half a minute old. Source: kubernetes-sigs/metrics-server pkg/storage/pod.go at v0.8.0; google/cadvisor
manager/container.go (housekeeping).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from clusters.embedded.api.store import Store
from clusters.embedded.nodes.pod_process import PodProcess
from clusters.embedded.nodes.pod_usage import Usage
from clusters.embedded.objects.metadata import Object, ObjectKey, key_of
from clusters.embedded.objects.status_conditions import is_true
from conformance.base.clock import Clock
from conformance.kube.resources import PODS

BEAT_SECONDS: Final = 5.0
KUBELET_BEATS: Final = 2
"""cAdvisor's housekeeping: every ten seconds."""
SERVER_BEATS: Final = 3
"""metrics-server's resolution: every fifteen seconds."""
YOUNGEST_SECONDS: Final = 10.0
"""A container of this age, and younger than the resolution, is measured from its start."""


class Point(NamedTuple):
    """What a container had used at a time of the clock."""

    at: float
    usage: Usage


class Measured(NamedTuple):
    """What a container used between two points."""

    at: float
    """Time of the clock at the end."""
    window_seconds: float
    cores: float
    held_bytes: int


Container = tuple[ObjectKey, str]


class UsageMeter:
    """Measures the containers of running pods as long as `run` runs."""

    def __init__(self, store: Store, clock: Clock, process: Callable[[ObjectKey], PodProcess | None]) -> None:
        """`process` finds the running part of a pod."""
        self._store = store
        self._clock = clock
        self._process = process
        self._kubelet: dict[Container, Point] = {}
        self._known: dict[Container, tuple[Point | None, Point]] = {}

    async def run(self) -> None:
        """Measure until cancelled."""
        beat = 0
        while True:
            await self._clock.sleep(BEAT_SECONDS)
            beat += 1
            if beat % KUBELET_BEATS == 0:
                self._keep_house()
            if beat % SERVER_BEATS == 0:
                self._scrape()

    def pod(self, pod: Object) -> dict[str, Measured] | None:
        """What metrics-server knows of a pod's containers; None while it does not know all of them."""
        key = key_of(pod)
        found = {}
        for container in pod["spec"]["containers"]:
            before, last = self._known.get((key, container["name"]), (None, None))
            if before is None or last is None:
                return None
            seconds = last.at - before.at
            cores = max(0.0, last.usage.cpu_seconds - before.usage.cpu_seconds) / seconds
            found[container["name"]] = Measured(last.at, seconds, cores, last.usage.held_bytes)
        return found

    def running(self) -> Iterator[Object]:
        """Pods whose containers run."""
        held = self._store.objects(self._store.kinds.of(PODS).storage)
        for key in sorted(held):
            pod = held[key]
            running = (pod.get("status") or {}).get("phase") == "Running"
            if running and is_true(pod, "PodReadyToStartContainers"):
                yield pod

    def _keep_house(self) -> None:
        now = self._clock.monotonic()
        found = {}
        for pod in self.running():
            key = key_of(pod)
            if (process := self._process(key)) is None:
                continue
            for container in pod["spec"]["containers"]:
                found[key, container["name"]] = Point(now, process.used(container["name"], now))
        self._kubelet = found

    def _scrape(self) -> None:
        known: dict[Container, tuple[Point | None, Point]] = {}
        for container, point in self._kubelet.items():
            earlier, last = self._known.get(container, (None, None))
            if last is None:
                known[container] = (self._birth(container, point), point)
            else:
                known[container] = (last, point) if point.at > last.at else (earlier, last)
        self._known = known

    def _birth(self, container: Container, point: Point) -> Point | None:
        """The start of a container that is too young to have been seen before, yet old enough to be measured."""
        process = self._process(container[0])
        age = 0.0 if process is None else point.at - process.started
        if process is None or not YOUNGEST_SECONDS <= age < SERVER_BEATS * BEAT_SECONDS:
            return None
        return Point(process.started, Usage(0.0, 0))
