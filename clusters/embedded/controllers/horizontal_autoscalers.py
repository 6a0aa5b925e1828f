"""HorizontalPodAutoscalers: looked at every 15 seconds, decided by the model on what the metrics API says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.controllers.horizontal_status import conditions, current, reason
from clusters.embedded.objects.metadata import Object, ObjectKey, editable, is_terminating
from clusters.embedded.objects.status_conditions import condition_of
from conformance.kube.horizontal_objects import pod_state, spec_from, usages
from conformance.kube.resources import AUTOSCALERS, DEPLOYMENTS, PODS
from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalDecision, Workload
from conformance.model.replica_calculation import HorizontalSettings


class HorizontalAutoscalers:
    """Reconciles HorizontalPodAutoscalers of Deployments."""

    name = "horizontal-pod-autoscaler"
    watches: Sequence[Watched] = (Watched(AUTOSCALERS),)

    def __init__(self, context: ControllerContext, metrics: Callable[[str], list[Object]]) -> None:
        """`metrics` are the PodMetrics of a namespace; ApiError while there are none to be had."""
        self._context = context
        self._metrics = metrics
        self._settings = context.behaviour.horizontal_settings(HorizontalSettings())
        self._known: dict[ObjectKey, HorizontalAutoscaler] = {}
        self._due: dict[ObjectKey, float] = {}

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        autoscaler = context.peek(AUTOSCALERS, *key)
        if autoscaler is None or is_terminating(autoscaler):
            self._known.pop(key, None)
            self._due.pop(key, None)
            return None
        now, every = context.clock.monotonic(), self._settings.sync_seconds
        due = self._due.setdefault(key, now + every)
        if now >= due:
            due = self._due[key] = now + every
            self._look(key, autoscaler)
        return due - now

    def _look(self, key: ObjectKey, autoscaler: Object) -> None:
        context, reference = self._context, autoscaler["spec"]["scaleTargetRef"]
        deployment = context.peek(DEPLOYMENTS, key.namespace, reference["name"])
        if reference["kind"] != "Deployment" or deployment is None:
            return
        spec = context.behaviour.horizontal_spec(spec_from(autoscaler["spec"]))
        model = self._known.setdefault(key, HorizontalAutoscaler(spec, self._settings))
        model.spec = spec
        replicas = deployment["spec"].get("replicas", 1)
        seen = context.behaviour.horizontal_view(self._seen(deployment, replicas))
        decision = model.decide(context.clock.wall(), seen)
        wanted = context.behaviour.horizontal_replicas(autoscaler, replicas, decision)
        if wanted != replicas:
            scaled = editable(deployment)
            scaled["spec"]["replicas"] = wanted
            context.store.update(DEPLOYMENTS, scaled)
            text = f"New size: {wanted}; reason: {reason(decision, replicas, spec.targets)}"
            context.event(autoscaler, "SuccessfulRescale", text, self.name)
        self._tell(autoscaler, model, replicas, wanted, decision)

    def _seen(self, deployment: Object, replicas: int) -> Workload:
        namespace, labels = deployment["metadata"]["namespace"], deployment["spec"]["selector"].get("matchLabels") or {}
        pods = tuple(map(pod_state, self._context.view(PODS, namespace, labels)))
        try:
            measured = self._metrics(namespace)
        except ApiError:
            return Workload(replicas, pods, None)
        mine = [each for each in measured if labels.items() <= (each["metadata"].get("labels") or {}).items()]
        return Workload(replicas, pods, usages(mine))

    def _tell(
        self, autoscaler: Object, model: HorizontalAutoscaler, replicas: int, wanted: int, decision: HorizontalDecision
    ) -> None:
        context, targets = self._context, model.spec.targets
        before = autoscaler.get("status") or {}
        told = context.behaviour.horizontal_conditions(conditions(decision, targets))
        status: Object = {
            "currentReplicas": replicas,
            "desiredReplicas": wanted,
            "currentMetrics": [
                current(target, proposal) for target, proposal in zip(targets, decision.proposals, strict=False)
            ],
            "conditions": [self._condition(autoscaler, *each) for each in told],
        }
        since = context.now() if wanted != replicas else before.get("lastScaleTime")
        if since:
            status["lastScaleTime"] = since
        context.set_status(AUTOSCALERS, autoscaler, status)

    def _condition(self, autoscaler: Object, kind: str, state: str, why: str, message: str) -> Object:
        before = condition_of(autoscaler, kind)
        same = before is not None and before["status"] == state
        since = before["lastTransitionTime"] if same and before else self._context.now()
        return {"type": kind, "status": state, "reason": why, "message": message, "lastTransitionTime": since}
