"""Whether the cluster and this machine can carry the run: a few pods are started, and this machine is looked at."""

from __future__ import annotations

from typing import Final

from conformance.base.clock import Clock
from conformance.kube.cluster import Cluster
from conformance.run.budget import predict
from conformance.run.capacity import machine
from conformance.run.capacity.run_fit import fit_run
from conformance.run.context import Conditions
from conformance.run.plan import RunPlan
from conformance.run.preflight.preflight_check import Check, Level, ok
from conformance.run.runtime_choice import builder
from conformance.run.teardown import tearing_down

RUN: Final = "preflight"


async def carrying(cluster: Cluster, plan: RunPlan) -> tuple[Check, ...]:
    """What a pod costs here, how much may run side by side, and what cannot be decided at all."""
    if cluster.installation.distribution == "embedded":
        return ()
    settings, scenarios = plan.settings, plan.scenarios
    shared = Conditions(
        RUN, 1, "", runtimes=builder(settings), namespace_prefix=settings.kubernetes.namespace_prefix,
        namespace_labels=settings.kubernetes.namespace_labels,
    )  # fmt: skip
    async with tearing_down(cluster, RUN) as teardown:
        try:
            found = await fit_run(cluster, scenarios, settings.budgets, shared, teardown)
        finally:
            await teardown.finish(settings.timeouts.deletion_timeout_seconds)
    checks = [ok("carries", note) for note in found.notes]
    for name, reason in found.left_out.items():
        checks.append(Check("carries", Level.FAIL, f"{name} is left out: {reason}", "add a node, or run without it"))
    kept = [entry for entry in scenarios if entry.name not in found.left_out]
    minutes = predict(kept, found.budgets) / 60
    checks.append(ok("carries", f"{len(kept)} of {len(scenarios)} scenarios, about {minutes:.0f} minutes"))
    return tuple(checks)


async def this_machine(clock: Clock) -> Check:
    """Whether the machine that the harness runs on is busy."""
    state = await machine.look(clock)
    complaints = state.complaints()
    if not complaints:
        return ok("machine", state.words())
    remedy = f"{'; '.join(complaints)}: stop what else runs here, or run the suite from another machine"
    return Check("machine", Level.WARN, state.words(), remedy)
