"""Replicas in Standard mode: honest runs lie inside the band, wrong autoscalers outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge.judging import judge_run
from conformance.simulate.simulation import shortened, simulate_scenario


def judged(tmp_path: Path, scenario: str, fault: str | None) -> dict[str, str]:
    simulate_scenario(shortened(scenarios()[scenario]), tmp_path, fault=fault)
    return {each.requirement: each.verdict.value for each in judge_run(tmp_path).judgements}


@pytest.mark.parametrize(
    ("scenario", "fault", "failed"),
    [
        ("standard-growth", None, set()),
        ("standard-growth", "hpa-rounds-down", {"HPA-009"}),
        ("standard-growth", "hpa-stabilization-ignored", {"HPA-011"}),
        ("standard-held", None, set()),
        ("standard-held", "hpa-scales-memory-as-cpu", {"HPA-014"}),
        ("standard-ceiling", "hpa-max-ignored", {"HPA-013"}),
    ],
)
def test_a_wrong_autoscaler_fails_what_it_breaks(
    tmp_path: Path, scenario: str, fault: str | None, failed: set[str]
) -> None:
    verdicts = judged(tmp_path, scenario, fault)
    assert {name for name, verdict in verdicts.items() if verdict == "FAIL"} == failed
    if fault is None:
        assert "PASS" in {verdict for name, verdict in verdicts.items() if name in ("HPA-009", "HPA-014")}
