"""Puts a fresh installation into a store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clusters.embedded.api.store import Store
from clusters.embedded.install import config_maps, machines, runtime_objects
from clusters.embedded.install.platform_options import PlatformOptions
from conformance.kube.resources import (
    API_SERVICES,
    CLUSTER_SERVING_RUNTIMES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    STORAGE_CONTAINERS,
)

INGRESS_CLASSES: Final = {
    True: "istio.ingress.networking.knative.dev",
    False: "kourier.ingress.networking.knative.dev",
}
"""By whether InferenceServices have virtual hosts: only Istio gives them."""

MOST_PROCESSES: Final = 32
"""Pods where each is a process of about 140 MB."""


def accelerators(options: PlatformOptions) -> Iterator[tuple[str, int]]:
    """Nodes and the accelerators in them."""
    for index in range(options.nodes):
        yield f"embedded-{index}", machines.share(options.gpus, options.nodes, index)


def _room(options: PlatformOptions, index: int) -> int:
    """Pods that a node takes."""
    if options.max_pods is None and options.model_server != "kserve":
        return machines.PODS_PER_NODE
    return machines.share(options.max_pods or MOST_PROCESSES, options.nodes, index)


def fill(store: Store, options: PlatformOptions) -> None:
    """Create what is there before anybody deploys anything."""
    now = store.now()
    for name in machines.NAMESPACES:
        store.create(NAMESPACES, machines.namespace(name, now))
    for index, (_, count) in enumerate(accelerators(options)):
        value = machines.node(
            index,
            cpu=options.node_cpu,
            memory_gib=options.node_memory_gib,
            accelerators=count,
            now=now,
            pods=_room(options, index),
        )
        store.create(NODES, value)
    ingress_class = INGRESS_CLASSES[options.virtual_host]
    maps = config_maps.knative_settings(options.domain, ingress_class=ingress_class, autoscaler=options.autoscaler)
    maps += config_maps.kserve_settings(
        options.domain, virtual_host=options.virtual_host, default_mode=options.default_mode
    )
    for value in maps:
        store.create(CONFIG_MAPS, value)
    for value in runtime_objects.cluster_runtimes():
        store.create(CLUSTER_SERVING_RUNTIMES, value)
    store.create(STORAGE_CONTAINERS, runtime_objects.storage_container())
    store.create(DEPLOYMENTS, machines.kserve_controller())
    store.create(API_SERVICES, runtime_objects.metrics_service())
