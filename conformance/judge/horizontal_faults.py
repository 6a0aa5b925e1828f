"""HorizontalPodAutoscalers that decide wrongly, each in one way, named like the faults of `conformance faults`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from conformance.judge.history import Counts, History
from conformance.judge.horizontal_band import SETTINGS, HorizontalFault, wrong_courses
from conformance.judge.horizontal_record import HorizontalRecord, horizontal_records
from conformance.judge.once import once
from conformance.judge.step_function import StepFunction
from conformance.model.horizontal_autoscaler import HorizontalSpec, Workload
from conformance.model.horizontal_mistakes import MISTAKES, Mistake
from conformance.model.replica_calculation import CPU, MEMORY, ResourceTarget
from conformance.model.scaling_rules import ScalingBehavior


def _target_times(factor: float) -> HorizontalFault:
    def change(target: ResourceTarget) -> ResourceTarget:
        return replace(
            target,
            utilization=None if target.utilization is None else int(target.utilization * factor),
            average=None if target.average is None else int(target.average * factor),
        )

    return HorizontalFault(spec=lambda spec: replace(spec, targets=tuple(map(change, spec.targets))))


def _hasty(spec: HorizontalSpec) -> HorizontalSpec:
    """No stabilization."""
    behavior = spec.behavior or ScalingBehavior()
    return replace(spec, behavior=replace(behavior, down=replace(behavior.down, window_seconds=0)))


def _by_limits(record: HorizontalRecord, seen: Workload) -> Workload:
    """Takes percents of limits."""
    return replace(seen, pods=tuple(replace(pod, requests=record.limits.get(pod.name)) for pod in seen.pods))


def _mistaken(mistake: Mistake) -> HorizontalFault:
    """Takes pods and figures wrongly."""
    return HorizontalFault(view=lambda _, seen: mistake(seen))


def _memory_as_cpu(spec: HorizontalSpec) -> HorizontalSpec:
    return replace(spec, targets=tuple(replace(each, resource=CPU) for each in spec.targets))


def _cpu_as_memory(spec: HorizontalSpec) -> HorizontalSpec:
    return replace(spec, targets=tuple(replace(each, resource=MEMORY) for each in spec.targets))


HORIZONTAL_FAULTS: Final[Mapping[str, HorizontalFault]] = {
    "hpa-never-scales": HorizontalFault(outcome=lambda before, _: before),
    "hpa-never-down": HorizontalFault(outcome=max),
    "hpa-target-doubled": _target_times(2.0),
    "hpa-tolerance-ignored": HorizontalFault(replace(SETTINGS, tolerance=0.0)),
    "hpa-stabilization-ignored": HorizontalFault(spec=_hasty),
    "hpa-limit-as-base": HorizontalFault(view=_by_limits),
    "hpa-cpu-as-memory": HorizontalFault(spec=_cpu_as_memory),
    "hpa-scales-memory-as-cpu": HorizontalFault(spec=_memory_as_cpu),
    "hpa-first-metric-only": HorizontalFault(spec=lambda spec: replace(spec, targets=spec.targets[:1])),
    "hpa-max-ignored": HorizontalFault(spec=lambda spec: replace(spec, most=1000)),
    "hpa-rounds-down": HorizontalFault(outcome=lambda before, wanted: wanted - 1 if wanted > before else wanted),
    "hpa-gives-up": HorizontalFault(gives_up=True),
    **{name: _mistaken(mistake) for name, mistake in MISTAKES.items()},
}


def course_key(record: HorizontalRecord) -> str:
    """What supposed counts of an autoscaler go by, beside those of revisions."""
    return f"hpa/{record.name}"


def horizontal_suppositions(history: History, fault: str) -> Iterator[History]:
    """The same recording on platforms with a fault of their horizontal autoscaler."""
    for counts in _courses(history, fault):
        yield history.supposing(counts)


@once
def _courses(history: History, fault: str) -> tuple[Mapping[str, Counts], ...]:
    found: list[dict[str, Counts]] = []
    for record in horizontal_records(history):
        for place, course in enumerate(wrong_courses(record, HORIZONTAL_FAULTS[fault])):
            if place == len(found):
                found.append({})
            found[place][course_key(record)] = Counts(course, course, course)
    return tuple(found)


def supposed_replicas(history: History, record: HorizontalRecord) -> StepFunction:
    """Replicas as recorded, or as a supposed platform would have shown them."""
    counts = history.supposed.get(course_key(record))
    return record.replicas if counts is None else counts.total
