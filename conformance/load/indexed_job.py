"""A load as a Kubernetes Indexed Job: one completion is one shard.

The Job controller does what would otherwise be home-made: it numbers shards, starts them, and says which of them ended
how. A shard is never started twice, as a second one would send its stripe of the plan a second time.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from conformance.api.resources import Resource
from conformance.errors import SubmissionError
from conformance.load.order import Order

JOBS: Final = Resource("batch", "v1", "jobs", "Job")
INDEX: Final = "batch.kubernetes.io/job-completion-index"
ORDER_FILE: Final = "/etc/conformance-load/order.json"
MOST_ORDER_BYTES: Final = 900_000
"""A Secret holds 1 MiB at most."""
_MARGIN_SECONDS: Final = 120.0
_USER: Final = 65532


@dataclass(frozen=True, slots=True)
class Sharding:
    """How a load is spread over a cluster."""

    shards: int
    image: str
    """Holds this package and Python."""
    cpu: str = "1"
    """Per shard, requested and at most: a core of its own is what keeps it punctual."""
    memory: str = "512Mi"
    lead_seconds: float = 60.0
    """From creating the Job to the common start: scheduling, pulling the image, starting. A shard that is not ready by
    then sends nothing and counts as lost, because arrivals that come late are not the plan."""
    node_selector: tuple[tuple[str, str], ...] = ()
    service_account: str | None = None


def secret(name: str, order: Order, start_wall: float, origin_wall: float) -> dict[str, Any]:
    """The order with its common start, as a Secret: headers may be credentials. Raises SubmissionError when the body
    does not fit."""
    value = {"order": json.loads(order.line()), "start_wall": start_wall, "origin_wall": origin_wall}
    text = json.dumps(value).encode()
    if len(text) > MOST_ORDER_BYTES:
        raise SubmissionError(
            f"load: a request body of {len(order.target.body)} bytes is too large for shards in the cluster; "
            f"use one below {MOST_ORDER_BYTES * 3 // 4} bytes, or offer the load from outside"
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app": name}},
        "type": "Opaque",
        "data": {"order.json": base64.b64encode(text).decode()},
    }


def job(name: str, sharding: Sharding, run_seconds: float) -> dict[str, Any]:
    """The Job that runs the shards once each, on different nodes where there are enough."""
    deadline = int(sharding.lead_seconds + run_seconds + _MARGIN_SECONDS)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "completions": sharding.shards,
            "parallelism": sharding.shards,
            "completionMode": "Indexed",
            "backoffLimit": 0,
            "activeDeadlineSeconds": deadline,
            "ttlSecondsAfterFinished": 3600,
            "template": {"metadata": {"labels": {"app": name}}, "spec": _pod(name, sharding)},
        },
    }


def _pod(name: str, sharding: Sharding) -> dict[str, Any]:
    amounts = {"cpu": sharding.cpu, "memory": sharding.memory}
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app": name}},
            }
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "load",
                "image": sharding.image,
                "command": ["python", "-m", "conformance.load.shard_main", ORDER_FILE],
                "env": [{"name": "CONFORMANCE_LOAD_SHARDS", "value": str(sharding.shards)}],
                "resources": {"requests": amounts, "limits": amounts},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "order", "mountPath": ORDER_FILE.rpartition("/")[0], "readOnly": True},
                    {"name": "scratch", "mountPath": "/tmp"},
                ],
            }
        ],
        "volumes": [
            {"name": "order", "secret": {"secretName": name}},
            {"name": "scratch", "emptyDir": {}},
        ],
    }
    if sharding.node_selector:
        spec["nodeSelector"] = dict(sharding.node_selector)
    if sharding.service_account:
        spec["serviceAccountName"] = sharding.service_account
    return spec
