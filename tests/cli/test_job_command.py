"""`conformance job` where something is amiss; what it keeps is tried in `tests/run/test_stored_results.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from conformance.base.errors import Exit
from conformance.base.locations import ROOT
from conformance.cli.entry import HELP, invoke

JOB = ROOT / "clusters" / "existing" / "job.yaml"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cluster, no kubeconfig, and a folder for reports."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"JOB_NAME": "conformance", "JOB_UID": "u", "JOB_NAMESPACE": "default"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONFORMANCE_REPORTS", str(tmp_path / "results"))
    monkeypatch.setattr(sys, "argv", ["conformance"])


def test_a_run_that_cannot_start_keeps_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["job", "run", "--only", "nonsense"]) == Exit.USAGE
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("error: nothing is called 'nonsense'")
    assert second.startswith("error: the results were not kept: kubeconfig at its default place")


def test_a_command_that_leaves_no_run_says_where_one_was_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["job", "version"]) == Exit.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: the results were not kept: no run came to {tmp_path / 'results'}")


def test_the_jobs_manifest_starts_a_command_of_the_suite() -> None:
    *_, job = yaml.safe_load_all(JOB.read_text("utf-8"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"][:2] == ["job", "run"]
    assert set(container["args"][:2]) <= set(HELP)
    assert {entry["name"] for entry in container["env"]} == {"JOB_NAME", "JOB_UID", "JOB_NAMESPACE"}
    mounts = {entry["mountPath"]: entry["name"] for entry in container["volumeMounts"]}
    assert mounts.keys() == {"/settings", "/results", "/tmp"}
    assert job["spec"]["backoffLimit"] == 0
