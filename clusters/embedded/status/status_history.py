"""The last two minutes of every revision, a sample a second, so that whoever opens the page late sees what led here."""

from __future__ import annotations

from collections import deque
from typing import Final

from clusters.embedded.objects.metadata import Object
from clusters.embedded.platform import Platform
from clusters.embedded.status.status_snapshot import revisions

SAMPLES: Final = 120
Sample = tuple[int, int, int]
"""Ready pods, desired pods, requests in flight or held."""


class RevisionSamples:
    """Samples by namespace and name of the revision."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._samples: dict[tuple[str, str], deque[Sample]] = {}

    async def follow(self) -> None:
        """Take a sample a second until cancelled."""
        while True:
            self.take()
            await self._platform.clock.sleep(1.0)

    def take(self) -> None:
        """Take one sample of each revision and forget those that are gone."""
        before, self._samples = self._samples, {}
        for entry in revisions(self._platform):
            key = (entry["namespace"], entry["name"])
            samples = self._samples[key] = before.get(key) or deque(maxlen=SAMPLES)
            flying = entry["in_flight"] + entry["buffered"]
            samples.append((entry["ready"] or 0, max(0, entry["desired"] or 0), flying))

    def add_to(self, shown: Object) -> Object:
        """The state with `history` in each of its revisions."""
        for entry in shown["revisions"]:
            entry["history"] = list(self._samples.get((entry["namespace"], entry["name"]), ()))
        return shown
