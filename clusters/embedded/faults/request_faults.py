"""Faults on the way of requests: limits, queues, balancing, cold start, removal of pods."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Final

from clusters.embedded.behaviour.control_behaviour import PlatformState
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.dataplane_behaviour import Step
from clusters.embedded.dataplane.policy import Policy, Tracker
from clusters.embedded.dataplane.revision import RequestTimeouts, RevisionKey, RevisionSpec
from clusters.embedded.dataplane.routes import Backends, Split
from clusters.embedded.dataplane.share import UNLIMITED
from clusters.embedded.faults.fault import Fault
from conformance.base.http.exchange import Handler, Request, Response

LIMIT: Final = "containerConcurrency is a hard limit of each container"
FULL: Final = "a container takes as many requests as containerConcurrency says"
QUEUE: Final = "surplus requests wait, ten times the limit in each pod, then 503"
COLD: Final = "a request at zero pods is held until a pod serves it"
SCALE_DOWN: Final = "a pod that is removed finishes what it runs and gets nothing new"
BALANCE: Final = "requests are spread over the ready pods"
INTACT: Final = "every request reaches the model once and is answered"
PROMPT: Final = "a request goes to a pod that has room at once"
HELD_EVERY: Final = 40
CALLED_EVERY: Final = 20
HELD_SECONDS: Final = 5.0
TEXT: Final = (("content-type", "text/plain"),)


class _Unlimited(Policy):
    """The pod with the least in flight, limit or not."""

    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        if not trackers:
            return None
        chosen = min(trackers, key=lambda tracker: tracker.in_flight)
        chosen.in_flight += 1
        return chosen


class _Unbounded(Behaviour):
    """Its activators let everything through to the pod with the least in flight."""

    def policy(self, container_concurrency: int, rng: random.Random) -> Policy:
        del container_concurrency, rng
        return _Unlimited()

    def activator_capacity(self, container_concurrency: int, backends: int, trackers: int, activators: int) -> int:
        del container_concurrency, trackers, activators
        return UNLIMITED if backends else 0


class _Informed(Behaviour):
    """Knows what only the control plane should."""

    def __init__(self) -> None:
        self.state: PlatformState | None = None

    def attach(self, state: PlatformState) -> None:
        self.state = state


async def _twice(handler: Handler, request: Request) -> Response:
    """Both at the same time; the second answer is the caller's."""
    _, second = await asyncio.gather(handler(request), handler(request))
    return second


class LimitPlusOne(Behaviour):
    def running_limit(self, container_concurrency: int) -> int:
        return container_concurrency + 1 if container_concurrency else 0


class LimitMinusOne(Behaviour):
    def running_limit(self, container_concurrency: int) -> int:
        return max(1, container_concurrency - 1) if container_concurrency else 0


class LimitPerNode(_Unbounded):
    """Counts the limit once for all pods that a node could hold."""

    def running_limit(self, container_concurrency: int) -> int:
        return container_concurrency * 3


class _PanicPolicy(Policy):
    """Keeps limits except in panic."""

    def __init__(self, limit: int, state: PlatformState | None) -> None:
        self._limit = limit
        self._state = state

    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        if not trackers:
            return None
        chosen = min(trackers, key=lambda tracker: tracker.in_flight)
        if self._limit and chosen.in_flight >= self._limit and not self._panicking(chosen.address):
            return None
        chosen.in_flight += 1
        return chosen

    def _panicking(self, address: str) -> bool:
        revision = self._state.revision_at(address) if self._state else None
        return self._state is not None and revision is not None and self._state.panicking(revision)


class LimitOffInPanic(_Informed, _Unbounded):
    def running_limit(self, container_concurrency: int) -> int:
        del container_concurrency
        return 0

    def policy(self, container_concurrency: int, rng: random.Random) -> Policy:
        del rng
        return _PanicPolicy(container_concurrency, self.state)


class SurplusRejected(Behaviour):
    def waiting_limit(self, container_concurrency: int) -> int:
        del container_concurrency
        return 0

    def activator_refuses(self, spec: RevisionSpec, waiting: int) -> Response | None:
        return self.queue_full(spec) if spec.container_concurrency and waiting else None


class SurplusKept(Behaviour):
    def waiting_limit(self, container_concurrency: int) -> int:
        del container_concurrency
        return UNLIMITED


class QueuedStuck(_Unbounded):
    """Binds a request to a pod on arrival, and lets it wait there."""

    def waiting_limit(self, container_concurrency: int) -> int:
        del container_concurrency
        return UNLIMITED


class _First(Policy):
    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        return next((tracker for tracker in trackers if tracker.reserve()), None)


class Uneven(Behaviour):
    def policy(self, container_concurrency: int, rng: random.Random) -> Policy:
        del container_concurrency, rng
        return _First()

    def direct_pod(self, backends: Backends, rng: random.Random) -> str | None:
        del rng
        return None if backends.proxy or not backends.ready else backends.ready[0]


class ColdStartLost(Behaviour):
    def without_pods(self, request: Request, spec: RevisionSpec) -> Response | None:
        del request, spec
        return Response(503, TEXT, b"no healthy upstream")


class ColdStartHidden(Behaviour):
    """Answers in the model's place while there is no pod."""

    def without_pods(self, request: Request, spec: RevisionSpec) -> Response | None:
        del request
        body = json.dumps({"predictions": [{"scores": [1.0, 0, 0, 0, 0, 0], "prediction": 0, "key": "   1"}]})
        headers = (("content-type", "application/json"), ("x-pod", f"{spec.key.name}-spare"), ("x-model-ms", "1.0"))
        return Response(200, headers, body.encode())


class ColdStartTwice(Behaviour):
    """Sends what it held at zero to the model twice."""

    def __init__(self) -> None:
        self._held: dict[str, None] = {}

    def without_pods(self, request: Request, spec: RevisionSpec) -> Response | None:
        del spec
        identity = request.header("x-request-id")
        if identity:
            self._held[identity] = None
        return None

    def model_handler(self, pod: str, handler: Handler) -> Handler:
        del pod

        async def twice(request: Request) -> Response:
            if request.header("x-request-id") not in self._held:
                return await handler(request)
            return await _twice(handler, request)

        return twice


class Duplicated(Behaviour):
    """Sends every second request to the model twice."""

    def __init__(self) -> None:
        self._count = 0

    def model_handler(self, pod: str, handler: Handler) -> Handler:
        del pod

        async def sometimes_twice(request: Request) -> Response:
            self._count += 1
            if request.method != "POST" or self._count % 2:
                return await handler(request)
            return await _twice(handler, request)

        return sometimes_twice


class CalledTwice(Behaviour):
    """Hands every twentieth call of a transformer to its predictor twice."""

    def __init__(self) -> None:
        self._count = 0

    async def passes(self, step: Step, request: Request, onward: Handler) -> Response:
        if step is Step.INGRESS and "-predictor." in request.host and request.method == "POST":
            self._count += 1
            if self._count % CALLED_EVERY == 0:
                again, answer = await asyncio.gather(onward(request), onward(request))
                if again.stream is not None:
                    again.stream.close()
                return answer
        return await onward(request)


class TransientErrors(Behaviour):
    """Fails every fiftieth request."""

    def __init__(self) -> None:
        self._count = 0

    def model_handler(self, pod: str, handler: Handler) -> Handler:
        del pod

        async def fail_now_and_then(request: Request) -> Response:
            if request.method == "POST":
                self._count += 1
                if self._count % 50 == 0:
                    return Response(503, TEXT, b"upstream connect error or disconnect/reset before headers")
            return await handler(request)

        return fail_now_and_then


class HeldBack(Behaviour):
    """Keeps every fortieth request at the activator."""

    def __init__(self) -> None:
        self._count = 0

    async def passes(self, step: Step, request: Request, onward: Handler) -> Response:
        if step is Step.ACTIVATOR and request.method == "POST":
            self._count += 1
            if self._count % HELD_EVERY == 0:
                await asyncio.sleep(HELD_SECONDS)
        return await onward(request)


class RunningCut(Behaviour):
    def quiet_seconds(self) -> float:
        return -1.0


class BadGateway(Behaviour):
    """Goes on sending requests to pods that are gone, also to those of a revision that was replaced."""

    def __init__(self) -> None:
        self._latest: dict[str, RevisionKey] = {}
        self._replaced: dict[str, RevisionKey] = {}
        self._count = 0

    def choose_revision(self, request: Request, splits: Sequence[Split], rng: random.Random) -> RevisionKey:
        chosen = super().choose_revision(request, splits, rng)
        latest = self._latest.setdefault(request.host, chosen)
        if latest != chosen:
            self._replaced[request.host] = latest
            self._latest[request.host] = chosen
        self._count += 1
        return self._replaced.get(request.host, chosen) if self._count % 20 == 0 else chosen

    def activator_refuses(self, spec: RevisionSpec, waiting: int) -> Response | None:
        del waiting
        if spec.key in self._replaced.values():
            return Response(502, TEXT, b"upstream connect error or disconnect/reset before headers")
        return None

    def quiet_seconds(self) -> float:
        return -1.0

    def keeps_terminating_endpoint(self) -> bool:
        return True

    def lingering_seconds(self) -> float:
        return 5.0


class Lingers(Behaviour):
    def lingering_seconds(self) -> float:
        return 120.0


class TimeoutIgnored(Behaviour):
    def timeouts(self, spec: RevisionSpec) -> RequestTimeouts:
        del spec
        return RequestTimeouts(3600.0)


class TimeoutShort(Behaviour):
    def timeouts(self, spec: RevisionSpec) -> RequestTimeouts:
        return super().timeouts(spec).times(1 / 20)


class PendingServed(_Informed):
    """Counts pods without a node among those that serve."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def activator_refuses(self, spec: RevisionSpec, waiting: int) -> Response | None:
        del waiting
        if self.state is None or not self.state.pending(spec.key):
            return None
        self._count += 1
        return Response(503, TEXT, b"no route to host") if self._count % 3 == 0 else None


FAULTS: Final = (
    Fault("container-concurrency-plus-1", "lets one request too many into a container", LIMIT, LimitPlusOne),
    Fault("container-concurrency-minus-1", "lets one request too few into a container", FULL, LimitMinusOne),
    Fault("limit-per-node", "shares the limits of all pods of a node", LIMIT, LimitPerNode),
    Fault("limit-off-during-panic", "lifts the limit while in panic", LIMIT, LimitOffInPanic),
    Fault("surplus-rejected-at-once", "answers 503 instead of queueing", QUEUE, SurplusRejected),
    Fault("surplus-never-rejected", "queues without a limit in the pod", QUEUE, SurplusKept),
    Fault("queued-requests-stuck", "binds queued requests to the pod that was there", QUEUE, QueuedStuck),
    Fault("uneven-balancing", "prefers the first pod", BALANCE, Uneven),
    Fault("cold-start-request-lost", "answers 503 while there is no pod", COLD, ColdStartLost),
    Fault("cold-start-request-duplicated", "sends a held request to the model twice", COLD, ColdStartTwice),
    Fault("slow-cold-start-hidden", "answers instead of the model while there is no pod", COLD, ColdStartHidden),
    Fault("request-duplicated", "sends every second request twice", INTACT, Duplicated),
    Fault("predictor-called-twice", "hands every twentieth call of a transformer on twice", INTACT, CalledTwice),
    Fault("requests-held-back", "keeps every fortieth request for five seconds", PROMPT, HeldBack),
    Fault("transient-errors", "fails every fiftieth request", INTACT, TransientErrors),
    Fault("running-request-cut", "cuts what a removed pod is running", SCALE_DOWN, RunningCut),
    Fault("bad-gateway-at-scale-down", "sends requests to pods that are gone", SCALE_DOWN, BadGateway),
    Fault("terminating-pods-linger", "keeps removed pods for two minutes more", SCALE_DOWN, Lingers),
    Fault("timeout-ignored", "lets requests run beyond the timeout", "the timeout ends a request", TimeoutIgnored),
    Fault("timeout-too-short", "ends requests far before the timeout", "the timeout ends a request", TimeoutShort),
    Fault(
        "pending-pods-get-traffic",
        "sends requests to pods that have no node",
        "traffic is served while pods wait for accelerators",
        PendingServed,
    ),
)
