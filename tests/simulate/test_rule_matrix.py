"""Faults that are derived: each changes a rule and is caught, unseen for a reason, or survives."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from clusters.embedded.faults import behaviour_of
from clusters.embedded.faults.derived import mutants
from conformance.base.errors import UsageError
from conformance.catalogue.scenario import scenarios
from conformance.cli.faults_command import command
from conformance.settings.providers import Mutation
from conformance.simulate.rule_matrix import Cell, attempt, table


def test_every_mutant_names_scenarios_that_there_are_and_can_be_chosen_as_a_fault() -> None:
    assert len(mutants()) > 150
    for name, mutant in mutants().items():
        assert mutant.mutation.scenarios
        assert set(mutant.mutation.scenarios) <= set(scenarios())
        assert type(behaviour_of(name)) is mutant.behaviour


def test_rules_and_operators_make_the_names() -> None:
    assert mutants()["panic-window/constant-up"].mutation.rule == "panic window"
    assert {mutant.mutation.operator for mutant in mutants().values()} >= {
        "constant up", "constant down", "off by one, up", "off by one, down", "dropped", "doubled", "update ignored",
        "wrong unit", "wrong object", "wrong scope", "wrong clock", "order", "delayed", "lost at restart",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "by"),
    [("field-maxreplicas/dropped", "DEP-016"), ("containerconcurrency/off-by-one-down", "LIM-012"),
     ("annotations-of-a-component/dropped", "DEP-016"), ("timeout/constant-up", "LIM-009")],
)  # fmt: skip
def test_a_mutant_that_a_user_sees_is_caught(name: str, by: str) -> None:
    cell = attempt(mutants()[name].mutation)
    assert by in cell.caught
    assert not cell.survived


def test_the_matrix_tells_caught_unseen_and_survived_apart() -> None:
    cells = (
        Cell(Mutation("b/x", "b", "x", ("s",)), ("CON-001",)),
        Cell(Mutation("a/y", "a", "y", ("s",), "it is within what a tick takes"), ()),
        Cell(Mutation("a/x", "a", "x", ("s",)), ()),
    )
    assert [line.split(None, 2)[2] for line in table(cells)] == [
        "SURVIVED", "not visible: it is within what a tick takes", "caught by CON-001",
    ]  # fmt: skip
    assert [cell.survived for cell in cells] == [False, False, True]


def test_an_unknown_rule_is_refused() -> None:
    result = CliRunner().invoke(command, ["--matrix", "nothing-of-the-kind"])
    assert isinstance(result.exception, UsageError)
