"""The queue-proxy of one pod: limits, counts, times out, answers probes, drains.

Order of the layers as in Knative (pkg/queue/sharedmain/handlers.go): drainer and probes outside, then the timeout, then
accounting, then the breaker, then the model server. So a request that waits in the breaker counts as in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from clusters.embedded.dataplane.breaker import Breaker, QueueFullError
from clusters.embedded.dataplane.dataplane_behaviour import DataBehaviour, Step
from clusters.embedded.dataplane.deadline import Deadline, text_response
from clusters.embedded.dataplane.network import Network
from clusters.embedded.dataplane.revision import PodStat, RevisionSpec
from clusters.embedded.dataplane.stats import PodMeter
from clusters.embedded.dataplane.streams import followed
from conformance.base.clock import Clock
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response

Probe = Callable[[], Awaitable[bool]]
"""Asks the model server whether it is ready."""

PROBE_STEP_SECONDS: Final = 0.05
"""queue-proxy asks its container every 50 ms while that is starting (Knative pkg/queue/readiness/probe.go)."""
PROBE_LIMIT_SECONDS: Final = 10.0


class QueueProxy:
    """A pod's way in. Serve `handle` at the pod's queue port."""

    def __init__(
        self, pod: str, spec: RevisionSpec, forward: Handler, probe: Probe, clock: Clock, behaviour: DataBehaviour
    ) -> None:
        """`forward` reaches the pod's model server. The second that `stat` reports starts at construction, so each pod
        has its own phase."""
        self.pod = pod
        self.spec = spec
        self.draining = False
        self._forward = forward
        self._probe = probe
        self._clock = clock
        self._behaviour = behaviour
        self._meter = PodMeter(pod, clock.monotonic())
        limit = behaviour.running_limit(spec.container_concurrency)
        self.breaker = Breaker(limit, behaviour.waiting_limit(spec.container_concurrency)) if limit else None
        self._deadline = Deadline(behaviour.timeouts(spec), "request timeout")
        self._last_arrival = clock.monotonic()
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Requests counted now: running and waiting."""
        return self._meter.in_flight

    def stat(self) -> PodStat:
        """What the metrics port says: the last finished second."""
        return self._behaviour.pod_report(self._meter.read(self._clock.monotonic()))

    async def handle(self, request: Request) -> Response:
        """Answer one request of an ingress, an activator or a kubelet."""
        for name, value in request.headers:
            if name == "k-network-probe":
                return await self._answer_probe(value)
            if name == "k-kubelet-probe" or (name == "user-agent" and value.startswith("kube-probe/")):
                return await self._answer_kubelet(request)
        self._last_arrival = self._clock.monotonic()
        self._open += 1
        self._idle.clear()
        try:
            response = await self._deadline.answer(self._admit, request)
        except BaseException:
            self._left()
            raise
        return followed(response, self._left)

    def _left(self) -> None:
        self._open -= 1
        if not self._open:
            self._idle.set()

    async def _admit(self, request: Request) -> Response:
        clock, meter, breaker = self._clock, self._meter, self.breaker
        proxied = self._behaviour.counts_as_proxied(request)
        meter.arrive(clock.monotonic(), proxied)
        inside = False

        def leave() -> None:
            if inside and breaker is not None:
                breaker.leave()
            meter.leave(clock.monotonic(), proxied)

        try:
            if breaker is not None:
                await breaker.enter()
                inside = True
            response = await self._pass_on(request)
        except QueueFullError:
            response = self._behaviour.queue_full(self.spec)
        except BaseException:
            leave()
            raise
        return followed(response, leave)

    async def _pass_on(self, request: Request) -> Response:
        try:
            return await self._behaviour.passes(Step.QUEUE_PROXY, request, self._forward)
        except ExchangeError as error:
            return text_response(502, str(error))

    async def _answer_probe(self, sender: str) -> Response:
        if sender != "queue":
            return text_response(400, f"unexpected probe header value: {sender!r}")
        if self.draining:
            return text_response(503, "shutting down")
        if not await self.wait_ready():
            return text_response(503, "queue not ready")
        return Response(200, (("content-type", "text/plain; charset=utf-8"),), b"queue")

    async def _answer_kubelet(self, request: Request) -> Response:
        if self.draining:
            return text_response(503, "shutting down")
        return await self._pass_on(request)

    async def wait_ready(self, limit_seconds: float = PROBE_LIMIT_SECONDS) -> bool:
        """Ask the model server until it is ready; False after `limit_seconds`. Cancelled when the asker gives up."""
        end = self._clock.monotonic() + limit_seconds
        while not await self._probe():
            if self._clock.monotonic() + PROBE_STEP_SECONDS > end:
                return False
            await self._clock.sleep(PROBE_STEP_SECONDS)
        return True

    async def drain(self) -> None:
        """Serve on, answer probes with 503, and return when no request came for the quiet period and none is open."""
        self.draining = True
        quiet_seconds = self._behaviour.quiet_seconds()
        if quiet_seconds < 0:
            return
        self._last_arrival = self._clock.monotonic()
        while (left := self._last_arrival + quiet_seconds - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        await self._idle.wait()


def tcp_probe(network: Network, address: str) -> Probe:
    """Knative's default readiness probe: can the port be connected to."""

    async def probe() -> bool:
        return network.listening(address)

    return probe
