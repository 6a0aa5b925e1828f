"""Faults of KServe's and Knative's controllers and of nodes: what objects are made of a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.behaviour.control_behaviour import Memory
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RevisionKey, RevisionSpec
from clusters.embedded.faults.fault import Fault
from clusters.embedded.kserve.kserve_names import (
    COMPONENTS,
    FRAMEWORKS,
    KNATIVE,
    MAX_SCALE_ANNOTATION,
    METRIC_ANNOTATION,
    MIN_SCALE_ANNOTATION,
    PREDICTOR,
    TARGET_ANNOTATION,
    TRANSFORMER,
)
from clusters.embedded.objects.capacity import Amounts
from clusters.embedded.objects.metadata import annotations_of
from conformance.base.http.exchange import Request, Response
from conformance.model.kpa import Kpa, Reconciliation

Object = dict[str, Any]

FIELDS: Final = "scaling fields of a component reach its revision"
COMPONENT: Final = "each component scales by its own settings"
DEFAULTS: Final = "minReplicas is 1 unless given, and 0 allows zero"
REFUSED: Final = "settings that cannot work are refused"
ROLLOUT: Final = "a new revision takes over when it is ready, without loss"
NODES: Final = "accelerators are a hard limit of pods"
STATUS: Final = "Ready and url say what is"
HPA: Final = "Standard mode scales by a HorizontalPodAutoscaler of these settings"
ACCELERATOR: Final = "nvidia.com/gpu"
SCALING: Final = ("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "containerConcurrency")


class TransformerAsPredictor(Behaviour):
    def component(self, service: Object, component: str) -> Object:
        return _with_scaling(service, component, PREDICTOR) if component == TRANSFORMER else service["spec"][component]


class PredictorAsTransformer(Behaviour):
    def component(self, service: Object, component: str) -> Object:
        swapped = component == PREDICTOR and service["spec"].get(TRANSFORMER)
        return _with_scaling(service, PREDICTOR, TRANSFORMER) if swapped else service["spec"][component]


def _with_scaling(service: Object, component: str, other: str) -> Object:
    own = {key: value for key, value in service["spec"][component].items() if key not in SCALING}
    return {**own, **{key: service["spec"][other][key] for key in SCALING if key in service["spec"][other]}}


class MaximumThree(Behaviour):
    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        del service, component
        return {**annotations, MAX_SCALE_ANNOTATION: "3"}


class DefaultZero(Behaviour):
    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        given = service["spec"][component].get("minReplicas") is not None
        return dict(annotations) if given else {**annotations, MIN_SCALE_ANNOTATION: "0"}


class ZeroBecomesOne(Behaviour):
    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        del service, component
        least = annotations.get(MIN_SCALE_ANNOTATION)
        return {**annotations, MIN_SCALE_ANNOTATION: "1"} if least == "0" else dict(annotations)


class FieldsLost(Behaviour):
    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        del service, component
        lost = (TARGET_ANNOTATION, METRIC_ANNOTATION)
        return {name: text for name, text in annotations.items() if name not in lost}


class AnnotationsWin(Behaviour):
    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        del component
        given = service["metadata"].get("annotations") or {}
        least = given.get(MIN_SCALE_ANNOTATION)
        return dict(annotations) if least is None else {**annotations, MIN_SCALE_ANNOTATION: least}


class OldTargetIgnored(Behaviour):
    """Loses the scaling settings of manifests in the old schema."""

    def received(self, service: Object, old: Object | None, mode: str, now: str) -> Object:
        del old, mode, now
        predictor = (service.get("spec") or {}).get(PREDICTOR) or {}
        if not any(framework in predictor for framework in FRAMEWORKS):
            return service
        value = copied(service)
        notes = value["metadata"].get("annotations") or {}
        for name in (TARGET_ANNOTATION, METRIC_ANNOTATION):
            notes.pop(name, None)
        for component in COMPONENTS:
            for key in ("scaleTarget", "scaleMetric"):
                (value["spec"].get(component) or {}).pop(key, None)
        return value


class MetricAccepted(Behaviour):
    """Takes any metric for the usual one."""

    def received(self, service: Object, old: Object | None, mode: str, now: str) -> Object:
        del old, now
        good, usual = (("concurrency", "rps"), "concurrency") if mode == KNATIVE else (("cpu", "memory"), "cpu")
        value = copied(service)
        for component in COMPONENTS:
            part = (value.get("spec") or {}).get(component) or {}
            if part.get("scaleMetric") not in (None, *good):
                part["scaleMetric"] = usual
        return value


class ZeroTargetAccepted(Behaviour):
    def complaints(self, found: list[str]) -> list[str]:
        return [text for text in found if "should be at least" not in text]


class ModeChanges(Behaviour):
    def refuses(self, message: str) -> bool:
        return "deploymentMode cannot be changed" not in message


class RevisionOnReapply(Behaviour):
    """Stamps what is applied, so that the same again is something new."""

    def received(self, service: Object, old: Object | None, mode: str, now: str) -> Object:
        del mode
        if old is None:
            return service
        value = copied(service)
        stamped = {**annotations_of(value), "platform.example.com/applied-at": now}
        value["metadata"]["annotations"] = stamped
        return value


class LimitLost(Behaviour):
    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service, existing
        value = copied(wanted)
        value["spec"]["template"]["spec"].pop("containerConcurrency", None)
        return value


class UnlimitedLimited(Behaviour):
    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service, existing
        value = copied(wanted)
        pod = value["spec"]["template"]["spec"]
        pod["containerConcurrency"] = pod.get("containerConcurrency") or 4
        return value


class OwnerMissing(Behaviour):
    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service, existing
        value = copied(wanted)
        del value["metadata"]["ownerReferences"]
        return value


class ChangeIgnored(Behaviour):
    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service
        return wanted if existing is None else {**wanted, "spec": copied(existing["spec"])}


class DefaultSuffix(Behaviour):
    def component_name(self, name: str, component: str) -> str:
        del component
        return f"{name}-default"


class StopIgnored(Behaviour):
    def stops(self, service: Object, stopped: bool) -> bool:
        del service, stopped
        return False


class NeverReady(Behaviour):
    def reports_ready(self, service: Object, pods: int) -> bool:
        del service, pods
        return False


class UnreadyAtZero(Behaviour):
    def reports_ready(self, service: Object, pods: int) -> bool:
        del service
        return pods > 0


class NeverReadyAtZero(Behaviour):
    def reports_ready(self, service: Object, pods: int) -> bool:
        del pods
        return bool(service["spec"][PREDICTOR].get("minReplicas") != 0)


class Unroutable(Behaviour):
    def routed_hosts(self, hosts: Sequence[str]) -> Sequence[str]:
        return [host for host in hosts if host.endswith(("svc", "svc.cluster.local")) or host.count(".") == 1]


class HopBroken(Behaviour):
    def routed_hosts(self, hosts: Sequence[str]) -> Sequence[str]:
        return [host for host in hosts if not (host.endswith(("svc", "svc.cluster.local")) or host.count(".") == 1)]


class OldRevisionStays(Behaviour):
    def keeps_old_revision(self, revision: Object) -> bool:
        del revision
        return True


class RolloutDrops(Behaviour):
    """Takes the old revision's pods away as soon as a new one is made."""

    def __init__(self) -> None:
        self._dropped: dict[RevisionKey, None] = {}

    def reachability(self, revision: Object, newest: bool, reachability: str) -> str:
        del revision
        return reachability if newest else "Unreachable"

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del now, memory
        if kpa.parameters.reachable or not kpa.initialized:
            return found
        self._dropped[key] = None
        return found._replace(want=0, replicas=0 if replicas else None)

    def without_pods(self, request: Request, spec: RevisionSpec) -> Response | None:
        del request
        return Response(503, (), b"no healthy upstream") if spec.key in self._dropped else None


class AcceleratorLimitDropped(Behaviour):
    def revision_deployment(self, revision: Object, deployment: Object) -> Object:
        del revision
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            for amounts in (container.get("resources") or {}).values():
                amounts.pop(ACCELERATOR, None)
        return deployment


class MorePodsThanAccelerators(Behaviour):
    def scheduled_amounts(self, pod: Object, asked: Amounts) -> Amounts:
        del pod
        return {name: amount for name, amount in asked.items() if name != ACCELERATOR}


class PendingStay(Behaviour):
    """Neither removes a pod that found no place nor tries again to place it."""

    def scheduled_amounts(self, pod: Object, asked: Amounts) -> Amounts:
        waited = any(entry.get("reason") == "Unschedulable" for entry in pod["status"].get("conditions") or ())
        return {name: amount * 1e6 for name, amount in asked.items()} if waited else asked

    def removed_first(self, ranked: Sequence[Object]) -> Sequence[Object]:
        return [pod for pod in ranked if pod["spec"].get("nodeName")]


class HpaTargetIgnored(Behaviour):
    def horizontal_autoscaler(self, service: Object, wanted: Object) -> Object:
        del service
        for metric in wanted["spec"]["metrics"]:
            metric["resource"]["target"] = {"type": "Utilization", "averageUtilization": 95}
        return wanted


class HpaBoundsIgnored(Behaviour):
    def horizontal_autoscaler(self, service: Object, wanted: Object) -> Object:
        del service
        wanted["spec"] |= {"minReplicas": 6, "maxReplicas": 10}
        return wanted


class HpaMemoryAsCpu(Behaviour):
    def horizontal_autoscaler(self, service: Object, wanted: Object) -> Object:
        del service
        for metric in wanted["spec"]["metrics"]:
            metric["resource"]["name"] = "cpu"
        return wanted


FAULTS: Final = (
    Fault(
        "transformer-gets-predictor-settings",
        "scales the transformer as the predictor",
        COMPONENT,
        TransformerAsPredictor,
    ),
    Fault(
        "predictor-gets-transformer-settings",
        "scales the predictor as the transformer",
        COMPONENT,
        PredictorAsTransformer,
    ),
    Fault("transformer-hop-broken", "has no way from transformer to predictor", COMPONENT, HopBroken),
    Fault("max-scale-silently-3", "adds a maximum of three", FIELDS, MaximumThree),
    Fault("min-replicas-default-0", "lets a service without minReplicas go to zero", DEFAULTS, DefaultZero),
    Fault("min-replicas-0-ignored", "turns minReplicas 0 into 1", DEFAULTS, ZeroBecomesOne),
    Fault("scale-fields-lost", "loses scaleTarget and scaleMetric", FIELDS, FieldsLost),
    Fault("annotations-override-fields", "prefers the min-scale annotation to minReplicas", FIELDS, AnnotationsWin),
    Fault("old-schema-target-ignored", "loses the scaling settings of the old schema", FIELDS, OldTargetIgnored),
    Fault("container-concurrency-lost", "loses containerConcurrency", FIELDS, LimitLost),
    Fault(
        "unlimited-becomes-limited", "limits containers to 4 requests where no limit is set", FIELDS, UnlimitedLimited
    ),
    Fault("invalid-metric-accepted", "accepts any metric and scales by the usual one", REFUSED, MetricAccepted),
    Fault("target-zero-accepted", "accepts a target of zero", REFUSED, ZeroTargetAccepted),
    Fault("mode-change-accepted", "lets the mode of a live service change", REFUSED, ModeChanges),
    Fault("revision-on-reapply", "makes a revision of an unchanged manifest", ROLLOUT, RevisionOnReapply),
    Fault("change-ignored", "ignores changes of a live service", ROLLOUT, ChangeIgnored),
    Fault("old-revision-stays", "keeps the pods of replaced revisions", ROLLOUT, OldRevisionStays),
    Fault("rollout-drops-below-min", "removes the old pods before the new are ready", ROLLOUT, RolloutDrops),
    Fault("owner-missing", "leaves the Knative Service without its owner", STATUS, OwnerMissing),
    Fault("default-suffix-name", "names Knative Services with the old suffix -default", STATUS, DefaultSuffix),
    Fault("stop-ignored", "ignores the stop annotation", "the stop annotation takes pods away", StopIgnored),
    Fault("never-ready", "never calls a service Ready", STATUS, NeverReady),
    Fault("unready-at-zero", "calls a service at zero pods not Ready", STATUS, UnreadyAtZero),
    Fault("never-ready-at-zero", "never calls a service with minReplicas 0 Ready", STATUS, NeverReadyAtZero),
    Fault("status-url-unroutable", "publishes a url that leads nowhere", STATUS, Unroutable),
    Fault("gpu-limit-dropped", "loses the accelerator limit of pods", NODES, AcceleratorLimitDropped),
    Fault("more-gpu-pods-than-gpus", "places more pods than there are accelerators", NODES, MorePodsThanAccelerators),
    Fault("pending-pods-never-cleaned", "never removes pods without a node", NODES, PendingStay),
    Fault("hpa-target-ignored", "makes HPAs of 95 % whatever the target", HPA, HpaTargetIgnored),
    Fault("hpa-bounds-ignored", "makes HPAs from 6 to 10 whatever the bounds", HPA, HpaBoundsIgnored),
    Fault("hpa-memory-as-cpu", "scales by cpu where memory is asked", HPA, HpaMemoryAsCpu),
)
