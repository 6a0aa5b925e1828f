"""What becomes of a HorizontalPodAutoscaler's recommendation: stabilization, rates, bounds.

Times are seconds. Source: kubernetes pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas and its
variant with behaviors) and pkg/apis/autoscaling/v2/defaults.go at v1.34.0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

WITHIN: Final = "DesiredWithinRange"
READY: Final = "ReadyForNewScale"


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """The most that may change in a period."""

    percent: bool
    """`value` is percent of the pods at the period's start, else pods."""
    value: int
    period_seconds: int


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """How to scale in one direction."""

    policies: tuple[ScalingPolicy, ...]
    select: str = "Max"
    """Which policy decides: the one of the largest change, `Min` for the smallest, `Disabled` for no change at all."""
    window_seconds: int | None = None
    """Stabilization; None for the controller's own."""


UP: Final = ScalingRules((ScalingPolicy(False, 4, 15), ScalingPolicy(True, 100, 15)), window_seconds=0)
DOWN: Final = ScalingRules((ScalingPolicy(True, 100, 15),))


@dataclass(frozen=True, slots=True)
class ScalingBehavior:
    """Rules for both directions, defaults filled in."""

    up: ScalingRules = UP
    down: ScalingRules = DOWN


@dataclass(frozen=True, slots=True)
class Normalized:
    """A count after all rules, with the reasons that the conditions give."""

    replicas: int
    able: str
    """Of AbleToScale."""
    limited: bool
    """Whether rates or bounds changed it: status of ScalingLimited."""
    limit: str
    """Its reason."""


@dataclass(slots=True)
class ScalingMemory:
    """What an autoscaler remembers: (time, count) of recommendations and of changes made.

    An entry too old to count is replaced by the next one, so lists stay short; which one matters when a window grows.
    """

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    ups: list[tuple[float, int, bool]] = field(default_factory=list)
    downs: list[tuple[float, int, bool]] = field(default_factory=list)

    def recommend(self, now: float, replicas: int, old: int | None) -> None:
        """Note a recommendation, in place of an old one if there is any."""
        if old is None:
            self.recommendations.append((now, replicas))
        else:
            self.recommendations[old] = (now, replicas)

    def scaled(self, now: float, before: int, after: int, behavior: ScalingBehavior) -> None:
        """Note a change; without behavior none needs noting."""
        rules, events = (behavior.up, self.ups) if after > before else (behavior.down, self.downs)
        longest = max((policy.period_seconds for policy in rules.policies), default=0)
        events[:] = [(at, pods, outdated or at < now - longest) for at, pods, outdated in events]
        entry = (now, abs(after - before), False)
        replaced = [place for place, event in enumerate(events) if event[2]]
        if replaced:
            events[replaced[-1]] = entry
        else:
            events.append(entry)


def normalize(
    memory: ScalingMemory,
    behavior: ScalingBehavior | None,
    current: int,
    recommended: int,
    bounds: tuple[int, int],
    window_seconds: float,
    now: float,
) -> Normalized:
    """A recommendation after stabilization, rates and bounds (least, most); it is noted in the memory.

    window_seconds: the controller's own stabilization of scaling down.
    """
    if behavior is None:
        stable = _stabilize(memory, recommended, window_seconds, now)
        able = READY if stable == recommended else "ScaleDownStabilized"
        wanted, limit = _hold_by_default(current, stable, bounds)
    else:
        stable = _stabilize_with(memory, behavior, current, recommended, window_seconds, now)
        able = READY
        if stable != recommended:
            able = "ScaleUpStabilized" if recommended >= current else "ScaleDownStabilized"
        wanted, limit = _hold(memory, behavior, current, stable, bounds, now)
    return Normalized(wanted, able, wanted != stable, limit)


def _stabilize(memory: ScalingMemory, recommended: int, window_seconds: float, now: float) -> int:
    """The highest recommendation of the window."""
    cutoff, highest, old = now - window_seconds, recommended, None
    for place, (at, replicas) in enumerate(memory.recommendations):
        if at < cutoff:
            old = place
        else:
            highest = max(highest, replicas)
    memory.recommend(now, recommended, old)
    return highest


def _stabilize_with(
    memory: ScalingMemory,
    behavior: ScalingBehavior,
    current: int,
    recommended: int,
    window_seconds: float,
    now: float,
) -> int:
    """The current count, moved as little as lies between the lowest recommendation of the window for scaling up and the
    highest of the one for scaling down."""
    up, down = behavior.up.window_seconds or 0, behavior.down.window_seconds
    ups, downs = now - up, now - (int(window_seconds) if down is None else down)
    lowest = highest = recommended
    old = None
    for place, (at, replicas) in enumerate(memory.recommendations):
        if at > ups:
            lowest = min(lowest, replicas)
        if at > downs:
            highest = max(highest, replicas)
        if at < ups and at < downs:
            old = place
    memory.recommend(now, recommended, old)
    return min(max(current, lowest), highest)


def _hold_by_default(current: int, wanted: int, bounds: tuple[int, int]) -> tuple[int, str]:
    """Between the bounds; at most twice the pods or four."""
    least, most = bounds
    rate = max(2 * current, 4)
    if wanted < least:
        return least, "TooFewReplicas"
    if wanted > min(most, rate):
        return (rate, "ScaleUpLimit") if most > rate else (most, "TooManyReplicas")
    return wanted, WITHIN


def _hold(
    memory: ScalingMemory, behavior: ScalingBehavior, current: int, wanted: int, bounds: tuple[int, int], now: float
) -> tuple[int, str]:
    """Between the bounds, and no faster than the policies allow."""
    least, most = bounds
    if wanted > current:
        rate = max(up_limit(memory, behavior.up, current, now), current)
        if wanted > min(most, rate):
            return (rate, "ScaleUpLimit") if most > rate else (most, "TooManyReplicas")
    elif wanted < current:
        rate = min(down_limit(memory, behavior.down, current, now), current)
        if wanted < max(least, rate):
            return (rate, "ScaleDownLimit") if least < rate else (least, "TooFewReplicas")
    return wanted, WITHIN


def up_limit(memory: ScalingMemory, rules: ScalingRules, current: int, now: float) -> int:
    """The most pods that the policies allow now."""
    if rules.select == "Disabled":
        return current
    allowed = []
    for policy in rules.policies:
        start = _at_period_start(memory, policy, current, now)
        allowed.append(math.ceil(start * (1 + policy.value / 100)) if policy.percent else start + policy.value)
    return min(allowed) if rules.select == "Min" else max(allowed)


def down_limit(memory: ScalingMemory, rules: ScalingRules, current: int, now: float) -> int:
    """The fewest pods that the policies allow now."""
    if rules.select == "Disabled":
        return current
    allowed = []
    for policy in rules.policies:
        start = _at_period_start(memory, policy, current, now)
        allowed.append(int(start * (1 - policy.value / 100)) if policy.percent else start - policy.value)
    return max(allowed) if rules.select == "Min" else min(allowed)


def _at_period_start(memory: ScalingMemory, policy: ScalingPolicy, current: int, now: float) -> int:
    cutoff = now - policy.period_seconds
    added = sum(pods for at, pods, _ in memory.ups if at > cutoff)
    removed = sum(pods for at, pods, _ in memory.downs if at > cutoff)
    return current - added + removed
