"""Validation of built-in kinds beyond their types: the rules that clients run into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from clusters.embedded.api import crd_rules, event_rules, network_rules, pod_rules, storage_rules, workload_rules
from clusters.embedded.api.field_causes import IMMUTABLE, forbidden, invalid, required, unsupported
from clusters.embedded.api.go_words import go_json, go_quote
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Cause, Object

RBAC: Final = "rbac.authorization.k8s.io"


def causes(kind: Kind, value: Object, old: Object | None, subresource: str) -> list[Cause]:
    """Faults of a built-in object."""
    if subresource == "status":
        return []
    rule = RULES.get(kind.storage)
    return [] if rule is None else list(rule(value, old))


def _role(value: Object, _old: Object | None) -> Iterator[Cause]:
    for index, rule in enumerate(value.get("rules") or ()):
        here = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{here}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            continue
        if "apiGroups" not in rule or not rule["apiGroups"]:
            yield required(f"{here}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{here}.resources", "resource rules must supply at least one resource")


def _role_binding(value: Object, old: Object | None) -> Iterator[Cause]:
    return _binding(value, old, ("Role", "ClusterRole"))


def _cluster_role_binding(value: Object, old: Object | None) -> Iterator[Cause]:
    return _binding(value, old, ("ClusterRole",))


def _binding(value: Object, old: Object | None, kinds: tuple[str, ...]) -> Iterator[Cause]:
    reference = value.get("roleRef") or {}
    if reference.get("apiGroup") != RBAC:
        yield unsupported("roleRef.apiGroup", reference.get("apiGroup") or "", (RBAC,))
    if reference.get("kind") not in kinds:
        yield unsupported("roleRef.kind", reference.get("kind") or "", kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    yield from _binding_subjects(value)
    if old is not None and reference != old.get("roleRef"):
        yield invalid("roleRef", go_json(reference), "cannot change roleRef")


def _binding_subjects(value: Object) -> Iterator[Cause]:
    for index, subject in enumerate(value.get("subjects") or ()):
        here = f"subjects[{index}]"
        if not subject.get("name"):
            yield required(f"{here}.name")
        kind = subject.get("kind", "")
        if kind not in ("ServiceAccount", "User", "Group"):
            yield unsupported(f"{here}.kind", kind, ("ServiceAccount", "User", "Group"))
            continue
        group = "" if kind == "ServiceAccount" else RBAC
        if (subject.get("apiGroup") or "") != group:
            yield unsupported(f"{here}.apiGroup", subject.get("apiGroup") or "", (group,))
        if kind == "ServiceAccount" and not subject.get("namespace"):
            yield required(f"{here}.namespace")


def _config_map(value: Object, old: Object | None) -> Iterator[Cause]:
    for member in ("data", "binaryData"):
        for key in sorted(value.get(member) or ()):
            if not key or len(key) > 253 or not all(one.isalnum() or one in "-._" for one in key):
                text = (
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                )
                yield invalid(f"{member}[{key}]", go_quote(key), text)
    if old is not None and old.get("immutable"):
        yield from _frozen_data(value, old, "data", "binaryData")


def _frozen_data(value: Object, old: Object, *members: str) -> Iterator[Cause]:
    """Data of a config map or a secret that was made immutable."""
    text = "field is immutable when `immutable` is set"
    if not value.get("immutable"):
        yield forbidden("immutable", text)
    for member in members:
        if value.get(member) != old.get(member):
            yield forbidden(member, text)


def _secret(value: Object, old: Object | None) -> Iterator[Cause]:
    if old is None:
        return
    if value.get("type") != old.get("type"):
        yield invalid("type", go_quote(str(value.get("type"))), IMMUTABLE)
    if old.get("immutable"):
        yield from _frozen_data(value, old, "data")


def _autoscaler(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    for member in ("kind", "name"):
        if not target.get(member):
            yield required(f"spec.scaleTargetRef.{member}")
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield invalid("spec.minReplicas", str(least), "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", str(most), "must be greater than 0")
    elif most < least:
        yield invalid("spec.maxReplicas", str(most), "must be greater than or equal to `minReplicas`")


def _lease(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    for member in ("leaseDurationSeconds", "leaseTransitions"):
        number = spec.get(member)
        least = 1 if member == "leaseDurationSeconds" else 0
        if isinstance(number, int) and number < least:
            text = "must be greater than 0" if least else "must be greater than or equal to 0"
            yield invalid(f"spec.{member}", str(number), text)


def _priority_class(value: Object, old: Object | None) -> Iterator[Cause]:
    if old is None:
        return
    if value.get("value", 0) != old.get("value", 0):
        yield forbidden("value", "may not be changed in an update.")
    if value.get("preemptionPolicy") != old.get("preemptionPolicy"):
        yield invalid("preemptionPolicy", go_json(value.get("preemptionPolicy")), IMMUTABLE)


RULES: Final[Mapping[Storage, Callable[[Object, Object | None], Iterator[Cause]]]] = {
    ("", "configmaps"): _config_map,
    ("", "events"): event_rules.event,
    ("", "persistentvolumeclaims"): storage_rules.claim,
    ("", "pods"): pod_rules.pod,
    ("", "replicationcontrollers"): workload_rules.replication_controller,
    ("", "secrets"): _secret,
    ("", "services"): network_rules.service,
    ("apiextensions.k8s.io", "customresourcedefinitions"): crd_rules.causes,
    ("apps", "controllerrevisions"): workload_rules.controller_revision,
    ("apps", "daemonsets"): workload_rules.daemon_set,
    ("apps", "deployments"): workload_rules.deployment,
    ("apps", "replicasets"): workload_rules.replica_set,
    ("apps", "statefulsets"): workload_rules.stateful_set,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("batch", "cronjobs"): workload_rules.cron_job,
    ("batch", "jobs"): workload_rules.job,
    ("coordination.k8s.io", "leases"): _lease,
    ("networking.k8s.io", "ingresses"): network_rules.ingress,
    (RBAC, "clusterrolebindings"): _cluster_role_binding,
    (RBAC, "clusterroles"): _role,
    (RBAC, "rolebindings"): _role_binding,
    (RBAC, "roles"): _role,
    ("scheduling.k8s.io", "priorityclasses"): _priority_class,
    ("storage.k8s.io", "storageclasses"): storage_rules.storage_class,
}
