"""The control plane's hold on the data plane: what ingress and activators know of revisions and their pods.

Pods are known by the address of their queue-proxy. Ready and starting ones are told apart because activators may use a
pod before Kubernetes calls it Ready; terminating ones are told to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clusters.embedded.dataplane.activator import Activator
from clusters.embedded.dataplane.revision import RevisionKey, RevisionSpec
from clusters.embedded.dataplane.routes import Backends, Endpoints


@dataclass(frozen=True, slots=True)
class RevisionEndpoints:
    """What stands behind a revision's public service."""

    ready: tuple[str, ...] = ()
    starting: tuple[str, ...] = ()
    proxy: bool = True
    activators: int = 2


class Traffic:
    """Publishes to one table of endpoints and to all activators."""

    def __init__(self, endpoints: Endpoints, activators: Sequence[Activator]) -> None:
        self.endpoints = endpoints
        self.activators = tuple(activators)
        self._specs: dict[RevisionKey, RevisionSpec] = {}
        self._known: dict[RevisionKey, RevisionEndpoints] = {}

    def add_revision(self, spec: RevisionSpec) -> None:
        """There is such a revision."""
        if self._specs.get(spec.key) == spec:
            return
        self._specs[spec.key] = spec
        for activator in self.activators:
            activator.put_revision(spec)
        endpoints = self._known.pop(spec.key, None)
        if endpoints is not None:
            self.publish(spec.key, endpoints)

    def remove_revision(self, revision: RevisionKey) -> None:
        """The revision is gone."""
        self._specs.pop(revision, None)
        self._known.pop(revision, None)
        self.endpoints.withdraw(revision)
        for activator in self.activators:
            activator.remove_revision(revision)

    def spec(self, revision: RevisionKey) -> RevisionSpec | None:
        """What is known of a revision."""
        return self._specs.get(revision)

    def endpoints_of(self, revision: RevisionKey) -> RevisionEndpoints:
        """What stands behind a revision now."""
        return self._known.get(revision, RevisionEndpoints())

    def revision_at(self, address: str) -> RevisionKey | None:
        """The revision whose pod has this address."""
        for key, endpoints in self._known.items():
            if address in endpoints.ready or address in endpoints.starting:
                return key
        return None

    def publish(self, revision: RevisionKey, endpoints: RevisionEndpoints) -> None:
        """Pods, mode and number of activators of a revision."""
        before = self._known.get(revision)
        if before == endpoints:
            return
        self._known[revision] = endpoints
        self.endpoints.publish(revision, Backends(endpoints.ready, endpoints.proxy or not endpoints.ready))
        count = min(endpoints.activators, len(self.activators))
        for index, activator in enumerate(self.activators):
            if before is None or before.activators != endpoints.activators:
                activator.set_share(revision, index if index < count else -1, count)
            if before is None or (before.ready, before.starting) != (endpoints.ready, endpoints.starting):
                activator.set_pods(revision, endpoints.ready, endpoints.starting)
