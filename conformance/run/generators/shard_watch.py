"""Follows the shards of a load in a cluster: finds their pods, reads their logs to the end, and says what became of
those that gave no result.

Logs stay where they are while the pods exist, so a connection that breaks, or that something on the way ends, costs
nothing: the log is read again from its beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import PODS
from conformance.kube.verbs import ApiStatus, get, list_all
from conformance.load.row_writer import LoadPaths
from conformance.load.shard_output import Shard, collect
from conformance.run.generators.indexed_job import INDEX

JOB_NAME: Final = "batch.kubernetes.io/job-name"
LOOK_SECONDS: Final = 1.0
BLIND_SECONDS: Final = 30.0
"""How long the API server may be away."""
LATE_SECONDS: Final = 5.0
"""After the common start: a pod that has not started by then sends nothing any more."""
T = TypeVar("T")
_TOO_MANY: Final = 429
_STARTED: Final = frozenset({"Running", "Succeeded", "Failed"})


class ShardWatch:
    """The shards of one Job. `heard` is called after every line of any of them."""

    def __init__(
        self,
        api: ApiClient,
        clock: Clock,
        namespace: str,
        job: str,
        shards: Sequence[Shard],
        paths: Sequence[LoadPaths],
        heard: Callable[[], None],
    ) -> None:
        self._api, self._clock, self._namespace, self._job = api, clock, namespace, job
        self._shards, self._paths, self._heard = shards, paths, heard
        self._waiting: dict[int, str] = {}
        """Why pods have not started, by shard."""

    async def run(self, start_wall: float, deadline: float) -> None:
        """Until all shards that have started have ended, or the monotonic `deadline`. Raises PlatformError when the
        cluster is away for too long."""
        async with asyncio.TaskGroup() as group:
            reading: dict[int, asyncio.Task[None]] = {}
            while self._clock.monotonic() < deadline:
                for pod in await self._patiently(self._pods):
                    number = int(pod["metadata"].get("annotations", {}).get(INDEX, -1))
                    if not 0 <= number < len(self._shards) or number in reading:
                        continue
                    self._waiting[number] = why(pod)
                    if pod.get("status", {}).get("phase") in _STARTED:
                        reading[number] = group.create_task(self._read(pod["metadata"]["name"], number))
                begun = self._clock.wall() > start_wall + LATE_SECONDS
                if (begun or len(reading) == len(self._shards)) and all(task.done() for task in reading.values()):
                    break
                await self._clock.sleep(LOOK_SECONDS)
            for task in reading.values():
                task.cancel()
        for shard in self._shards:
            if shard.offered is None and not shard.trouble:
                shard.trouble = self._missing(shard.number, started=shard.number in reading)

    def _missing(self, number: int, *, started: bool) -> str:
        if started:
            return "it did not end in time"
        if number in self._waiting:
            return f"its pod had not started by the common start: {self._waiting[number]}"
        return "the Job had made no pod for it by the common start; see the Job's events"

    async def _pods(self) -> list[dict[str, Any]]:
        pods, _ = await list_all(self._api, PODS, self._namespace, labels=f"{JOB_NAME}={self._job}")
        return pods

    async def _read(self, pod: str, number: int) -> None:
        shard = self._shards[number]
        try:
            while True:
                # Asked before reading: what a pod that has ended has said is all there will be.
                phase = await self._patiently(lambda: self._phase(pod))
                shard.trouble = ""
                await self._patiently(lambda: self._read_once(pod, number))
                if shard.offered is not None or phase != "Running":
                    return
                await self._clock.sleep(LOOK_SECONDS)
        except PlatformError as error:
            shard.trouble = str(error)

    async def _read_once(self, pod: str, number: int) -> None:
        path, query = f"{PODS.path(self._namespace, pod)}/log", {"follow": "true", "container": "load"}
        async with self._api.stream(path, query=query) as lines:
            await collect(lines, self._shards[number], self._paths[number], self._clock.wall, self._heard)

    async def _phase(self, pod: str) -> str:
        found = await get(self._api, PODS, self._namespace, pod)
        return str(found and found.get("status", {}).get("phase"))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again while the cluster is away, for a while."""
        since = self._clock.monotonic()
        while True:
            try:
                return await ask()
            except PlatformError as error:
                refused = isinstance(error, ApiStatus) and 400 <= error.status < 500 and error.status != _TOO_MANY
                if refused or self._clock.monotonic() - since > BLIND_SECONDS:
                    raise
            await self._clock.sleep(LOOK_SECONDS)


def why(pod: dict[str, Any]) -> str:
    """What a pod that has not started waits for, in the cluster's words."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or ():
        if waiting := container.get("state", {}).get("waiting"):
            return f"{waiting.get('reason', '')}: {waiting.get('message', '')}".strip(": ")
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason"))
    return str(status.get("phase", "unknown"))
