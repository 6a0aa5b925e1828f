"""When reports arrived, and what a trace leaves open about it."""

from __future__ import annotations

from typing import Any

from clusters.embedded.golden.golden_fields import resolved_from
from clusters.embedded.golden.report_arrivals import ReportArrivals
from clusters.embedded.golden.traces import decide, replay, tick_fields
from conformance.model.collector import Stat
from conformance.model.config import AutoscalerConfig
from conformance.model.kpa import Kpa
from conformance.model.resolve import resolve

T0 = 1_700_000_000
TICK_COLS = [
    "t", "ready", "stable", "panic", "desired", "ebc", "panic_mode", "max_panic_pods", "num_activators", "valid",
]  # fmt: skip


def record(sent: dict[int, list[tuple[float, float]]], seconds: int) -> dict[str, Any]:
    """A trace of reports as sent: second of arrival to (stamp, concurrency)."""
    annotations = {"autoscaling.knative.dev/window": "10s", "autoscaling.knative.dev/target": "1"}
    parameters = resolve(AutoscalerConfig(), annotations)
    kpa = Kpa(parameters, now=T0, ready=1)
    stats: list[list[float]] = []
    ticks = []
    for second in range(1, seconds + 1):
        for stamp, concurrency in sent.get(second, []):
            stats.append([stamp, concurrency, 0, 0, 0])
            kpa.record(T0 + stamp, Stat(concurrency), from_activator=False)
        if second % 2 == 0:
            observed, decision = decide(kpa, T0 + second, 1)
            fields = tick_fields(second, 1, observed, decision, parameters)
            ticks.append([fields[name] for name in TICK_COLS])
    return {
        "annotations": {"window": "10s", "target": "1"},
        "configmap": None,
        "container_concurrency": 0,
        "reachability": "",
        "resolved": resolved_from(parameters),
        "t0_unix": T0,
        "initial_ready": 1,
        "stats": stats,
        "stats_cols": ["t", "concurrency", "proxied_concurrency", "rps", "proxied_rps"],
        "tick_cols": TICK_COLS,
        "ticks": ticks,
    }


def test_the_reports_of_a_second_arrive_before_its_tick() -> None:
    arrivals = ReportArrivals([1, 1.5, 2, 4])
    assert [arrivals.fewest(second) for second in range(6)] == [0, 2, 3, 3, 4, 4]


def test_a_late_report_may_arrive_until_the_next_punctual_one() -> None:
    arrivals = ReportArrivals([1, 2, 0, 5, 6])
    assert (arrivals.fewest(2), arrivals.most(2)) == (2, 3)
    assert (arrivals.fewest(5), arrivals.most(5)) == (4, 5)
    assert (arrivals.fewest(6), arrivals.most(6)) == (5, 5)


def test_a_punctual_sequence_is_reproduced() -> None:
    trace = record({second: [(second, second % 7)] for second in range(1, 41)}, 40)
    assert replay("trace", trace).mismatches == []


def test_senders_with_a_clock_ahead_are_reproduced() -> None:
    trace = record({second: [(second + 1, (second * 5) % 11)] for second in range(1, 61)}, 60)
    assert replay("trace", trace).mismatches == []


def test_late_and_outdated_reports_are_reproduced() -> None:
    sent: dict[int, list[tuple[float, float]]] = {}
    for second in range(1, 121):
        sent[second] = [(second - 3 if second % 3 == 0 else second, (second * 5) % 11)]
        if second % 31 == 0:
            sent[second] = [(second - 10, 500), (second - 11, 900), (second - 9, 70)]
    assert replay("trace", record(sent, 120)).mismatches == []


def test_no_guess_about_arrival_hides_a_wrong_mean() -> None:
    trace = record({second: [(second + 1, (second * 5) % 11)] for second in range(1, 41)}, 40)
    trace["ticks"][10][2] += 0.5
    mismatches = replay("trace", trace).mismatches
    assert "stable" in {mismatch.field for mismatch in mismatches}
    assert {mismatch.place for mismatch in mismatches} == {"tick 22"}
