"""The activator: buffers requests while a revision has no pod, spreads them over its pods, reports what it holds.

Layers from outside in, as in Knative (cmd/activator/main.go): probes, revision look-up, accounting, timeout, throttler,
proxy. So a request that waits for a pod counts as concurrency, and ends as a 504 when it waits too long.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Final

from clusters.embedded.dataplane.activator_meter import ActivatorMeter
from clusters.embedded.dataplane.dataplane_behaviour import DataBehaviour, Step
from clusters.embedded.dataplane.deadline import Deadline, text_response
from clusters.embedded.dataplane.network import Network
from clusters.embedded.dataplane.prober import Prober
from clusters.embedded.dataplane.revision import ActivatorStat, RevisionKey, RevisionSpec
from clusters.embedded.dataplane.stats import REPORT_SECONDS
from clusters.embedded.dataplane.streams import followed
from clusters.embedded.dataplane.task_owner import TaskOwner
from clusters.embedded.dataplane.throttler import Throttler
from conformance.base.clock import Clock
from conformance.base.http.exchange import ExchangeError, Headers, Request, Response
from conformance.base.ticker import Ticker

PROXIED: Final[Headers] = (("k-proxy-request", "activator"),)


class _Revision:
    """What the activator keeps of one revision."""

    __slots__ = ("deadline", "prober", "spec", "throttler")

    def __init__(self, spec: RevisionSpec, throttler: Throttler, prober: Prober, deadline: Deadline) -> None:
        self.spec = spec
        self.throttler = throttler
        self.prober = prober
        self.deadline = deadline


class Activator:
    """One activator. An async context manager: probes and reports run inside its block. Serve `handle` somewhere."""

    def __init__(
        self,
        name: str,
        network: Network,
        clock: Clock,
        rng: random.Random,
        behaviour: DataBehaviour,
        report: Callable[[ActivatorStat], None],
        *,
        phase_seconds: float = 0.0,
    ) -> None:
        """`report` takes each message to the autoscaler. The first report of a second comes `phase_seconds` + 1 s after
        the block was entered."""
        self.name = name
        self._network = network
        self._clock = clock
        self._rng = rng
        self._behaviour = behaviour
        self._report = report
        self._phase_seconds = phase_seconds
        self._meter = ActivatorMeter(name)
        self._revisions: dict[RevisionKey, _Revision] = {}
        self._owner = TaskOwner()

    async def __aenter__(self) -> Activator:
        await self._owner.__aenter__()
        self._owner.start(self._report_each_second())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._owner.__aexit__(kind, error, trace)

    # What the control plane says

    def put_revision(self, spec: RevisionSpec) -> None:
        """Know a revision; again with another spec: its pods are probed afresh."""
        known = self._revisions.get(spec.key)
        if known is not None:
            if known.spec == spec:
                return
            self.remove_revision(spec.key)
        throttler = Throttler(spec, self._behaviour, self._rng)
        prober = Prober(self._network, self._clock, self._owner, throttler.set_pods)
        deadline = Deadline(self._behaviour.timeouts(spec), "activator request timeout")
        self._revisions[spec.key] = _Revision(spec, throttler, prober, deadline)

    def remove_revision(self, revision: RevisionKey) -> None:
        """Forget a revision. Requests that wait for its pods end by their timeout."""
        known = self._revisions.pop(revision, None)
        if known is not None:
            known.prober.watch(())

    def set_pods(self, revision: RevisionKey, ready: Iterable[str], starting: Iterable[str] = ()) -> None:
        """The addresses (`ip:port` of queue-proxy) of a revision's pods: ready ones, and ones that are not (yet).
        Terminating pods are in neither. Unknown revisions are ignored."""
        known = self._revisions.get(revision)
        if known is not None:
            early = starting if self._behaviour.serves_before_ready() else ()
            known.prober.watch((*ready, *early))

    def set_share(self, revision: RevisionKey, index: int, activators: int) -> None:
        """This activator's place among the activators of a revision; -1: it is none of them."""
        known = self._revisions.get(revision)
        if known is not None:
            known.throttler.set_share(index, activators)

    # What is asked of it

    def in_flight(self, revision: RevisionKey) -> int:
        """Requests of a revision that are here now, buffered ones too."""
        return self._meter.in_flight(revision)

    def buffered(self, revision: RevisionKey) -> int:
        """Requests of a revision that wait for a pod."""
        known = self._revisions.get(revision)
        return known.throttler.waiting if known else 0

    async def handle(self, request: Request) -> Response:
        """Answer a request that carries the revision's name in its headers."""
        namespace = name = ""
        for header, value in request.headers:
            if header == "knative-serving-revision":
                name = value
            elif header == "knative-serving-namespace":
                namespace = value
            elif header == "k-network-probe":
                return Response(200, (("content-type", "text/plain; charset=utf-8"),), b"activator")
        revision = self._revisions.get(RevisionKey(namespace, name))
        if revision is None:
            return text_response(404, f'revision.serving.knative.dev "{name}" not found')
        return await self._account(revision, request)

    async def _account(self, revision: _Revision, request: Request) -> Response:
        key, clock, meter = revision.spec.key, self._clock, self._meter
        first = meter.arrive(key, clock.monotonic())
        if first is not None:
            self._tell(first)

        async def throttle(request: Request) -> Response:
            return await self._throttle(revision, request)

        def leave() -> None:
            meter.leave(key, clock.monotonic())

        try:
            response = await revision.deadline.answer(throttle, request)
        except BaseException:
            leave()
            raise
        return followed(response, leave)

    async def _throttle(self, revision: _Revision, request: Request) -> Response:
        throttler = revision.throttler
        refusal = self._behaviour.activator_refuses(revision.spec, throttler.waiting)
        if refusal is None and throttler.empty:
            refusal = self._behaviour.without_pods(request, revision.spec)
        if refusal is not None:
            return refusal
        tracker = await throttler.acquire()

        def release() -> None:
            throttler.release(tracker)

        try:
            onward = partial(self._network.call, tracker.address)
            proxied = request.with_headers(request.headers + PROXIED)
            response = await self._behaviour.passes(Step.ACTIVATOR, proxied, onward)
        except ExchangeError as error:
            response = text_response(502, str(error))
        except BaseException:
            release()
            raise
        return followed(response, release)

    async def _report_each_second(self) -> None:
        first = self._clock.monotonic() + self._phase_seconds + REPORT_SECONDS
        ticker = Ticker(self._clock, first, REPORT_SECONDS)
        while True:
            await ticker.tick()
            for stat in self._meter.report(self._clock.monotonic()):
                self._tell(stat)

    def _tell(self, stat: ActivatorStat) -> None:
        told = self._behaviour.activator_report(stat)
        if told is not None:
            self._report(told)
