"""Deployments: one ReplicaSet per pod template, rolled over within maxSurge and maxUnavailable.

Templates are numbered in the order in which they were last wanted: going back to an earlier one gives its ReplicaSet
the next number, which is what `kubectl rollout history` and `undo` go by.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.api.store import NAME_ALPHABET
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, owner_of
from clusters.embedded.controllers.deployment_status import DeploymentStatus
from clusters.embedded.objects.metadata import (
    Object,
    ObjectKey,
    annotations_of,
    editable,
    is_terminating,
    owner_references,
)
from conformance.kube.resources import DEPLOYMENTS, REPLICA_SETS

HASH: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
REVISION_HISTORY: Final = "deployment.kubernetes.io/revision-history"
DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MOST: Final = "deployment.kubernetes.io/max-replicas"
NOT_COPIED: Final = frozenset(
    (REVISION, REVISION_HISTORY, DESIRED, MOST, "kubectl.kubernetes.io/last-applied-configuration")
)
"""Annotations that a ReplicaSet has of its own (Kubernetes pkg/controller/deployment/util)."""


def template_hash(template: Object) -> str:
    """Ten letters of the kind Kubernetes uses, from the template's content."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(NAME_ALPHABET[byte % len(NAME_ALPHABET)] for byte in digest[:10])


def amount(value: object, replicas: int, *, up: bool) -> int:
    """maxSurge or maxUnavailable: a number or a percentage of the replicas."""
    if isinstance(value, str) and value.endswith("%"):
        share = replicas * int(value[:-1]) / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value) if isinstance(value, int | str) else 0


def _number_of(entry: Object) -> int:
    """A set's place in the history; 0 while it has none."""
    return int(annotations_of(entry).get(REVISION, "0"))


class Deployments:
    """Reconciles Deployments."""

    name = "deployment-controller"
    watches: Sequence[Watched] = (Watched(DEPLOYMENTS), Watched(REPLICA_SETS, owner_of("Deployment")))

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        found = context.peek(DEPLOYMENTS, *key)
        if found is None or is_terminating(found):
            return None
        deployment = editable(found)
        replicas, paused = deployment["spec"].get("replicas", 1), bool(deployment["spec"].get("paused"))
        sets = self._sets(deployment)
        digest = template_hash(deployment["spec"]["template"])
        name = f"{key.name}-{digest}"
        new = next((entry for entry in sets if entry["metadata"]["name"] == name), None)
        old = [entry for entry in sets if entry["metadata"]["name"] != name]
        if new is None and not paused:
            running = sum(entry["spec"].get("replicas", 0) for entry in old)
            first = max(0, self._most(deployment) - running) if running else replicas
            new = context.store.create(REPLICA_SETS, self._set(deployment, name, digest, min(first, replicas)))
            self._say(deployment, name, "up", 0, new["spec"]["replicas"])
        if new is not None:
            deployment = self._number(deployment, new, old)
        if paused:
            self._resize(deployment, [*old, *([new] if new else [])])
        elif new is not None:
            self._roll(deployment, new, old)
            self._trim(deployment, old)
        return DeploymentStatus(context, deployment, self._least(deployment)).write(old, new)

    def _sets(self, deployment: Object) -> list[Object]:
        found = [editable(entry) for entry in self._context.owned(deployment, REPLICA_SETS)]
        return sorted(found, key=_number_of)

    def _set(self, deployment: Object, name: str, digest: str, replicas: int) -> Object:
        metadata, spec = deployment["metadata"], deployment["spec"]
        template = copied(spec["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
        own = template["metadata"]["labels"]
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": dict(own),
                "ownerReferences": owner_references(deployment),
            },
            "spec": {
                "replicas": replicas,
                "selector": {
                    "matchLabels": {**(spec["selector"].get("matchLabels") or {}), HASH: digest},
                },
                "template": template,
            },
        }

    def _number(self, deployment: Object, new: Object, old: Sequence[Object]) -> Object:
        """Give the wanted set the highest number and the Deployment the same; returns the Deployment as it now is."""
        context, metadata = self._context, new["metadata"]
        number, before = max(map(_number_of, old), default=0) + 1, _number_of(new)
        notes = {
            **{key: text for key, text in annotations_of(deployment).items() if key not in NOT_COPIED},
            DESIRED: str(deployment["spec"].get("replicas", 1)),
            MOST: str(self._most(deployment)),
            REVISION: str(max(number, before)),
        }
        earlier = annotations_of(new).get(REVISION_HISTORY, "")
        if before and number > before:
            earlier = f"{earlier},{before}" if earlier else str(before)
        if earlier:
            notes[REVISION_HISTORY] = earlier
        if annotations_of(new) != notes:
            metadata["annotations"] = notes
            metadata["resourceVersion"] = context.store.update(REPLICA_SETS, new)["metadata"]["resourceVersion"]
        if annotations_of(deployment).get(REVISION) == notes[REVISION]:
            return deployment
        deployment["metadata"]["annotations"] = {**annotations_of(deployment), REVISION: notes[REVISION]}
        return context.store.update(DEPLOYMENTS, deployment)

    def _resize(self, deployment: Object, sets: Sequence[Object]) -> None:
        """While paused a Deployment still has its size: that of its only set with pods, else of the newest."""
        active = [entry for entry in sets if entry["spec"].get("replicas")] or list(sets[-1:])
        if len(active) == 1:
            self._scale(deployment, active[0], deployment["spec"].get("replicas", 1))

    def _most(self, deployment: Object) -> int:
        replicas: int = deployment["spec"].get("replicas", 1)
        rolling = ((deployment["spec"].get("strategy") or {}).get("rollingUpdate")) or {}
        return replicas + amount(rolling.get("maxSurge", "25%"), replicas, up=True)

    def _least(self, deployment: Object) -> int:
        replicas: int = deployment["spec"].get("replicas", 1)
        rolling = ((deployment["spec"].get("strategy") or {}).get("rollingUpdate")) or {}
        return replicas - amount(rolling.get("maxUnavailable", "25%"), replicas, up=False)

    def _roll(self, deployment: Object, new: Object, old: Sequence[Object]) -> None:
        """One step: old sets down as far as readiness allows, the new one up as far as the surge allows."""
        replicas = deployment["spec"].get("replicas", 1)
        now = new["spec"].get("replicas", 0)
        running = sum(entry["spec"].get("replicas", 0) for entry in old)
        if not running:
            self._scale(deployment, new, replicas)
            return
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            for entry in old:
                self._scale(deployment, entry, 0)
            return
        wanted = min(replicas, now + max(0, self._most(deployment) - running - now))
        self._scale(deployment, new, max(wanted, min(now, replicas)))
        ready = sum((entry.get("status") or {}).get("readyReplicas", 0) for entry in (*old, new))
        spare = ready - self._least(deployment)
        for entry in old:
            count = entry["spec"].get("replicas", 0)
            unready = count - (entry.get("status") or {}).get("readyReplicas", 0)
            step = min(count, max(unready, 0) + max(0, spare))
            if step > 0:
                spare -= max(0, step - max(unready, 0))
                self._scale(deployment, entry, count - step)

    def _scale(self, deployment: Object, entry: Object, replicas: int) -> None:
        count = entry["spec"].get("replicas", 0)
        if count == replicas:
            return
        entry["spec"]["replicas"] = replicas
        entry["metadata"]["resourceVersion"] = self._context.store.update(REPLICA_SETS, entry)["metadata"][
            "resourceVersion"
        ]
        self._say(deployment, entry["metadata"]["name"], "up" if replicas > count else "down", count, replicas)

    def _say(self, deployment: Object, name: str, way: str, before: int, after: int) -> None:
        text = f"Scaled {way} replica set {name} from {before} to {after}"
        if before != after:
            self._context.event(deployment, "ScalingReplicaSet", text, self.name)

    def _trim(self, deployment: Object, old: Sequence[Object]) -> None:
        """Old sets without pods beyond the history limit go."""
        keep = deployment["spec"].get("revisionHistoryLimit", 10)
        empty = [e for e in old if not e["spec"].get("replicas") and not (e.get("status") or {}).get("replicas")]
        for entry in empty[: max(0, len(empty) - keep)]:
            self._context.remove(REPLICA_SETS, entry["metadata"]["namespace"], entry["metadata"]["name"])
