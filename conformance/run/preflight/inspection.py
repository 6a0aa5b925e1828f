"""All preflight checks of one open cluster, in the order in which a user mends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster
from conformance.kube.serving_runtimes import tags
from conformance.kube.verbs import ApiStatus
from conformance.run import deployment
from conformance.run.budget import fullest
from conformance.run.capacity.cluster_room import read_room
from conformance.run.plan import RunPlan
from conformance.run.preflight.access import admission, permissions
from conformance.run.preflight.platform_checks import Need, capacity, clock_skew, installed, way_in, witness
from conformance.run.preflight.preflight_check import Check, Level
from conformance.run.preflight.required_permissions import reviews
from conformance.run.runtime_choice import builder
from conformance.settings.settings import Settings

LIFE_SECONDS: Final = 600.0
"""How long preflight's own namespace may stay before the next run sweeps it away."""


async def inspect(cluster: Cluster, plan: RunPlan) -> tuple[Check, ...]:
    """Run every check. Raises PlatformError only when the cluster stops answering."""
    settings, scenarios, wants_real = plan.settings, plan.scenarios, "gpu-real" in plan.profiles
    api, installation = cluster.api, cluster.installation
    checks = [*installed(installation)]
    wanted = [(permission.required, attributes) for permission, attributes in reviews()]
    checks.append(await permissions(api, wanted))
    pods, gpus = fullest(scenarios, settings.budgets)
    need = Need(pods, gpus, {entry.name: entry.budget.pods for entry in scenarios})
    checks += capacity(installation, need, wants_real, await read_room(api))
    checks.append(await clock_skew(api, cluster.clock))
    checks.append(await way_in(cluster))
    checks.append(witness(cluster, settings, tags(cluster.witness_image)))
    checks += await _admission(cluster, settings, scenarios)
    return tuple(checks)


async def _admission(cluster: Cluster, settings: Settings, scenarios: Sequence[Scenario]) -> tuple[Check, ...]:
    clock = cluster.clock
    kubernetes = settings.kubernetes
    scenario = f"preflight-{int(clock.wall()) % 100_000:05d}"
    name = deployment.namespace_name("preflight", scenario, kubernetes.namespace_prefix)
    until = clock.wall() + LIFE_SECONDS
    placed = builder(settings)(cluster.witness_image)
    try:
        async with deployment.namespace(cluster.api, name, "preflight", until, kubernetes.namespace_labels) as space:
            return await admission(cluster.api, space, scenarios, placed)
    except ApiStatus as status:
        return (Check("admission", Level.FAIL, f"no namespace to try it in: {status}", "allow creating namespaces"),)
