"""Makes the gateway of a cluster we own reachable from this machine, on a port fixed when its nodes were made."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from clusters.discovery.ingress_discovery import split
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import SERVICES
from conformance.kube.verbs import get, merge

NODE_PORT: Final = 31080
ANSWER_SECONDS: Final = 3.0
"""For one attempt."""
GATEWAY_SECONDS: Final = 60.0
"""For all: the gateway's pods were Ready before, the nodes' own tables of the port follow within seconds."""
POLL_SECONDS: Final = 1.0
_ASKED: Final = b"GET / HTTP/1.1\r\nHost: gateway.invalid\r\nConnection: close\r\n\r\n"

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


async def answering(address: str, clock: Clock) -> None:
    """Wait until HTTP is answered there, whatever the answer. That a connection opens says nothing: Docker opens its
    published ports itself. Raises PlatformError."""
    end = clock.monotonic() + GATEWAY_SECONDS
    while not await _answers(address):
        if clock.monotonic() > end:
            raise PlatformError(f"the gateway gives no HTTP answer on {address}; see kubectl get pods -A")
        await clock.sleep(POLL_SECONDS)


async def _answers(address: str) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(*split(address))
            try:
                writer.write(_ASKED)
                return (await reader.readline()).startswith(b"HTTP/1.")
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, ValueError, TimeoutError):
        return False
