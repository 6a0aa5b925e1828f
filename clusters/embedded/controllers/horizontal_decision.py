"""The decision of a HorizontalPodAutoscaler (Kubernetes pkg/controller/podautoscaler): ratio, rates, bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from clusters.embedded.objects.metadata import Object

TOLERANCE: Final = 0.1
STABILIZATION_SECONDS: Final = 300
UP_PODS: Final = 4
"""Default scale-up: four pods or as many again, whichever is more, in each period of 15 s."""


@dataclass(frozen=True, slots=True)
class MetricUsage:
    """One metric of a workload: mean of its ready pods, in the unit of its target."""

    name: str
    current: float
    target: float
    average: float = 0.0
    """The amount itself, cores or bytes a pod."""
    percent: bool = True
    """`current` and `target` are percents of what pods reserve, else amounts."""

    @property
    def ratio(self) -> float:
        return self.current / self.target if self.target else 1.0


@dataclass(slots=True)
class RecommendationHistory:
    """What an autoscaler recommended lately: (time, replicas)."""

    recommended: list[tuple[float, int]] = field(default_factory=list)


def recommend(replicas: int, ready: int, usages: Sequence[MetricUsage]) -> int:
    """The largest need of any metric; within the tolerance nothing changes."""
    wanted = []
    for usage in usages:
        if abs(usage.ratio - 1.0) <= TOLERANCE:
            wanted.append(replicas)
        else:
            wanted.append(math.ceil(ready * usage.ratio - 1e-9))
    return max(wanted, default=replicas)


def bound(spec: Object, replicas: int, recommended: int, history: RecommendationHistory, now: float) -> int:
    """The recommendation after stabilisation, rates and bounds."""
    behaviour = spec.get("behavior") or {}
    down = (behaviour.get("scaleDown") or {}).get("stabilizationWindowSeconds", STABILIZATION_SECONDS)
    up = (behaviour.get("scaleUp") or {}).get("stabilizationWindowSeconds", 0)
    history.recommended = [(t, n) for t, n in history.recommended if now - t <= max(down, up)]
    history.recommended.append((now, recommended))
    most = max(n for t, n in history.recommended if now - t <= down)
    least = min(n for t, n in history.recommended if now - t <= up)
    wanted = min(max(replicas, least), most) if least <= most else recommended
    if wanted > replicas:
        wanted = min(wanted, max(replicas + UP_PODS, replicas * 2))
    lowest, highest = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
    return max(lowest, min(wanted, highest))
