"""Strategies of the built-in kinds, validation: the rules beyond types that clients run into every day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from clusters.embedded.api.field_errors import (
    IMMUTABLE,
    NOT_NEGATIVE,
    Cause,
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from clusters.embedded.api.kinds import CRD_STORAGE, POD_STORAGE, Kind, Storage
from clusters.embedded.api.object_meta import label_faults
from clusters.embedded.api.quantities import parsed
from clusters.embedded.api.status import Object
from clusters.embedded.api.structural_schema import INT_OR_STRING, PRESERVE

Rule = Callable[[Object, Object | None], Iterator[Cause]]
"""Takes an object and the one it replaces, None when it is new."""

RBAC: Final = "rbac.authorization.k8s.io"
PORT_TEXT: Final = "must be between 1 and 65535, inclusive"
POD_FIELDS_TEXT: Final = "pod updates may not change fields other than images, tolerations and deadlines"
POD_CHANGEABLE: Final = ("activeDeadlineSeconds", "tolerations", "nodeName", "terminationGracePeriodSeconds")
CONTAINER_CHANGEABLE: Final = ("image", "resources")
NATIVE_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage", "storage", "pods")
RESTARTS: Final = ("Always", "OnFailure", "Never")
SERVICE_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS: Final = ("SCTP", "TCP", "UDP")


def causes(kind: Kind, value: Object, old: Object | None) -> Iterator[Cause]:
    """Faults of a built-in object."""
    rule = RULES.get(kind.storage)
    if rule is not None:
        yield from rule(value, old)


def _fixed(value: Object, old: Object | None, *names: str) -> Iterator[Cause]:
    """Members of the spec that cannot change once the object is there."""
    before = None if old is None else old.get("spec") or {}
    for name in names if before is not None else ():
        given = (value.get("spec") or {}).get(name)
        if given != (before or {}).get(name):
            yield invalid(f"spec.{name}", given, IMMUTABLE)


def _pod(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    yield from _pod_spec(spec, "spec")
    if old is not None and _unchangeable(spec) != _unchangeable(old.get("spec") or {}):
        yield forbidden("spec", POD_FIELDS_TEXT)


def _unchangeable(spec: Object) -> Object:
    """A pod's spec without what an update may change."""
    kept = {name: value for name, value in spec.items() if name not in POD_CHANGEABLE}
    for member in ("containers", "initContainers"):
        kept[member] = [
            {name: value for name, value in one.items() if name not in CONTAINER_CHANGEABLE}
            for one in spec.get(member) or ()
        ]
    return kept


def _pod_spec(spec: Object, path: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    for member in ("containers", "initContainers"):
        names: set[str] = set()
        for index, container in enumerate(spec.get(member) or ()):
            here, name = f"{path}.{member}[{index}]", container.get("name", "")
            yield from _container(container, here)
            if name in names:
                yield duplicate(f"{here}.name", name)
            names.add(name)
    if spec.get("restartPolicy") not in RESTARTS:
        yield unsupported(f"{path}.restartPolicy", spec.get("restartPolicy"), RESTARTS)


def _container(container: Object, path: str) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield required(f"{path}.name")
    else:
        yield from (invalid(f"{path}.name", name, text) for text in label_faults(name))
    if not container.get("image"):
        yield required(f"{path}.image")
    for index, port in enumerate(container.get("ports") or ()):
        if not 1 <= (port.get("containerPort") or 0) <= 65535:
            yield invalid(f"{path}.ports[{index}].containerPort", port.get("containerPort"), PORT_TEXT)
    resources = container.get("resources") or {}
    yield from _resources(resources.get("limits") or {}, resources.get("requests") or {}, f"{path}.resources")


def _resources(limits: Object, requests: Object, path: str) -> Iterator[Cause]:
    for member, amounts in (("limits", limits), ("requests", requests)):
        for name in sorted(amounts):
            amount, _ = parsed(amounts[name])
            if name not in NATIVE_RESOURCES and amount != amount.to_integral_value():
                yield invalid(f"{path}.{member}[{name}]", amounts[name], "must be an integer")
            if amount < 0:
                yield invalid(f"{path}.{member}[{name}]", amounts[name], NOT_NEGATIVE)
    for name in sorted(requests):
        is_extended = name not in NATIVE_RESOURCES
        if name not in limits:
            if is_extended:
                yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
            continue
        wanted, limit = parsed(requests[name])[0], parsed(limits[name])[0]
        if is_extended and wanted != limit:
            yield invalid(f"{path}.requests", requests[name], f"must be equal to {name} limit of {limits[name]}")
        elif wanted > limit:
            text = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid(f"{path}.requests", requests[name], text)


def _workload(value: Object, old: Object | None) -> Iterator[Cause]:
    """A label selector must be there, say something, and match the template, whose pods always restart."""
    spec = value.get("spec") or {}
    template, selector = spec.get("template") or {}, spec.get("selector")
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector is None:
        yield required("spec.selector")
    elif not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield invalid("spec.selector", selector, f"empty selector is invalid for {value['kind'].lower()}")
    elif not (selector.get("matchLabels") or {}).items() <= labels.items():
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))
    for name in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        if isinstance(spec.get(name), int) and spec[name] < 0:
            yield invalid(f"spec.{name}", spec[name], NOT_NEGATIVE)
    yield from _fixed(value, old, "selector")


def _job(value: Object, old: Object | None) -> Iterator[Cause]:
    yield from _job_spec(value.get("spec") or {}, "spec")
    yield from _fixed(value, old, "selector", "template", "completionMode")


def _job_spec(spec: Object, path: str) -> Iterator[Cause]:
    for name in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        if isinstance(spec.get(name), int) and spec[name] < 0:
            yield invalid(f"{path}.{name}", spec[name], NOT_NEGATIVE)
    inner = (spec.get("template") or {}).get("spec") or {}
    yield from _pod_spec(inner, f"{path}.template.spec")
    if inner.get("restartPolicy") == "Always":
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def _cron_job(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    if not spec.get("schedule"):
        yield required("spec.schedule")
    yield from _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _service(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    ports, type_ = spec.get("ports") or [], spec.get("type")
    if not ports and type_ != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        if not port.get("name") and len(ports) > 1:
            yield required(f"{here}.name")
        if not 1 <= (port.get("port") or 0) <= 65535:
            yield invalid(f"{here}.port", port.get("port"), PORT_TEXT)
        if port.get("protocol") not in PROTOCOLS:
            yield unsupported(f"{here}.protocol", port.get("protocol"), PROTOCOLS)
    if type_ not in SERVICE_TYPES:
        yield unsupported("spec.type", type_, SERVICE_TYPES)
    if type_ == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")


def _autoscaler(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    for member in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(member):
            yield required(f"spec.scaleTargetRef.{member}")
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    elif most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")


def _data(value: Object, old: Object | None) -> Iterator[Cause]:
    """Config maps and secrets: keys that can be file names, and no change once they are immutable."""
    for member in ("data", "binaryData"):
        for key in sorted(value.get(member) or ()):
            if not key or len(key) > 253 or not all(one.isalnum() or one in "-._" for one in key):
                text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
                yield invalid(f"{member}[{key}]", key, text)
    if old is not None and value.get("type") != old.get("type"):
        yield invalid("type", value.get("type"), IMMUTABLE)
    if old is not None and old.get("immutable"):
        for member in ("immutable", "data", "binaryData"):
            if value.get(member) != old.get(member):
                yield forbidden(member, "field is immutable when `immutable` is set")


def _role(value: Object, _old: Object | None) -> Iterator[Cause]:
    for index, rule in enumerate(value.get("rules") or ()):
        for name in ("verbs",) if rule.get("nonResourceURLs") else ("verbs", "apiGroups", "resources"):
            if not rule.get(name):
                yield required(f"rules[{index}].{name}")


def _binding(value: Object, old: Object | None) -> Iterator[Cause]:
    reference = value.get("roleRef") or {}
    kinds = ("Role", "ClusterRole") if value["kind"] == "RoleBinding" else ("ClusterRole",)
    if reference.get("apiGroup") != RBAC:
        yield unsupported("roleRef.apiGroup", reference.get("apiGroup") or "", (RBAC,))
    if reference.get("kind") not in kinds:
        yield unsupported("roleRef.kind", reference.get("kind") or "", kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(value.get("subjects") or ()):
        kind = subject.get("kind", "")
        if kind not in ("ServiceAccount", "User", "Group"):
            yield unsupported(f"subjects[{index}].kind", kind, ("ServiceAccount", "User", "Group"))
        for name in ("name", "namespace") if kind == "ServiceAccount" else ("name",):
            if not subject.get(name):
                yield required(f"subjects[{index}].{name}")
    if old is not None and reference != old.get("roleRef"):
        yield invalid("roleRef", reference, "cannot change roleRef")


def _definition(value: Object, _old: Object | None) -> Iterator[Cause]:
    """A CustomResourceDefinition: named after what it defines, stored in one version, typed everywhere."""
    spec = value.get("spec") or {}
    names, given = spec.get("names") or {}, value["metadata"].get("name", "")
    if not names.get("kind"):
        yield required("spec.names.kind")
    if given != f"{names.get('plural', '')}.{spec.get('group', '')}":
        yield invalid("metadata.name", given, 'must be spec.names.plural+"."+spec.group')
    versions = spec.get("versions") or []
    if sum(1 for version in versions if version.get("storage")) != 1:
        yield invalid("spec.versions", len(versions), "must have exactly one version marked as storage version")
    for index, version in enumerate(versions):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        if schema is None:
            yield required(path, "schemas are required")
        else:
            yield from _untyped(schema, path)


def _untyped(schema: Any, path: str) -> Iterator[Cause]:
    if not isinstance(schema, dict):
        return
    if not (schema.get("type") or schema.get(PRESERVE) or schema.get(INT_OR_STRING)):
        yield required(f"{path}.type", "must not be empty for specified object fields")
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _untyped(inner, f"{path}.properties[{name}]")
    for member in ("items", "additionalProperties"):
        yield from _untyped(schema.get(member), f"{path}.{member}")


RULES: Final[Mapping[Storage, Rule]] = {
    ("", "configmaps"): _data,
    ("", "secrets"): _data,
    ("", "services"): _service,
    POD_STORAGE: _pod,
    CRD_STORAGE: _definition,
    ("apps", "daemonsets"): _workload,
    ("apps", "deployments"): _workload,
    ("apps", "replicasets"): _workload,
    ("apps", "statefulsets"): _workload,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("batch", "cronjobs"): _cron_job,
    ("batch", "jobs"): _job,
    (RBAC, "clusterrolebindings"): _binding,
    (RBAC, "clusterroles"): _role,
    (RBAC, "rolebindings"): _binding,
    (RBAC, "roles"): _role,
}
