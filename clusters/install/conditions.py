"""When something that was applied is really there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import API_SERVICES, DEPLOYMENTS, NODES, Resource
from conformance.kube.verbs import get, list_all

Object = dict[str, Any]

POLL_SECONDS: Final = 0.5
CRDS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
ENDPOINT_SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
WEBHOOKS: Final[Mapping[str, Resource]] = {
    kind: Resource("admissionregistration.k8s.io", "v1", kind.lower() + "s", kind, namespaced=False)
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
}

_PLACEHOLDER: Final = "Cg=="
"""KServe ships webhooks with a newline as certificate; cert-manager writes the real one."""


async def until(what: str, ready: Callable[[], Awaitable[str | None]], clock: Clock, within: float) -> None:
    """Wait until `ready` returns None; what it returns otherwise says what is missing.

    Raises PlatformError with that after `within` seconds."""
    end = clock.monotonic() + within
    while (missing := await ready()) is not None:
        if clock.monotonic() >= end:
            raise PlatformError(f"{what}: not there after {within:g} s: {missing}")
        await clock.sleep(POLL_SECONDS)


async def missing(api: ApiClient, value: Object) -> str | None:
    """What an applied object still lacks, None when nothing. Kinds without a notion of being ready lack nothing."""
    kind = value["kind"]
    name = value["metadata"]["name"]
    if kind == "CustomResourceDefinition":
        found = await get(api, CRDS, None, name)
        return None if condition(found, "Established") == "True" else f"CRD {name} is not Established"
    if kind == "Deployment":
        space = value["metadata"].get("namespace", "default")
        return available(await get(api, DEPLOYMENTS, space, name), f"Deployment {space}/{name}")
    if kind == "APIService":
        found = await get(api, API_SERVICES, None, name)
        return None if condition(found, "Available") == "True" else f"APIService {name}: {message(found, 'Available')}"
    if kind in WEBHOOKS:
        return await _webhook_missing(api, await get(api, WEBHOOKS[kind], None, name), f"{kind} {name}")
    return None


def available(found: Object | None, what: str) -> str | None:
    """What a Deployment lacks to be rolled out and Available."""
    if found is None:
        return f"{what} is not there"
    status = found.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(found["metadata"].get("generation") or 0):
        return f"{what} has not been seen by its controller"
    wanted = int((found.get("spec") or {}).get("replicas", 1))
    if int(status.get("updatedReplicas") or 0) < wanted:
        return f"{what} has {int(status.get('updatedReplicas') or 0)} of {wanted} new pods"
    if int(status.get("replicas") or 0) > wanted:
        return f"{what} still has old pods"
    if condition(found, "Available") != "True":
        return f"{what} is not Available: {message(found, 'Available') or message(found, 'Progressing') or 'no reason'}"
    return None


async def nodes_ready(api: ApiClient, clock: Clock, within: float) -> None:
    """Wait for every node; kind waits for the control plane alone. Raises PlatformError with those that are late."""

    async def late() -> str | None:
        nodes, _ = await list_all(api, NODES)
        names = sorted(node["metadata"]["name"] for node in nodes if condition(node, "Ready") != "True")
        return f"{', '.join(names)} not Ready" if names else None

    await until("nodes", late, clock, within)


def condition(found: Object | None, kind: str) -> str | None:
    """Status of a condition: True, False, Unknown or None."""
    entry = _condition(found, kind)
    return None if entry is None else str(entry.get("status"))


def message(found: Object | None, kind: str) -> str:
    """Message of a condition."""
    return str((_condition(found, kind) or {}).get("message") or "")


def _condition(found: Object | None, kind: str) -> Object | None:
    entries = ((found or {}).get("status") or {}).get("conditions") or ()
    return next((entry for entry in entries if entry.get("type") == kind), None)


async def _webhook_missing(api: ApiClient, found: Object | None, what: str) -> str | None:
    if found is None:
        return f"{what} is not there"
    for entry in found.get("webhooks") or ():
        client = entry.get("clientConfig") or {}
        service = client.get("service")
        if service is None:
            continue
        if not client.get("caBundle") or client["caBundle"] == _PLACEHOLDER:
            return f"{what} has no certificate authority yet"
        labels = f"kubernetes.io/service-name={service['name']}"
        slices, _ = await list_all(api, ENDPOINT_SLICES, service["namespace"], labels=labels)
        if not any(_ready(endpoint) for part in slices for endpoint in part.get("endpoints") or ()):
            return f"{what}: Service {service['namespace']}/{service['name']} has no ready endpoint"
    return None


def _ready(endpoint: Object) -> bool:
    return (endpoint.get("conditions") or {}).get("ready", True) is not False
