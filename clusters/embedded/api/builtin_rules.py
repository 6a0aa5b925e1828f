"""Validation of built-in kinds beyond their types: the rules that clients run into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from clusters.embedded.api import crd_rules
from clusters.embedded.api.go_words import go_json, go_quote
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.metadata_rules import label_faults
from clusters.embedded.api.quantity import parsed
from clusters.embedded.api.status import Cause, Object

POD_FIELDS_TEXT: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
NATIVE_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage", "storage", "pods")
IMMUTABLE: Final = "field is immutable"


def causes(kind: Kind, value: Object, old: Object | None, subresource: str) -> list[Cause]:
    """Faults of a built-in object."""
    if subresource == "status":
        return []
    rule = RULES.get(kind.storage)
    return [] if rule is None else list(rule(value, old))


def _required(field: str, text: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {text}" if text else "Required value", field)


def _invalid(field: str, shown: str, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {text}", field)


def _unsupported(field: str, value: Any, supported: tuple[str, ...]) -> Cause:
    listed = ", ".join(go_quote(one) for one in supported)
    text = f"Unsupported value: {go_json(value)}: supported values: {listed}"
    return Cause("FieldValueNotSupported", text, field)


def _pod_spec(spec: Object, path: str) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        yield _required(f"{path}.containers")
    for member in ("containers", "initContainers"):
        names: set[str] = set()
        for index, container in enumerate(spec.get(member) or ()):
            here = f"{path}.{member}[{index}]"
            yield from _container(container, here)
            name = container.get("name", "")
            if name in names:
                yield Cause("FieldValueDuplicate", f"Duplicate value: {go_quote(name)}", f"{here}.name")
            names.add(name)
    policy = spec.get("restartPolicy")
    if policy not in ("Always", "OnFailure", "Never"):
        yield _unsupported(f"{path}.restartPolicy", policy, ("Always", "OnFailure", "Never"))


def _container(container: Object, path: str) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield _required(f"{path}.name")
    else:
        yield from (_invalid(f"{path}.name", go_quote(name), text) for text in label_faults(name))
    if not container.get("image"):
        yield _required(f"{path}.image")
    for index, port in enumerate(container.get("ports") or ()):
        number = port.get("containerPort") or 0
        if not 1 <= number <= 65535:
            field = f"{path}.ports[{index}].containerPort"
            yield _invalid(field, str(number), "must be between 1 and 65535, inclusive") if number else _required(field)
    pull = container.get("imagePullPolicy")
    if pull not in ("Always", "IfNotPresent", "Never"):
        yield _unsupported(f"{path}.imagePullPolicy", pull, ("Always", "IfNotPresent", "Never"))
    yield from _resources(container.get("resources") or {}, f"{path}.resources")


def _resources(resources: Object, path: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for member, amounts in (("limits", limits), ("requests", requests)):
        for name in sorted(amounts):
            amount, _ = parsed(amounts[name])
            extended = name not in NATIVE_RESOURCES and not name.startswith("hugepages-")
            if extended and amount != amount.to_integral_value():
                yield _invalid(f"{path}.{member}[{name}]", go_quote(amounts[name]), "must be an integer")
            if amount < 0:
                text = "must be greater than or equal to 0"
                yield _invalid(f"{path}.{member}[{name}]", go_quote(amounts[name]), text)
    for name in sorted(requests):
        extended = name not in NATIVE_RESOURCES
        if name in limits:
            wanted, limit = parsed(requests[name])[0], parsed(limits[name])[0]
            if extended and wanted != limit:
                text = f"must be equal to {name} limit of {limits[name]}"
                yield _invalid(f"{path}.requests", go_quote(requests[name]), text)
            elif wanted > limit:
                text = f"must be less than or equal to {name} limit of {limits[name]}"
                yield _invalid(f"{path}.requests", go_quote(requests[name]), text)
        elif extended:
            yield _required(f"{path}.limits", "Limit must be set for non overcommitable resources")


def _pod(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    yield from _pod_spec(spec, "spec")
    if old is not None and _changeable_removed(spec) != _changeable_removed(old.get("spec") or {}):
        yield Cause("FieldValueForbidden", f"Forbidden: {POD_FIELDS_TEXT}", "spec")


def _changeable_removed(spec: Object) -> Object:
    """A pod's spec without what an update may change."""
    kept = {
        name: value
        for name, value in spec.items()
        if name not in ("activeDeadlineSeconds", "tolerations", "nodeName", "terminationGracePeriodSeconds")
    }
    for member in ("containers", "initContainers"):
        if kept.get(member):
            kept[member] = [
                {name: value for name, value in one.items() if name not in ("image", "resources")}
                for one in kept[member]
            ]
    return kept


def _workload(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = spec.get("selector")
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield (
            _required("spec.selector")
            if not selector
            else _invalid("spec.selector", go_json(selector), "empty selector is invalid for deployment")
        )
    elif not all(labels.get(name) == wanted for name, wanted in (selector.get("matchLabels") or {}).items()):
        text = "`selector` does not match template `labels`"
        yield _invalid("spec.template.metadata.labels", go_json(labels), text)
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")
    replicas = spec.get("replicas", 0)
    if isinstance(replicas, int) and replicas < 0:
        yield _invalid("spec.replicas", str(replicas), "must be greater than or equal to 0")
    if old is not None and selector != (old.get("spec") or {}).get("selector"):
        yield _invalid("spec.selector", go_json(selector), IMMUTABLE)


def _role(value: Object, _old: Object | None) -> Iterator[Cause]:
    for index, rule in enumerate(value.get("rules") or ()):
        here = f"rules[{index}]"
        if not rule.get("verbs"):
            yield _required(f"{here}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            continue
        if "apiGroups" not in rule or not rule["apiGroups"]:
            yield _required(f"{here}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield _required(f"{here}.resources", "resource rules must supply at least one resource")


def _binding(value: Object, old: Object | None) -> Iterator[Cause]:
    reference = value.get("roleRef") or {}
    if not reference.get("name"):
        yield _required("roleRef.name")
    if old is not None and reference != old.get("roleRef"):
        yield _invalid("roleRef", go_json(reference), "cannot change roleRef")


def _config_map(value: Object, old: Object | None) -> Iterator[Cause]:
    for member in ("data", "binaryData"):
        for key in sorted(value.get(member) or ()):
            if not key or len(key) > 253 or not all(one.isalnum() or one in "-._" for one in key):
                text = (
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                )
                yield _invalid(f"{member}[{key}]", go_quote(key), text)
    if old is not None and old.get("immutable"):
        text = "Forbidden: field is immutable when `immutable` is set"
        for member in ("data", "binaryData"):
            if value.get(member) != old.get(member):
                yield Cause("FieldValueForbidden", text, member)


def _event(value: Object, old: Object | None) -> Iterator[Cause]:
    involved = value.get("involvedObject") or {}
    namespace = value["metadata"].get("namespace", "")
    named = involved.get("namespace", "")
    if old is None and named != namespace and not (not named and namespace == "default"):
        yield _invalid("involvedObject.namespace", go_quote(named), "does not match event.namespace")


def _autoscaler(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield _invalid("spec.minReplicas", str(least), "must be greater than or equal to 1")
    if most < 1:
        yield _invalid("spec.maxReplicas", str(most), "must be greater than 0")
    elif most < least:
        yield _invalid("spec.maxReplicas", str(most), "must be greater than or equal to `minReplicas`")


RULES: Final[Mapping[Storage, Callable[[Object, Object | None], Iterator[Cause]]]] = {
    ("", "pods"): _pod,
    ("apiextensions.k8s.io", "customresourcedefinitions"): crd_rules.causes,
    ("", "configmaps"): _config_map,
    ("", "events"): _event,
    ("apps", "deployments"): _workload,
    ("apps", "replicasets"): _workload,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("rbac.authorization.k8s.io", "roles"): _role,
    ("rbac.authorization.k8s.io", "clusterroles"): _role,
    ("rbac.authorization.k8s.io", "rolebindings"): _binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _binding,
}
