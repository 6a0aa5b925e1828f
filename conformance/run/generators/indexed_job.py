"""A load as a Kubernetes Indexed Job: one completion is one shard.

The Job controller does what would otherwise be home-made: it numbers shards, starts them, and says which of them ended
how. A shard that fails neither ends the others nor is started again (`backoffLimitPerIndex`, Kubernetes 1.29); where an
older controller does start it again, it comes after the common start and sends nothing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import UsageError
from conformance.kube.resources import Resource
from conformance.load.load_job import LoadJob

JOBS: Final = Resource("batch", "v1", "jobs", "Job")
INDEX: Final = "batch.kubernetes.io/job-completion-index"
ORDER_FILE: Final = "/etc/conformance-load/order.json"
CA_FILE: Final = "ca.pem"
"""Beside the order."""
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


def secret_manifest(name: str, job: LoadJob, start_wall: float, origin_wall: float) -> dict[str, Any]:
    """The load job with its common start, as a Secret: headers may be credentials. Raises UsageError when the body
    does not fit, or a CA file cannot be read."""
    files = {}
    if job.target.ca_file:
        files[CA_FILE] = _authorities(job.target.ca_file)
        job = replace(job, target=replace(job.target, ca_file=CA_FILE))
    value = {"order": json.loads(job.line()), "start_wall": start_wall, "origin_wall": origin_wall}
    files["order.json"] = json.dumps(value).encode()
    if sum(len(data) for data in files.values()) > MOST_ORDER_BYTES:
        raise UsageError(
            f"load: a request body of {len(job.target.body)} bytes is too large for shards in the cluster; "
            f"use one below {MOST_ORDER_BYTES * 3 // 4} bytes, or offer the load from outside"
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app": name}},
        "type": "Opaque",
        "data": {file: base64.b64encode(data).decode() for file, data in files.items()},
    }


def _authorities(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"load: CA file {path}: {error.strerror}") from error


def job_manifest(name: str, sharding: Sharding, run_seconds: float) -> dict[str, Any]:
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
            "backoffLimitPerIndex": 0,
            "maxFailedIndexes": sharding.shards,
            "backoffLimit": sharding.shards,
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
