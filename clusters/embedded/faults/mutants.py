"""Faults that are derived rather than thought of: each rule of the platform changed by each operator that it allows.

A mutant is called RULE/OPERATOR and is chosen as a fault is. It names the scenarios that exercise its rule; which
requirement sees it there is found out, not stated (`conformance faults --matrix`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RequestTimeouts, RevisionSpec
from clusters.embedded.faults.decision_faults import Decides, ObservedDecision
from clusters.embedded.faults.update_faults import LimitKept, MaximumKept, MetricKept, MinimumKept, TargetKept
from clusters.embedded.kserve import kserve_names
from conformance.base.http.exchange import Request, Response
from conformance.model.collector import Stat
from conformance.model.parameters import Parameters
from conformance.settings.providers import Mutation

Object = dict[str, Any]
FACTOR: Final = 1.5
"""How far a constant is off: less hides behind ticks and reports for most."""
EVERY: Final = 40
QUEUE: Final = "one waiting request more or less is within what reaching a pod and leaving it takes"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A platform with one rule changed."""

    mutation: Mutation
    behaviour: type[Behaviour]


def _made(name: str, **methods: object) -> type[Behaviour]:
    return type(name, (Behaviour,), dict(methods))


def _setting(change: Callable[[Parameters], Parameters]) -> type[Behaviour]:
    def parameters(self: Behaviour, parameters: Parameters) -> Parameters:
        del self
        return change(parameters)

    return _made("ChangedSetting", parameters=parameters)


def _times(field: str, factor: float) -> type[Behaviour]:
    def change(parameters: Parameters) -> Parameters:
        value = getattr(parameters, field) * factor
        return replace(parameters, **{field: round(value) if "window" in field else value})

    return _setting(change)


def _plus(field: str, amount: int) -> type[Behaviour]:
    """A bound off by one; one that is not set stays so."""

    def change(parameters: Parameters) -> Parameters:
        value = getattr(parameters, field)
        return replace(parameters, **{field: max(0, value + amount) if value else value})

    return _setting(change)


def _decided(change: Callable[[int], int]) -> type[Behaviour]:
    class Changed(Decides):
        def decide(self, at: ObservedDecision) -> int:
            return change(at.decision.desired) if at.decision.desired > 1 else at.decision.desired

    return Changed


def _reported(change: Callable[[Stat], Stat]) -> type[Behaviour]:
    def measured(self: Behaviour, stat: Stat) -> Stat:
        del self
        return change(stat)

    return _made("ChangedReport", measured=measured)


def _lost(annotation: str) -> type[Behaviour]:
    def template_annotations(
        self: Behaviour, service: Object, component: str, annotations: Mapping[str, str]
    ) -> dict[str, str]:
        del self, service, component
        return {name: text for name, text in annotations.items() if name != annotation}

    return _made("LostAnnotation", template_annotations=template_annotations)


def _limit_lost() -> type[Behaviour]:
    def knative_service(self: Behaviour, service: Object, wanted: Object, existing: Object | None) -> Object:
        del self, service, existing
        value = copied(wanted)
        value["spec"]["template"]["spec"].pop("containerConcurrency", None)
        return value

    return _made("LostLimit", knative_service=knative_service)


def _running(change: Callable[[int], int]) -> type[Behaviour]:
    def running_limit(self: Behaviour, container_concurrency: int) -> int:
        del self
        return change(container_concurrency) if container_concurrency else 0

    return _made("ChangedLimit", running_limit=running_limit)


def _waiting(change: Callable[[int], int]) -> type[Behaviour]:
    def waiting_limit(self: Behaviour, container_concurrency: int) -> int:
        del self
        return change(10 * container_concurrency)

    return _made("ChangedQueue", waiting_limit=waiting_limit)


def _timeout(factor: float) -> type[Behaviour]:
    class Changed(Behaviour):
        def timeouts(self, spec: RevisionSpec) -> RequestTimeouts:
            return super().timeouts(spec).times(factor)

    return Changed


class _Now(Behaviour):
    """Does something to every so many requests."""

    def __init__(self) -> None:
        self._count = 0

    def _turn(self) -> bool:
        self._count += 1
        return self._count % EVERY == 0


class Dropped(_Now):
    def kept_answer(self, request: Request) -> Response | None:
        return Response(503, (), b"") if request.method == "POST" and self._turn() else None


class Doubled(_Now):
    def copies(self, request: Request) -> int:
        return 2 if request.method == "POST" and self._turn() else 1


def _list() -> Iterator[tuple[str, str, type[Behaviour], tuple[str, ...], str]]:
    """(rule, operator, behaviour, scenarios, why no user sees it)."""
    constants = (
        ("target", "target_value", ("sustained-concurrency",)),
        ("stable window", "stable_window_seconds", ("twice",)),
        ("panic window", "panic_window_seconds", ("panic-window",)),
        ("panic threshold", "panic_threshold", ("surge-from-four",)),
        ("scale-down rate", "max_scale_down_rate", ("scale-down",)),
    )
    for rule, field, where in constants:
        yield rule, "constant up", _times(field, FACTOR), where, ""
        yield rule, "constant down", _times(field, 1 / FACTOR), where, ""
    yield "scale-up rate", "constant down", _setting(lambda p: replace(p, max_scale_up_rate=1.1)), ("twice",), ""
    yield (
        "scale-up rate",
        "constant up",
        _times("max_scale_up_rate", FACTOR),
        ("twice",),
        ("1,000 times the ready pods in one decision is more than any documented load asks for"),
    )
    yield "grace period", "constant up", _times("grace_seconds", 3.0), ("zero-direct",), ""
    yield "grace period", "constant down", _times("grace_seconds", 0.0), ("zero-direct",), ""
    yield "timeout", "constant up", _timeout(3.0), ("request-timeout",), ""
    yield "timeout", "constant down", _timeout(1 / 3.0), ("request-timeout",), ""
    for rule, field, scenario in (
        ("minReplicas", "min_scale", "minimum-replicas"), ("maxReplicas", "max_scale", "maximum-replicas")
    ):  # fmt: skip
        yield rule, "off by one, up", _plus(field, 1), (scenario,), ""
        yield rule, "off by one, down", _plus(field, -1), (scenario,), ""
    yield "rounding up", "off by one, up", _decided(lambda pods: pods + 1), ("sustained-concurrency",), ""
    yield "rounding up", "off by one, down", _decided(lambda pods: pods - 1), ("sustained-concurrency",), ""
    yield "containerConcurrency", "off by one, up", _running(lambda limit: limit + 1), ("limit-direct",), ""
    yield "containerConcurrency", "off by one, down", _running(lambda limit: max(1, limit - 1)), ("limit-direct",), ""
    yield "queue of a pod", "constant up", _waiting(lambda room: room * 3 // 2), ("limit-direct",), ""
    yield "queue of a pod", "constant down", _waiting(lambda room: room * 2 // 3), ("limit-direct",), ""
    yield "queue of a pod", "off by one, up", _waiting(lambda room: room + 1), ("limit-direct",), QUEUE
    annotations: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("field minReplicas", kserve_names.MIN_SCALE_ANNOTATION, ("typed-fields",)),
        ("field maxReplicas", kserve_names.MAX_SCALE_ANNOTATION, ("typed-fields",)),
        ("field scaleTarget", kserve_names.TARGET_ANNOTATION, ("gpu-old", "components-old")),
        ("field scaleMetric", kserve_names.METRIC_ANNOTATION, ("components-old",)),
        ("annotation window", "autoscaling.knative.dev/window", ("twice",)),
        ("annotation panic-window-percentage", "autoscaling.knative.dev/panic-window-percentage", ("panic-window",)),
    )
    for rule, annotation, exercised in annotations:
        yield rule, "dropped", _lost(annotation), exercised, ""
    yield "field containerConcurrency", "dropped", _limit_lost(), ("container-concurrency-old",), ""
    yield "field minReplicas", "update ignored", MinimumKept, ("minimum-to-zero",), ""
    yield "field maxReplicas", "update ignored", MaximumKept, ("live-bounds",), ""
    yield "field scaleTarget", "update ignored", TargetKept, ("live-settings",), ""
    yield "field scaleMetric", "update ignored", MetricKept, ("live-settings",), ""
    yield "field containerConcurrency", "update ignored", LimitKept, ("live-settings",), ""
    yield "requests in flight", "doubled", _reported(_scaled(2.0)), ("sustained-concurrency",), ""
    yield "requests in flight", "dropped", _reported(_scaled(0.0)), ("sustained-concurrency",), ""
    yield "requests in flight", "wrong unit", _reported(_scaled(1000.0)), ("maximum-replicas",), ""
    yield "requests in flight", "wrong object", _reported(_other), ("sustained-concurrency",), ""
    yield "way through the ingress", "dropped", Dropped, ("limit-none",), ""
    yield "way through the ingress", "doubled", Doubled, ("limit-buffered", "target-concurrency-old"), ""


def _scaled(factor: float) -> Callable[[Stat], Stat]:
    return lambda stat: Stat(*(value * factor for value in stat))


def _other(stat: Stat) -> Stat:
    """Requests per second in the place of requests in flight, and the other way round."""
    return Stat(stat.rps, stat.proxied_rps, stat.concurrency, stat.proxied_concurrency)


@cache
def mutants() -> Mapping[str, Mutant]:
    """All of them by name."""
    found = {}
    for rule, operator, behaviour, where, invisible in _list():
        name = f"{rule}/{operator}".replace(", ", "-").replace(" ", "-").lower()
        found[name] = Mutant(Mutation(name, rule, operator, where, invisible), behaviour)
    return found
