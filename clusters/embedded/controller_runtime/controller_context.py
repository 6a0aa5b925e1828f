"""What all controllers share: the store, the time, the installation's settings, and writing without noise."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from clusters.embedded.api.store import Store
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.kserve.kserve_settings import parse as parse_kserve
from clusters.embedded.objects.metadata import Object, timestamp
from clusters.embedded.objects.status_conditions import StatusCondition, merge
from conformance.base.clock import Clock
from conformance.kube.resources import CONFIG_MAPS, EVENTS, Resource
from conformance.model.config import AutoscalerConfig

T = TypeVar("T")

KNATIVE_NAMESPACE: Final = "knative-serving"
KSERVE_NAMESPACE: Final = "kserve"
DEFAULT_DOMAIN: Final = "svc.cluster.local"
REMEMBERED_EVENTS: Final = 4096
"""How many Events are known by their words (client-go tools/record/events_cache.go: maxLruCacheEntries)."""


class ControllerContext:
    """What a controller reads and writes through."""

    def __init__(self, store: Store, clock: Clock, rng: random.Random, behaviour: Behaviour) -> None:
        self.store = store
        self.clock = clock
        self.rng = rng
        self.behaviour = behaviour
        self._events: dict[tuple[str, ...], str] = {}
        self._settings: dict[tuple[str, str], tuple[Object | None, Any]] = {}

    def now(self) -> str:
        """The present as Kubernetes writes it."""
        return timestamp(self.clock.wall())

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """An object, None when there is none: a copy, to be changed as one likes."""
        return self.store.get(resource, namespace, name)

    def peek(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The stored object itself, to be read and never changed, as from an informer's cache; a copy for each look
        would be a tenth of the platform's work. `editable` makes one of which a part may be replaced."""
        return self.store.peek(self.store.kinds.of(resource), (namespace or "", name))

    def list(
        self, resource: Resource, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """Objects with these labels, in order of creation and name."""
        return self.store.list(resource, namespace, dict(labels) if labels else None)

    def view(
        self, resource: Resource, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterator[Object]:
        """The stored objects themselves, to be read and never changed: a copy of each pod for each change of a pod
        would be most of the platform's work."""
        wanted = (labels or {}).items()
        for key, value in sorted(self.store.objects(self.store.kinds.of(resource).storage).items()):
            if namespace is not None and key[0] != namespace:
                continue
            if not wanted or wanted <= (value["metadata"].get("labels") or {}).items():
                yield value

    def owned(self, owner: Object, resource: Resource) -> Iterator[Object]:
        """The stored objects of a kind that name this owner, oldest first; to be read and never changed. What all there
        are does not matter, so it costs the same among few and among thousands."""
        storage = self.store.kinds.of(resource).storage
        for kind, value in self.store.dependents(owner["metadata"]["uid"]):
            if kind.storage == storage:
                yield value

    # Settings, read on each use as the real controllers' informers do

    def config(self, name: str, namespace: str = KNATIVE_NAMESPACE) -> dict[str, str]:
        """The data of a ConfigMap; empty when it is not there."""
        found = self.peek(CONFIG_MAPS, namespace, name)
        data = (found or {}).get("data") or {}
        return {key: text for key, text in data.items() if key != "_example"}

    def autoscaler_config(self) -> AutoscalerConfig:
        """`config-autoscaler` as this platform goes by it. Raises ValueError."""
        config = self._parsed("config-autoscaler", KNATIVE_NAMESPACE, AutoscalerConfig.from_data)
        return self.behaviour.autoscaler_settings(config)

    def kserve(self) -> KserveSettings:
        """`inferenceservice-config`. Raises ValueError."""
        return self._parsed("inferenceservice-config", KSERVE_NAMESPACE, parse_kserve)

    def _parsed(self, name: str, namespace: str, parse: Callable[[Mapping[str, str]], T]) -> T:
        """A ConfigMap's settings; parsed again only where another state of it is stored."""
        found = self.peek(CONFIG_MAPS, namespace, name)
        known = self._settings.get((namespace, name))
        if known is None or known[0] is not found:
            known = self._settings[namespace, name] = found, parse(self.config(name, namespace))
        value: T = known[1]
        return value

    def domain(self) -> str:
        """The domain of outside hosts: the one without a selector."""
        plain = sorted(name for name, selector in self.config("config-domain").items() if not selector.strip())
        return plain[0] if plain else DEFAULT_DOMAIN

    # Writing

    def ensure(self, resource: Resource, wanted: Object) -> tuple[Object, bool]:
        """Create an object, or make its labels, annotations, owner and spec as wanted. Returns it, to be read, and
        whether it is new."""
        namespace, name = wanted["metadata"].get("namespace"), wanted["metadata"]["name"]
        found = self.peek(resource, namespace or "", name)
        if found is None:
            return self.store.create(resource, wanted, namespace=namespace), True
        # The store copies what it takes, so that parts may be shared: none is changed in place.
        metadata = dict(found["metadata"])
        changed = {**found, "metadata": metadata}
        for field in ("labels", "annotations"):
            if wanted["metadata"].get(field):
                metadata[field] = {**(metadata.get(field) or {}), **wanted["metadata"][field]}
        if wanted["metadata"].get("ownerReferences"):
            metadata["ownerReferences"] = wanted["metadata"]["ownerReferences"]
        for field in ("spec", "data"):
            if field in wanted:
                changed[field] = wanted[field]
        if changed == found:
            return found, False
        return self.store.update(resource, changed), False

    def set_status(self, resource: Resource, value: Object, status: Object) -> None:
        """Replace an object's status if it differs."""
        if value.get("status") == status:
            return
        metadata = value["metadata"]
        self.store.patch_status(resource, metadata.get("namespace", ""), metadata["name"], status)

    def set_conditions(
        self, resource: Resource, value: Object, conditions: Iterable[StatusCondition], fields: Object | None = None
    ) -> None:
        """Replace an object's status by these conditions and fields."""
        status: Object = {"observedGeneration": value["metadata"].get("generation", 1)}
        status.update(fields or {})
        status["conditions"] = merge(value, conditions, self.now())
        self.set_status(resource, value, status)

    def remove(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object if it is there."""
        if self.peek(resource, namespace, name) is not None:
            self.store.delete(resource, namespace, name)

    # Events

    def event(self, value: Object, reason: str, message: str, component: str, kind: str = "Normal") -> None:
        """Say something about an object; the same words again only raise the count."""
        metadata = value["metadata"]
        namespace = metadata.get("namespace") or "default"
        about = (namespace, value["kind"], metadata["name"], metadata.get("uid", ""), reason, message)
        now = self.now()
        known = self._events.pop(about, None)
        found = self.peek(EVENTS, namespace, known) if known else None
        if found is not None:
            self._events[about] = found["metadata"]["name"]
            again = {**found, "count": (found.get("count") or 1) + 1, "lastTimestamp": now}
            self.store.update(EVENTS, again)
            return
        name = f"{metadata['name']}.{self.rng.getrandbits(64):016x}"
        self._events[about] = name
        if len(self._events) > REMEMBERED_EVENTS:
            del self._events[next(iter(self._events))]
        self.store.create(
            EVENTS,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": {
                    "apiVersion": value["apiVersion"],
                    "kind": value["kind"],
                    "name": metadata["name"],
                    "namespace": metadata.get("namespace", ""),
                    "uid": metadata.get("uid", ""),
                    "resourceVersion": metadata.get("resourceVersion", ""),
                },
                "reason": reason,
                "message": message,
                "type": kind,
                "count": 1,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "source": {"component": component},
                "reportingComponent": component,
                "reportingInstance": "",
            },
            namespace=namespace,
        )
