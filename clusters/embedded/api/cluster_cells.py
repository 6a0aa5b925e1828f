"""Cells of the tables of networking, storage, policy and cluster kinds, as `kubectl get` shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from clusters.embedded.api.cells import NONE, Cells, age_of, columns, selector_text
from clusters.embedded.api.kinds import Column, Storage
from clusters.embedded.api.status import Object

UNSET: Final = "<unset>"
SHOWN_HOSTS: Final = 3
DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"
MODES: Final = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(listed: Sequence[str] | None) -> str:
    return ",".join(short for mode, short in MODES.items() if mode in (listed or ()))


def _ingress(value: Object, now: float) -> list[Any]:
    spec = value.get("spec") or {}
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    shown = ",".join(hosts[:SHOWN_HOSTS]) or "*"
    if len(hosts) > SHOWN_HOSTS:
        shown = f"{shown} + {len(hosts) - SHOWN_HOSTS} more..."
    points = ((value.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    address = ",".join(point.get("ip") or point.get("hostname") or "" for point in points)
    ports = "80, 443" if spec.get("tls") else "80"
    return [spec.get("ingressClassName") or NONE, shown, address, ports, age_of(value, now)]


def _ingress_class(value: Object, now: float) -> list[Any]:
    spec = value.get("spec") or {}
    found = spec.get("parameters")
    group = f".{found['apiGroup']}" if found and found.get("apiGroup") else ""
    parameters = f"{found.get('kind')}{group}/{found.get('name')}" if found else NONE
    return [spec.get("controller", ""), parameters, age_of(value, now)]


def _disruption_budget(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    bounds = [str(spec[name]) if name in spec else "N/A" for name in ("minAvailable", "maxUnavailable")]
    return [*bounds, status.get("disruptionsAllowed", 0), age_of(value, now)]


def _claim(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    phase = "Terminating" if "deletionTimestamp" in value["metadata"] else status.get("phase", "")
    bound = spec.get("volumeName", "")
    capacity = (status.get("capacity") or {}).get("storage", "0") if bound else ""
    modes = _modes(status.get("accessModes")) if bound else ""
    classes = [spec.get("storageClassName") or "", spec.get("volumeAttributesClassName") or UNSET]
    return [phase, bound, capacity, modes, *classes, age_of(value, now), spec.get("volumeMode") or UNSET]


def _volume(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    claim = spec.get("claimRef") or {}
    phase = "Terminating" if "deletionTimestamp" in value["metadata"] else status.get("phase", "")
    return [
        (spec.get("capacity") or {}).get("storage", "0"),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        spec.get("storageClassName") or "",
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason", ""),
        age_of(value, now),
        spec.get("volumeMode") or UNSET,
    ]


def _storage_class(value: Object, now: float) -> list[Any]:
    policies = [value.get(name, "") for name in ("provisioner", "reclaimPolicy", "volumeBindingMode")]
    return [*policies, bool(value.get("allowVolumeExpansion")), age_of(value, now)]


def _priority_class(value: Object, now: float) -> list[Any]:
    flag = bool(value.get("globalDefault"))
    return [value.get("value", 0), flag, age_of(value, now), value.get("preemptionPolicy", "")]


def _endpoints(value: Object, now: float) -> list[Any]:
    found: list[str] = []
    for subset in value.get("subsets") or ():
        addresses = [address.get("ip", "") for address in subset.get("addresses") or ()]
        ports = [port.get("port") for port in subset.get("ports") or ()]
        found += [f"{address}:{port}" for port in ports for address in addresses] if ports else addresses
    shown = ",".join(found[:SHOWN_HOSTS])
    if len(found) > SHOWN_HOSTS:
        shown = f"{shown} + {len(found) - SHOWN_HOSTS} more..."
    return [shown or NONE, age_of(value, now)]


def _controller_revision(value: Object, now: float) -> list[Any]:
    owners = value["metadata"].get("ownerReferences") or ()
    owner = next((one for one in owners if one.get("controller")), None)
    name = NONE
    if owner is not None:
        group = owner["apiVersion"].partition("/")[0] if "/" in owner["apiVersion"] else ""
        name = f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"
    return [name, value.get("revision", 0), age_of(value, now)]


def _webhooks(value: Object, now: float) -> list[Any]:
    return [len(value.get("webhooks") or ()), age_of(value, now)]


def _network_policy(value: Object, now: float) -> list[Any]:
    return [selector_text((value.get("spec") or {}).get("podSelector")), age_of(value, now)]


def _runtime_class(value: Object, now: float) -> list[Any]:
    return [value.get("handler", ""), age_of(value, now)]


def row_name(storage: Storage, value: Object) -> str:
    """The first cell: the name, and whether a storage class is the default one."""
    name = str(value["metadata"].get("name", ""))
    annotations = value["metadata"].get("annotations") or {}
    is_default = storage == ("storage.k8s.io", "storageclasses") and annotations.get(DEFAULT_CLASS) == "true"
    return f"{name} (default)" if is_default else name


COLUMNS: Final[Mapping[Storage, tuple[Column, ...]]] = {
    ("", "endpoints"): columns("Endpoints", "Age"),
    ("", "persistentvolumeclaims"): columns(
        "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age",
        "VolumeMode|string|1",
    ),
    ("", "persistentvolumes"): columns(
        "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass", "VolumeAttributesClass",
        "Reason", "Age", "VolumeMode|string|1",
    ),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): columns("Webhooks|integer", "Age"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): columns("Webhooks|integer", "Age"),
    ("apps", "controllerrevisions"): columns("Controller", "Revision|integer", "Age"),
    ("networking.k8s.io", "ingressclasses"): columns("Controller", "Parameters", "Age"),
    ("networking.k8s.io", "ingresses"): columns("Class", "Hosts", "Address", "Ports", "Age"),
    ("networking.k8s.io", "networkpolicies"): columns("Pod-Selector", "Age"),
    ("node.k8s.io", "runtimeclasses"): columns("Handler", "Age"),
    ("policy", "poddisruptionbudgets"): columns(
        "Min Available", "Max Unavailable", "Allowed Disruptions|integer", "Age"
    ),
    ("scheduling.k8s.io", "priorityclasses"): columns(
        "Value|integer", "Global-Default|boolean", "Age", "PreemptionPolicy"
    ),
    ("storage.k8s.io", "storageclasses"): columns(
        "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age"
    ),
}  # fmt: skip

CELLS: Final[Mapping[Storage, Cells]] = {
    ("", "endpoints"): _endpoints,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _volume,
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): _webhooks,
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): _webhooks,
    ("apps", "controllerrevisions"): _controller_revision,
    ("networking.k8s.io", "ingressclasses"): _ingress_class,
    ("networking.k8s.io", "ingresses"): _ingress,
    ("networking.k8s.io", "networkpolicies"): _network_policy,
    ("node.k8s.io", "runtimeclasses"): _runtime_class,
    ("policy", "poddisruptionbudgets"): _disruption_budget,
    ("scheduling.k8s.io", "priorityclasses"): _priority_class,
    ("storage.k8s.io", "storageclasses"): _storage_class,
}
