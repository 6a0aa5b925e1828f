"""Rules of a request's way: at each step once, at once, as it is, to whom it is meant for; and its answer back."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane import share
from clusters.embedded.dataplane.dataplane_behaviour import Step
from clusters.embedded.dataplane.policy import Policy, Tracker
from clusters.embedded.dataplane.revision import RevisionSpec
from clusters.embedded.dataplane.routes import Backends
from clusters.embedded.faults.derived.operators import (
    DELAYED,
    DOUBLED,
    DROPPED,
    EVERY,
    OBJECT,
    ORDER,
    RESTART,
    SCOPE,
    UNIT,
    Rule,
    made,
)
from clusters.embedded.faults.request_faults import LimitPerNode, Uneven
from clusters.embedded.faults.update_faults import MovesLate, OldKeepsRequests
from conformance.base.http.exchange import Handler, Request, Response

HELD_SECONDS: Final = 5.0
REFUSED: Final = Response(503, (("content-type", "text/plain"),), b"upstream connect error")
THROUGH: Final = ("limit-none", "container-concurrency-old", "target-concurrency-old")
PROMISED: Final = "nobody is promised a turn before those who came later: Go wakes waiting requests as it likes"
ACTIVATORS: Final = 3
QUEUED: Final = (
    "each pod keeps its limit, and a request that finds its slots taken by another activator's waits in the pod's "
    "queue rather than in the activator"
)
STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "ingress": THROUGH,
    "activator": THROUGH,
    "queue-proxy": THROUGH,
    "transformer's call": ("components",),
}
"""Steps, and where requests take them."""


def rules() -> Iterator[Rule]:
    """All of them."""
    for step, where in STEPS.items():
        for operator, handling in OPERATORS.items():
            yield Rule(f"way through the {step}", operator, at(step, handling), where)
    yield Rule("way through the activator", RESTART, at("activator", Restarted), THROUGH)
    yield Rule("pod among several", SCOPE, Uneven, ("scale-down",))
    yield Rule("pod among several", OBJECT, _fullest(), ("scale-down",))
    yield Rule("revision among several", OBJECT, OldKeepsRequests, ("rollout",))
    yield Rule("revision among several", DELAYED, MovesLate, ("rollout",))
    yield Rule("limit of each container", SCOPE, LimitPerNode, ("container-concurrency-old", "container-concurrency"))
    yield Rule("requests at zero pods", DROPPED, _without_pods(503), ("twice",))
    yield Rule("requests at zero pods", UNIT, _without_pods(504), ("twice",))
    yield Rule("quiet of a pod that goes", DROPPED, _quiet(-1.0), ("scale-down",))
    yield Rule("quiet of a pod that goes", DOUBLED, _quiet(60.0), ("scale-down",))
    yield Rule("end of a pod", DELAYED, _lingering(120.0), ("twice",))
    for operator, pods, why in (
        (DROPPED, _none_of_the_second, ""),
        (OBJECT, _those_of_the_first, ""),
        (SCOPE, _every_pod, QUEUED),
    ):
        where = ("container-concurrency",)
        yield Rule("share of an activator", operator, _sharing(pods), where, why, activators=ACTIVATORS)
    yield Rule("turn of a waiting request", ORDER, at("ingress", Overtaken), ("limit-buffered",), PROMISED)


class Handling(ABC):
    """What a step does to a request in so many."""

    def __init__(self) -> None:
        self._count = 0

    async def hand(self, request: Request, onward: Handler) -> Response:
        """Hand on, or do what is wrong in its turn."""
        self._count += 1
        return await (self.wrong(request, onward) if self._count % EVERY == 0 else onward(request))

    @abstractmethod
    async def wrong(self, request: Request, onward: Handler) -> Response:
        """What is wrong."""


class Dropped(Handling):
    async def wrong(self, request: Request, onward: Handler) -> Response:
        del request, onward
        return REFUSED


class Doubled(Handling):
    async def wrong(self, request: Request, onward: Handler) -> Response:
        first, second = await asyncio.gather(onward(request), onward(request))
        if second.stream is not None:
            second.stream.close()
        return first


class Delayed(Handling):
    async def wrong(self, request: Request, onward: Handler) -> Response:
        await asyncio.sleep(HELD_SECONDS)
        return await onward(request)


class Altered(Handling):
    async def wrong(self, request: Request, onward: Handler) -> Response:
        body = request.body + b" "
        return await onward(Request(request.method, request.path, request.host, request.headers, body))


class Exchanged(Handling):
    """Gives a caller the answer to the request before."""

    def __init__(self) -> None:
        super().__init__()
        self._last: Response | None = None

    async def hand(self, request: Request, onward: Handler) -> Response:
        answer = await super().hand(request, onward)
        if answer.stream is None:
            self._last = answer
        return answer

    async def wrong(self, request: Request, onward: Handler) -> Response:
        return self._last or await onward(request)


class Restarted(Handling):
    """Loses what it carries at a restart: twenty requests in a row of every two hundred."""

    async def hand(self, request: Request, onward: Handler) -> Response:
        self._count += 1
        return REFUSED if self._count % (5 * EVERY) > 5 * EVERY - EVERY // 2 else await onward(request)

    async def wrong(self, request: Request, onward: Handler) -> Response:
        return await onward(request)


class Overtaken(Handling):
    """Lets a request go when others have overtaken it."""

    async def wrong(self, request: Request, onward: Handler) -> Response:
        await asyncio.sleep(0.2)
        return await onward(request)


OPERATORS: Final[Mapping[str, type[Handling]]] = {
    DROPPED: Dropped,
    DOUBLED: Doubled,
    DELAYED: Delayed,
    "altered": Altered,
    OBJECT: Exchanged,
}


def at(step: str, handling: type[Handling]) -> type[Behaviour]:
    """A platform that does this at a step."""

    class Wrong(Behaviour):
        def __init__(self) -> None:
            self._handling = handling()

        async def passes(self, step: Step, request: Request, onward: Handler) -> Response:
            if request.method == "POST" and here(step, request):
                return await self._handling.hand(request, onward)
            return await onward(request)

    def here(found: Step, request: Request) -> bool:
        if step == "transformer's call":
            return found is Step.INGRESS and ("-predictor." in request.host)
        return found.value == step

    return Wrong


def _fullest() -> type[Behaviour]:
    """Prefers the pod that has most to do."""

    def direct_pod(self: Behaviour, backends: Backends, rng: random.Random) -> str | None:
        del self, rng
        return None if backends.proxy or not backends.ready else backends.ready[-1]

    return made("Fullest", direct_pod=direct_pod, policy=lambda *_: _MostFirst())


class _MostFirst(Policy):
    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        for tracker in sorted(trackers, key=lambda each: -each.in_flight):
            if tracker.reserve():
                return tracker
        return None


def _none_of_the_second(pods: Sequence[Tracker], index: int, activators: int) -> list[Tracker]:
    return [] if index == 1 else share.assigned(pods, index, activators)


def _those_of_the_first(pods: Sequence[Tracker], index: int, activators: int) -> list[Tracker]:
    return share.assigned(pods, min(index, 0), activators)


def _every_pod(pods: Sequence[Tracker], index: int, activators: int) -> list[Tracker]:
    del index, activators
    return list(pods)


def _sharing(choose: Callable[[Sequence[Tracker], int, int], list[Tracker]]) -> type[Behaviour]:
    def activator_pods(self: Behaviour, pods: Sequence[Tracker], index: int, activators: int) -> list[Tracker]:
        del self
        return choose(pods, index, activators)

    return made("OtherShare", activator_pods=activator_pods)


def _without_pods(status: int) -> type[Behaviour]:
    def without_pods(self: Behaviour, request: Request, spec: RevisionSpec) -> Response | None:
        del self, request, spec
        return Response(status, REFUSED.headers, REFUSED.body)

    return made("NotHeld", without_pods=without_pods)


def _quiet(seconds: float) -> type[Behaviour]:
    return made("OtherQuiet", quiet_seconds=lambda *_: seconds)


def _lingering(seconds: float) -> type[Behaviour]:
    return made("Lingering", lingering_seconds=lambda *_: seconds)
