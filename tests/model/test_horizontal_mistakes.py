"""What a HorizontalPodAutoscaler makes of pods and figures that it takes wrongly."""

from __future__ import annotations

import pytest

from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalSpec, Workload
from conformance.model.horizontal_mistakes import MISTAKES
from conformance.model.replica_calculation import PodState, PodUsage, ResourceTarget

NOW = 1e6
SPEC = HorizontalSpec(1, 10, (ResourceTarget("cpu", utilization=70),))
ASKED = {"model": {"cpu": 100}, "beside": {"cpu": 100}}


def pod(name: str, *, ready: bool = True) -> PodState:
    since = 0.0 if ready else NOW - 20
    return PodState(name, started=since, ready=str(ready), since=since, requests=ASKED)


def usage(model: int, beside: int = 0) -> PodUsage:
    return PodUsage(NOW - 5, 15, {"model": {"cpu": model}, "beside": {"cpu": beside}})


def wanted(seen: Workload) -> int | None:
    return HorizontalAutoscaler(SPEC).decide(NOW, seen).recommended


GROWING = Workload(2, (pod("old"), pod("new", ready=False)), {"old": usage(180, 20), "new": usage(300)})
WITHOUT = Workload(2, (pod("old"), pod("new")), {"old": usage(180, 20)})
IDLE = Workload(2, (pod("old"), pod("new")), {"old": usage(10)})
AWAY = Workload(2, (pod("old"), pod("new")), None)
BESIDE = Workload(2, (pod("a"), pod("b")), {"a": usage(130, 10), "b": usage(130, 10)})


@pytest.mark.parametrize(
    ("name", "seen", "right", "wrong"),
    [
        ("hpa-unready-counted", GROWING, 2, 4),
        ("hpa-average-for-all", GROWING, 2, 3),
        ("hpa-missing-as-full", WITHOUT, 2, 3),
        ("hpa-missing-as-zero", IDLE, 2, 1),
        ("hpa-away-as-full", AWAY, None, 3),
        ("hpa-first-container-only", BESIDE, 2, 4),
        ("hpa-last-container-only", BESIDE, 2, 1),
        ("hpa-first-container-requests", BESIDE, 2, 4),
    ],
)
def test_what_is_taken_wrongly_asks_for_other_pods(name: str, seen: Workload, right: int | None, wrong: int) -> None:
    assert (wanted(seen), wanted(MISTAKES[name](seen))) == (right, wrong)


@pytest.mark.parametrize("name", MISTAKES)
def test_nothing_is_mistaken_where_one_container_is_ready_and_measured(name: str) -> None:
    alone = PodState("old", requests={"model": {"cpu": 100}})
    seen = Workload(1, (alone,), {"old": PodUsage(NOW - 5, 15, {"model": {"cpu": 180}})})
    assert wanted(MISTAKES[name](seen)) == wanted(seen) == 3


@pytest.mark.parametrize("name", MISTAKES)
def test_pods_that_go_are_never_counted(name: str) -> None:
    going = PodState("new", terminating=True, requests=ASKED)
    seen = Workload(1, (pod("old"), going), {"old": usage(35, 35), "new": usage(400, 400)})
    assert wanted(MISTAKES[name](seen)) == wanted(seen) == 1
