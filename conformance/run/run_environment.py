"""The report's environment block, from what was found on the cluster."""

from __future__ import annotations

from typing import Any

from conformance.kube.cluster import Installation


def environment(installation: Installation) -> dict[str, Any]:
    """The report's environment block, nodes of one shape counted together."""
    shapes: dict[tuple[float, float, int], int] = {}
    for node in installation.nodes:
        shape = (node.cpu, round(node.memory_gib, 1), node.accelerators)
        shapes[shape] = shapes.get(shape, 0) + 1
    nodes = [
        {"count": count, "cpu": cpu, "memoryGiB": memory, **({"accelerators": number} if number else {})}
        for (cpu, memory, number), count in sorted(shapes.items())
    ]
    total = sum(node.accelerators for node in installation.nodes)
    accelerator: dict[str, Any] = {"kind": installation.accelerator_kind}
    if installation.accelerator_kind != "none":
        accelerator |= {"resource": installation.accelerator_resource, "count": total}
        if installation.accelerator_model:
            accelerator["model"] = installation.accelerator_model
    serving = {
        "kserve": installation.kserve,
        **({"knative": installation.knative} if installation.knative else {}),
        "autoscaler": installation.autoscaler,
        "networkLayer": installation.network_layer,
    }
    return {
        "kubernetes": {"version": installation.kubernetes, "distribution": installation.distribution},
        "serving": serving,
        "accelerator": accelerator,
        "nodes": nodes or [{"count": 1, "cpu": 0, "memoryGiB": 0}],
    }
