"""Strategies of the built-in kinds, validation: rules that clients run into and that a schema cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.field_errors import IMMUTABLE, Cause, duplicate, forbidden, invalid, required, unsupported
from clusters.embedded.api.json_values import at
from clusters.embedded.api.kinds import CRD_STORAGE, POD_STORAGE, Kind, Storage
from clusters.embedded.api.quantities import parsed
from clusters.embedded.api.structural_schema import INT_OR_STRING, PRESERVE

Rule = Callable[[Object, Object | None], Iterator[Cause]]
"""Takes an object and the one it replaces, None when it is new."""

POD_FIELDS_TEXT: Final = "pod updates may not change fields other than images, tolerations and deadlines"
POD_CHANGEABLE: Final = ("activeDeadlineSeconds", "tolerations", "nodeName", "terminationGracePeriodSeconds")
CONTAINERS: Final = ("containers", "initContainers")
CONTAINER_CHANGEABLE: Final = ("image", "resources")
NATIVE_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage", "storage", "pods")


def causes(kind: Kind, value: Object, old: Object | None) -> Iterator[Cause]:
    """Faults of a built-in object."""
    if kind.pod_template is not None:
        spec = at(value, (*kind.pod_template, "spec")) or {}
        yield from _pod_spec(spec, ".".join((*kind.pod_template, "spec")))
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
    if old is not None and _unchangeable(value.get("spec") or {}) != _unchangeable(old.get("spec") or {}):
        yield forbidden("spec", POD_FIELDS_TEXT)


def _unchangeable(spec: Object) -> Object:
    """A pod's spec without what an update may change."""
    kept = {name: value for name, value in spec.items() if name not in POD_CHANGEABLE}
    for member in CONTAINERS:
        kept[member] = [
            {name: value for name, value in one.items() if name not in CONTAINER_CHANGEABLE}
            for one in spec.get(member) or ()
        ]
    return kept


def _pod_spec(spec: Object, path: str) -> Iterator[Cause]:
    containers = [(name, index, one) for name in CONTAINERS for index, one in enumerate(spec.get(name) or ())]
    names = [one.get("name") for _, _, one in containers]
    for member, index, one in containers:
        here, resources = f"{path}.{member}[{index}]", one.get("resources") or {}
        if names.count(one.get("name")) > 1:
            yield duplicate(f"{here}.name", one.get("name"))
        yield from _resources(resources.get("limits") or {}, resources.get("requests") or {}, f"{here}.resources")


def _resources(limits: Object, requests: Object, path: str) -> Iterator[Cause]:
    for name, amount in sorted((*limits.items(), *requests.items())):
        wanted, _ = parsed(amount)
        if wanted < 0 or (name not in NATIVE_RESOURCES and wanted != wanted.to_integral_value()):
            yield invalid(f"{path}[{name}]", amount, "must be an integer that is not negative")
    for name, amount in sorted(requests.items()):
        is_extended = name not in NATIVE_RESOURCES
        if name not in limits:
            if is_extended:
                yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
            continue
        wanted, limit = parsed(amount)[0], parsed(limits[name])[0]
        if wanted > limit or (is_extended and wanted != limit):
            words = "equal to" if is_extended else "less than or equal to"
            yield invalid(f"{path}.requests", amount, f"must be {words} {name} limit of {limits[name]}")


def _workload(value: Object, old: Object | None) -> Iterator[Cause]:
    """A label selector must be there, say something, and match the template, whose pods always restart."""
    spec = value.get("spec") or {}
    selector, labels = spec.get("selector") or {}, at(spec, ("template", "metadata", "labels")) or {}
    if not (selector.get("matchLabels") or selector.get("matchExpressions")):
        yield invalid("spec.selector", selector, f"empty selector is invalid for {value['kind'].lower()}")
    elif not (selector.get("matchLabels") or {}).items() <= labels.items():
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    policy = at(spec, ("template", "spec", "restartPolicy"))
    if policy != "Always":
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))
    yield from _fixed(value, old, "selector")


def _job(value: Object, old: Object | None) -> Iterator[Cause]:
    yield from _finite(value.get("spec") or {}, "spec")
    yield from _fixed(value, old, "selector", "template", "completionMode")


def _cron_job(value: Object, _old: Object | None) -> Iterator[Cause]:
    yield from _finite(at(value, ("spec", "jobTemplate", "spec")) or {}, "spec.jobTemplate.spec")


def _finite(spec: Object, path: str) -> Iterator[Cause]:
    """Pods of a job end."""
    if at(spec, ("template", "spec", "restartPolicy")) == "Always":
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def _service(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    ports, type_ = spec.get("ports") or [], spec.get("type")
    if not ports and type_ != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for index, port in enumerate(ports if len(ports) > 1 else ()):
        if not port.get("name"):
            yield required(f"spec.ports[{index}].name")


def _autoscaler(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    if spec.get("maxReplicas", 0) < spec.get("minReplicas", 1):
        yield invalid("spec.maxReplicas", spec.get("maxReplicas"), "must be greater than or equal to `minReplicas`")


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
}
