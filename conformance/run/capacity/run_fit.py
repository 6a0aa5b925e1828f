"""Fits a run to its cluster before the first scenario: reads the room, starts a few pods, narrows the budgets."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from conformance.base.errors import PlatformError
from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster
from conformance.run import deployment
from conformance.run.capacity.cluster_room import read_room
from conformance.run.capacity.fitting import Fit, fit
from conformance.run.capacity.pod_cost import ON_THIS_MACHINE, PodCost, measure
from conformance.run.context import Conditions
from conformance.run.teardown import Teardown
from conformance.settings.settings import Budgets

logger = logging.getLogger(__name__)

COST: Final = "pod-cost"
LIFE_SECONDS: Final = 600.0


async def fit_run(
    cluster: Cluster, scenarios: Sequence[Scenario], budgets: Budgets, conditions: Conditions, teardown: Teardown
) -> Fit:
    """What of a run fits. On the embedded platform all does: its pods are no containers. For services that run already
    nothing is started."""
    if cluster.installation.distribution == "embedded" or all(entry.running for entry in scenarios):
        return Fit(budgets, {})
    room = await read_room(cluster.api)
    if room is not None and cluster.provider in ON_THIS_MACHINE:
        room = replace(room, shared_cores=float(os.cpu_count() or 1))
    name = deployment.namespace_name(conditions.run, COST, conditions.namespace_prefix)
    until = cluster.clock.wall() + LIFE_SECONDS
    cost: PodCost | None = None
    trouble = ""
    try:
        await deployment.make_namespace(cluster.api, name, conditions.run, until, conditions.namespace_labels)
        cost = await pod_cost(cluster, name, conditions.runtimes(cluster.witness_image, start_seconds=0.0))
        trouble = "" if cost else "a pod's cost is not known: three pods were not Ready in time"
    except PlatformError as error:
        trouble = f"a pod's cost is not known: {error}"
    finally:
        teardown.begin(name)
    found = fit(scenarios, budgets, room, cost)
    return Fit(found.budgets, found.left_out, (*found.notes, *([trouble] if trouble else ())))


async def pod_cost(cluster: Cluster, space: str, runtimes: Iterable[dict[str, Any]]) -> PodCost | None:
    """What a pod costs on this cluster, in an existing namespace; with its CPU, read or assumed, where the nodes share
    this machine."""
    cost = await measure(cluster.api, space, runtimes, cluster.clock, cluster.cpu_seconds)
    return cost.or_usual() if cost is not None and cluster.provider in ON_THIS_MACHINE else cost
