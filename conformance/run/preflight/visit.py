"""Opens the cluster that the settings name and inspects it; a cluster that does not exist yet only has its tools."""

from __future__ import annotations

from conformance.base.clock import RealClock
from conformance.run.plan import RunPlan
from conformance.run.preflight.carrying_checks import carrying, this_machine
from conformance.run.preflight.inspection import inspect
from conformance.run.preflight.preflight_check import Check, Level, ok
from conformance.settings.providers import Prerequisite, provider_factory


async def visit(plan: RunPlan) -> tuple[Check, ...]:
    """Raises PlatformError when the cluster cannot be reached, UsageError for wrong settings."""
    settings = plan.settings
    factory = provider_factory(settings.cluster)
    tools = tuple(_check(entry) for entry in await factory.prerequisites(settings))
    clock = RealClock()
    here = await this_machine(clock)
    if factory.makes_clusters:
        return (*tools, here, ok("rest", "once it is there: --cluster existing with its kubeconfig"))
    async with factory.provider(settings, clock).open() as cluster:
        notes = tuple(ok("note", note) for note in cluster.notes)
        return (*tools, here, *await inspect(cluster, plan), *await carrying(cluster, plan), *notes)


def _check(entry: Prerequisite) -> Check:
    return Check(entry.name, Level.WARN if entry.remedy else Level.OK, entry.found, entry.remedy)
