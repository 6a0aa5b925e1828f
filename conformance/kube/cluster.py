"""A place where scenarios run: a Kubernetes API, an ingress, and what is installed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from conformance.base.clock import Clock
from conformance.base.http.exchange import Handler
from conformance.kube.api_client import ApiClient

LOOP_LAG_PATH: Final = "/debug/loop-lag"
"""Where the embedded platform's API tells how far its process is behind its own timers: {"seconds": the greatest lag of
the last four seconds}."""


@dataclass(frozen=True, slots=True)
class Ingress:
    """How requests for a `status.url` host get into the platform."""

    address: str
    """`host:port` to connect to; IPv6 in brackets. Empty when in process."""
    scheme: str = "http"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Extra headers a vendor's gateway asks for; never written to disk."""
    ca_file: str | None = None
    verify: bool = True
    handler: Handler | None = None
    """Set in virtual time: the data plane called directly."""


@dataclass(frozen=True, slots=True)
class Node:
    """A schedulable node: allocatable amounts."""

    name: str
    cpu: float
    memory_gib: float
    accelerators: int = 0


@dataclass(frozen=True, slots=True)
class Installation:
    """What is installed, as read from the cluster."""

    kubernetes: str
    distribution: str
    kserve: str
    knative: str | None
    autoscaler: str
    """kpa, hpa or other."""
    network_layer: str
    deployment_mode: str
    """Default mode for InferenceServices: Knative or Standard."""
    autoscaler_config: Mapping[str, str] | None
    """Data of `config-autoscaler`; None when it cannot be read."""
    domain: str
    accelerator_kind: str
    """real, emulated or none."""
    accelerator_resource: str = "nvidia.com/gpu"
    nodes: tuple[Node, ...] = ()
    accelerator_model: str | None = None
    """What device discovery or the user calls it."""
    activators: int | None = None
    """Replicas of Knative's activator, which share the traffic and report each for itself; None where not known."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """An open cluster."""

    provider: str
    api: ApiClient
    ingress: Ingress
    installation: Installation
    clock: Clock
    witness_image: str = "witness"
    """Image reference of the model-server double on this cluster; prefer one with a digest."""
    kubeconfig: str | None = None
    pid: int | None = None
    api_verified: bool = True
    """Whether the API server's certificate is checked."""
    disposable: bool = False
    """It ends with the run, so nothing that is still on its way out can be left over."""
    owned: bool = False
    """The suite made it for itself, and may take parts of it away for a while."""
    notes: tuple[str, ...] = field(default=())
    cpu_seconds: Callable[[], Awaitable[float]] | None = None
    """What its nodes have spent so far, where the provider can tell. Raises PlatformError where that fails."""


class Provider(Protocol):
    """Opens one kind of cluster and cleans up after itself."""

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        """Raises PlatformError when the cluster cannot be had, UsageError when its settings are wrong."""
