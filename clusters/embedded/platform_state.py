"""What is going on in the platform, for faults that depend on it."""

from __future__ import annotations

from clusters.embedded.api.store import Store
from clusters.embedded.autoscaler.pod_autoscalers import PodAutoscalers
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.traffic import Traffic
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.objects.metadata import labels


class LivePlatformState:
    """See `clusters.embedded.behaviour.control_behaviour.Insight`."""

    def __init__(self, store: Store, traffic: Traffic, autoscaler: PodAutoscalers) -> None:
        self._store = store
        self._traffic = traffic
        self._autoscaler = autoscaler

    def panicking(self, revision: RevisionKey) -> bool:
        return self._autoscaler.panicking(revision)

    def pending(self, revision: RevisionKey) -> int:
        return sum(
            1
            for (namespace, _), pod in self._store.objects(("", "pods")).items()
            if namespace == revision.namespace
            and labels(pod).get(REVISION) == revision.name
            and not pod["spec"].get("nodeName")
        )

    def revision_at(self, address: str) -> RevisionKey | None:
        return self._traffic.revision_at(address)
