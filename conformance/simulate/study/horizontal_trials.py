"""The false-alarm study of Standard mode: honest autoscalers at any phase, seen as the suite sees them.

    python -m conformance.simulate.study.horizontal_trials --runs 500

Nothing of it needs a platform: a run is a course of demand, pods that start (some of them busy) and go, one that is
never old enough to be measured, a minute without metrics, the kubelet's and metrics-server's measuring at phases of
their own, and the exact model in the controller's place at its own. What the suite would have recorded of it, times of
Kubernetes cut to whole seconds and figures as of the last question, is held against the band.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import click

from conformance.judge.horizontal_band import STEP_SECONDS, band_of
from conformance.judge.horizontal_record import HorizontalRecord, SeenUsage
from conformance.judge.step_function import StepFunction
from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalSpec, Workload
from conformance.model.replica_calculation import PodState, PodUsage, ResourceTarget
from conformance.model.scaling_rules import ScalingBehavior

SECONDS: Final = 600
GRANTED: Final = 20.0
"""Pods x seconds outside the band that requirements grant."""
KUBELET_SECONDS: Final = 10
SERVER_SECONDS: Final = 15
ASK_SECONDS: Final = 5
RENEW_SECONDS: Final = 9
REQUEST: Final = 100
"""Millicores that a pod asks for."""


@dataclass(slots=True)
class _Pod:
    name: str
    made: float
    ready: float
    gone: float = float("inf")
    sums: list[tuple[float, float]] = field(default_factory=list)
    """The kubelet's: time, millicore-seconds."""
    used: float = 0.0


class _World:
    """Demand, pods and their measuring, second by second."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.pods: list[_Pod] = []
        self.start_seconds = rng.uniform(1.0, 40.0)
        self.kubelet, self.server = rng.randrange(KUBELET_SECONDS), rng.randrange(SERVER_SECONDS)
        self.asked = rng.randrange(ASK_SECONDS)
        self.noise = rng.choice((0.0, 0.02, 0.1))
        self.known: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {}
        self.start_cores = rng.choice((0.0, 0.3))
        self.renewed = self._span(45.0)
        self.away = self._span(70.0)
        self.levels = [(t, rng.uniform(0.0, 6.0) * 70.0) for t in sorted(rng.sample(range(0, 400, 10), 3))]

    def _span(self, seconds: float) -> range:
        """When something lasts so long; in half of all worlds never."""
        start = self.rng.randrange(60, 500)
        return range(start, start + int(seconds)) if self.rng.random() < 0.5 else range(0)

    def renew(self, t: int) -> None:
        """Let the youngest pod go and make another, so that one is never measured."""
        if t in self.renewed and (t - self.renewed.start) % RENEW_SECONDS == 0:
            living = [pod for pod in self.pods if pod.gone > t]
            living[-1].gone = float(t)
            self.scale(float(t), len(living))

    def demand(self, t: float) -> float:
        """Millicores that all pods together are asked for."""
        level = next((level for at, level in reversed(self.levels) if at <= t), 0.0)
        return level * max(0.0, self.rng.gauss(1.0, self.noise))

    def scale(self, t: float, replicas: int) -> None:
        """Make pods, or let the youngest go."""
        living = [pod for pod in self.pods if pod.gone > t]
        for _ in range(replicas - len(living)):
            made = t + self.rng.uniform(0.1, 1.0)
            self.pods.append(_Pod(f"pod-{len(self.pods)}", made, made + self.start_seconds))
        for pod in living[replicas:]:
            pod.gone = t

    def second(self, t: int) -> None:
        """Burn for a second, and measure where it is time."""
        serving = [pod for pod in self.pods if pod.ready <= t < pod.gone]
        demand = self.demand(t)
        for pod in self.pods:
            busy = 1000.0 * self.start_cores if pod.made + 1.0 <= t < pod.ready else 0.0
            pod.used += 2.0 + (demand / len(serving) if pod in serving else busy)
        if t % KUBELET_SECONDS == self.kubelet:
            for pod in self.pods:
                if pod.made + 1.0 < t < pod.gone:
                    pod.sums.append((float(t), pod.used))
        if t % SERVER_SECONDS == self.server:
            for pod in self.pods:
                if len(pod.sums) >= 2 and pod.gone > t:
                    self.known[pod.name] = (pod.sums[-2], pod.sums[-1])
                elif pod.gone <= t:
                    self.known.pop(pod.name, None)

    def usages(self, t: float) -> dict[str, PodUsage] | None:
        """What the metrics API says at a time, of pods that are there (metrics-server lists them first); None while
        nobody serves it."""
        if int(t) in self.away:
            return None
        found = {}
        for name in sorted(self.known.keys() & {pod.name for pod in self.listed(t)}):
            (before, less), (at, more) = self.known[name]
            amount = round((more - less) / (at - before))
            found[name] = PodUsage(float(int(at)), at - before, {"model": {"cpu": amount}})
        return found

    def states(self, t: float) -> tuple[PodState, ...]:
        """Pods as the API server has them, times in whole seconds."""
        return tuple(self._state(pod, t) for pod in self.listed(t))

    def listed(self, t: float) -> list[_Pod]:
        """Pods that the API server has, those on their way out for five seconds too."""
        return [pod for pod in self.pods if pod.made <= t < pod.gone + 5.0]

    def _state(self, pod: _Pod, t: float) -> PodState:
        running, ready = t >= pod.made + 1.0, t >= pod.ready
        return PodState(
            pod.name,
            "Running" if running else "Pending",
            t >= pod.gone,
            float(int(pod.made)),
            "True" if ready else "False",
            float(int(pod.ready if ready else pod.made)),
            {"model": {"cpu": REQUEST}},
        )


def simulated(seed: int) -> HorizontalRecord:
    """What the suite would have recorded of one honest platform."""
    rng = random.Random(seed)
    least = rng.randint(1, 2)
    behavior = rng.choice((None, ScalingBehavior()))
    spec = HorizontalSpec(least, rng.randint(least, 8), (ResourceTarget("cpu", utilization=70),), behavior)
    world, autoscaler = _World(rng), HorizontalAutoscaler(spec)
    replicas, due = least, rng.uniform(0.0, 15.0)
    world.scale(-60.0, replicas)
    courses, pods, usage = [(0.0, float(replicas))], [(0.0, world.states(0.0))], list[SeenUsage]()
    for t in range(SECONDS):
        world.renew(t)
        world.second(t)
        if t % ASK_SECONDS == world.asked:
            _ask(usage, t, world.usages(t))
        while due < t + 1:
            wanted = autoscaler.decide(due, Workload(replicas, world.states(due), world.usages(due))).replicas
            if wanted != replicas:
                replicas = wanted
                world.scale(due, replicas)
                courses.append((due + rng.uniform(0.0, 0.3), float(replicas)))
            due += 15.0 + rng.uniform(0.0, 0.05)
        if (states := world.states(t + 0.99)) != pods[-1][1]:
            pods.append((t + 0.99, states))
    return HorizontalRecord(
        "drawn", "predictor", 0.0, float(SECONDS), ((0.0, spec),), StepFunction.of(courses), tuple(pods), {},
        tuple(usage),
    )  # fmt: skip


def _ask(usage: list[SeenUsage], t: int, found: dict[str, PodUsage] | None) -> None:
    if not usage or usage[-1].usages != found:
        usage.append(SeenUsage(float(max(0, t - ASK_SECONDS)), float(t), found))


def outside(seed: int) -> float:
    """Pods x seconds outside the band, of one honest platform."""
    record = simulated(seed)
    few, many = band_of(record).outside(record.replicas)
    return float((few + many).sum()) * STEP_SECONDS


def accused(seeds: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Seeds of honest platforms that are accused, with how far they lie outside."""
    for seed in seeds:
        if (found := outside(seed)) > GRANTED:
            yield seed, found


@click.command()
@click.option("--runs", default=500, show_default=True, help="Simulated honest autoscalers.")
@click.option("--seed", default=0, show_default=True, help="Of the first; each further one takes the next.")
def main(runs: int, seed: int) -> None:
    """Hold simulated honest autoscalers of Standard mode against the band, and count accusations."""
    found = list(accused(range(seed, seed + runs)))
    for each, pod_seconds in found:
        click.echo(f"accused: seed {each}: {pod_seconds:g} pods x seconds outside, {GRANTED:g} granted")
    click.echo(f"{runs} honest autoscalers, {len(found)} accused")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
