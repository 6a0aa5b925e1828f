"""Rules of a revision's annotations: lost on the way to it, ignored by the autoscaler, read in another unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.derived.operators import DROPPED, OBJECT, SCOPE, UNIT, Object, Rule, fixed, made, times
from clusters.embedded.kserve import kserve_names
from clusters.embedded.objects.metadata import annotations_of
from conformance.model import keys
from conformance.model.keys import Key

STARTED: Final = "the deployment is made with so many pods, and when they were ready the initial scale counts no more"
ANNOTATIONS: Final[Mapping[str, tuple[Key, tuple[str, ...], tuple[str, ...]]]] = {
    "window": (keys.WINDOW, ("twice",), ("twice",)),
    "panic-window-percentage": (keys.PANIC_WINDOW, ("panic-window",), ("panic-window",)),
    "panic-threshold-percentage": (keys.PANIC_THRESHOLD, ("calm-growth",), ("calm-growth",)),
    "metric-aggregation-algorithm": (keys.AGGREGATION, ("weighted-mean",), ("weighted-mean",)),
    "target-utilization-percentage": (keys.UTILIZATION, ("calm-growth",), ("calm-growth",)),
    "initial-scale": (keys.INITIAL_SCALE, ("typed-fields",), ("typed-fields",)),
    "activation-scale": (keys.ACTIVATION_SCALE, ("one-from-zero",), ("one-from-zero",)),
    "scale-down-delay": (keys.SCALE_DOWN_DELAY, ("twice",), ("twice",)),
    "scale-to-zero-pod-retention-period": (keys.POD_RETENTION, ("one-from-zero",), ("one-from-zero",)),
    "target-burst-capacity": (keys.BURST_CAPACITY, ("limit-direct",), ("limit-direct",)),
    "target": (keys.TARGET, ("target-concurrency-old",), ("target-concurrency-old",)),
    "metric": (keys.METRIC, ("components-old",), ("target-qps-meant",)),
    "min-scale": (keys.MIN_SCALE, ("typed-fields",), ("minimum-replicas",)),
    "max-scale": (keys.MAX_SCALE, ("typed-fields",), ("maximum-replicas",)),
}
"""By annotation: where its loss shows, and where the autoscaler's ignoring it does."""


def rules() -> Iterator[Rule]:
    """All of them."""
    for name, (key, lost, ignored) in ANNOTATIONS.items():
        yield Rule(f"annotation {name}", DROPPED, without(key.name), lost)
        why = STARTED if key is keys.INITIAL_SCALE else ""
        yield Rule(f"annotation {name} in the autoscaler", DROPPED, unread(key), ignored, why)
    yield Rule("annotation window in the autoscaler", UNIT, times("stable_window_seconds", 1e-3), ("twice",))
    percent = "annotation panic-window-percentage in the autoscaler"
    yield Rule(percent, UNIT, fixed("panic_window_seconds", 50), ("panic-window",))
    threshold = "annotation panic-threshold-percentage in the autoscaler"
    yield Rule(threshold, UNIT, times("panic_threshold", 1e-2), ("calm-growth",))
    yield Rule(
        "annotation scale-down-delay in the autoscaler", UNIT, times("scale_down_delay_seconds", 1e-3), ("twice",)
    )
    retention = "annotation scale-to-zero-pod-retention-period in the autoscaler"
    yield Rule(retention, UNIT, times("pod_retention_seconds", 1e-3), ("one-from-zero",))
    yield Rule(
        "annotation target-utilization-percentage in the autoscaler",
        UNIT,
        times("target_value", 100.0),
        ("calm-growth",),
    )
    yield Rule("annotations of a component", DROPPED, _of_the_service(), ("typed-fields",))
    yield Rule("annotations of a component", SCOPE, _of_the_service(whole=False), ("typed-fields",))
    yield Rule("annotation class", DROPPED, without(keys.CLASS.name), ("target-concurrency",))
    yield Rule("annotations of the service", DROPPED, _only_own(), ("gpu-old",))
    yield Rule("annotations of the service", SCOPE, BoundsOfTheService, ("typed-fields",))
    yield Rule("annotation target", OBJECT, _exchanged(keys.TARGET, keys.MIN_SCALE), ("typed-fields", "components-old"))


def without(annotation: str) -> type[Behaviour]:
    """Loses an annotation on its way to the revision."""

    def template_annotations(
        self: Behaviour, service: Object, component: str, annotations: Mapping[str, str]
    ) -> dict[str, str]:
        del self, service, component
        return {name: text for name, text in annotations.items() if name != annotation}

    return made("LostAnnotation", template_annotations=template_annotations)


def unread(key: Key) -> type[Behaviour]:
    """Goes by the cluster's setting where an annotation says otherwise."""

    def scaling_annotations(self: Behaviour, annotations: Mapping[str, str]) -> Mapping[str, str]:
        del self
        return {name: text for name, text in annotations.items() if name not in (key.name, key.alias)}

    return made("UnreadAnnotation", scaling_annotations=scaling_annotations)


def _only_own() -> type[Behaviour]:
    """Hands annotations of the whole service on to none of its components."""

    def template_annotations(
        self: Behaviour, service: Object, component: str, annotations: Mapping[str, str]
    ) -> dict[str, str]:
        del self
        own = service["spec"][component]
        fields = {kserve_names.TARGET_ANNOTATION: "scaleTarget", kserve_names.METRIC_ANNOTATION: "scaleMetric"}
        outer = annotations_of(service)
        return {
            name: text
            for name, text in annotations.items()
            if name not in outer or own.get(fields.get(name, ""), None) is not None
        }

    return made("OnlyOwnAnnotations", template_annotations=template_annotations)


def _of_the_service(whole: bool = True) -> type[Behaviour]:
    """Hands on annotations of the service in the place of those of a component, or where both have one."""

    def template_annotations(
        self: Behaviour, service: Object, component: str, annotations: Mapping[str, str]
    ) -> dict[str, str]:
        del self
        own, outer = service["spec"][component].get("annotations") or {}, annotations_of(service)
        found = {name: text for name, text in annotations.items() if not (whole and name in own)}
        return {**found, **{name: outer[name] for name in own if name in outer}}

    return made("AnnotationsOfTheService", template_annotations=template_annotations)


class BoundsOfTheService(Behaviour):
    """Takes bounds that are annotations of the whole service for those of each component."""

    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        del component
        bounds = (kserve_names.MIN_SCALE_ANNOTATION, kserve_names.MAX_SCALE_ANNOTATION)
        return {**annotations, **{name: text for name, text in annotations_of(service).items() if name in bounds}}


def _exchanged(first: Key, second: Key) -> type[Behaviour]:
    """Takes one annotation for another."""

    def template_annotations(
        self: Behaviour, service: Object, component: str, annotations: Mapping[str, str]
    ) -> dict[str, str]:
        del self, service, component
        found = dict(annotations)
        if first.name in annotations and second.name in annotations:
            found |= {first.name: annotations[second.name], second.name: annotations[first.name]}
        return found

    return made("ExchangedAnnotations", template_annotations=template_annotations)
