"""Where the time went from a pod's creation to its first answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from conformance.judge.history import History
from conformance.recording.pod_bodies import PodBody


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One pod's start, in seconds."""

    pod: str
    parts: tuple[tuple[str, float], ...]
    total: float
    answered: float | None = None
    """Seconds from creation to its first answer, where a caller was waiting: a platform may serve before Kubernetes
    calls the pod ready."""


def cold_starts(history: History) -> Iterator[ColdStart]:
    """Parts of each pod's start: schedule, pull (with the pod's sandbox), model (what an init container fetches),
    container, readiness, first byte. A part that cannot be told from the next is in it."""
    first, stages = _first_bytes(history), _stages(history)
    for pod in sorted(history.pods.values(), key=lambda entry: entry.seen):
        if pod.listed or not math.isfinite(pod.first_ready):
            continue
        created = pod.seen
        marks = [("schedule", pod.scheduled), *stages.get(pod.name, ()), ("readiness", pod.first_ready)]
        byte = first.get(pod.name)
        # A pod that was ready before anybody asked did not keep anybody waiting.
        asked = any(load.start <= pod.first_ready and load.last >= created for load in history.loads)
        waited = byte is not None and asked
        if byte is not None and waited and byte >= pod.first_ready:
            marks.append(("first byte", byte))
        parts, before = [], created
        for name, moment in marks:
            if math.isfinite(moment):
                parts.append((name, max(0.0, moment - before)))
                before = max(before, moment)
        yield ColdStart(
            pod.name, tuple(parts), before - created, max(0.0, byte - created) if byte is not None and waited else None
        )


def _stages(history: History) -> dict[str, list[tuple[str, float]]]:
    """When a pod was first seen past its image, its model and its container's start, by pod."""
    found: dict[str, dict[str, float]] = {}
    for fact in history.of(PodBody):
        mine = found.setdefault(fact.body.name, {})
        init = [entry.state for entry in fact.body.init_containers]
        running = fact.body.phase == "Running" or any(entry.state == "running" for entry in fact.body.containers)
        if running or any(state in ("running", "terminated") for state in init):
            mine.setdefault("pull", fact.t)
        if init and all(state == "terminated" for state in init):
            mine.setdefault("model", fact.t)
        if running:
            mine.setdefault("container", fact.t)
    return {
        name: [(stage, times[stage]) for stage in ("pull", "model", "container") if stage in times]
        for name, times in found.items()
    }


def _first_bytes(history: History) -> dict[str, float]:
    found: dict[str, float] = {}
    for load in history.loads:
        for name in np.unique(load.pods):
            times = load.rows["first_byte"][load.pods == name]
            times = times[~np.isnan(times)]
            if name and len(times):
                found[str(name)] = min(found.get(str(name), math.inf), float(times.min()))
    return found
