"""Which generator offers a run's loads."""

from __future__ import annotations

from conformance.base.clock import Clock
from conformance.kube.cluster import Cluster
from conformance.load.child import ChildGenerator
from conformance.load.generator import Generator
from conformance.run.generators.in_cluster_generator import InClusterGenerator
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.generators.indexed_job import Sharding
from conformance.run.generators.suite_errors import SuiteGenerator
from conformance.settings.settings import Settings


def choose_generator(settings: Settings, cluster: Cluster, clock: Clock) -> Generator:
    """In this process in virtual time, else a process beside it, or pods of the cluster where the settings say so."""
    if cluster.ingress.handler is not None:
        return InProcessGenerator(cluster.ingress.handler, clock)
    if settings.load != "in-cluster":
        return SuiteGenerator(ChildGenerator())
    shards = settings.shards
    sharding = Sharding(
        shards.count,
        shards.image or "",
        cpu=shards.cpu,
        memory=shards.memory,
        lead_seconds=shards.lead_seconds,
        node_selector=tuple(sorted(shards.node_selector.items())),
        service_account=shards.service_account,
    )
    return InClusterGenerator(cluster.api, clock, shards.namespace, sharding, address=shards.address)
