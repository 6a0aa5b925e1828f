"""Scenarios and requirements of one's own, beside the catalogue's or instead of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.base.errors import Exit, UsageError
from conformance.cli.entry import invoke
from conformance.judge import serial
from conformance.judge.judging import judge_run
from conformance.recording.run_record import Run
from conformance.run.plan import make_plan
from conformance.settings.settings import Settings
from tests.cli.own_services import IRIS

SCENARIO = """
- name: checkout
  manifest: services/checkout.yaml
  service_ms: 50
  steps:
    - {kind: settle, seconds: 3}
    - kind: load
      plan: {phases: [{shape: closed, workers: 4, seconds: 10}]}
    - {kind: idle, seconds: 2}
"""
REQUIREMENTS = """
- id: SHOP-001
  sentence: Callers wait no longer than a second.
  scenario: checkout
  check: latency-at-most
  parameters: {percentile: 99, at_most_seconds: 1.0}
- id: SHOP-002
  sentence: It takes no more than two pods.
  scenario: checkout
  check: pods-at-most
  parameters: {at_most_pods: 2}
- id: SHOP-003
  sentence: Nobody goes without an answer.
  scenario: checkout
  check: errors-at-most
  parameters: {at_most_percent: 0}
- id: SHOP-004
  sentence: A pod is there soon.
  scenario: checkout
  check: cold-start-at-most
  parameters: {at_most_seconds: 60}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of one's own."""
    folder = tmp_path / "shop"
    for name, text in {
        "scenarios/shop.yaml": SCENARIO, "requirements/shop.yaml": REQUIREMENTS, "services/checkout.yaml": IRIS,
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def plan_of(folder: Path, *profiles: str) -> set[str]:
    plan = make_plan(Settings(scenarios=str(folder), profiles=profiles))
    return {entry.id for entry in plan.requirements}


def test_they_run_are_judged_by_ones_own_limits_and_judged_again_from_the_run_alone(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--clock",
        "virtual",
        "--scenarios",
        str(shop),
        "--profile",
        "own",
        "--reports",
        str(tmp_path / "runs"),
    ]
    assert invoke(["run", *arguments]) == Exit.FAILURE
    out = capsys.readouterr().out
    for name, verdict in (("SHOP-001", "PASS"), ("SHOP-002", "FAIL"), ("SHOP-003", "PASS"), ("SHOP-004", "PASS")):
        assert f"{name} {verdict:<14} checkout" in out
    assert "4 requirements: 3 PASS, 1 FAIL; " in out
    (found,) = (tmp_path / "runs").glob("*/run.json")
    assert not Run.read(found.parent).submittable
    for path in sorted(shop.rglob("*.yaml")):
        path.unlink()
    assert serial.dump(judge_run(found.parent).judgements) == (found.parent / "judgements.json").read_bytes()
    assert str(shop) not in (found.parent / "report.html").read_text("utf-8")


def test_they_stand_beside_the_catalogues_or_in_its_place(shop: Path) -> None:
    beside = plan_of(shop)
    assert {"SHOP-001", "CON-001"} <= beside
    assert plan_of(shop, "own") == {"SHOP-001", "SHOP-002", "SHOP-003", "SHOP-004"}
    chosen = make_plan(Settings(scenarios=str(shop), only=("SHOP",), skip=("SHOP-004",)))
    assert [entry.name for entry in chosen.scenarios] == ["checkout"]
    assert len(chosen.requirements) == 3


@pytest.mark.parametrize(
    ("file", "before", "after", "words"),
    [
        (
            "scenarios/shop.yaml",
            "workers",
            "worker",
            r"shop\.yaml line 8: checkout: steps\[1\]\.plan.*did you mean 'workers'",
        ),
        (
            "scenarios/shop.yaml",
            "kind: idle",
            "kind: idel",
            r"^scenarios/shop\.yaml line 9: checkout: .*did you mean 'idle'",
        ),
        ("scenarios/shop.yaml", "services/checkout", "services/chekout", r"did you mean 'services/checkout\.yaml'"),
        ("scenarios/shop.yaml", "name: checkout", "name: rollout", "the catalogue has a scenario 'rollout' too"),
        (
            "requirements/shop.yaml",
            "at_most_pods",
            "at_most_pod",
            r"^requirements/shop\.yaml line 11: SHOP-002: .*'at_most_pods'",
        ),
        ("requirements/shop.yaml", "latency-at-most", "latency-at-mos", r"line 5: SHOP-001: .*'latency-at-most'"),
        ("requirements/shop.yaml", "SHOP-003", "CON-003", "CON is an area of the catalogue"),
        ("scenarios/shop.yaml", "name: checkout", "nmae: checkout", "entry 1 has no 'name'; it has 'nmae'"),
        ("requirements/shop.yaml", "scenario: checkout", "scenario: chekout", "did you mean 'checkout'"),
    ],
)
def test_what_is_misspelt_is_told_with_its_line_and_the_nearest_word(
    shop: Path, file: str, before: str, after: str, words: str
) -> None:
    path = shop / file
    path.write_text(path.read_text("utf-8").replace(before, after), encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        plan_of(shop)


def test_bytes_that_are_no_text_are_told_as_such(shop: Path) -> None:
    (shop / "requirements" / "shop.yaml").write_bytes(b"\xff\xfe- id: SHOP-001")
    with pytest.raises(UsageError, match=r"^requirements/shop\.yaml: not YAML: 'utf-8' codec can't decode"):
        plan_of(shop)


def test_a_folder_without_scenarios_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder scenarios/ in it; see docs/own-scenarios\.md"):
        plan_of(tmp_path)
