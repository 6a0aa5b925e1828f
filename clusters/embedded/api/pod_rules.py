"""Validation of pods and pod templates: the rules that clients run into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clusters.embedded.api.field_causes import NOT_NEGATIVE, duplicate, forbidden, invalid, required, unsupported
from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.metadata_rules import label_faults
from clusters.embedded.api.quantity import parsed
from clusters.embedded.api.status import Cause, Object

POD_FIELDS_TEXT: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
NATIVE_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage", "storage", "pods")


def pod_spec(spec: Object, path: str) -> Iterator[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        yield required(f"{path}.containers")
    for member in ("containers", "initContainers"):
        names: set[str] = set()
        for index, container in enumerate(spec.get(member) or ()):
            here = f"{path}.{member}[{index}]"
            yield from _container(container, here)
            name = container.get("name", "")
            if name in names:
                yield duplicate(f"{here}.name", name)
            names.add(name)
    policy = spec.get("restartPolicy")
    if policy not in ("Always", "OnFailure", "Never"):
        yield unsupported(f"{path}.restartPolicy", policy, ("Always", "OnFailure", "Never"))


def _container(container: Object, path: str) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield required(f"{path}.name")
    else:
        yield from (invalid(f"{path}.name", go_quote(name), text) for text in label_faults(name))
    if not container.get("image"):
        yield required(f"{path}.image")
    for index, port in enumerate(container.get("ports") or ()):
        number = port.get("containerPort") or 0
        if not 1 <= number <= 65535:
            field = f"{path}.ports[{index}].containerPort"
            yield invalid(field, str(number), "must be between 1 and 65535, inclusive") if number else required(field)
    pull = container.get("imagePullPolicy")
    if pull not in ("Always", "IfNotPresent", "Never"):
        yield unsupported(f"{path}.imagePullPolicy", pull, ("Always", "IfNotPresent", "Never"))
    yield from _resources(container.get("resources") or {}, f"{path}.resources")


def _resources(resources: Object, path: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for member, amounts in (("limits", limits), ("requests", requests)):
        for name in sorted(amounts):
            amount, _ = parsed(amounts[name])
            extended = name not in NATIVE_RESOURCES and not name.startswith("hugepages-")
            if extended and amount != amount.to_integral_value():
                yield invalid(f"{path}.{member}[{name}]", go_quote(amounts[name]), "must be an integer")
            if amount < 0:
                yield invalid(f"{path}.{member}[{name}]", go_quote(amounts[name]), NOT_NEGATIVE)
    for name in sorted(requests):
        extended = name not in NATIVE_RESOURCES
        if name in limits:
            wanted, limit = parsed(requests[name])[0], parsed(limits[name])[0]
            if extended and wanted != limit:
                text = f"must be equal to {name} limit of {limits[name]}"
                yield invalid(f"{path}.requests", go_quote(requests[name]), text)
            elif wanted > limit:
                text = f"must be less than or equal to {name} limit of {limits[name]}"
                yield invalid(f"{path}.requests", go_quote(requests[name]), text)
        elif extended:
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")


def pod(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    yield from pod_spec(spec, "spec")
    if old is not None and _changeable_removed(spec) != _changeable_removed(old.get("spec") or {}):
        yield forbidden("spec", POD_FIELDS_TEXT)


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
