import json
from pathlib import Path

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.cli.entry import invoke
from conformance.run.plan import make_plan
from conformance.run.preflight.forecast import forecast
from conformance.settings.settings import Budgets, Settings


def test_a_plan_names_every_scenario_once_and_adds_up() -> None:
    found = forecast(make_plan(Settings()))
    assert found.rows
    assert len({row.name for row in found.rows}) == len(found.rows)
    assert found.wall_seconds <= found.one_by_one_seconds + 2.0 * len(found.rows)
    known = scenarios()
    assert found.gpu_minutes == sum(known[row.name].budget.gpus * row.lasts_seconds for row in found.rows) / 60


def test_a_smaller_budget_takes_longer() -> None:
    alone = forecast(make_plan(Settings(budgets=Budgets(scenarios=1))))
    assert alone.wall_seconds >= forecast(make_plan(Settings())).wall_seconds
    assert alone.wall_seconds >= alone.one_by_one_seconds


def test_a_plan_reads_as_lines_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("scenario")
    assert "wall time" in text
    assert invoke(["plan", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in body["scenarios"]} == {row.name for row in forecast(make_plan(Settings())).rows}


def test_a_plan_for_kind_names_the_images_its_nodes_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", "--cluster", "kind"]) == 0
    text = capsys.readouterr().out
    assert "kindest/node:v1.34.0@sha256:" in text
    assert "kserve/image-transformer:latest (the witness under this name)" in text


def test_a_plan_lists_the_images_of_manifests_that_are_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {containers: [{image: kserve/controller:1}]}}"
    (tmp_path / "kserve_v0.20.0_kserve.yaml").write_text(text, encoding="utf-8")
    assert invoke(["plan", "--cluster", "kind", "--set", f"install.manifests={tmp_path}"]) == 0
    text = capsys.readouterr().out
    assert "              kserve/controller:1\n" in text
    assert "and those of 7 manifests that are not on this machine yet" in text


def test_an_unknown_profile_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["plan", "--profile", "autoscaling-kpx"]) == 64
    assert "did you mean 'autoscaling-kpa'?" in capsys.readouterr().err
