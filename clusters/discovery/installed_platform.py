"""What is installed, read from the cluster through its API alone; the same for every provider and both clocks.

Read, where the caller may:
  GET /version, /apis
  nodes                                         capacity, accelerators, distribution
  knative-serving  configmaps/config-autoscaler config-network config-domain; the first one's version label
  kserve           configmaps/inferenceservice-config, deployments/kserve-controller-manager
Nothing is assumed from defaults: what cannot be read is taken from what the vendor declares, or stays unknown with a
note.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clusters.discovery.accelerators import accelerator_kind, accelerator_model
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Installation, Node
from conformance.kube.resource_quantity import quantity
from conformance.kube.resources import CONFIG_MAPS, DEPLOYMENTS, NODES, Resource
from conformance.kube.verbs import ApiStatus, Object, ask, get, list_all
from conformance.settings.settings import Declared

KNATIVE_NAMESPACE: Final = "knative-serving"
KSERVE_NAMESPACE: Final = "kserve"
UNKNOWN: Final = "unknown"

_DISTRIBUTIONS: Final = (
    ("+k3s", "k3s"),
    ("+rke2", "rke2"),
    ("-gke.", "gke"),
    ("-eks-", "eks"),
    ("+embedded", "embedded"),
)
"""Marks in gitVersion."""

_PROVIDERS: Final = {"kind": "kind", "k3s": "k3s", "gce": "gke", "aws": "eks", "azure": "aks", "embedded": "embedded"}
"""Schemes of a node's providerID."""

_LAYERS: Final = ("kourier", "istio", "contour", "gateway-api")

_MODES: Final = {"Serverless": "Knative", "RawDeployment": "Standard"}
"""Old names KServe still accepts in its ConfigMap."""


@dataclass(frozen=True, slots=True)
class DiscoveredPlatform:
    """What discovery found, and what it could not read."""

    installation: Installation
    notes: tuple[str, ...] = ()
    kserve_config: Mapping[str, Any] = field(default_factory=dict)
    """`inferenceservice-config` with its JSON values parsed; empty when it cannot be read."""


async def discover(
    api: ApiClient,
    declared: Declared | None = None,
    *,
    resource: str = "nvidia.com/gpu",
    gpu: str | None = None,
    model: str | None = None,
    knative_namespace: str = KNATIVE_NAMESPACE,
    kserve_namespace: str = KSERVE_NAMESPACE,
) -> DiscoveredPlatform:
    """Read the installation. `gpu` and `model` are what the user says the accelerators are.

    Raises PlatformError when the API server does not answer or has no KServe."""
    stated = declared or Declared()
    reader = _Reader(api)
    version = await ask(api, "GET", "/version")
    groups = {group["name"] for group in (await ask(api, "GET", "/apis")).get("groups", ())}
    if "serving.kserve.io" not in groups:
        raise PlatformError("the cluster has no API group serving.kserve.io; install KServe or choose another context")
    knative = "serving.knative.dev" in groups
    nodes = await reader.items(NODES)
    config = _parsed(await reader.data(kserve_namespace, "inferenceservice-config"))
    controller = await reader.object(DEPLOYMENTS, kserve_namespace, "kserve-controller-manager")
    autoscaler = await reader.object(CONFIG_MAPS, knative_namespace, "config-autoscaler") if knative else None
    network = await reader.data(knative_namespace, "config-network") if knative else None
    domain = await reader.data(knative_namespace, "config-domain") if knative else None
    mode = _mode(config, stated, knative)
    installation = Installation(
        kubernetes=str(version.get("gitVersion", UNKNOWN)),
        distribution=_distribution(str(version.get("gitVersion", "")), nodes) or stated.distribution or "kubernetes",
        kserve=_version(controller, "kserve-controller") or _sidecar_version(config) or stated.kserve or UNKNOWN,
        knative=(_version(autoscaler) or stated.knative or UNKNOWN) if knative else None,
        autoscaler=stated.autoscaler or _autoscaler(autoscaler, mode),
        network_layer=_layer(network, config, knative) or stated.network_layer or UNKNOWN,
        deployment_mode=mode,
        autoscaler_config=_config_data(autoscaler) if autoscaler is not None else stated.autoscaler_config,
        domain=_domain(domain) or stated.domain or UNKNOWN,
        accelerator_kind=accelerator_kind(nodes, resource, gpu),
        accelerator_resource=resource,
        nodes=tuple(_node(node, resource) for node in nodes if not node.get("spec", {}).get("unschedulable")),
        accelerator_model=model or accelerator_model(nodes),
        activators=await reader.replicas(knative_namespace, "activator") if knative else None,
    )
    return DiscoveredPlatform(installation, tuple(reader.notes), config)


class _Reader:
    """Reads what it may and notes what it may not."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self.notes: list[str] = []

    async def object(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        try:
            found = await get(self._api, resource, namespace, name)
        except ApiStatus as status:
            if status.status not in (401, 403):
                raise
            self.notes.append(f"may not read {resource.plural}/{name} in {namespace}")
            return None
        if found is None:
            self.notes.append(f"there is no {resource.plural}/{name} in {namespace}")
        return found

    async def data(self, namespace: str, name: str) -> Mapping[str, str] | None:
        found = await self.object(CONFIG_MAPS, namespace, name)
        return None if found is None else _config_data(found)

    async def replicas(self, namespace: str, name: str) -> int | None:
        """The most a Deployment has or wants; None where it is not there or may not be read: both are usual."""
        try:
            found = await get(self._api, DEPLOYMENTS, namespace, name)
        except ApiStatus as status:
            if status.status not in (401, 403):
                raise
            return None
        if found is None:
            return None
        counts = (found.get("spec", {}).get("replicas"), found.get("status", {}).get("replicas"))
        return max((int(count) for count in counts if count is not None), default=1)

    async def items(self, resource: Resource) -> list[Object]:
        try:
            found, _ = await list_all(self._api, resource)
        except ApiStatus as status:
            if status.status not in (401, 403):
                raise
            self.notes.append(f"may not list {resource.plural}")
            return []
        return found


def _config_data(config_map: Object) -> dict[str, str]:
    return {key: value for key, value in (config_map.get("data") or {}).items() if not key.startswith("_")}


def _parsed(data: Mapping[str, str] | None) -> dict[str, Any]:
    found = {}
    for key, text in (data or {}).items():
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def _mode(config: Mapping[str, Any], stated: Declared, knative: bool) -> str:
    deploy = config.get("deploy")
    word = str(deploy.get("defaultDeploymentMode") or "") if isinstance(deploy, Mapping) else ""
    return _MODES.get(word, word) or stated.deployment_mode or ("Knative" if knative else "Standard")


def _distribution(version: str, nodes: list[Object]) -> str | None:
    for mark, name in _DISTRIBUTIONS:
        if mark in version:
            return name
    for node in nodes:
        scheme = str(node.get("spec", {}).get("providerID", "")).partition(":")[0]
        if scheme in _PROVIDERS:
            return _PROVIDERS[scheme]
    return None


def _version(found: Object | None, image: str = "") -> str | None:
    """The version label Knative puts on all it installs; KServe has only its image's tag."""
    if found is None:
        return None
    labels = found.get("metadata", {}).get("labels") or {}
    version = labels.get("app.kubernetes.io/version")
    if not version and image:
        containers = found.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
        references = [str(entry.get("image", "")) for entry in containers]
        tags = [text.partition("@")[0].rpartition(":")[2] for text in references if f"/{image}" in f"/{text}"]
        version = tags[0] if tags else None
    return "v" + str(version).removeprefix("v") if version else None


def _sidecar_version(config: Mapping[str, Any]) -> str | None:
    """KServe's ConfigMap names the images of its own helpers, all with the release's tag."""
    for part in ("storageInitializer", "agent", "router"):
        value = config.get(part)
        image = str(value.get("image") or "") if isinstance(value, Mapping) else ""
        tag = image.partition("@")[0].rpartition(":")[2]
        if re.fullmatch(r"v?\d+\.\d+\.\d+\S*", tag):
            return "v" + tag.removeprefix("v")
    return None


def _autoscaler(config: Object | None, mode: str) -> str:
    if mode == "Standard":
        return "hpa"
    name = _config_data(config).get("pod-autoscaler-class", "") if config else ""
    return "hpa" if name.startswith("hpa.") else "kpa"


def _layer(network: Mapping[str, str] | None, config: Mapping[str, Any], knative: bool) -> str | None:
    if network is not None:
        name = network.get("ingress-class") or network.get("ingress.class") or "istio.ingress.networking.knative.dev"
        return next((layer for layer in _LAYERS if name.startswith(layer)), name.partition(".")[0])
    ingress = config.get("ingress")
    if knative or not isinstance(ingress, Mapping):
        return None
    return "gateway-api" if ingress.get("enableGatewayApi") else str(ingress.get("ingressClassName") or "") or None


def _domain(data: Mapping[str, str] | None) -> str | None:
    """The domain without a selector is the default one; Knative itself falls back to svc.cluster.local."""
    if data is None:
        return None
    plain = sorted(name for name, selector in data.items() if not selector.strip())
    return plain[0] if plain else "svc.cluster.local"


def _node(node: Object, resource: str) -> Node:
    allocatable = node.get("status", {}).get("allocatable") or {}
    return Node(
        name=node["metadata"]["name"],
        cpu=quantity(allocatable.get("cpu", "0")),
        memory_gib=round(quantity(allocatable.get("memory", "0")) / 2**30, 2),
        accelerators=int(quantity(allocatable.get(resource, "0"))),
    )
