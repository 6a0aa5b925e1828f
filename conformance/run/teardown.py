"""Takes the namespaces of finished scenarios away, in the background, while others run and the run is judged.

Kubernetes 1.33 and later delete the pods of a namespace first and look again only after half of their grace period,
which Knative sets to 300 s: a namespace that is deleted with pods in it takes 130 to 170 s, one without takes seconds
(measured on 1.34). So the InferenceServices go first, the pods are watched until there are none, and then the namespace
goes. Pods of Knative drain for 30 s, which makes 35 to 42 s in all (measured); a grace period of one second did not
make it shorter, as their preStop hook waits for the end of draining. On clusters of our own, pods that are on their way
out are dropped from the API.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.base.tasks import tasks
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Cluster
from conformance.kube.follow import Follower, Gap
from conformance.kube.resources import INFERENCE_SERVICES, PODS
from conformance.kube.verbs import ApiStatus, Object, delete, list_all
from conformance.run import deployment
from conformance.run.preflight.access import allowed

logger = logging.getLogger(__name__)

PODS_SECONDS: Final = 90.0
"""Pods that are still there after this are left to the namespace's deletion."""
DROPPED: Final = 0
"""The grace period of a pod that is dropped: its scenario is over and recorded, its containers end by themselves."""
OTHERS: Final = "existing"
"""The provider of clusters that are somebody else's."""
GIVE_UP_SECONDS: Final = 5.0
"""For asking once more, at the end, for what has not been asked for yet."""


class Teardown:
    """Use `tearing_down`."""

    def __init__(
        self, api: ApiClient, clock: Clock, run: str, group: asyncio.TaskGroup, *, hurry: bool, disposable: bool
    ) -> None:
        self._api = api
        self._clock = clock
        self._run = run
        self._group = group
        self._hurry = hurry
        self._disposable = disposable
        self._going: dict[str, asyncio.Task[None]] = {}
        self._gone: set[str] = set()

    @property
    def left(self) -> tuple[str, ...]:
        """Namespaces that were begun and are not known to be gone; none in a cluster that ends with the run."""
        return () if self._disposable else tuple(name for name in self._going if name not in self._gone)

    def begin(self, namespace: str) -> None:
        """Start taking one of the run's namespaces away; one that was never made, or is somebody else's, is none."""
        self._going[namespace] = self._group.create_task(self._take_down(namespace), name=f"teardown {namespace}")

    async def finish(self, within: float) -> None:
        """Wait for all, at most so many seconds; then see to it that the deletion of what is left has been asked for.
        That is done also when the wait is cancelled."""
        try:
            within = min(within, GIVE_UP_SECONDS) if self._disposable else within
            if running := [task for task in self._going.values() if not task.done()]:
                await asyncio.wait(running, timeout=within)
        finally:
            await self._give_up()

    async def _give_up(self) -> None:
        for task in self._going.values():
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await asyncio.gather(*(self._remove(name) for name in self.left))

    async def _take_down(self, namespace: str) -> None:
        if self._disposable:
            logger.info("namespace %s goes, at the latest with its cluster", namespace)
            await self._remove(namespace)
            return
        try:
            await self._empty(namespace)
            if not await self._remove(namespace) or await deployment.gone(self._api, namespace, self._clock):
                self._gone.add(namespace)
                logger.info("namespace %s is gone", namespace)
        except PlatformError as error:
            logger.warning("cannot take away %s: %s", namespace, error)

    async def _remove(self, namespace: str) -> bool:
        """Ask for the namespace's deletion; False where there is none to wait for."""
        try:
            return await deployment.remove(self._api, namespace, self._run)
        except PlatformError as error:
            logger.warning("cannot delete %s: %s", namespace, error)
            return True

    async def _empty(self, namespace: str) -> None:
        """Delete the InferenceServices and wait until no pod is left, as far as this is allowed."""
        if not await deployment.is_ours(self._api, namespace, self._run):
            return
        try:
            found, _ = await list_all(self._api, INFERENCE_SERVICES, namespace)
            for item in found:
                await delete(
                    self._api, INFERENCE_SERVICES, namespace, item["metadata"]["name"], uid=item["metadata"].get("uid")
                )
            async with asyncio.timeout(PODS_SECONDS):
                await _Pods(self._api, self._clock, namespace, hurry=self._hurry).empty()
        except (ApiStatus, TimeoutError) as error:
            logger.info("%s is deleted with what is in it: %s", namespace, str(error) or "pods stay")


class _Pods:
    """The pods of one namespace, followed until there are none."""

    def __init__(self, api: ApiClient, clock: Clock, namespace: str, *, hurry: bool) -> None:
        self._api = api
        self._namespace = namespace
        self._hurry = hurry
        self._there: dict[str, Object] = {}
        self._dropped: set[str] = set()
        self._changed = asyncio.Event()
        self._follower = Follower(api, PODS, namespace, clock, self._change, _unseen)

    async def empty(self) -> None:
        """Raises ApiStatus where pods may not be watched, PlatformError when the server stays away."""
        async with tasks() as group:
            following = group.create_task(self._follower.run())
            await self._follower.listed.wait()
            while self._there:
                self._changed.clear()
                for pod in list(self._there.values()) if self._hurry else ():
                    await self._drop(pod)
                await self._changed.wait()
            following.cancel()

    async def _drop(self, pod: Object) -> None:
        """Once, and only a pod that is on its way out: another one's ReplicaSet would make it again."""
        metadata = pod["metadata"]
        name, uid = str(metadata["name"]), str(metadata.get("uid"))
        if "deletionTimestamp" in metadata and uid not in self._dropped:
            self._dropped.add(uid)
            with suppress(ApiStatus):
                await delete(self._api, PODS, self._namespace, name, uid=uid, grace_seconds=DROPPED)

    def _change(self, kind: str, pod: Object) -> None:
        name = str(pod["metadata"]["name"])
        if kind == "DELETED":
            self._there.pop(name, None)
        else:
            self._there[name] = pod
        self._changed.set()


def _unseen(gap: Gap) -> None:
    del gap


@asynccontextmanager
async def tearing_down(cluster: Cluster, run: str) -> AsyncIterator[Teardown]:
    """A run's teardown for as long as the block lasts. In a cluster that ends with the run nothing is awaited."""
    api, disposable = cluster.api, cluster.disposable
    hurry = not disposable and cluster.provider != OTHERS and await _may_delete_pods(api)
    async with tasks() as group:
        yield Teardown(api, cluster.clock, run, group, hurry=hurry, disposable=disposable)


async def _may_delete_pods(api: ApiClient) -> bool:
    try:
        return await allowed(api, {"verb": "delete", "group": "", "resource": "pods"})
    except ApiStatus:
        return False
