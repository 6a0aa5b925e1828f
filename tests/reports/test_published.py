from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from reports.bundle import read_yaml
from reports.publishing import PUBLISHED, publish
from reports.verifying import verify
from tests.reports.folders import EPOCH

ROOT = Path(__file__).parents[2]
BUNDLES = sorted(PUBLISHED.rglob("*.tar.gz"))


def test_a_baseline_run_is_published() -> None:
    assert BUNDLES


@pytest.mark.parametrize("path", BUNDLES, ids=[path.parent.name for path in BUNDLES])
def test_a_published_run_keeps_every_rule(path: Path) -> None:
    report = read_yaml((path.parent / "report.yaml").read_bytes())
    date = datetime.fromisoformat(report["date"].replace("Z", "+00:00")).timestamp()
    assert [(found.rule.id, found.problems) for found in verify(path, date + 86_400) if not found.kept] == []


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
