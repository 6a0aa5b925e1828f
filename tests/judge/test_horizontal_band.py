"""Replicas in Standard mode: honest runs lie inside the band, wrong autoscalers outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge.judging import judge_run
from conformance.recording.pod_bodies import UsageBody
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run
from conformance.simulate.simulation import shortened, simulate_scenario
from conformance.simulate.study.horizontal_trials import accused

SHOWN = pytest.mark.thorough
"""What passes on the honest platform passes in the published run, too, which is judged anew there."""


def judged(tmp_path: Path, scenario: str, fault: str | None) -> dict[str, str]:
    simulate_scenario(shortened(scenarios()[scenario]), tmp_path, fault=fault)
    found = judge_run(tmp_path).judgements
    return {each.requirement: each.verdict.value for each in found if each.scenario == scenario}


@pytest.mark.parametrize(
    ("scenario", "fault", "verdicts"),
    [
        ("standard-growth", "hpa-stabilization-ignored", {"HPA-009": "PASS", "HPA-011": "FAIL", "HPA-012": "PASS"}),
        pytest.param("standard-held", None, {"HPA-014": "PASS"}, marks=SHOWN),
        ("standard-held", "hpa-scales-memory-as-cpu", {"HPA-014": "FAIL"}),
        ("standard-parts", "hpa-first-metric-only", {"HPA-015": "FAIL"}),
        pytest.param("standard-beside", None, {"HPA-016": "PASS"}, marks=SHOWN),
        ("standard-beside", "hpa-first-container-requests", {"HPA-016": "FAIL"}),
        pytest.param("standard-away", None, {"HPA-020": "PASS", "HPA-021": "PASS", "HPA-022": "PASS"}, marks=SHOWN),
        ("standard-away", "hpa-always-active", {"HPA-020": "PASS", "HPA-021": "PASS", "HPA-022": "FAIL"}),
        pytest.param(
            "standard-away", "hpa-gives-up", {"HPA-020": "PASS", "HPA-021": "FAIL", "HPA-022": "PASS"}, marks=SHOWN
        ),
        ("standard-ceiling", "hpa-never-limited", {"HPA-013": "PASS", "HPA-023": "FAIL"}),
        pytest.param("standard-starting", "hpa-unready-counted", {"HPA-017": "FAIL"}, marks=SHOWN),
        ("standard-missing", "hpa-missing-as-zero", {"HPA-018": "PASS", "HPA-019": "FAIL"}),
    ],
)
def test_a_wrong_autoscaler_fails_what_it_breaks(
    tmp_path: Path, scenario: str, fault: str | None, verdicts: dict[str, str]
) -> None:
    assert judged(tmp_path, scenario, fault) == verdicts


def test_an_honest_platform_is_not_accused_while_metrics_are_away(tmp_path: Path) -> None:
    assert "FAIL" not in judged(tmp_path, "standard-growth", "metrics-away").values()
    (entry,) = Run.read(tmp_path).scenarios
    usage = [fact.body for fact in Recording(tmp_path / entry.recording).facts() if isinstance(fact.body, UsageBody)]
    assert any(body.pods is None and "503" in body.trouble for body in usage)


def test_honest_autoscalers_at_any_phase_are_not_accused() -> None:
    # The last one scales down between the return of metrics and the suite's first look at them.
    assert list(accused([*range(12), 30029, 50196, 60151])) == []
