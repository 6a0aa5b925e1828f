"""Revisions: a Deployment and a PodAutoscaler, and whether they came up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, owner_of
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.traffic import Traffic
from clusters.embedded.knative.health import HEALTHY, RESOURCES, is_telling, trouble
from clusters.embedded.knative.knative_names import ACTIVE, CONFIGURATION, RESERVE, REVISION, ROUTING_STATE
from clusters.embedded.knative.revisions import deployment, deployment_name, pod_autoscaler, traffic_spec
from clusters.embedded.objects.metadata import (
    Object,
    ObjectKey,
    annotations_of,
    is_terminating,
    labels,
    owner_references,
)
from clusters.embedded.objects.status_conditions import (
    StatusCondition,
    condition_of,
    condition_status,
    is_true,
    summary,
)
from conformance.kube.resources import CONFIGURATIONS, DEPLOYMENTS, POD_AUTOSCALERS, PODS, REPLICA_SETS, REVISIONS
from conformance.model.durations import parse_duration
from conformance.model.resolve import resolve_initial_scale

QUEUE_IMAGE = "gcr.io/knative-releases/knative.dev/serving/cmd/queue:v1.23.0"


def _previous_revisions(configuration: Object) -> Iterable[ObjectKey]:
    """The revision that is serving, when a newer one was made."""
    status = configuration.get("status") or {}
    ready = status.get("latestReadyRevisionName")
    if ready and ready != status.get("latestCreatedRevisionName"):
        yield ObjectKey(configuration["metadata"]["namespace"], ready)


def _of_telling_pod(pod: Object) -> Iterable[ObjectKey]:
    """Most changes of pods show in their Deployment; only why one does not start has to be looked up."""
    name = labels(pod).get(REVISION)
    if name and not is_true(pod, "Ready") and is_telling(pod):
        yield ObjectKey(pod["metadata"]["namespace"], name)


class Revisions:
    """Reconciles Revisions."""

    name = "revision-controller"
    watches: Sequence[Watched] = (
        Watched(REVISIONS),
        Watched(DEPLOYMENTS, owner_of("Revision")),
        Watched(POD_AUTOSCALERS),
        Watched(CONFIGURATIONS, _previous_revisions),
        Watched(PODS, _of_telling_pod),
    )

    def __init__(self, context: ControllerContext, traffic: Traffic) -> None:
        self._context = context
        self._traffic = traffic

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        revision = context.peek(REVISIONS, *key)
        if revision is None:
            self._traffic.remove_revision(RevisionKey(*key))
            return None
        if is_terminating(revision):
            return None
        self._traffic.add_revision(traffic_spec(revision))
        name = deployment_name(key.name)
        found = context.peek(DEPLOYMENTS, key.namespace, name)
        if found is None:
            found = self._create_deployment(revision)
        wanted = pod_autoscaler(revision, self._reachability(revision))
        wanted["metadata"]["ownerReferences"] = owner_references(revision)
        autoscaler, _ = context.ensure(POD_AUTOSCALERS, wanted)
        self._tell(revision, found, autoscaler)
        return None

    def _create_deployment(self, revision: Object) -> Object:
        context = self._context
        initial = resolve_initial_scale(context.autoscaler_config(), annotations_of(revision))
        text = context.config("config-deployment").get("progress-deadline", "600s")
        value = deployment(revision, initial, QUEUE_IMAGE, int(parse_duration(text) // 1_000_000_000))
        value["metadata"]["ownerReferences"] = owner_references(revision)
        return context.store.create(DEPLOYMENTS, context.behaviour.revision_deployment(revision, value))

    def _reachability(self, revision: Object) -> str:
        routed = labels(revision).get(ROUTING_STATE)
        broken = (
            condition_status(revision, "ContainerHealthy") == "False"
            or condition_status(revision, "ResourcesAvailable") == "False"
        )
        if routed == RESERVE or broken:
            found = "Unreachable"
        else:
            found = "Reachable" if routed == ACTIVE else "Unknown"
        return self._context.behaviour.reachability(revision, self._is_newest(revision), found)

    def _is_newest(self, revision: Object) -> bool:
        metadata = revision["metadata"]
        configuration = self._context.peek(
            CONFIGURATIONS, metadata["namespace"], labels(revision).get(CONFIGURATION, "")
        )
        return ((configuration or {}).get("status") or {}).get("latestCreatedRevisionName") in (None, metadata["name"])

    def _tell(self, revision: Object, found: Object, autoscaler: Object) -> None:
        scaled = is_true(autoscaler, "ScaleTargetInitialized")
        active = condition_of(autoscaler, "Active") or {}
        activity = StatusCondition(
            "Active", active.get("status", "Unknown"), active.get("reason", ""), active.get("message", ""), "Info"
        )
        resources, healthy = self._health(revision, found, scaled=scaled)
        parts = [resources, healthy]
        status = found.get("status") or {}
        fields: Object = {
            "actualReplicas": status.get("readyReplicas", 0),
            "desiredReplicas": (autoscaler.get("status") or {}).get("desiredScale", 0),
            "containerStatuses": [
                {"name": entry["name"], "imageDigest": entry.get("image", "")}
                for entry in revision["spec"]["containers"]
            ],
        }
        if fields["desiredReplicas"] in (None, -1):
            del fields["desiredReplicas"]
        ready = summary("Ready", parts)
        if ready.status == "True" and condition_status(revision, "Ready") != "True":
            self._context.event(revision, "RevisionReady", "Revision becomes ready", self.name)
        self._context.set_conditions(REVISIONS, revision, [*parts, activity, ready], fields)

    def _health(self, revision: Object, found: Object, *, scaled: bool) -> tuple[StatusCondition, StatusCondition]:
        """ResourcesAvailable and ContainerHealthy; once good they stay so."""
        if scaled or is_true(revision, RESOURCES):
            return StatusCondition(RESOURCES, "True"), StatusCondition(HEALTHY, "True")
        wrong = trouble(found, self._pods(found))
        if wrong is None:
            return StatusCondition(RESOURCES, "Unknown", "Deploying"), StatusCondition(HEALTHY, "Unknown", "Deploying")
        if wrong.type == HEALTHY:
            return StatusCondition(RESOURCES, "Unknown", "Deploying"), wrong
        return wrong, StatusCondition(HEALTHY, "Unknown", wrong.reason, wrong.message)

    def _pods(self, deployment: Object) -> list[Object]:
        """The pods below a Deployment, oldest first."""
        sets = self._context.owned(deployment, REPLICA_SETS)
        return [pod for entry in sets for pod in self._context.owned(entry, PODS) if not is_terminating(pod)]
