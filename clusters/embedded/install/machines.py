"""Nodes and system namespaces."""

from __future__ import annotations

from typing import Any, Final

Object = dict[str, Any]

KUBERNETES_VERSION: Final = "v1.36.2+embedded"
PODS_PER_NODE: Final = 110
NAMESPACES: Final = ("knative-serving", "kserve", "istio-system")


def namespace(name: str, now: str) -> Object:
    """An active namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}, "creationTimestamp": now},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def share(total: int, parts: int, index: int) -> int:
    """The index-th of `parts` whole shares of a total; earlier ones get the rest."""
    return total // parts + (1 if index < total % parts else 0)


def node(
    index: int, *, cpu: float, memory_gib: float, accelerators: int, now: str, pods: int = PODS_PER_NODE
) -> Object:
    """A node that is ready."""
    name = f"embedded-{index}"
    amounts = {
        "cpu": f"{cpu:g}",
        "memory": f"{memory_gib:g}Gi",
        "ephemeral-storage": "100Gi",
        "pods": str(pods),
    }
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": "embedded",
    }
    if accelerators:
        amounts["nvidia.com/gpu"] = str(accelerators)
        labels |= {
            "nvidia.com/gpu.present": "true",
            "nvidia.com/gpu.count": str(accelerators),
            "nvidia.com/gpu.product": "Emulated-Accelerator",
            "conformance.serving/accelerators": "emulated",
        }
    conditions = []
    for kind, state, reason, text in (
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ):
        entry = {"type": kind, "status": state, "reason": reason, "message": text}
        conditions.append({**entry, "lastHeartbeatTime": now, "lastTransitionTime": now})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": f"10.244.{index}.0/24", "providerID": f"embedded://{name}"},
        "status": {
            "capacity": dict(amounts),
            "allocatable": dict(amounts),
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": f"10.0.0.{index + 10}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "kubeletVersion": KUBERNETES_VERSION,
                "kubeProxyVersion": KUBERNETES_VERSION,
                "containerRuntimeVersion": "embedded://1",
                "osImage": "embedded reference platform",
                "kernelVersion": "0",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "machineID": name,
                "systemUUID": name,
                "bootID": name,
            },
        },
    }


def kserve_controller() -> Object:
    """The Deployment by which KServe's version is known. Its work is done in this process, so it has no pods."""
    labels = {"control-plane": "kserve-controller-manager", "app.kubernetes.io/name": "kserve-controller-manager"}
    container = {"name": "manager", "image": "kserve/kserve-controller:v0.20.0"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "kserve-controller-manager", "namespace": "kserve", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
