"""Rules of an InferenceService's fields: lost, taken for another's, kept when they change, in another unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RequestTimeouts, RevisionSpec
from clusters.embedded.faults.derived.annotation_mutants import without
from clusters.embedded.faults.derived.operators import (
    DELAYED,
    DOUBLED,
    DOWN,
    DROPPED,
    KEPT,
    OBJECT,
    ONE_DOWN,
    ONE_UP,
    SCOPE,
    UNIT,
    UP,
    Object,
    Rule,
    made,
)
from clusters.embedded.faults.object_faults import (
    AcceleratorLimitDropped,
    ChangeIgnored,
    FieldsLost,
    PredictorAsTransformer,
    RevisionOnReapply,
    TransformerAsPredictor,
)
from clusters.embedded.faults.update_faults import (
    AcceleratorOnSidecar,
    LimitKept,
    MaximumKept,
    MetricKept,
    MinimumKept,
    TargetKept,
)
from clusters.embedded.kserve import kserve_names
from clusters.embedded.kserve.kserve_names import PREDICTOR, TRANSFORMER

LIMITED: Final = ("limit-direct", "limit-buffered", "container-concurrency-old")
QUEUE: Final = "one waiting request more or less is within what reaching a pod and leaving it takes"
SAME: Final = "without a target containerConcurrency is the target already"


def rules() -> Iterator[Rule]:
    """All of them."""
    yield from _lost()
    yield from _changed()
    yield from _limits()
    yield from _components()


def _lost() -> Iterator[Rule]:
    annotations: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("field minReplicas", kserve_names.MIN_SCALE_ANNOTATION, ("typed-fields",)),
        ("field maxReplicas", kserve_names.MAX_SCALE_ANNOTATION, ("typed-fields",)),
        ("field scaleTarget", kserve_names.TARGET_ANNOTATION, ("components-old",)),
        ("field scaleMetric", kserve_names.METRIC_ANNOTATION, ("components-old",)),
    )
    for rule, annotation, where in annotations:
        yield Rule(rule, DROPPED, without(annotation), where)
    yield Rule("field containerConcurrency", DROPPED, _template(_pop("containerConcurrency")), LIMITED[2:])
    yield Rule(
        "field timeout", DROPPED, _template(_pop("timeoutSeconds", "responseStartTimeoutSeconds")), ("request-timeout",)
    )
    yield Rule("field timeout", UNIT, _template(_scaled_timeout(60)), ("request-timeout",))
    yield Rule("field timeout", ONE_UP, _template(_more_timeout(1)), ("request-timeout",))
    yield Rule("field resources", DROPPED, AcceleratorLimitDropped, ("gpu-old",))
    yield Rule("field resources", OBJECT, AcceleratorOnSidecar, ("gpu-old",))
    yield Rule("field scaleTarget", OBJECT, _template(_target_as_limit), ("target-concurrency-old", "components-old"))
    yield Rule("field containerConcurrency", OBJECT, _template(_limit_as_target), LIMITED[2:], SAME)


def _changed() -> Iterator[Rule]:
    yield Rule("field minReplicas", KEPT, MinimumKept, ("minimum-to-zero",))
    yield Rule("field maxReplicas", KEPT, MaximumKept, ("live-bounds",))
    yield Rule("field scaleTarget", KEPT, TargetKept, ("live-settings",))
    yield Rule("field scaleMetric", KEPT, MetricKept, ("live-settings",))
    yield Rule("field containerConcurrency", KEPT, LimitKept, ("live-settings",))
    yield Rule("every field", KEPT, ChangeIgnored, ("minimum-to-zero",))
    yield Rule("every field", DELAYED, OneChangeBehind, ("live-bounds",))
    yield Rule("every field", DOUBLED, RevisionOnReapply, ("container-concurrency-old", "life-cycle"))


def _limits() -> Iterator[Rule]:
    yield Rule("containerConcurrency", ONE_UP, _running(lambda limit: limit + 1), LIMITED)
    yield Rule("containerConcurrency", ONE_DOWN, _running(lambda limit: max(1, limit - 1)), LIMITED)
    yield Rule("containerConcurrency", DOUBLED, _running(lambda limit: limit * 2), LIMITED)
    yield Rule("containerConcurrency", DROPPED, _running(lambda _: 1000), LIMITED)
    yield Rule("queue of a pod", UP, _waiting(lambda room: room * 3 // 2), LIMITED)
    yield Rule("queue of a pod", DOWN, _waiting(lambda room: room * 2 // 3), LIMITED)
    yield Rule("queue of a pod", DROPPED, _waiting(lambda _: 0), LIMITED)
    yield Rule("queue of a pod", ONE_UP, _waiting(lambda room: room + 1), LIMITED[:1], QUEUE)
    yield Rule("queue of a pod", ONE_DOWN, _waiting(lambda room: room - 1), LIMITED[:1], QUEUE)
    yield Rule("timeout", UP, _timeout(3.0), ("request-timeout",))
    yield Rule("timeout", DOWN, _timeout(1 / 3.0), ("request-timeout",))
    yield Rule("timeout", UNIT, _timeout(1e-3), ("request-timeout",))


def _components() -> Iterator[Rule]:
    where = ("components-old",)
    yield Rule("fields of the transformer", OBJECT, TransformerAsPredictor, where)
    yield Rule("fields of the predictor", OBJECT, PredictorAsTransformer, where)
    yield Rule("fields of the transformer", DROPPED, _component(TRANSFORMER), where)
    yield Rule("fields of the predictor", DROPPED, _component(PREDICTOR), where)
    yield Rule("fields of a component", DROPPED, FieldsLost, where)
    yield Rule("fields of a component", SCOPE, MinimumForAll, ("typed-fields", "components-old"))


def _template(change: Callable[[Object, Object], None]) -> type[Behaviour]:
    """A component's Knative Service with something else in its template, given metadata and spec of that."""

    def knative_service(self: Behaviour, service: Object, wanted: Object, existing: Object | None) -> Object:
        del self, service, existing
        value = copied(wanted)
        template = value["spec"]["template"]
        change(template["metadata"].setdefault("annotations", {}), template["spec"])
        return value

    return made("ChangedTemplate", knative_service=knative_service)


def _pop(*fields: str) -> Callable[[Object, Object], None]:
    def change(annotations: Object, spec: Object) -> None:
        del annotations
        for name in fields:
            spec.pop(name, None)

    return change


def _scaled_timeout(factor: int) -> Callable[[Object, Object], None]:
    def change(annotations: Object, spec: Object) -> None:
        del annotations
        for name in ("timeoutSeconds", "responseStartTimeoutSeconds"):
            if name in spec:
                spec[name] *= factor

    return change


def _more_timeout(seconds: int) -> Callable[[Object, Object], None]:
    def change(annotations: Object, spec: Object) -> None:
        del annotations
        for name in ("timeoutSeconds", "responseStartTimeoutSeconds"):
            if name in spec:
                spec[name] += seconds

    return change


def _target_as_limit(annotations: Object, spec: Object) -> None:
    if (text := annotations.get(kserve_names.TARGET_ANNOTATION)) is not None:
        spec["containerConcurrency"] = int(float(text))


def _limit_as_target(annotations: Object, spec: Object) -> None:
    if spec.get("containerConcurrency"):
        annotations.setdefault(kserve_names.TARGET_ANNOTATION, str(spec["containerConcurrency"]))


def _component(lost: str) -> type[Behaviour]:
    """Loses the scaling fields of one component."""

    def component(self: Behaviour, service: Object, component: str) -> Object:
        del self
        part: Object = service["spec"][component]
        if component != lost:
            return part
        return {name: value for name, value in part.items() if name not in ("scaleTarget", "scaleMetric")}

    return made("LostComponent", component=component)


class MinimumForAll(Behaviour):
    """Shares a service's minimum among its components, none for each."""

    def component(self, service: Object, component: str) -> Object:
        part: Object = service["spec"][component]
        least = part.get("minReplicas")
        count = sum(name in service["spec"] for name in (PREDICTOR, TRANSFORMER))
        return {**part, "minReplicas": (1 if least is None else least) // count}


class OneChangeBehind(Behaviour):
    """Makes a change true when the next one comes."""

    def __init__(self) -> None:
        self._wanted: dict[str, list[Object]] = {}

    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service
        seen = self._wanted.setdefault(wanted["metadata"]["name"], [])
        if existing is None or not seen:
            seen.append(copied(wanted))
            return wanted
        if seen[-1]["spec"]["template"] != wanted["spec"]["template"]:
            seen.append(copied(wanted))
        return copied(seen[-2] if len(seen) > 1 else seen[-1])


def _running(change: Callable[[int], int]) -> type[Behaviour]:
    def running_limit(self: Behaviour, container_concurrency: int) -> int:
        del self
        return change(container_concurrency) if container_concurrency else 0

    return made("ChangedLimit", running_limit=running_limit)


def _waiting(change: Callable[[int], int]) -> type[Behaviour]:
    def waiting_limit(self: Behaviour, container_concurrency: int) -> int:
        del self
        return change(10 * container_concurrency)

    return made("ChangedQueue", waiting_limit=waiting_limit)


def _timeout(factor: float) -> type[Behaviour]:
    class Changed(Behaviour):
        def timeouts(self, spec: RevisionSpec) -> RequestTimeouts:
            return super().timeouts(spec).times(factor)

    return Changed
