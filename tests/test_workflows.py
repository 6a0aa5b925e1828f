"""What the workflows may use."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from clusters import versions
from conformance.base.locations import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_digest_and_say_their_version(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text("utf-8"))
    assert uses
    for text in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text), text


NIGHTLY = ROOT / ".github" / "workflows" / "nightly.yml"


def test_the_nightly_jobs_on_kind_have_python_kind_and_a_cluster_of_their_own() -> None:
    value = yaml.safe_load(NIGHTLY.read_text("utf-8"))
    assert value["env"]["CONFORMANCE_INSTALL_KEEP"] == "never"
    for name in ("cluster", "gpu"):
        steps = value["jobs"][name]["steps"]
        assert any("actions/setup-python@" in step.get("uses", "") for step in steps)
        assert any(step.get("run") == ".ci/install-kind.sh" for step in steps)
        (compared,) = [step for step in steps if step.get("name") == "compare with last night"]
        (kept,) = [step["with"] for step in steps if "actions/upload-artifact@" in step.get("uses", "")]
        assert compared["run"] == f".ci/compare-with-last-night.sh {kept['name']}"


def test_a_run_that_never_started_is_one_red_step() -> None:
    for job in yaml.safe_load(NIGHTLY.read_text("utf-8"))["jobs"].values():
        for step in job["steps"]:
            if "reports/runs" in step.get("run", ""):
                assert "hashFiles('reports/runs/*/summary.md') != ''" in step["if"]
            if "actions/upload-artifact@" in step.get("uses", ""):
                assert step["with"]["if-no-files-found"] == "ignore"


def test_the_kind_of_the_workflows_is_the_pinned_one() -> None:
    text = (ROOT / ".ci" / "install-kind.sh").read_text("utf-8")
    pinned = versions.kind()
    assert f"version={pinned.version}\nsha256={pinned.sha256['linux-amd64']}\n" in text


@pytest.mark.parametrize(("worse", "code"), [(False, 0), (True, 1)])
def test_a_night_is_compared_with_the_last_one_that_has_reports(tmp_path: Path, worse: bool, code: int) -> None:
    def program(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)

    program(
        tmp_path / "bin" / "gh",
        '[ "$2" = list ] && { echo 3; echo 2; exit; }\n[ "$3" = 2 ] || exit 1\n'
        "mkdir -p last-night/reports/runs/a && touch last-night/reports/runs/a/judgements.json",
    )
    program(tmp_path / ".venv" / "bin" / "conformance", f'echo "$@"; exit {int(worse)}')
    (tmp_path / "reports" / "runs" / "b").mkdir(parents=True)
    (tmp_path / "reports" / "runs" / "b" / "judgements.json").touch()
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "GITHUB_REF_NAME": "main"}
    environ["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
    script = ROOT / ".ci" / "compare-with-last-night.sh"
    assert subprocess.run([script, "reports-x"], cwd=tmp_path, env=environ, check=False).returncode == code
    assert (tmp_path / "summary.md").read_text("utf-8") == (
        "compare last-night/reports/runs/a reports/runs/b --format markdown --gate\n"
    )
