"""What can be chosen about an embedded platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PlatformOptions:
    """Sizes and settings of the installation. The default fits 120 pods of the documented runtimes."""

    nodes: int = 4
    node_cpu: float = 48.0
    node_memory_gib: float = 192.0
    gpus: int = 8
    """Emulated accelerators, spread over the nodes."""
    domain: str = "example.com"
    virtual_host: bool = True
    """Whether InferenceServices get a host of their own, as with Istio, or their Knative Service's."""
    default_mode: str = "Knative"
    activators: int = 1
    autoscaler: Mapping[str, str] = field(default_factory=dict)
    """Keys to set in config-autoscaler."""
    ingress: str = "own"
    """`own`, or `envoy` for a real one."""
    model_server: str = "witness"
    """`witness`, or `kserve` for a process of KServe's own model server in every predictor pod."""
    envoy_program: str | None = None
    """Path of Envoy; None looks for it."""
    kserve_python: str | None = None
    """Path of a Python with the KServe SDK; None is that of the extra."""
    max_pods: int | None = None
    """Pods that all nodes together take; None is 110 each, or where pods are processes 32 in all."""
    ordered_namespace_deletion: bool = False
    """Whether a namespace is deleted as Kubernetes 1.33 and later do: its pods first, and a second look only after half
    of their grace period."""
    way_seconds: tuple[float, float] = (0.0005, 0.0015)
    """How long a request is on its way in virtual time; on sockets it takes what it takes."""
