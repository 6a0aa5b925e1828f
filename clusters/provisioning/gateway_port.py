"""Makes the gateway of a cluster we own reachable from this machine, on a port fixed when its nodes were made."""

from __future__ import annotations

from typing import Final

from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import SERVICES
from conformance.kube.verbs import get, merge

NODE_PORT: Final = 31080

_GATEWAYS: Final = {
    "kourier": ("kourier-system", "kourier"),
    "istio": ("istio-system", "istio-ingressgateway"),
}


async def expose(api: ApiClient, layer: str) -> None:
    """Turn the gateway's Service into a NodePort with `NODE_PORT` for plain HTTP. Raises PlatformError without one."""
    namespace, name = _GATEWAYS[layer]
    service = await get(api, SERVICES, namespace, name)
    if service is None:
        raise PlatformError(f"the {layer} gateway has no Service {namespace}/{name}")
    ports = service["spec"]["ports"]
    if any(port.get("port") == 80 and port.get("nodePort") == NODE_PORT for port in ports):
        return
    changed = [{**port, "nodePort": NODE_PORT} if port.get("port") == 80 else port for port in ports]
    if changed == ports:
        raise PlatformError(f"Service {namespace}/{name} has no port 80")
    await merge(api, SERVICES, namespace, name, {"spec": {"type": "NodePort", "ports": changed}})
