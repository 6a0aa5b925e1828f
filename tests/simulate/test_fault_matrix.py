"""Faults against the requirements that name them."""

from __future__ import annotations

from click.testing import CliRunner

from conformance.base.errors import UsageError
from conformance.cli.faults_command import command
from conformance.judge.requirements import catalogue
from conformance.simulate.fault_matrix import Outcome, Trial, accused, attempt, matrix, named, trials


def test_a_fault_is_caught_by_the_requirement_that_names_it() -> None:
    outcome = attempt(Trial("qps-refused", "invalid-metric-accepted"))
    assert outcome.verdicts["DEP-012"] == "FAIL"


def test_the_honest_platform_is_not_accused() -> None:
    outcome = attempt(Trial("qps-refused", None))
    assert accused([outcome]) == ()
    assert outcome.verdicts["DEP-012"] == "PASS"


def test_every_pair_of_fault_and_scenario_is_tried_once() -> None:
    chosen = trials(["target-doubled", "zero-never"])
    assert len(set(chosen)) == len(chosen)
    wanted = {entry.scenario for entry in named(catalogue())["zero-never"]}
    assert {each.scenario for each in chosen if each.fault == "zero-never"} == wanted
    assert {each.scenario for each in chosen if each.fault is None} == {each.scenario for each in chosen}


def test_a_fault_that_one_of_its_requirements_misses_is_not_caught() -> None:
    first, *others = sorted(entry.id for entry in named(catalogue())["zero-never"])
    assert others
    verdicts = {first: "PASS", **dict.fromkeys(others, "FAIL")}
    (line,) = matrix(["zero-never"], [Outcome(Trial("scale-to-zero", "zero-never"), verdicts, {})])
    assert not line.ok
    assert (line.caught, line.missed) == (tuple(others), (f"{first} PASS",))


def test_a_failure_on_the_honest_platform_is_told() -> None:
    found = accused([Outcome(Trial("gpu", None), {"GPU-001": "FAIL", "GPU-002": "PASS"}, {})])
    assert found == ("GPU-001 in gpu",)


def test_the_list_names_what_catches_each_fault() -> None:
    result = CliRunner().invoke(command, ["ceil-to-floor"])
    assert result.exit_code == 0
    assert "CON-003" in result.output


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    result = CliRunner().invoke(command, ["ceil-to-flor"])
    assert isinstance(result.exception, UsageError)
    assert "did you mean 'ceil-to-floor'" in str(result.exception)
