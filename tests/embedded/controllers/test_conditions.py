"""Conditions move their time with any change, and sum up the worst first."""

from __future__ import annotations

from clusters.embedded.objects.status_conditions import Condition, merge, summary


def test_the_time_moves_only_with_a_change() -> None:
    value = {"status": {"conditions": merge({}, [Condition("Ready", "Unknown", "Deploying")], "then")}}
    (same,) = merge(value, [Condition("Ready", "Unknown", "Deploying")], "now")
    assert same["lastTransitionTime"] == "then"
    (moved,) = merge(value, [Condition("Ready", "Unknown", "Waiting")], "now")
    assert moved["lastTransitionTime"] == "now"


def test_false_goes_before_unknown_and_information_does_not_count() -> None:
    parts = [
        Condition("A", "Unknown", "Soon"),
        Condition("B", "False", "Broken"),
        Condition("C", "False", "Idle", severity="Info"),
    ]
    assert summary("Ready", parts) == Condition("Ready", "False", "Broken")
    assert summary("Ready", parts[:1]).status == "Unknown"
    assert summary("Ready", parts[2:]).status == "True"
