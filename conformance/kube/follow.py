"""Follows one kind of object in one namespace for as long as a scenario lasts: list, watch, resume, relist.

A stream that ends is resumed at the last seen version; one that has become too old (410) is listed anew, and what
vanished meanwhile is reported as deleted. While the API server cannot be reached the follower is blind: it retries with
growing pauses and reports the gap when it sees again, so that judging knows what it could not know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import EVENTS, Resource
from conformance.kube.verbs import ApiStatus, Change, Object, list_all, watch

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = (0.05, 0.2, 0.5, 1.0, 2.0)
STREAM_SECONDS: Final = 240
"""Asked of the server per watch; shorter than common proxies' idle limits."""
SHORT_STREAM_SECONDS: Final = 0.5
"""A server that ends streams sooner than this is not asked again at once."""
GIVE_UP_SECONDS: Final = 20.0
"""Blind for this long, the platform counts as lost."""

_GONE: Final = 410
_FINAL: Final = (401, 403, 404)


@dataclass(frozen=True, slots=True)
class Gap:
    """The follower saw nothing between two clock readings."""

    plural: str
    start: float
    end: float
    reason: str


class ShapeError(PlatformError):
    """An object is of a shape that none has; asking again would not help."""


class Follower:
    """Reports every change of one kind, in order, each once."""

    def __init__(
        self,
        api: ApiClient,
        resource: Resource,
        namespace: str | None,
        clock: Clock,
        on_change: Callable[[str, Object], None],
        on_gap: Callable[[Gap], None],
    ) -> None:
        self._api = api
        self._resource = resource
        self._namespace = namespace
        self._clock = clock
        self._on_change = on_change
        self._on_gap = on_gap
        self._known: dict[str, Object] = {}
        self._version = ""
        self._seen = clock.monotonic()
        self._trouble = ""
        self._attempt = 0
        """Times that it has asked in vain since it last saw."""
        self.listed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled. Raises PlatformError when the server stays away for `GIVE_UP_SECONDS`, ApiStatus when
        it refuses (401, 403, 404), and what `on_change` raises."""
        while True:
            try:
                if not self._version:
                    await self._list()
                opened = self._clock.monotonic()
                await self._watch()
                if self._clock.monotonic() - opened < SHORT_STREAM_SECONDS:
                    await self._clock.sleep(SHORT_STREAM_SECONDS)
            except ShapeError:
                raise
            except ApiStatus as status:
                if status.status in _FINAL:
                    raise
                if status.status == _GONE:
                    logger.info("%s in %s: version too old, lists again", self._resource.plural, self._namespace)
                    self._version = ""
                    continue
                self._trouble = str(status)
            except PlatformError as error:
                self._trouble = str(error)
            if self._trouble:
                logger.warning("%s in %s: not watched: %s", self._resource.plural, self._namespace, self._trouble)
                if self._clock.monotonic() - self._seen > GIVE_UP_SECONDS:
                    raise PlatformError(f"{self._resource.plural} unseen for {GIVE_UP_SECONDS:g} s: {self._trouble}")
                await self._clock.sleep(PAUSE_SECONDS[min(self._attempt, len(PAUSE_SECONDS) - 1)])
                self._attempt += 1

    async def _list(self) -> None:
        items, version = await list_all(self._api, self._resource, self._namespace)
        found = {str(item["metadata"].get("uid")): item for item in items}
        self._saw()
        for uid in [uid for uid in self._known if uid not in found]:
            self._on_change("DELETED", self._known.pop(uid))
        for uid, item in found.items():
            before = self._known.get(uid)
            self._remember(uid, item)
            if before is None:
                self._on_change("LISTED", item)
            elif before["metadata"].get("resourceVersion") != item["metadata"].get("resourceVersion"):
                self._on_change("MODIFIED", item)
        self._version = version
        self.listed.set()

    async def _watch(self) -> None:
        async with watch(
            self._api, self._resource, self._namespace, self._version, timeout_seconds=STREAM_SECONDS
        ) as changes:
            self._saw()
            try:
                await self._report(changes)
            finally:
                # An open stream sees, however quiet it is: blindness begins when it breaks.
                self._seen = self._clock.monotonic()

    async def _report(self, changes: AsyncIterator[Change]) -> None:
        async for change in changes:
            metadata: Object = change.object.get("metadata") or {}
            self._version = str(metadata.get("resourceVersion") or self._version)
            if change.type == "BOOKMARK":
                continue
            uid = str(metadata.get("uid"))
            if change.type == "DELETED":
                self._known.pop(uid, None)
            else:
                self._remember(uid, change.object)
            self._on_change(change.type, change.object)

    def _saw(self) -> None:
        now = self._clock.monotonic()
        if self._trouble:
            self._on_gap(Gap(self._resource.plural, self._seen, now, self._trouble))
            self._trouble = ""
        self._seen = now
        self._attempt = 0

    def _remember(self, uid: str, value: Object) -> None:
        """Keep what has to be known of an object while it lives: its deletion is reported with it. Nobody reads the
        field managers' records, which are half of a small object, nor what an Event said, of which there are many."""
        if self._resource == EVENTS:
            kept = {name: value["metadata"].get(name) for name in ("uid", "resourceVersion")}
            self._known[uid] = {"metadata": kept}
            return
        (value.get("metadata") or {}).pop("managedFields", None)
        self._known[uid] = value
