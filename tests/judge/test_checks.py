"""What a check declares of itself: its name, its parameters, what can spoil it, whether it counts pods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge import validity
from conformance.judge.checks import REGISTRY
from conformance.judge.checks.pods import PeakParameters
from conformance.judge.finding import Check, Finding, PodCounts, Registry, exact
from conformance.judge.history import History

CHECKS = tuple(REGISTRY.checks.values())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_says_what_it_finds_out_and_what_spoils_it(check: Check) -> None:
    assert check.text.endswith(".")
    assert check.touches
    assert set(check.touches) <= {each.kind for each in validity.CHECKS} - validity.ALWAYS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_number_of_a_parameter_has_its_unit_in_its_name(check: Check) -> None:
    units = (
        "seconds",
        "pods",
        "replicas",
        "requests",
        "percent",
        "in_flight",
        "reversals",
        "times_mean",
        "status",
        "percentile",
    )
    numbers = [each.name for each in fields(check.parameters) if str(each.type).startswith(("int", "float"))]
    assert [name for name in numbers if not name.endswith(units)] == []


def test_a_check_that_counts_can_be_asked_of_any_platform_without_parameters() -> None:
    counting = [check for check in CHECKS if check.counts is not PodCounts.NONE]
    assert counting
    for check in counting:
        assert isinstance(check.parameters(), check.parameters)


def look(_: History, parameters: PeakParameters) -> Finding:
    """Nothing is ever wrong."""
    return exact(True, "nothing", parameters.least_pods, "pods")


def test_a_check_takes_its_own_parameters_alone(real: Callable[[str], History]) -> None:
    registry = Registry()
    registry.check("made-up", PeakParameters, "load")(look)
    made = registry.checks["made-up"]
    assert made.text == "Nothing is ever wrong."
    assert made.look(real("s6"), PeakParameters(least_pods=3)).measured.value == 3
    with pytest.raises(TypeError, match=r"^check 'made-up' takes PeakParameters, not CheckParameters$"):
        made.look(real("s6"), CheckParameters())


def test_a_name_is_registered_once() -> None:
    registry = Registry()
    registry.check("made-up", PeakParameters, "load")(look)
    with pytest.raises(ValueError, match=r"^check 'made-up' is there twice$"):
        registry.check("made-up", PeakParameters, "load")(look)
