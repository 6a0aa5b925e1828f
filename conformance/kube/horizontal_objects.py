"""HorizontalPodAutoscalers, pods and pod metrics as the Kubernetes API has them, read into the model's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.kube.resource_quantity import thousandths
from conformance.model.durations import SECOND_NANOSECONDS, parse_duration
from conformance.model.horizontal_autoscaler import HorizontalSpec
from conformance.model.replica_calculation import CPU, PodState, PodUsage, ResourceTarget
from conformance.model.scaling_rules import DOWN, UP, ScalingBehavior, ScalingPolicy, ScalingRules
from conformance.recording.kubernetes_time import unix

_Object = Mapping[str, Any]

DEFAULT_CPU_PERCENT: Final = 80
"""kubernetes pkg/apis/autoscaling/types.go at v1.34.0, DefaultCPUUtilization."""
SOURCES: Final = {"Resource": "resource", "ContainerResource": "containerResource"}
"""Types of metrics that are of a resource, and the field that describes each."""


def spec_from(spec: _Object) -> HorizontalSpec:
    """An autoscaler's `spec` with the defaults of the API server. Raises ValueError for a metric that is no resource's,
    and for one without target."""
    behavior = spec.get("behavior")
    return HorizontalSpec(
        least=1 if spec.get("minReplicas") is None else int(spec["minReplicas"]),
        most=int(spec["maxReplicas"]),
        targets=tuple(map(_target, spec.get("metrics") or ()))
        or (ResourceTarget(CPU, utilization=DEFAULT_CPU_PERCENT),),
        behavior=None
        if behavior is None
        else ScalingBehavior(_rules(behavior.get("scaleUp"), UP), _rules(behavior.get("scaleDown"), DOWN)),
    )


def _target(metric: _Object) -> ResourceTarget:
    source = metric.get(SOURCES.get(metric.get("type", ""), "")) or {}
    target = source.get("target") or {}
    name, container = source.get("name"), source.get("container", "")
    if name and target.get("averageValue") is not None:
        return ResourceTarget(name, average=thousandths(target["averageValue"]), container=container)
    if name and target.get("averageUtilization"):
        return ResourceTarget(name, utilization=int(target["averageUtilization"]), container=container)
    raise ValueError(f"{dict(metric)!r} is no target of a resource")


def _rules(given: _Object | None, usual: ScalingRules) -> ScalingRules:
    given = given or {}
    policies = given.get("policies")
    window = given.get("stabilizationWindowSeconds")
    return ScalingRules(
        policies=usual.policies if policies is None else tuple(map(_policy, policies)),
        select=given.get("selectPolicy") or usual.select,
        window_seconds=usual.window_seconds if window is None else int(window),
    )


def _policy(given: _Object) -> ScalingPolicy:
    return ScalingPolicy(given["type"] == "Percent", int(given["value"]), int(given["periodSeconds"]))


def pod_state(pod: _Object) -> PodState:
    """A pod, its times in Unix seconds; the requests of all containers, also initial ones that go on running."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    ready = next((entry for entry in status.get("conditions") or () if entry["type"] == "Ready"), None)
    lasting = [entry for entry in spec.get("initContainers") or () if entry.get("restartPolicy") == "Always"]
    return PodState(
        name=metadata["name"],
        phase=status.get("phase", "Pending"),
        terminating=bool(metadata.get("deletionTimestamp")),
        started=unix(status.get("startTime")),
        ready=ready["status"] if ready else None,
        since=(unix(ready.get("lastTransitionTime")) or 0.0) if ready else 0.0,
        requests={entry["name"]: _requests(entry) for entry in (*spec["containers"], *lasting)},
    )


def _requests(container: _Object) -> dict[str, int]:
    asked = (container.get("resources") or {}).get("requests") or {}
    return {name: thousandths(value) for name, value in asked.items()}


def pod_usage(metrics: _Object) -> PodUsage:
    """A PodMetrics object, its time in Unix seconds."""
    return PodUsage(
        at=unix(metrics.get("timestamp")) or 0.0,
        window_seconds=parse_duration(metrics.get("window") or "0") / SECOND_NANOSECONDS,
        containers={
            entry["name"]: {name: thousandths(value) for name, value in (entry.get("usage") or {}).items()}
            for entry in metrics.get("containers") or ()
        },
    )


def usages(items: Sequence[_Object]) -> dict[str, PodUsage]:
    """PodMetrics objects by pod."""
    return {item["metadata"]["name"]: pod_usage(item) for item in items}
