"""Conditions move their time with any change, and sum up the worst first."""

from __future__ import annotations

from clusters.embedded.objects.status_conditions import StatusCondition, merge, summary


def test_the_time_moves_only_with_a_change() -> None:
    value = {"status": {"conditions": merge({}, [StatusCondition("Ready", "Unknown", "Deploying")], "then")}}
    (same,) = merge(value, [StatusCondition("Ready", "Unknown", "Deploying")], "now")
    assert same["lastTransitionTime"] == "then"
    (moved,) = merge(value, [StatusCondition("Ready", "Unknown", "Waiting")], "now")
    assert moved["lastTransitionTime"] == "now"


def test_false_goes_before_unknown_and_information_does_not_count() -> None:
    parts = [
        StatusCondition("A", "Unknown", "Soon"),
        StatusCondition("B", "False", "Broken"),
        StatusCondition("C", "False", "Idle", severity="Info"),
    ]
    assert summary("Ready", parts) == StatusCondition("Ready", "False", "Broken")
    assert summary("Ready", parts[:1]).status == "Unknown"
    assert summary("Ready", parts[2:]).status == "True"
