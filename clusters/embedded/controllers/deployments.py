"""Deployments: one ReplicaSet per pod template, rolled over within maxSurge and maxUnavailable."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Sequence
from typing import Final

from clusters.embedded.api.store import NAME_ALPHABET
from clusters.embedded.controllers.conditions import known
from clusters.embedded.controllers.work import Key, Source, owner_of
from clusters.embedded.controllers.world import Object, World, is_going, owned_by, parse_timestamp
from conformance.api.resources import DEPLOYMENTS, REPLICA_SETS

HASH: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
DESIRED: Final = "deployment.kubernetes.io/desired-replicas"


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


class Deployments:
    """Reconciles Deployments."""

    name = "deployment-controller"
    sources: Sequence[Source] = (Source(DEPLOYMENTS), Source(REPLICA_SETS, owner_of("Deployment")))

    def __init__(self, world: World) -> None:
        self._world = world

    def reconcile(self, key: Key) -> float | None:
        world = self._world
        deployment = world.get(DEPLOYMENTS, *key)
        if deployment is None or is_going(deployment):
            return None
        replicas = deployment["spec"].get("replicas", 1)
        sets = self._sets(deployment)
        digest = template_hash(deployment["spec"]["template"])
        name = f"{key.name}-{digest}"
        new = next((entry for entry in sets if entry["metadata"]["name"] == name), None)
        old = [entry for entry in sets if entry["metadata"]["name"] != name]
        if new is None:
            running = sum(entry["spec"].get("replicas", 0) for entry in old)
            first = max(0, self._most(deployment) - running) if running else replicas
            new = world.store.create(REPLICA_SETS, self._set(deployment, name, digest, min(first, replicas), len(sets)))
            self._say(deployment, name, "up", 0, new["spec"]["replicas"])
        self._roll(deployment, new, old)
        self._trim(deployment, old)
        return self._tell(deployment, [*old, new], new)

    def _sets(self, deployment: Object) -> list[Object]:
        uid, namespace = deployment["metadata"]["uid"], deployment["metadata"]["namespace"]
        found = [
            entry
            for entry in self._world.list(REPLICA_SETS, namespace)
            if any(owner.get("uid") == uid for owner in entry["metadata"].get("ownerReferences") or ())
        ]
        return sorted(found, key=lambda entry: int((entry["metadata"].get("annotations") or {}).get(REVISION, "0")))

    def _set(self, deployment: Object, name: str, digest: str, replicas: int, before: int) -> Object:
        metadata, spec = deployment["metadata"], deployment["spec"]
        template = copy.deepcopy(spec["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = digest
        own = template["metadata"]["labels"]
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": dict(own),
                "annotations": {**(metadata.get("annotations") or {}), REVISION: str(before + 1)},
                "ownerReferences": owned_by(deployment),
            },
            "spec": {
                "replicas": replicas,
                "selector": {
                    "matchLabels": {**(spec["selector"].get("matchLabels") or {}), HASH: digest},
                },
                "template": template,
            },
        }

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
        entry["metadata"]["resourceVersion"] = self._world.store.update(REPLICA_SETS, entry)["metadata"][
            "resourceVersion"
        ]
        self._say(deployment, entry["metadata"]["name"], "up" if replicas > count else "down", count, replicas)

    def _say(self, deployment: Object, name: str, way: str, before: int, after: int) -> None:
        text = f"Scaled {way} replica set {name} from {before} to {after}"
        if before != after:
            self._world.event(deployment, "ScalingReplicaSet", text, self.name)

    def _trim(self, deployment: Object, old: Sequence[Object]) -> None:
        """Old sets without pods beyond the history limit go."""
        keep = deployment["spec"].get("revisionHistoryLimit", 10)
        empty = [e for e in old if not e["spec"].get("replicas") and not (e.get("status") or {}).get("replicas")]
        for entry in empty[: max(0, len(empty) - keep)]:
            self._world.remove(REPLICA_SETS, entry["metadata"]["namespace"], entry["metadata"]["name"])

    def _tell(self, deployment: Object, sets: Sequence[Object], new: Object) -> float | None:
        world = self._world
        replicas = deployment["spec"].get("replicas", 1)

        def total(field: str, entries: Sequence[Object] = sets) -> int:
            return sum((entry.get("status") or {}).get(field, 0) for entry in entries)

        ready, updated = total("readyReplicas"), total("replicas", [new])
        available = total("availableReplicas")
        status: Object = {"observedGeneration": deployment["metadata"].get("generation", 1)}
        for field, count in (
            ("replicas", total("replicas")),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", max(0, total("replicas") - available)),
        ):
            if count:
                status[field] = count
        enough = available >= self._least(deployment)
        reason, text = "MinimumReplicasAvailable", "Deployment has minimum availability."
        if not enough:
            reason, text = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
        conditions = [self._condition(deployment, "Available", "True" if enough else "False", reason, text)]
        progress, again = self._progress(deployment, new, replicas, total("replicas"), available, updated)
        status["conditions"] = [*conditions, progress]
        world.set_status(DEPLOYMENTS, deployment, status)
        return again

    def _progress(
        self, deployment: Object, new: Object, replicas: int, total: int, available: int, updated: int
    ) -> tuple[Object, float | None]:
        """The Progressing condition, and when its deadline passes."""
        name, world = new["metadata"]["name"], self._world
        before = known(deployment, "Progressing")
        if updated == replicas and available >= replicas and total == replicas:
            text = f'ReplicaSet "{name}" has successfully progressed.'
            return self._condition(deployment, "Progressing", "True", "NewReplicaSetAvailable", text), None
        if before is not None and before["reason"] == "NewReplicaSetAvailable" and name in before["message"]:
            return before, None
        deadline = deployment["spec"].get("progressDeadlineSeconds", 600)
        advanced = before is None or (deployment.get("status") or {}).get("availableReplicas", 0) < available
        updated_at = world.now() if before is None or advanced else before["lastUpdateTime"]
        left = parse_timestamp(updated_at) + deadline - world.clock.wall()
        if left <= 0:
            text = f'ReplicaSet "{name}" has timed out progressing.'
            return self._condition(deployment, "Progressing", "False", "ProgressDeadlineExceeded", text), None
        text = f'ReplicaSet "{name}" is progressing.'
        entry = self._condition(deployment, "Progressing", "True", "ReplicaSetUpdated", text)
        return {**entry, "lastUpdateTime": updated_at}, left + 1

    def _condition(self, deployment: Object, kind: str, status: str, reason: str, message: str) -> Object:
        before = known(deployment, kind)
        now = self._world.now()
        if before is not None and (before["status"], before["reason"]) == (status, reason):
            return {**before, "message": message}
        moved = before is None or before["status"] != status
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastUpdateTime": now,
            "lastTransitionTime": now if moved or before is None else before["lastTransitionTime"],
        }
