"""What a bookmark's object looks like."""

from __future__ import annotations

from typing import Any

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Object
from clusters.embedded.api.zero_values import zero_value

COUNTED = (("apps", "deployments"), ("apps", "replicasets"), ("apps", "statefulsets"))
"""Kinds whose internal form has no unset number of replicas."""


def bookmark_object(kind: Kind, version: int, *, initial: bool = False) -> Object:
    """An otherwise empty object of the kind with the version reached."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    head = {"kind": kind.resource.kind, "apiVersion": kind.resource.api_version, "metadata": metadata}
    body = zero_value(kind)
    if kind.storage in COUNTED and not kind.custom:
        body["spec"] = {"replicas": 0, **body["spec"]}
    return {**head, **body}
