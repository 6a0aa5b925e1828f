"""Watches a running scenario for signs that the platform cannot carry it, and ends it then."""

from __future__ import annotations

from typing import Final

from conformance.base.errors import PlatformError
from conformance.catalogue.scenario import Scenario
from conformance.load.load_plan import LoadShape
from conformance.recording.service_bodies import RevisionBody
from conformance.run.capacity.overload import Overload, Reading
from conformance.run.steps import Stage

PERIOD_SECONDS: Final = 1.0
OPEN: Final = (LoadShape.CONSTANT, LoadShape.POISSON, LoadShape.RAMP)


async def watch(stage: Stage) -> None:
    """Look each second until cancelled; raises PlatformError once a sign has lasted. The embedded platform's pods are
    no containers, and what its faults do is what they are for."""
    context = stage.context
    if context.cluster.installation.distribution == "embedded":
        return
    clock, prompt = context.clock, prompt_in_flight(context.scenario)
    overload = Overload(context.scenario.budget.pods)
    while True:
        await clock.sleep(PERIOD_SECONDS)
        if sign := overload.sign(read(stage, clock.monotonic(), prompt)):
            raise PlatformError(f"OVERLOADED: {sign}")


def read(stage: Stage, seconds: float, prompt: float | None) -> Reading:
    """The scenario as the watches and the generator show it."""
    state = stage.observer.state
    pods = state.pods()
    limited = any(body.container_concurrency for body in state.all(RevisionBody))
    return Reading(
        seconds=seconds,
        pods=len(pods),
        placeless=sum(pod.reason == "Unschedulable" for pod in pods),
        ready=sum(pod.ready for pod in pods),
        in_flight=stage.estimate.in_flight,
        prompt=None if limited else prompt,
    )


def prompt_in_flight(scenario: Scenario) -> float | None:
    """Requests in flight of the scenario's loads at their fullest, were they answered in the model's own time; None
    unless all of them are open loops, which alone can grow without end."""
    plans = [step.plan for step in scenario.steps if step.plan is not None]
    phases = [phase for plan in plans for phase in plan.phases if phase.shape is not LoadShape.IDLE]
    if not phases or any(phase.shape not in OPEN for phase in phases):
        return None
    longest_ms = max([scenario.service_ms, *(step.service_ms or 0 for step in scenario.steps)])
    return max(max(phase.rate, phase.rate_end) for phase in phases) * longest_ms / 1000.0
