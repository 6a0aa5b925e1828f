"""Taints and tolerations (Kubernetes staging/src/k8s.io/component-helpers/scheduling/corev1)."""

from __future__ import annotations

import math
from typing import Any

Object = dict[str, Any]


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether this toleration is for this taint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("operator") == "Exists":
        return not toleration.get("key") or toleration["key"] == taint["key"]
    return toleration.get("key") == taint["key"] and (toleration.get("value") or "") == (taint.get("value") or "")


def untolerated(pod: Object, node: Object) -> Object | None:
    """The first taint that keeps a pod from being placed on a node."""
    tolerations = pod["spec"].get("tolerations") or ()
    for taint in (node.get("spec") or {}).get("taints") or ():
        hard = taint.get("effect") in ("NoSchedule", "NoExecute")
        if hard and not any(tolerates(entry, taint) for entry in tolerations):
            found: Object = taint
            return found
    return None


def tolerated_seconds(pod: Object, node: Object) -> float:
    """How long a running pod may stay on a node with its NoExecute taints: 0 not at all, infinite for ever."""
    left = math.inf
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") != "NoExecute":
            continue
        matching = [entry for entry in pod["spec"].get("tolerations") or () if tolerates(entry, taint)]
        if not matching:
            return 0.0
        limits = [entry["tolerationSeconds"] for entry in matching if entry.get("tolerationSeconds") is not None]
        left = min([left, *(max(0.0, float(seconds)) for seconds in limits)])
    return left
