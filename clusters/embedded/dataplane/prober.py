"""An activator's own look at the pods of a revision: whether queue-proxy answers (Knative pkg/activator/net).

It asks every 200 ms until a pod has answered once, which is how a pod gets requests before Kubernetes calls it Ready.
Nothing runs while there is nobody to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from clusters.embedded.dataplane.network import Network
from clusters.embedded.dataplane.task_owner import TaskOwner
from conformance.base.clock import Clock
from conformance.base.http.exchange import ExchangeError, Request

STEP_SECONDS: Final = 0.2
TIMEOUT_SECONDS: Final = 0.3
"""Knative pkg/activator/net/revision_backends.go: probe frequency and timeout."""


class Prober:
    """Watches the pods of one revision and says which may have requests."""

    def __init__(
        self, network: Network, clock: Clock, owner: TaskOwner, changed: Callable[[tuple[str, ...]], None]
    ) -> None:
        """`changed` gets the addresses of all pods that have answered, whenever that set changes."""
        self._network = network
        self._clock = clock
        self._owner = owner
        self._changed = changed
        self._pods: dict[str, bool] = {}
        self._running = False

    def watch(self, addresses: Iterable[str]) -> None:
        """Exactly these pods exist. Known ones keep what is known of them."""
        before = self.answering
        self._pods = {address: self._pods.get(address, False) for address in sorted(addresses)}
        if self.answering != before:
            self._changed(self.answering)
        if not self._running and not all(self._pods.values()):
            self._running = True
            self._owner.start(self._probe())

    @property
    def answering(self) -> tuple[str, ...]:
        """Pods that have answered, in order of address."""
        return tuple(address for address, answered in self._pods.items() if answered)

    async def _probe(self) -> None:
        try:
            tick = self._clock.monotonic()
            while silent := [address for address, answered in self._pods.items() if not answered]:
                async with asyncio.TaskGroup() as group:
                    for address in silent:
                        group.create_task(self._ask(address))
                # Ticks that pass while a probe is out are dropped, as a Go ticker drops them.
                now = self._clock.monotonic()
                tick += STEP_SECONDS * (int((now - tick) / STEP_SECONDS) + 1)
                await self._clock.sleep(tick - now)
        finally:
            self._running = False

    async def _ask(self, address: str) -> None:
        request = Request(
            "GET", "/", address, (("user-agent", "Knative-Activator-Probe"), ("k-network-probe", "queue"))
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self._network.call(address, request)
        except (ExchangeError, TimeoutError):
            return
        if response.status == 200 and response.body == b"queue" and self._pods.get(address) is False:
            self._pods[address] = True
            self._changed(self.answering)
