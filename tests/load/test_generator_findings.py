"""Was it the generator? Which lines yield which finding."""

from __future__ import annotations

from typing import Any

from conformance.load.generator_findings import GeneratorFinding, examine

CALM = {
    "scheduled": 100, "sent": 100, "answered": 100, "errors": 0, "cap_hits": 0, "missed_ticks": 0, "in_flight": 0,
    "lag_p50_seconds": 2e-5, "lag_p99_seconds": 8e-5, "loop_lag_seconds": 1e-4, "cpu_share": 0.1, "vigil_share": 0.0,
    "steal_share": 0.0, "involuntary_switches": 3,
}  # fmt: skip


def lines(count: int = 20, **changes: Any) -> list[dict[str, Any]]:
    return [{"plan": {}}, *({"t": float(second), **CALM, **changes} for second in range(count))]


def unmet(found: tuple[GeneratorFinding, ...]) -> list[str]:
    return [finding.code for finding in found if not finding.ok]


def test_a_calm_generator_meets_every_limit() -> None:
    found = examine(lines())
    assert unmet(found) == []
    assert [finding.code for finding in found] == [
        "OFFERED_LOAD_RATIO", "SCHEDULE_LAG_P_SECONDS", "GENERATOR_CPU", "LOOP_LAG_SECONDS",
    ]  # fmt: skip


def test_dropped_arrivals_lower_the_offered_ratio() -> None:
    (finding, *_) = examine(lines(sent=98, cap_hits=2))
    assert (finding.code, finding.value, finding.ok) == ("OFFERED_LOAD_RATIO", 0.98, False)


def test_lag_is_held_to_a_millisecond_or_a_hundredth_of_the_latency() -> None:
    assert unmet(examine(lines(lag_p99_seconds=0.0011))) == ["SCHEDULE_LAG_P_SECONDS"]
    assert unmet(examine(lines(lag_p99_seconds=0.0011), latency_seconds=0.2)) == []


def test_a_single_hiccup_is_forgiven_and_a_bad_stretch_is_not() -> None:
    hiccup = [*lines(19), {"t": 19.0, **CALM, "lag_p99_seconds": 0.5}]
    stretch = [*lines(17), *({"t": 17.0, **CALM, "lag_p99_seconds": 0.5} for _ in range(3))]
    assert unmet(examine(hiccup)) == []
    assert unmet(examine(stretch)) == ["SCHEDULE_LAG_P_SECONDS"]


def test_the_remedy_says_what_the_machine_did() -> None:
    found = examine(lines(lag_p99_seconds=0.1, cpu_share=0.99, steal_share=0.2, involuntary_switches=900))
    remedy = next(finding.remedy for finding in found if finding.code == "SCHEDULE_LAG_P_SECONDS")
    assert "99% of a core" in remedy
    assert "hypervisor took 20%" in remedy
    assert "900 times" in remedy


def test_a_slow_server_with_an_idle_generator_meets_every_limit() -> None:
    assert unmet(examine(lines(answered=10, in_flight=90, missed_ticks=500))) == []


def test_a_saturated_closed_loop_is_named_though_it_has_no_schedule() -> None:
    assert unmet(examine(lines(cpu_share=0.99, lag_p99_seconds=9.0), open_loop=False)) == ["GENERATOR_CPU"]


def test_several_processes_may_use_several_cores() -> None:
    summary = {"summary": {**CALM, "shards": 2}}
    assert unmet(examine([*lines(cpu_share=1.5), summary])) == []
    assert unmet(examine([*lines(cpu_share=1.8), summary])) == ["GENERATOR_CPU"]


def test_a_load_that_never_began_has_no_findings() -> None:
    assert examine([{"plan": {}}]) == ()
