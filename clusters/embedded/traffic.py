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
class Backing:
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
        self._backing: dict[RevisionKey, Backing] = {}

    def know(self, spec: RevisionSpec) -> None:
        """There is such a revision."""
        if self._specs.get(spec.key) == spec:
            return
        self._specs[spec.key] = spec
        for activator in self.activators:
            activator.put_revision(spec)
        backing = self._backing.pop(spec.key, None)
        if backing is not None:
            self.back(spec.key, backing)

    def forget(self, revision: RevisionKey) -> None:
        """The revision is gone."""
        self._specs.pop(revision, None)
        self._backing.pop(revision, None)
        self.endpoints.withdraw(revision)
        for activator in self.activators:
            activator.remove_revision(revision)

    def spec(self, revision: RevisionKey) -> RevisionSpec | None:
        """What is known of a revision."""
        return self._specs.get(revision)

    def backing(self, revision: RevisionKey) -> Backing:
        """What stands behind a revision now."""
        return self._backing.get(revision, Backing())

    def revision_at(self, address: str) -> RevisionKey | None:
        """The revision whose pod has this address."""
        for key, backing in self._backing.items():
            if address in backing.ready or address in backing.starting:
                return key
        return None

    def back(self, revision: RevisionKey, backing: Backing) -> None:
        """Pods, mode and number of activators of a revision."""
        before = self._backing.get(revision)
        if before == backing:
            return
        self._backing[revision] = backing
        self.endpoints.publish(revision, Backends(backing.ready, backing.proxy or not backing.ready))
        count = min(backing.activators, len(self.activators))
        for index, activator in enumerate(self.activators):
            if before is None or before.activators != backing.activators:
                activator.set_share(revision, index if index < count else -1, count)
            if before is None or (before.ready, before.starting) != (backing.ready, backing.starting):
                activator.set_pods(revision, backing.ready, backing.starting)
