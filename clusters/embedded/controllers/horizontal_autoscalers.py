"""HorizontalPodAutoscalers: looked at every 15 seconds, on metrics sampled from the pods each second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.controllers.horizontal_decision import MetricUsage, RecommendationHistory, bound, recommend
from clusters.embedded.controllers.horizontal_status import HorizontalDecision, conditions, current, reason
from clusters.embedded.nodes.pod_process import PodProcess
from clusters.embedded.nodes.pod_usage import SHARES, MeanInFlight, used
from clusters.embedded.objects.capacity import requested_amounts
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating
from clusters.embedded.objects.status_conditions import condition_of, is_true
from conformance.kube.resource_quantity import quantity
from conformance.kube.resources import AUTOSCALERS, DEPLOYMENTS, PODS

SYNC_SECONDS: Final = 15.0
SAMPLE_SECONDS: Final = 1.0
DEFAULT_PERCENT: Final = 80


class HorizontalAutoscalers:
    """Reconciles HorizontalPodAutoscalers of Deployments."""

    name = "horizontal-pod-autoscaler"
    watches: Sequence[Watched] = (Watched(AUTOSCALERS),)

    def __init__(self, context: ControllerContext, process: Callable[[ObjectKey], PodProcess | None]) -> None:
        """`process` finds the running part of a pod."""
        self._context = context
        self._process = process
        self._samples: dict[ObjectKey, dict[str, MeanInFlight]] = {}
        self._histories: dict[ObjectKey, RecommendationHistory] = {}
        self._due: dict[ObjectKey, float] = {}

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        autoscaler = context.get(AUTOSCALERS, *key)
        if autoscaler is None or is_terminating(autoscaler):
            for memory in (self._samples, self._histories, self._due):
                memory.pop(key, None)
            return None
        target = autoscaler["spec"]["scaleTargetRef"]
        deployment = context.get(DEPLOYMENTS, key.namespace, target["name"]) if target["kind"] == "Deployment" else None
        if deployment is None:
            return SAMPLE_SECONDS
        pods = self._pods(deployment)
        means = self._samples.setdefault(key, {})
        for pod in pods:
            name = pod["metadata"]["name"]
            process = self._process(ObjectKey(key.namespace, name))
            in_flight = None if process is None else process.in_flight
            if in_flight is not None:
                means.setdefault(name, MeanInFlight()).add(in_flight)
        now = context.clock.monotonic()
        if now >= self._due.setdefault(key, now + SYNC_SECONDS):
            self._due[key] = now + SYNC_SECONDS
            self._decide(key, autoscaler, deployment, pods, means)
            self._samples[key] = {}
        return SAMPLE_SECONDS

    def _pods(self, deployment: Object) -> list[Object]:
        labels = deployment["spec"]["selector"].get("matchLabels")
        pods = self._context.view(PODS, deployment["metadata"]["namespace"], labels)
        return [pod for pod in pods if not is_terminating(pod) and is_true(pod, "Ready")]

    def _decide(
        self,
        key: ObjectKey,
        autoscaler: Object,
        deployment: Object,
        pods: Sequence[Object],
        means: dict[str, MeanInFlight],
    ) -> None:
        context, spec = self._context, autoscaler["spec"]
        replicas = deployment["spec"].get("replicas", 1)
        if replicas == 0:
            self._tell(autoscaler, HorizontalDecision(0, 0, 0, ()))
            return
        usages = [usage for metric in _metrics(spec) if (usage := _usage(metric, pods, means)) is not None]
        recommended = recommend(replicas, len(pods), usages) if pods else replicas
        history = self._histories.setdefault(key, RecommendationHistory())
        wanted = bound(spec, replicas, recommended, history, context.clock.monotonic())
        if wanted != replicas:
            deployment["spec"]["replicas"] = wanted
            context.store.update(DEPLOYMENTS, deployment)
            text = f"New size: {wanted}; reason: {reason(usages)}"
            context.event(autoscaler, "SuccessfulRescale", text, self.name)
        self._tell(autoscaler, HorizontalDecision(replicas, recommended, wanted, tuple(usages)))

    def _tell(self, autoscaler: Object, decision: HorizontalDecision) -> None:
        context = self._context
        before = autoscaler.get("status") or {}
        status: Object = {
            "observedGeneration": autoscaler["metadata"].get("generation", 1),
            "currentReplicas": decision.replicas,
            "desiredReplicas": decision.wanted,
            "currentMetrics": [current(usage) for usage in decision.usages],
            "conditions": [self._condition(autoscaler, *each) for each in conditions(decision, autoscaler["spec"])],
        }
        since = context.now() if decision.wanted != decision.replicas else before.get("lastScaleTime")
        if since:
            status["lastScaleTime"] = since
        context.set_status(AUTOSCALERS, autoscaler, status)

    def _condition(self, autoscaler: Object, kind: str, state: str, why: str, message: str) -> Object:
        before = condition_of(autoscaler, kind)
        same = before is not None and before["status"] == state
        since = before["lastTransitionTime"] if same and before else self._context.now()
        return {"type": kind, "status": state, "reason": why, "message": message, "lastTransitionTime": since}


def _metrics(spec: Object) -> Sequence[Object]:
    usual = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": DEFAULT_PERCENT}}
    return spec.get("metrics") or ({"type": "Resource", "resource": usual},)


def _usage(metric: Object, pods: Sequence[Object], means: dict[str, MeanInFlight]) -> MetricUsage | None:
    """The metric's mean over the ready pods; None for a kind that nothing measures."""
    resource = metric.get("resource") or {}
    name, target = resource.get("name"), resource.get("target") or {}
    if name not in SHARES or not pods:
        return None
    loads = [means[pod["metadata"]["name"]].value if pod["metadata"]["name"] in means else 0.0 for pod in pods]
    total = sum(used(pod, name, load) for pod, load in zip(pods, loads, strict=True))
    average = total / len(pods)
    if target.get("averageValue"):
        return MetricUsage(name, average, quantity(target["averageValue"]), average, percent=False)
    reserved = sum(requested_amounts(pod).get(name, 0.0) for pod in pods)
    if not reserved or not target.get("averageUtilization"):
        return None
    return MetricUsage(name, 100 * total / reserved, float(target["averageUtilization"]), average)
