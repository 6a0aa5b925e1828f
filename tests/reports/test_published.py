from __future__ import annotations

import os
import re
import subprocess
import tarfile
from datetime import datetime
from pathlib import Path

import pytest

from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_again
from conformance.judge.requirements import catalogue
from reports import catalogue_file
from reports.bundle import opened, read_yaml
from reports.publishing import PUBLISHED, publish
from reports.rules import RULES
from reports.submission import Submission, same
from reports.verifying import verify
from tests.reports.folders import EPOCH

ROOT = Path(__file__).parents[2]
BUNDLES = sorted(PUBLISHED.rglob("*.tar.gz"))
REAL = [path for path in BUNDLES if "-embedded-" not in path.name]
"""Runs on real clusters."""
LARGEST = max(REAL, key=lambda path: path.stat().st_size)
OWN = [path for path in BUNDLES if path not in REAL]
"""Those of the embedded platform, made anew with each release."""
OF_ITS_SUITE = {"V05", "V07", "V10", "V11"}
"""Rules that hold a bundle to the catalogue and the judge of the suite that checks it."""
ASKED = ("scenario", "check", "parameters")
ASKED_SHARE = 0.7
"""Of what a run on a real cluster was asked then, this much has to be asked of it still."""
DECIDED_SHARE = 0.8


def test_a_baseline_run_is_published() -> None:
    assert BUNDLES


def asked_then(folder: Path) -> set[str]:
    """Ids of the requirements that ask today what they asked of this run; its manifests are those of its day, too."""
    then = {entry["id"]: entry for entry in read_yaml((folder / catalogue_file.NAME).read_bytes())}
    now = {entry.id: catalogue_file.plain(entry) for entry in catalogue()}
    return {name for name in then.keys() & now.keys() if same(*([e[name].get(k) for k in ASKED] for e in (then, now)))}


def a_day_later(path: Path) -> float:
    report = read_yaml((path.parent / "report.yaml").read_bytes())
    return datetime.fromisoformat(report["date"].replace("Z", "+00:00")).timestamp() + 86_400


@pytest.mark.long
@pytest.mark.parametrize("path", OWN, ids=[path.parent.name for path in OWN])
def test_a_published_run_keeps_every_rule(path: Path) -> None:
    assert [(found.rule.id, found.problems) for found in verify(path, a_day_later(path)) if not found.kept] == []


@pytest.mark.long
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.thorough] if path == LARGEST else []) for path in REAL],
    ids=[path.parent.name for path in REAL],
)
def test_a_run_on_a_real_cluster_stays_valid_and_is_not_accused_by_the_suite_of_today(path: Path) -> None:
    """It cannot be made anew with each change: what only its own suite can give again is not asked for."""
    with opened(path) as folder:
        submission = Submission(folder, a_day_later(path), path.parent)
        broken = {rule.id: tuple(rule.look(submission)) for rule in RULES if rule.id not in OF_ITS_SUITE}
        asked = asked_then(folder)
        judged = judge_again(submission.judged).judgements
        again = [entry for entry in judged if entry.requirement in asked]
    assert {name: problems for name, problems in broken.items() if problems} == {}
    wrong = [(entry.requirement, entry.scenario) for entry in again if entry.verdict in (Verdict.FAIL, Verdict.ERROR)]
    assert wrong == []
    assert len(again) >= ASKED_SHARE * len(judged)
    assert sum(entry.verdict is Verdict.PASS for entry in again) >= DECIDED_SHARE * len(again)


@pytest.mark.parametrize("path", BUNDLES, ids=[path.parent.name for path in BUNDLES])
def test_a_published_run_holds_no_path_of_the_machine_that_made_it(path: Path) -> None:
    home = re.compile(rb"(?<![A-Za-z0-9_./:~-])/(?:root|home|Users)/[A-Za-z0-9_.]")
    with tarfile.open(path) as archive:
        found = [
            member.name
            for member in archive
            if member.isfile()
            and not member.name.endswith((".rows", ".png"))
            and (file := archive.extractfile(member))
            and home.search(file.read())
        ]
    assert found == []


def test_publishing_lays_out_a_submission(submitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.releases.FILE", tmp_path / "releases.json")
    (tmp_path / "releases.json").write_text('{"releases": []}', encoding="utf-8")
    place = publish(submitted, tmp_path / "published")
    assert place.relative_to(tmp_path / "published").as_posix() == "v0.1.0/yoyodyne-turbo-serving"
    assert sorted(path.name for path in place.iterdir()) == [
        "README.md",
        "report.yaml",
        "yoyodyne-turbo-serving-20261124-030100-8f2c.tar.gz",
    ]
    path = next(place.glob("*.tar.gz"))
    assert [found.rule.id for found in verify(path, EPOCH + 86_400) if not found.kept] == []
    assert '"version": "0.1.0"' in (tmp_path / "releases.json").read_text(encoding="utf-8")


def test_a_submission_is_a_report_and_the_bundle_it_came_from(
    submitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked() -> tuple[int, str]:
        """What CI's script says beside the rules, which have tests of their own."""
        words = [str(ROOT / ".ci" / "verify"), str(place)]
        done = subprocess.run(
            words, env={**os.environ, "CONFORMANCE": "true"}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    monkeypatch.setattr("reports.releases.FILE", tmp_path / "releases.json")
    (tmp_path / "releases.json").write_text('{"releases": []}', encoding="utf-8")
    place = publish(submitted, tmp_path / "published")
    (place / "report.yaml").rename(place / "autoscaling-kpa-1.7.4-kpa-report.yaml")
    assert checked() == (0, "")
    with (place / "autoscaling-kpa-1.7.4-kpa-report.yaml").open("a") as file:
        file.write("\n")
    code, text = checked()
    assert code == 1
    assert "is not the report in" in text
    next(place.glob("*.tar.gz")).unlink()
    code, text = checked()
    assert code == 64
    assert "holds 0 bundles" in text
