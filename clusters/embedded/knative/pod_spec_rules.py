"""What Knative's webhooks say of a Service's pod: names, images, ports, variables, members it does not allow; and the
warning about defaults it may tighten (pkg/apis/serving/k8s_validation.go, v1/revision_validation.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from clusters.embedded.api.object_meta import LABEL_1035_TEXT
from clusters.embedded.api.quantities import QUANTITY_FAULT, parsed
from clusters.embedded.objects.metadata import Object

POD: Final = "spec.template.spec"
RESERVED_PORTS: Final = (8008, 8012, 8013, 8022, 8112, 9090, 9091)
RESERVED_VARIABLES: Final = ("K_CONFIGURATION", "K_REVISION", "K_SERVICE", "PORT")
PORT_NAMES: Final = ("", "h2c", "http1")
ALLOWED: Final = frozenset(
    (
        "automountServiceAccountToken",
        "containerConcurrency",
        "containers",
        "enableServiceLinks",
        "idleTimeoutSeconds",
        "imagePullSecrets",
        "initContainers",
        "responseStartTimeoutSeconds",
        "serviceAccountName",
        "shareProcessNamespace",
        "timeoutSeconds",
        "volumes",
    )
)
BEHIND_FEATURES: Final[Mapping[str, str]] = {
    "affinity": "kubernetes.podspec-affinity",
    "dnsConfig": "kubernetes.podspec-dnsconfig",
    "dnsPolicy": "kubernetes.podspec-dnspolicy",
    "nodeSelector": "kubernetes.podspec-nodeselector",
    "priorityClassName": "kubernetes.podspec-priorityclassname",
    "runtimeClassName": "kubernetes.podspec-runtimeclassname",
    "schedulerName": "kubernetes.podspec-schedulername",
    "securityContext": "kubernetes.podspec-securitycontext",
    "tolerations": "kubernetes.podspec-tolerations",
    "topologySpreadConstraints": "kubernetes.podspec-topologyspreadconstraints",
}
"""Members of a pod that are only allowed where config-features enables them."""
HARDENED: Final = ("allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile")


def complaints(service: Object, features: Mapping[str, str]) -> Iterator[str]:
    """Refusals about the name and the pod. `features`: data of config-features."""
    name = service["metadata"].get("name", "")
    yield from _name_complaints(name)
    template = service["spec"].get("template") or {}
    own = (template.get("metadata") or {}).get("name", "")
    if own and not own.startswith(f"{name}-"):
        yield f'invalid value: "{own}" must have prefix "{name}-": spec.template.metadata.name'
    pod = template.get("spec") or {}
    refused = [member for member in pod if member not in ALLOWED and not _enabled(member, features)]
    if refused:
        yield "must not set the field(s): " + ", ".join(f"{POD}.{member}" for member in sorted(refused))
    containers = pod.get("containers") or []
    for index, container in enumerate(containers):
        yield from _container_complaints(container, f"{POD}.containers[{index}]")
    ports = [port for container in containers for port in container.get("ports") or ()]
    if len(ports) > 1:
        yield (
            f"more than one container port is set: {POD}.containers[*].ports\n"
            "Only a single port is allowed across all containers"
        )
    if len(containers) > 1 and not ports:
        yield f"missing field(s): {POD}.containers[*].ports"


def _enabled(member: str, features: Mapping[str, str]) -> bool:
    return features.get(BEHIND_FEATURES.get(member, ""), "").lower() in ("enabled", "allowed")


def _name_complaints(name: str) -> Iterator[str]:
    found = []
    if len(name) > 63:
        found.append("must be no more than 63 characters")
    if name and not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name):
        found.append(LABEL_1035_TEXT)
    if found:
        yield f"not a DNS 1035 label: [{' '.join(found)}]: metadata.name"


def _container_complaints(container: Object, path: str) -> Iterator[str]:
    image = container.get("image", "")
    if not image:
        yield f"missing field(s): {path}.image"
    elif len(image.partition("@")[0]) < 2:
        yield (
            f"Failed to parse image reference: {path}.image\n"
            f'image: "{image}", error: could not parse reference: {image}'
        )
    for port in container.get("ports") or ():
        number, name = port.get("containerPort"), port.get("name", "")
        if name not in PORT_NAMES:
            yield f"Port name {name} is not allowed: {path}.ports\nName must be empty, or one of: 'h2c', 'http1'"
        if number in RESERVED_PORTS:
            yield (
                f"invalid value: {number} is a reserved port: {path}.ports.containerPort\n"
                f"{number} is a reserved port, please use a different value"
            )
    for index, variable in enumerate(container.get("env") or ()):
        if variable.get("name") in RESERVED_VARIABLES:
            yield f'"{variable["name"]}" is a reserved environment variable: {path}.env[{index}].name'


def undecodable(service: Object) -> str | None:
    """What keeps the typed webhook from reading a Service at all: a quantity that is none."""
    template = (service.get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or ():
        for amounts in (container.get("resources") or {}).values():
            for amount in amounts.values() if isinstance(amounts, dict) else ():
                try:
                    parsed(amount)
                except ValueError:
                    return QUANTITY_FAULT
    return None


def insecure_defaults(service: Object) -> str | None:
    """The warning about security settings that are left to Kubernetes' defaults."""
    pod = ((service.get("spec") or {}).get("template") or {}).get("spec") or {}
    whole = pod.get("securityContext") or {}
    places = []
    for index, container in enumerate(pod.get("containers") or ()):
        context = container.get("securityContext") or {}
        for member in HARDENED:
            inherited = member in ("runAsNonRoot", "seccompProfile") and member in whole
            if member not in context and not inherited:
                places.append(f"{POD}.containers[{index}].securityContext.{member}")
    if not places:
        return None
    return "Kubernetes default value is insecure, Knative may default this to secure in a future release: " + ", ".join(
        places
    )


def changed_spec(old: Object, new: Object) -> str | None:
    """The refusal to change a Revision's spec, with what differs."""
    before: dict[str, Any] = old.get("spec") or {}
    after: dict[str, Any] = new.get("spec") or {}
    if before == after:
        return None
    lines = []
    for member in sorted({*before, *after}):
        if before.get(member) != after.get(member):
            name = member[0].upper() + member[1:]
            shown = f'\t-: "{before.get(member)}"\n\t+: "{after.get(member)}"\n'
            lines.append(f"*{{v1.RevisionSpec}}.{name}:\n{shown}")
    return "Immutable fields changed (-old +new): spec\n" + "".join(lines)
