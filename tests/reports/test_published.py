from __future__ import annotations

from pathlib import Path

import pytest

from conformance.suite_version import source_digest
from reports.bundle import read_yaml
from reports.publishing import PUBLISHED, publish
from reports.verifying import verify
from tests.reports.folders import EPOCH

BUNDLES = sorted(PUBLISHED.rglob("*.tar.gz"))


@pytest.mark.parametrize("path", BUNDLES, ids=[path.parent.name for path in BUNDLES])
def test_a_published_run_keeps_every_rule(path: Path) -> None:
    report = read_yaml((path.parent / "report.yaml").read_bytes())
    if report["suite"]["sourceDigest"] != source_digest():
        pytest.skip("written by an earlier state of the suite, and checked by that")
    from datetime import datetime

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
