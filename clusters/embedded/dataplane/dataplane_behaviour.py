"""The decisions on the way of a request that a platform could get wrong, one method each, here as they should be."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Enum

from clusters.embedded.dataplane import share
from clusters.embedded.dataplane.policy import Policy, Tracker, policy_for
from clusters.embedded.dataplane.revision import ActivatorStat, PodStat, RequestTimeouts, RevisionKey, RevisionSpec
from clusters.embedded.dataplane.routes import Backends, Split
from conformance.base.http.exchange import Handler, Request, Response


class Step(Enum):
    """Who hands a request on."""

    INGRESS = "ingress"
    ACTIVATOR = "activator"
    QUEUE_PROXY = "queue-proxy"


class DataBehaviour:
    """Decisions on the way of a request."""

    async def passes(self, step: Step, request: Request, onward: Handler) -> Response:
        """Hand a request on from one step of its way to the next, once and as it is, and its answer back."""
        del step
        return await onward(request)

    # Ingress

    def choose_revision(self, request: Request, splits: Sequence[Split], rng: random.Random) -> RevisionKey:
        """Which revision gets a request: by the percentages of the route."""
        del request
        if len(splits) == 1:
            return splits[0].revision
        left = rng.random() * sum(split.percent for split in splits)
        for split in splits:
            left -= split.percent
            if left < 0:
                return split.revision
        return splits[-1].revision

    def direct_pod(self, backends: Backends, rng: random.Random) -> str | None:
        """The pod a request goes to when no activator is in the path: any ready one; None sends it to an activator,
        which is where it belongs in proxy mode and while no pod is ready."""
        if backends.proxy or not backends.ready:
            return None
        return backends.ready[rng.randrange(len(backends.ready))]

    def copies(self, request: Request) -> int:
        """How often the ingress sends a request on."""
        del request
        return 1

    def kept_answer(self, request: Request) -> Response | None:
        """What the ingress answers by itself to a request for a known host; None sends the request on."""
        del request
        return None

    def handed_on(self, request: Request) -> Request:
        """A caller's request as the ingress sends it on."""
        return request

    def passed_back(self, request: Request, response: Response) -> Response:
        """The answer that a caller gets, given the one that came for its request."""
        del request
        return response

    # Activator

    def without_pods(self, request: Request, spec: RevisionSpec) -> Response | None:
        """The answer to a request for a revision without a pod; None buffers it until there is one."""
        del request, spec
        return None

    def activator_refuses(self, spec: RevisionSpec, waiting: int) -> Response | None:
        """The answer to a request when `waiting` others are buffered; None buffers it too. The queue depth of 10000 in
        Knative's source never takes effect, so there is no limit."""
        del spec, waiting
        return None

    def policy(self, container_concurrency: int, rng: random.Random) -> Policy:
        """How an activator chooses among its pods."""
        return policy_for(container_concurrency, rng)

    def activator_pods(self, pods: Sequence[Tracker], index: int, activators: int) -> list[Tracker]:
        """The pods that an activator uses, one of several; of all, in order of their addresses."""
        return share.assigned(pods, index, activators)

    def activator_capacity(self, container_concurrency: int, backends: int, trackers: int, activators: int) -> int:
        """Requests that an activator lets through at a time."""
        return share.capacity(container_concurrency, backends, trackers, activators)

    def serves_before_ready(self) -> bool:
        """Whether an activator may use a pod as soon as queue-proxy answers its probe."""
        return True

    def activator_report(self, stat: ActivatorStat) -> ActivatorStat | None:
        """What an activator tells the autoscaler, given what it counted; None says nothing."""
        return stat

    # queue-proxy

    def running_limit(self, container_concurrency: int) -> int:
        """Requests a pod runs at a time; 0 has no limit and no queue."""
        return container_concurrency

    def waiting_limit(self, container_concurrency: int) -> int:
        """Requests that wait in a pod before the next is refused."""
        return 10 * container_concurrency

    def queue_full(self, spec: RevisionSpec) -> Response:
        """The answer to a refused request."""
        del spec
        return Response(503, (("content-type", "text/plain; charset=utf-8"),), b"pending request queue full\n")

    def counts_as_proxied(self, request: Request) -> bool:
        """Whether a pod counts a request as one that an activator reports too."""
        return request.header("k-proxy-request") == "activator"

    def pod_report(self, stat: PodStat) -> PodStat:
        """What a pod's metrics port says, given what it counted."""
        return stat

    def timeouts(self, spec: RevisionSpec) -> RequestTimeouts:
        """How long a request may take."""
        return RequestTimeouts(spec.timeout_seconds, spec.response_start_timeout_seconds, spec.idle_timeout_seconds)

    def quiet_seconds(self) -> float:
        """How long a terminating pod must have been without a new request before it stops; below 0 cuts what is
        running at once (Knative pkg/queue/sharedmain/main.go drainSleepDuration)."""
        return 30.0
