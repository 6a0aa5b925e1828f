"""Whoever watches a run sees panic when a conforming autoscaler would be in it, and only then."""

from __future__ import annotations

from conformance.recording.service_bodies import PodAutoscalerBody
from conformance.run.live_estimate import LiveEstimate

KPA = {"class": "kpa.autoscaling.knative.dev", "target": "1"}
AUTOSCALER = PodAutoscalerBody("flowers-00001", revision="flowers-00001", annotations=KPA)
START = 1_767_225_600.0


def course(estimate: LiveEstimate, in_flight: list[int], ready: list[int], *, every: float = 1.0) -> list[bool | None]:
    found = []
    for number, (load, pods) in enumerate(zip(in_flight, ready, strict=True)):
        estimate.load(0, load, 10.0 * load)
        found.append(estimate.panicking(START + number * every, pods, AUTOSCALER))
    return found


def test_a_burst_on_one_pod_is_panic_and_ends_a_stable_window_after_the_last_excess() -> None:
    shown = course(LiveEstimate({}), [0] * 10 + [5] * 30 + [0] * 90, [1] * 20 + [8] * 110)
    assert not any(shown[:10])
    assert all(shown[14:60])
    assert not any(shown[110:])


def test_a_load_that_the_pods_can_take_is_none() -> None:
    assert not any(course(LiveEstimate({}), [4] * 60, [8] * 60))


def test_looking_more_often_changes_nothing() -> None:
    assert not any(course(LiveEstimate({}), [4] * 600, [8] * 600, every=0.1))


def test_loads_side_by_side_count_together() -> None:
    estimate = LiveEstimate({})
    estimate.load(0, 3, 30.0)
    estimate.load(1, 2, 20.0)
    assert (estimate.in_flight, estimate.requests_per_second) == (5, 50.0)
    estimate.load(0, 0, 0.0)
    assert estimate.in_flight == 2


def test_another_autoscaler_has_no_panic() -> None:
    estimate = LiveEstimate({"stable-window": "nonsense"})
    assert estimate.panicking(START, 1, None) is None
    hpa = PodAutoscalerBody("r", revision="r", annotations={"class": "hpa.autoscaling.knative.dev"})
    assert estimate.panicking(START, 1, hpa) is None
