"""A Service's cluster address and node ports."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.hooks import Review
from clusters.embedded.api.status import Object
from clusters.embedded.api.store import Store

FIRST_NODE_PORT: Final = 30_000
LAST_NODE_PORT: Final = 32_767
KEPT: Final = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")


def admit(store: Store, review: Review) -> None:
    """Give a Service, in place, the next free address of 10.96.0.0/16 and node ports from 30000 on, as its API server
    would. An update that leaves them out keeps them."""
    service = review.object
    if review.operation == "DELETE" or review.kind.storage != ("", "services") or service is None:
        return
    spec = service["spec"]
    if review.old is not None:
        _keep(spec, review.old.get("spec") or {})
    if spec.get("type") != "ExternalName":
        _give_address(store, spec)
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        _give_ports(store, spec)


def _keep(spec: Object, before: Object) -> None:
    if spec.get("type") == "ExternalName" or before.get("type") == "ExternalName":
        return
    for name in KEPT:
        if name in before and not spec.get(name):
            spec[name] = before[name]
    if spec.get("type") not in ("NodePort", "LoadBalancer"):
        return
    ports = {port.get("port"): port.get("nodePort") for port in before.get("ports") or ()}
    for port in spec.get("ports") or ():
        if not port.get("nodePort") and ports.get(port.get("port")):
            port["nodePort"] = ports[port["port"]]


def _give_address(store: Store, spec: Object) -> None:
    if not spec.get("clusterIP"):
        taken = {(held.get("spec") or {}).get("clusterIP") for held in store.objects(("", "services")).values()}
        number = next(one for one in range(10, 65_000) if _address(one) not in taken)
        spec["clusterIP"] = _address(number)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _give_ports(store: Store, spec: Object) -> None:
    taken = {
        port.get("nodePort")
        for held in store.objects(("", "services")).values()
        for port in (held.get("spec") or {}).get("ports") or ()
    }
    free = (one for one in range(FIRST_NODE_PORT, LAST_NODE_PORT + 1) if one not in taken)
    for port in spec.get("ports") or ():
        if not port.get("nodePort"):
            port["nodePort"] = next(free)


def _address(number: int) -> str:
    return f"10.96.{number // 256}.{number % 256}"
