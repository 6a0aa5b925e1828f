"""Whoever is installed as a reporter is handed the judged run."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.base import plugins
from conformance.base.errors import UsageError
from conformance.judge.judged_run import stored
from conformance.run.reporting import report
from tests.base.test_plugins import install
from tests.reports.folders import CATALOGUE, brief, run_folder

MODULE = """
def note(judged):
    (judged.folder / "acme.txt").write_text(f"{len(judged.judgements)} requirements")

def fail(judged):
    raise RuntimeError("no paper left")

NUMBER = 7
"""


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "site"
    place.mkdir()
    (place / "acme_reports.py").write_text(MODULE)
    monkeypatch.syspath_prepend(place)
    return place


def test_a_vendors_reporter_writes_too_and_the_manifest_lists_what_it_left(vendor: Path, tmp_path: Path) -> None:
    install(vendor, "acme-reports", "acme = acme_reports:note", plugins.REPORTERS)
    folder = run_folder(tmp_path, stories=brief())
    report(stored(folder, CATALOGUE))
    assert (folder / "acme.txt").read_text() == "7 requirements"
    assert '"acme.txt"' in (folder / "manifest.json").read_text()


def test_a_reporter_that_fails_does_not_keep_the_suites_own_from_writing(vendor: Path, tmp_path: Path) -> None:
    install(vendor, "acme-reports", "acme = acme_reports:fail", plugins.REPORTERS)
    folder = run_folder(tmp_path, stories=brief())
    with pytest.raises(RuntimeError, match="no paper left"):
        report(stored(folder, CATALOGUE))
    assert (folder / "report.yaml").is_file()


def test_a_reporter_that_cannot_be_called_is_named(vendor: Path, tmp_path: Path) -> None:
    install(vendor, "acme-reports", "acme = acme_reports:NUMBER", plugins.REPORTERS)
    with pytest.raises(UsageError, match="acme is no function but int"):
        report(stored(run_folder(tmp_path, stories=brief()), CATALOGUE))
