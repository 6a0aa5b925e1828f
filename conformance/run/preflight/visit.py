"""Opens the cluster that the settings name and inspects it; a cluster that does not exist yet only has its tools."""

from __future__ import annotations

from conformance.base.clock import RealClock
from conformance.run.plan import RunPlan
from conformance.run.preflight.inspection import inspect
from conformance.run.preflight.preflight_check import Check, Level, ok
from conformance.settings.settings import Settings


async def visit(plan: RunPlan) -> tuple[Check, ...]:
    """Raises PlatformError when the cluster cannot be reached, UsageError for wrong settings."""
    settings = plan.settings
    if settings.cluster in ("kind", "k3s"):
        return await tools(settings)
    from clusters.providers import provider

    async with provider(settings, RealClock()).open() as cluster:
        notes = tuple(ok("note", note) for note in cluster.notes)
        return (*await inspect(cluster, plan), *notes)


async def tools(settings: Settings) -> tuple[Check, ...]:
    """What kind and k3s need on this machine before there is a cluster to ask."""
    from clusters import versions
    from clusters.containers import find_containers

    docker = find_containers()
    checks = [ok("containers", f"{docker.path}, server {await docker.server()}")]
    row = versions.row(settings.install.kserve)
    if settings.cluster == "kind":
        from clusters.kind.cli import find_kind

        kind = find_kind()
        version, pinned = await kind.version(), versions.kind().version
        if version == pinned:
            checks.append(ok("kind", version))
        else:
            checks.append(Check("kind", Level.WARN, version, f"{pinned} is what this suite is written for"))
        name = settings.install.cluster_name
        there = name in await kind.clusters()
        checks.append(ok("cluster", f"{name} {'is there and would be reused' if there else 'would be made'}"))
    checks.append(ok("versions", f"KServe {row.kserve}, Knative {row.knative}, {settings.install.network_layer}"))
    checks.append(ok("rest", "once it is there: --cluster existing with its kubeconfig"))
    return tuple(checks)
