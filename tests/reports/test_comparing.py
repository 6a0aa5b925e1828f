from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import reports
from conformance.cli.entry import group
from conformance.judge.judged_run import stored
from conformance.judge.judgement import Verdict
from conformance.judge.requirements import catalogue
from reports import comparison_views, index
from reports.comparing import compare
from reports.intervals import quantile, wilson
from reports.stored_run import read
from tests.reports.folders import CATALOGUE, all_passed, brief, judgements, run_folder, stairway


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run in which everything passed, and one in which it did not and answers took 50 % longer; to be read only."""
    folder = tmp_path_factory.mktemp("pair")
    good = run_folder(folder / "good", all_passed())
    slow = stairway("target-concurrency")
    slow.rows = [replace(row, end=row.scheduled + (row.end - row.scheduled) * 1.5) for row in slow.rows]
    stories = (slow, stairway("container-concurrency", seed=1), stairway("scale-to-zero", seed=2))
    bad = run_folder(folder / "bad", judgements(), stories=stories)
    for run in (good, bad):
        reports.write(stored(run, CATALOGUE))
    return good, bad


def test_changes_have_a_direction(pair: tuple[Path, Path]) -> None:
    found = compare(read(pair[0]), read(pair[1]))
    assert {entry.requirement: entry.direction for entry in found.verdicts} == {
        "LIM-001": -1, "MET-004": -1, "PAN-002": -1, "ZER-002": -1,
    }  # fmt: skip
    assert [entry.requirement for entry in found.margins] == ["CON-002"]
    assert [entry.requirement for entry in found.once] == ["ZER-001"]
    assert found.same == 1
    back = compare(read(pair[1]), read(pair[0]))
    assert {entry.direction for entry in back.verdicts} == {1}


def test_a_difference_counts_only_beyond_the_noise(pair: tuple[Path, Path]) -> None:
    found = compare(read(pair[0]), read(pair[1]))
    apart = {(entry.scenario, entry.name) for entry in found.figures if entry.apart}
    assert ("target-concurrency", "latency p50") in apart
    assert not [entry for entry in apart if entry[0] != "target-concurrency"]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_every_view_names_what_got_worse(pair: tuple[Path, Path], form: str) -> None:
    found = compare(read(pair[0]), read(pair[1]))
    view = getattr(comparison_views, form)(found)
    assert "LIM-001" in view
    assert re.search(r"1 (?:requirements )?tried only before.*ZER-001", view, re.DOTALL)
    assert "worse" in view
    assert "<its>" not in view or form == "text"
    assert "<script" not in view


def test_the_gate_tells_by_its_exit_code(pair: tuple[Path, Path]) -> None:
    call = ["compare", str(pair[0]), str(pair[1])]
    assert CliRunner().invoke(group, call, standalone_mode=False).return_value == 0
    assert CliRunner().invoke(group, [*call, "--gate"], standalone_mode=False).return_value == 1
    same = ["compare", str(pair[0]), str(pair[0]), "--gate"]
    assert CliRunner().invoke(group, same, standalone_mode=False).return_value == 0


@pytest.mark.parametrize(
    ("failures", "runs", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 90, 0.0, 0.0410), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(failures: int, runs: int, low: float, high: float) -> None:
    assert wilson(failures, runs) == pytest.approx((low, high), abs=1e-4)


def test_a_quantiles_interval_covers_it_as_often_as_it_says() -> None:
    import numpy as np

    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        found = quantile(generator.exponential(1.0, 300), 0.9)
        assert found is not None
        hits += found.low <= np.log(10) <= found.high
    assert hits >= 0.93 * 400


def test_the_ledger_counts_failures_of_unbroken_platforms(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    for number in range(4):
        judged = judgements() if number == 3 else all_passed()
        reports.write(
            stored(run_folder(root, judged, identity=f"20261124-03010{number}-aaaa", stories=brief()), CATALOGUE)
        )
    broken = run_folder(root, judgements(), identity="20261124-030109-aaaa", stories=brief())
    run = json.loads((broken / "run.json").read_text(encoding="utf-8"))
    (broken / "run.json").write_text(json.dumps({**run, "fault": "limit-plus-one"}), encoding="utf-8")
    reports.write(stored(broken, CATALOGUE))
    found = {entry.requirement: entry for entry in index.ledger(root)}
    assert (found["LIM-001"].runs, found["LIM-001"].failures) == (4, 1)
    assert (found["PAN-002"].runs, found["PAN-002"].failures) == (3, 0)
    assert found["CON-001"].provisional
    assert [past.verdict for past in index.history(root, "LIM-001")] == ["PASS", "PASS", "PASS", "FAIL", "FAIL"]
    assert index.rebuild(root) == 5
    assert {entry.requirement: entry for entry in index.ledger(root)} == found


def test_a_real_run_states_what_earlier_ones_said(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    first = run_folder(root, all_passed(), identity="20261124-030100-aaaa", stories=brief())
    reports.write(stored(first, CATALOGUE))
    second = run_folder(root, all_passed(), identity="20261124-030200-aaaa", stories=brief())
    run = json.loads((second / "run.json").read_text(encoding="utf-8"))
    (second / "run.json").write_text(json.dumps({**run, "clock": "real"}), encoding="utf-8")
    reports.write(stored(second, CATALOGUE))
    report = yaml.safe_load((second / "report.yaml").read_text(encoding="utf-8"))
    assert report["requirements"][0]["flake"] == {"runs": 1, "failures": 0, "upper95": 0.7935}
    assert "flake" not in (first / "report.yaml").read_text(encoding="utf-8")


def test_an_index_nobody_can_write_does_not_stop_a_report(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, all_passed(), stories=brief())
    (tmp_path / index.NAME).write_text("this is no database, not at all", encoding="utf-8")
    reports.write(stored(folder, CATALOGUE))
    assert (folder / "report.yaml").is_file()


def test_the_checklists_own_words_come_from_its_file(tmp_path: Path) -> None:
    from reports.cncf import read_checklist

    checklist = tmp_path / "AIConformance-1.36.yaml"
    spec = {
        "schedulingOrchestration": [{"id": "pod_autoscaling", "description": "their words", "level": "MUST"}],
        "observability": [{"id": "ai_service_metrics", "description": "m", "level": "MUST"}],
        "security": [{"id": "secure_accelerator_access", "description": "s", "level": "MUST"}],
    }
    text = yaml.safe_dump({"metadata": {"kubernetesVersion": "v1.36"}, "spec": spec})
    checklist.write_text(text, encoding="utf-8")
    found = exported(tmp_path, "kpa", checklist=read_checklist(checklist))
    assert found["pod_autoscaling"]["description"] == "their words"
    assert found["pod_autoscaling"]["evidence"] == ["https://example.org/b.tar.gz", "report.yaml"]
    assert found["ai_service_metrics"]["evidence"] == []


def exported(
    place: Path, autoscaler: str, *, accelerator: str = "real", checklist: Any = None, failed: str = ""
) -> dict[str, Any]:
    """The entries by id, of a run in which everything on accelerators passed but `failed`."""
    from reports.cncf import ENTRIES, entries

    folder = run_folder(place, all_passed(), stories=brief())
    reports.write(stored(folder, CATALOGUE))
    run = read(folder)
    environment = {
        **run.run.environment,
        "accelerator": {"kind": accelerator, "count": 8},
        "serving": {**run.run.environment["serving"], "autoscaler": autoscaler},
    }
    model = run.judgements[0]
    names = [name for evidence in ENTRIES.values() for name in evidence.requirements]
    judged = tuple(
        replace(model, requirement=name, verdict=Verdict.FAIL if name == failed else Verdict.PASS) for name in names
    )
    run = replace(run, run=replace(run.run, environment=environment), judgements=run.judgements + judged)
    spec = entries(run, checklist, "https://example.org/b.tar.gz")["spec"]
    return {entry["id"]: entry for group in spec.values() for entry in group}


def test_the_checklist_is_told_no_more_than_was_shown(tmp_path: Path) -> None:
    emulated = exported(tmp_path / "emulated", "kpa", accelerator="emulated")
    assert {entry["status"] for entry in emulated.values()} == {""}
    assert "emulated" in emulated["pod_autoscaling"]["notes"]
    knative = exported(tmp_path / "knative", "kpa")
    assert knative["pod_autoscaling"]["status"] == "Partially Implemented"
    assert "HorizontalPodAutoscaler" in knative["pod_autoscaling"]["notes"]
    assert knative["secure_accelerator_access"]["status"] == "Partially Implemented"
    assert knative["ai_service_metrics"]["status"] == ""
    hpa = exported(tmp_path / "hpa", "hpa")
    assert hpa["pod_autoscaling"]["status"] == "Implemented"
    failed = exported(tmp_path / "failed", "hpa", failed="GPU-012")
    assert failed["pod_autoscaling"]["status"] == ""
    assert "GPU-012 FAIL" in failed["pod_autoscaling"]["notes"]


def test_the_checklist_is_told_of_requirements_on_real_accelerators() -> None:
    from reports.cncf import ENTRIES

    known = {entry.id: entry.profile for entry in catalogue()}
    named = [name for evidence in ENTRIES.values() for name in evidence.requirements]
    assert {known[name] for name in named} == {"gpu-real"}
    assert sorted(named) == sorted(name for name, profile in known.items() if profile == "gpu-real")


def test_an_audit_asks_for_the_same_with_another_seed(submitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.yaml"
    called = CliRunner().invoke(
        group, ["audit", str(submitted), "--seed", "77", "--out", str(out)], standalone_mode=False
    )
    assert called.exception is None
    settings = yaml.safe_load(out.read_text(encoding="utf-8"))
    assert settings["seed"] == 77
    assert settings["profiles"] == ["autoscaling-kpa"]
    from conformance.settings.settings import load

    assert load(out).seed == 77


def test_a_bundle_is_made_and_compared_without_unpacking_it_by_hand(pair: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "b.tar.gz"
    run = shutil.copytree(pair[0], tmp_path / "run")
    call = ["export", "bundle", str(run), "--out", str(target)]
    assert CliRunner().invoke(group, call, standalone_mode=False).return_value == 0
    shutil.rmtree(run)
    called = CliRunner().invoke(group, ["compare", str(target), str(pair[1])], standalone_mode=False)
    assert called.exception is None
    assert "LIM-001" in called.output
