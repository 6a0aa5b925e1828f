"""The catalogue through pytest, as somebody who knows pytest expects it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

# Whatever an inner session imports first is taken out of sys.modules at its end, which numpy does not survive.
import reports.page  # noqa: F401
from conformance.base.errors import Exit
from conformance.catalogue.requirement import FOLDER
from conformance.cli.entry import invoke
from conformance.run.plan import make_plan
from conformance.settings.settings import Settings
from tests.conftest import NEEDED, absent


@pytest.fixture
def elsewhere(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder that has nothing to do with the suite."""
    pytester.makeini("[pytest]\naddopts = --strict-markers --assert=plain\n")
    return pytester


def virtual(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run in virtual time with reports in the test's own folder."""
    return pytester.runpytest_inprocess(
        "--conformance", "--conformance-clock=virtual", "--conformance-reports=runs", *arguments
    )


def selected(pytester: pytest.Pytester) -> list[str]:
    """Scenarios of the one run that was made."""
    (run,) = (pytester.path / "runs").glob("*/run.json")
    found: list[str] = json.loads(run.read_text("utf-8"))["selected"]
    return found


def node_ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def test_each_requirement_of_the_plan_is_one_item(elsewhere: pytest.Pytester) -> None:
    found = node_ids(virtual(elsewhere, "--collect-only", "-q"))
    planned = {entry.id for entry in make_plan(Settings()).requirements}
    assert {line.rpartition("::")[2] for line in found} == planned
    assert len(found) == len(planned)
    assert not (elsewhere.path / "runs").exists()


def test_a_node_id_pasted_back_runs_that_one(elsewhere: pytest.Pytester) -> None:
    (shown,) = node_ids(virtual(elsewhere, "--collect-only", "-q", "-k", "HPA-001"))
    result = elsewhere.runpytest_inprocess(
        shown, "--conformance-clock=virtual", "--conformance-reports=runs", "--junitxml=junit.xml", "--durations=1"
    )
    result.assert_outcomes(passed=1)
    assert selected(elsewhere) == ["standard-cpu"]
    (case,) = ElementTree.parse(elsewhere.path / "junit.xml").iter("testcase")
    properties = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
    assert properties == {"verdict": "PASS", "scenario": "standard-cpu", "run": "runs/virtual-00000000"}
    (run,) = (elsewhere.path / "runs").glob("*/run.json")
    (scenario,) = json.loads(run.read_text("utf-8"))["scenarios"]
    length = scenario["finished_wall"] - scenario["started_wall"]
    assert float(case.get("time", "0")) == pytest.approx(length, abs=0.5)
    result.stdout.re_match_lines([rf".*{length:.2f}s call .*HPA\.yaml::HPA-001"])


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["-k", "standard-cpu"], {"HPA-001", "HPA-002"}),
        (["-k", "HPA-001"], {"HPA-001"}),
        (["-m", 'scenario(name="standard-cpu")'], {"HPA-001", "HPA-002"}),
        (["-m", 'area(name="HPA") and level(name="SHOULD")'], set()),
        (["--conformance-only=HPA-00*", "-k", "not standard"], set()),
    ],
    ids=["scenario-word", "id-word", "scenario-mark", "two-marks", "setting"],
)
def test_words_and_markers_select(elsewhere: pytest.Pytester, arguments: list[str], wanted: set[str]) -> None:
    found = {line.rpartition("::")[2] for line in node_ids(virtual(elsewhere, "--collect-only", "-q", *arguments))}
    catalogue = {entry.id: entry for entry in make_plan(Settings()).requirements}
    if wanted:
        assert found == wanted
    else:
        level = [name for name, entry in catalogue.items() if name.startswith("HPA") and entry.level == "SHOULD"]
        assert found == set(level)


def test_a_marker_of_each_kind_selects_what_the_catalogue_says(elsewhere: pytest.Pytester) -> None:
    planned = make_plan(Settings()).requirements
    for mark, name in (("profile", "gpu-emulated"), ("level", "SHOULD"), ("area", "PAN")):
        found = node_ids(virtual(elsewhere, "--collect-only", "-q", "-m", f'{mark}(name="{name}")'))
        values = {"profile": lambda e: e.profile, "level": lambda e: e.level, "area": lambda e: e.id.split("-")[0]}
        wanted = {entry.id for entry in planned if values[mark](entry) == name}
        assert wanted
        assert {line.rpartition("::")[2] for line in found} == wanted


def test_a_failure_reads_as_its_verdict_and_last_failed_runs_it_alone(elsewhere: pytest.Pytester) -> None:
    broken = ["--conformance-fault=hpa-target-ignored", "-k", "standard-cpu"]
    result = virtual(elsewhere, *broken)
    result.assert_outcomes(failed=1, passed=1)
    text = result.stdout.str()
    assert "expected one metric: cpu at an average utilization of 70 %" in text
    assert "Traceback" not in text
    assert re.search(r"^log +\S+harness\.log$", text, re.MULTILINE)
    again = virtual(elsewhere, "--lf", *broken)
    again.assert_outcomes(failed=1)
    stopped = virtual(elsewhere, "-x", *broken)
    stopped.assert_outcomes(failed=1)


def test_what_cannot_be_decided_is_an_error_of_its_test(elsewhere: pytest.Pytester) -> None:
    result = virtual(elsewhere, "--conformance-fault=never-ready", "-k", "DEP-002")
    result.assert_outcomes(failed=1)
    assert "INCONCLUSIVE" in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--conformance-profile=serving-cor"], "profile 'serving-cor'; did you mean 'serving-core'?"),
        (["--conformance-set=budgets.pod=3"], "unknown setting 'budgets.pod'; did you mean 'budgets.pods'?"),
        (["--conformance-only=tarjet-concurrency"], "did you mean 'target-concurrency'?"),
        (["-n", "2"], "leave out -n"),
        (["--conformance-fault=panic-nevr-entered"], "did you mean 'panic-never-entered'?"),
    ],
    ids=["profile", "setting", "only", "xdist", "fault"],
)
def test_what_the_user_can_correct_is_one_line(elsewhere: pytest.Pytester, arguments: list[str], words: str) -> None:
    result = elsewhere.runpytest_inprocess("--conformance", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{words.replace('[', '[[]')}*"])
    assert "Traceback" not in result.stderr.str()


def test_the_options_stand_in_pytests_own_help(elsewhere: pytest.Pytester) -> None:
    text = elsewhere.runpytest_inprocess("--help").stdout.str()
    for name in ("--conformance ", "--conformance-cluster", "--conformance-set", "--conformance-verbose"):
        assert name in text


def test_elsewhere_the_plugin_sleeps(elsewhere: pytest.Pytester) -> None:
    elsewhere.makepyfile(
        """
        import sys

        def test_nothing_of_the_suite_is_there():
            heavy = ("conformance.run", "conformance.judge", "clusters")
            assert [name for name in sys.modules if name.startswith(heavy)] == []
        """
    )
    elsewhere.makefile(".yaml", CON="- id: CON-001")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error"], cwd=elsewhere.path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_from_the_repositorys_root_a_node_id_is_the_file_and_the_id() -> None:
    root = FOLDER.parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--conformance", "--collect-only", "-q", "-k", "PAN-002"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "conformance/catalogue/requirements/PAN.yaml::PAN-002" in done.stdout.splitlines()
    assert "Warning" not in done.stdout + done.stderr


class TestThroughTheCommand:
    """`conformance run -- …`: the same options, this suite's exit codes."""

    def run(self, tmp_path: Path, *arguments: str) -> int:
        return invoke(["run", "--clock", "virtual", "--reports", str(tmp_path / "runs"), "--", *arguments])

    @pytest.mark.parametrize(
        "arguments", [["--collect-only", "-q"], ["--help"], ["--markers"], ["--setup-plan"], ["--version"]]
    )
    def test_options_that_only_look_succeed_and_leave_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        assert self.run(tmp_path, *arguments) == Exit.SUCCESS
        assert capsys.readouterr().out
        assert not (tmp_path / "runs").exists()

    @pytest.mark.parametrize("arguments", [["-k", "nothing-is-called-this"], ["--no-such-option"], ["-m", "("]])
    def test_what_selects_nothing_is_a_usage_error_and_leaves_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        assert self.run(tmp_path, *arguments) == Exit.USAGE
        assert "Traceback" not in capsys.readouterr().err
        assert not (tmp_path / "runs").exists()

    def test_a_selection_runs_and_ends_with_the_suites_own_lines(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = self.run(tmp_path, "-k", "HPA-001", "-v", "--durations=2", f"--junitxml={tmp_path / 'junit.xml'}")
        out = capsys.readouterr().out
        assert code == Exit.SUCCESS
        assert re.search(r"^HPA-001 +PASS +standard-cpu", out, re.MULTILINE)
        assert (tmp_path / "junit.xml").is_file()
        (folder,) = (tmp_path / "runs").iterdir() if not (tmp_path / "runs" / "index.sqlite").exists() else (
            path for path in (tmp_path / "runs").iterdir() if path.is_dir()
        )  # fmt: skip
        assert {"report.html", "report.yaml", "harness.log", "judgements.json"} <= {p.name for p in folder.iterdir()}

    def test_a_failure_is_exit_code_1(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ["--clock", "virtual", "--fault", "hpa-target-ignored", "--only", "HPA-001"]
        assert invoke(["run", *arguments, "--reports", str(tmp_path / "runs")]) == Exit.FAILURE
        assert "HPA-001  FAIL" in capsys.readouterr().out


def test_without_the_development_packages_the_self_tests_say_what_to_install(pytester: pytest.Pytester) -> None:
    assert absent(NEEDED) == []
    assert absent(("json", "no_such_module")) == ["no_such_module"]
    source = Path(sys.modules["tests.conftest"].__file__ or "").read_text("utf-8")
    pytester.makeconftest(
        source.replace('"lightkube"', '"no_such_module"').replace('pytest_plugins = ("pytester",)', "")
    )
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the self-tests need no_such_module*run `make test`*"])
