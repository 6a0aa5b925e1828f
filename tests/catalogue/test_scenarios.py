"""Scenarios and the choice of what to run: good words are found, bad ones named with the nearest good one."""

from __future__ import annotations

import pytest

from conformance.base.errors import UsageError
from conformance.base.locations import FIXTURES
from conformance.catalogue.scenario import scenarios
from conformance.catalogue.selection import needed, profiles, select
from conformance.judge.requirements import catalogue


def test_every_scenario_names_files_that_are_there() -> None:
    for scenario in scenarios().values():
        for name in (scenario.manifest, scenario.payload, *(step.manifest for step in scenario.steps)):
            assert not name or (FIXTURES / name).is_file(), f"{scenario.name}: {name}"


def test_the_documented_target_is_five_in_flight_for_thirty_seconds() -> None:
    scenario = scenarios()["target-concurrency"]
    (plan,) = [step.plan for step in scenario.steps if step.plan]
    assert [(phase.workers, phase.seconds) for phase in plan.phases] == [(5, 30)]
    assert scenario.documented


def test_only_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"^nothing is called 'target-concurency'; did you mean"):
        select(catalogue(), scenarios(), ["target-concurency"])


def test_only_a_scenario_selects_its_requirements_and_runs_it_alone() -> None:
    chosen = select(catalogue(), scenarios(), ["scale-down"])
    assert {entry.scenario for entry in chosen} == {"scale-down"}
    assert [entry.name for entry in needed(chosen, scenarios(), ["scale-down"])] == ["scale-down"]


def test_a_requirement_brings_the_companion_that_excludes_what_its_scenario_leaves_open() -> None:
    chosen = select(catalogue(), scenarios(), ["PAN-001"])
    assert {entry.scenario for entry in chosen} == {"target-concurrency"}
    assert {entry.name for entry in needed(chosen, scenarios(), [])} == {"target-concurrency", "sustained-concurrency"}


def test_those_that_take_turns_start_first_and_then_the_longest() -> None:
    found = needed(catalogue(), scenarios(), [])
    with_accelerators = [entry for entry in found if entry.budget.gpus]
    assert with_accelerators
    assert list(found[: len(with_accelerators)]) == with_accelerators
    lengths = [entry.seconds for entry in found[len(with_accelerators) :]]
    assert lengths == sorted(lengths, reverse=True)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^profile 'serving-cor'; did you mean 'serving-core'\?$"):
        profiles(["serving-cor"], "embedded", None)


def test_without_gpus_no_gpu_profile_is_judged() -> None:
    assert not [name for name in profiles([], "embedded", "none") if name.startswith("gpu")]
    assert "gpu-real" in profiles([], "existing", "real")
    for provider in ("kind", "k3s"):
        assert "gpu-emulated" in profiles([], provider, None)
    assert [name for name in profiles([], "kind", "real") if name.startswith("gpu")] == ["gpu-real"]
