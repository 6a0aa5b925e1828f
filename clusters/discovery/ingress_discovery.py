"""Finds the api for traffic of an existing platform when the settings do not name it.

Order: the gateway's own Service where the suite runs in the cluster, the gateway's LoadBalancer address, a Gateway's
status address, a NodePort on a node, and last `kubectl port-forward`, which carries everything through the API server
and is too narrow for the larger loads. An address counts when a TCP connection to it opens.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from clusters.process import find, started
from conformance.base.errors import PlatformError, UsageError
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Ingress
from conformance.kube.pod_account import inside_a_pod
from conformance.kube.resources import CONFIG_MAPS, NODES, SERVICES, Resource
from conformance.kube.verbs import ApiStatus, Object, get, list_all
from conformance.settings.settings import IngressSettings

GATEWAYS: Final = Resource("gateway.networking.k8s.io", "v1", "gateways", "Gateway")
CONNECT_SECONDS: Final = 3.0
FORWARD_SECONDS: Final = 20.0
FORWARDED_NOTE: Final = "ingress through kubectl port-forward: large loads are limited"

_SERVICES: Final = (
    ("kourier", "kourier-system", "kourier"),
    ("kourier", "knative-serving", "kourier"),
    ("istio", "istio-system", "istio-ingressgateway"),
    ("istio", "istio-ingress", "istio-ingressgateway"),
    ("contour", "contour-external", "envoy"),
)
"""Where the network layers put the Service of their outside gateway: layer, namespace, name."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A Service that takes traffic from outside."""

    namespace: str
    name: str
    addresses: tuple[str, ...]
    """host:port, best first, not yet tried."""
    port: int


@asynccontextmanager
async def ingress(
    api: ApiClient,
    settings: IngressSettings,
    layer: str,
    kserve_config: Mapping[str, Any],
    kubectl: Mapping[str, str],
) -> AsyncIterator[tuple[Ingress, tuple[str, ...]]]:
    """The ingress and notes on how it was found. `kubectl` gives kubeconfig and context for port-forward.

    Raises PlatformError with what was tried when none can be reached."""
    scheme = settings.scheme or await _scheme(api)
    if settings.address:
        yield _ingress(settings, _checked(settings.address), scheme), ()
        return
    gateways = await _gateways(api, layer, kserve_config, scheme)
    addresses = [address for gateway in gateways for address in gateway.addresses]
    addresses += await _gateway_api(api, kserve_config, scheme)
    for address in addresses:
        if await reachable(address):
            yield _ingress(settings, address, scheme), (f"ingress discovered, network layer {layer}",)
            return
    if settings.port_forward and gateways and find("kubectl", "KUBECTL"):
        async with _forwarded(gateways[0], kubectl) as address:
            yield (
                _ingress(settings, address, scheme),
                (FORWARDED_NOTE,),
            )
        return
    tried = ", ".join(addresses) or "no gateway of a known network layer"
    raise PlatformError(f"no ingress can be reached (tried: {tried}); set ingress.address")


def _ingress(settings: IngressSettings, address: str, scheme: str) -> Ingress:
    return Ingress(
        address=address,
        scheme=scheme,
        headers=tuple((name, value.reveal()) for name, value in settings.headers),
        ca_file=settings.ca_file,
        verify=settings.verify,
    )


def _checked(address: str) -> str:
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/@\[\]]+):\d{1,5}", address):
        raise UsageError(f"ingress.address {address!r}: must be host:port, with IPv6 in brackets and without a scheme")
    return address


def split(address: str) -> tuple[str, int]:
    """Host without brackets, and port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def joined(host: str, port: int) -> str:
    """host:port, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def reachable(address: str) -> bool:
    """Whether a TCP connection opens in time."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(*split(address))
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _scheme(api: ApiClient) -> str:
    """https only where Knative refuses or redirects plain HTTP."""
    with suppress(ApiStatus):
        network = await get(api, CONFIG_MAPS, "knative-serving", "config-network")
        data = (network or {}).get("data") or {}
        if str(data.get("http-protocol", "Enabled")).lower() in ("redirected", "disabled"):
            return "https"
    return "http"


async def _gateways(api: ApiClient, layer: str, config: Mapping[str, Any], scheme: str) -> list[Gateway]:
    found = []
    for namespace, name in dict.fromkeys(_places(layer, config)):
        try:
            service = await get(api, SERVICES, namespace, name)
        except ApiStatus:
            continue
        if service is not None:
            found.append(await _gateway(api, service, scheme))
    return found


def _places(layer: str, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((namespace, name) for known, namespace, name in _SERVICES if known == layer)
    stated = config.get("ingress")
    if isinstance(stated, Mapping):
        # Older KServe names its gateway's Service as a host: istio-ingressgateway.istio-system.svc.cluster.local
        name, _, rest = str(stated.get("ingressService") or "").partition(".")
        if rest:
            yield rest.partition(".")[0], name
    yield from ((namespace, name) for known, namespace, name in _SERVICES if known != layer)


async def _gateway(api: ApiClient, service: Object, scheme: str) -> Gateway:
    ports = service["spec"].get("ports") or [{"port": 80}]
    wanted = 443 if scheme == "https" else 80
    port = next((entry for entry in ports if entry.get("port") == wanted), ports[0])
    status = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    hosts = [entry.get("ip") or entry.get("hostname") for entry in status]
    addresses = [joined(str(host), int(port["port"])) for host in hosts if host]
    own = str(service["spec"].get("clusterIP") or "None")
    if own != "None" and inside_a_pod():
        # Elsewhere the address may be anybody's.
        addresses.insert(0, joined(own, int(port["port"])))
    if port.get("nodePort"):
        addresses += [joined(host, int(port["nodePort"])) for host in await _node_hosts(api)]
    metadata = service["metadata"]
    return Gateway(metadata["namespace"], metadata["name"], tuple(addresses), int(port["port"]))


async def _node_hosts(api: ApiClient) -> list[str]:
    try:
        nodes, _ = await list_all(api, NODES)
    except ApiStatus:
        return []
    found = []
    for kind in ("ExternalIP", "InternalIP"):
        for node in nodes:
            entries = node.get("status", {}).get("addresses") or ()
            found += [str(entry["address"]) for entry in entries if entry.get("type") == kind]
    return found[:6]


async def _gateway_api(api: ApiClient, config: Mapping[str, Any], scheme: str) -> list[str]:
    stated = config.get("ingress")
    place = str(stated.get("kserveIngressGateway") or "") if isinstance(stated, Mapping) else ""
    namespace, _, name = place.partition("/")
    if not name:
        return []
    try:
        gateway = await get(api, GATEWAYS, namespace, name)
    except ApiStatus:
        return []
    port = 443 if scheme == "https" else 80
    addresses = (gateway or {}).get("status", {}).get("addresses") or ()
    return [joined(str(entry["value"]), port) for entry in addresses]


@asynccontextmanager
async def _forwarded(gateway: Gateway, kubectl: Mapping[str, str]) -> AsyncIterator[str]:
    program = find("kubectl", "KUBECTL") or "kubectl"
    options = [f"--{name}={value}" for name, value in kubectl.items()]
    argv = [program, *options, "--namespace", gateway.namespace, "port-forward", f"service/{gateway.name}"]
    async with started([*argv, f":{gateway.port}"]) as process:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(FORWARD_SECONDS):
                line = (await process.stdout.readline()).decode(errors="replace")
        except TimeoutError:
            line = ""
        match = re.search(r"Forwarding from (\S+:\d+) ->", line)
        if match is None:
            raise PlatformError(f"kubectl port-forward to {gateway.namespace}/{gateway.name} did not start")
        yield match.group(1)
