"""Validation of services and ingresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clusters.embedded.api.field_causes import duplicate, invalid, required, unsupported
from clusters.embedded.api.go_words import go_json, go_quote
from clusters.embedded.api.metadata_rules import label_faults
from clusters.embedded.api.status import Cause, Object

TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
PORT_TEXT: Final = "must be between 1 and 65535, inclusive"


def service(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    ports = spec.get("ports") or []
    kind = spec.get("type")
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    names: set[str] = set()
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        yield from _port(port, here, needs_name=len(ports) > 1)
        name = port.get("name", "")
        if name and name in names:
            yield duplicate(f"{here}.name", name)
        names.add(name)
    if kind not in TYPES:
        yield unsupported("spec.type", kind, TYPES)
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    held = ((old or {}).get("spec") or {}).get("clusterIPs") or []
    given = spec.get("clusterIPs") or []
    if held and given and held[0] != given[0] and kind != "ExternalName":
        yield invalid("spec.clusterIPs[0]", go_json(given), "may not change once set")


def _port(port: Object, here: str, *, needs_name: bool) -> Iterator[Cause]:
    name = port.get("name", "")
    if not name and needs_name:
        yield required(f"{here}.name")
    elif name:
        yield from (invalid(f"{here}.name", go_quote(name), text) for text in label_faults(name))
    number = port.get("port") or 0
    if not 1 <= number <= 65535:
        yield invalid(f"{here}.port", str(number), PORT_TEXT)
    if port.get("protocol") not in PROTOCOLS:
        yield unsupported(f"{here}.protocol", port.get("protocol"), PROTOCOLS)
    target = port.get("targetPort")
    if isinstance(target, int) and not 1 <= target <= 65535:
        yield invalid(f"{here}.targetPort", str(target), PORT_TEXT)


def ingress(value: Object, _old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield invalid("spec", go_json(spec.get("rules")), "either `defaultBackend` or `rules` must be specified")
    for index, rule in enumerate(spec.get("rules") or ()):
        for place, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            here = f"spec.rules[{index}].http.paths[{place}]"
            if not path.get("pathType"):
                yield required(f"{here}.pathType", "pathType must be specified")
            elif path["pathType"] not in ("Exact", "ImplementationSpecific", "Prefix"):
                yield unsupported(f"{here}.pathType", path["pathType"], ("Exact", "ImplementationSpecific", "Prefix"))
