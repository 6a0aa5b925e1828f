"""The catalogue is complete both ways: nothing required goes unchecked, nothing checked is not required."""

from __future__ import annotations

from collections import Counter

from clusters.embedded.faults import faults
from conformance.base.locations import FIXTURES
from conformance.catalogue.requirement import AREAS
from conformance.catalogue.scenario import scenarios
from conformance.catalogue.selection import DEFAULT_PROFILES
from conformance.judge.checks import REGISTRY
from conformance.judge.requirements import catalogue


def test_there_are_sixty_requirements_in_all_areas() -> None:
    testable = [entry for entry in catalogue() if not entry.not_testable]
    assert len(testable) >= 60
    assert {entry.area for entry in testable} == set(AREAS)


def test_every_requirement_has_a_check_a_fault_a_source_and_a_derivation() -> None:
    for entry in catalogue():
        assert entry.source, entry.id
        if entry.not_testable:
            assert entry.check is None, entry.id
            assert entry.scenario is None, entry.id
            continue
        assert entry.check in REGISTRY.checks, entry.id
        assert entry.faults, entry.id
        assert entry.derivation, entry.id
        assert entry.detects, entry.id


def test_every_check_has_a_requirement() -> None:
    ours = {name for name, each in REGISTRY.checks.items() if not each.own}
    assert ours - {entry.check for entry in catalogue()} == set()


def test_every_fault_is_named_by_a_requirement_and_every_named_fault_exists() -> None:
    named = {fault for entry in catalogue() for fault in entry.faults}
    assert named - set(faults()) == set()
    assert set(faults()) - named == set()


def test_every_scenario_is_judged_and_every_judged_scenario_exists() -> None:
    used = {entry.scenario for entry in catalogue() if entry.scenario}
    assert used == set(scenarios())


def test_every_users_complaint_appears() -> None:
    threads = Counter(thread for entry in catalogue() for thread in entry.threads)
    assert [f"R{number:02d}" for number in range(1, 30) if not threads[f"R{number:02d}"]] == []
    assert [f"C{number:02d}" for number in range(1, 10) if not threads[f"C{number:02d}"]] == []


def test_all_documented_examples_run_in_both_schemas() -> None:
    manifests = {entry.manifest for entry in scenarios().values() if entry.documented}
    every = {f"examples/{path.name}" for path in (FIXTURES / "examples").glob("*.yaml")}
    assert {name for name in every if "negative" not in name} == manifests


def test_every_manifest_of_a_scenario_exists() -> None:
    for entry in scenarios().values():
        for name in {entry.manifest, *(step.manifest for step in entry.steps)} - {""}:
            assert (FIXTURES / name).is_file(), (entry.name, name)


def test_no_scenario_that_runs_unasked_takes_longer_than_four_minutes() -> None:
    unasked = {name for names in DEFAULT_PROFILES.values() for name in names}
    by = {name for entry in catalogue() if entry.profile in unasked for name in entry.recorded_by}
    assert max(scenarios()[name].seconds for name in by) <= 240.0
    assert max(entry.seconds for entry in scenarios().values()) <= 600.0
