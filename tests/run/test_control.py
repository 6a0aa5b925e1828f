"""A run that is steered: what is left out, where it stops, what it leaves for its user to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import Exit, UsageError
from conformance.cli.entry import invoke
from conformance.judge.results import result_line
from conformance.kube.resources import NAMESPACES
from conformance.kube.verbs import get
from conformance.recording.run_record import Run, ScenarioRun
from conformance.run import deployment
from conformance.run.control import Control
from conformance.run.plan import make_plan
from conformance.settings.settings import Settings, load


def test_what_is_skipped_is_neither_judged_nor_run() -> None:
    plan = make_plan(Settings(skip=("PAN", "CON-00*", "rollout")))
    whole = make_plan(Settings())
    gone = {entry.id for entry in whole.requirements} - {entry.id for entry in plan.requirements}
    assert gone == {
        entry.id
        for entry in whole.requirements
        if entry.area == "PAN" or entry.id.startswith("CON-00") or entry.scenario == "rollout"
    }
    assert "rollout" not in {entry.name for entry in plan.scenarios}


def test_a_misspelt_skip_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="nothing is called 'PAM'; did you mean 'PAN'"):
        make_plan(Settings(skip=("PAM",)))


def test_the_first_failure_ends_a_run_and_the_rest_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--clock", "virtual", "--only", "HPA-001,CON-002", "--fault", "hpa-target-ignored"]
    code = invoke(["run", *arguments, "--fail-fast", "--only-failures", "--reports", str(tmp_path)])
    assert code == Exit.FAILURE
    told = capsys.readouterr()
    assert "standard-cpu: FAIL HPA-001" in told.err
    lines = told.out.splitlines()
    assert lines[-1] == "result  failure (exit code 1)"
    assert any(line.startswith("2 requirements: 1 FAIL, 1 INCONCLUSIVE; ") for line in lines)
    (folder,) = (path.parent for path in tmp_path.glob("*/run.json"))
    cut = next(entry for entry in Run.read(folder).scenarios if entry.name == "target-concurrency")
    assert cut.reason in ("stopped by --fail-fast: standard-cpu: FAIL HPA-001", "the run was interrupted")


def test_only_failures_leaves_out_what_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--clock", "virtual", "--only", "HPA-001", "--only-failures", "--reports", str(tmp_path)]
    assert invoke(["run", *arguments]) == Exit.SUCCESS
    out = capsys.readouterr().out
    assert "HPA-001" not in out
    assert "1 requirement: 1 PASS; " in out
    assert out.splitlines()[-1] == "result  success (exit code 0)"


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_has_words(code: Exit) -> None:
    assert result_line(code).endswith(f" (exit code {int(code)})")


@pytest.mark.parametrize(
    ("choice", "failed", "kept"),
    [("never", "x", False), ("on-failure", "x", True), ("on-failure", "", False), ("always", "", True)],
)
def test_a_namespace_is_kept_as_it_was_asked_for(choice: str, failed: str, kept: bool) -> None:
    control = Control(keep_namespaces=choice)
    assert control.keeps(failed) is kept
    assert control.asks is (choice == "on-failure")


def test_a_kept_namespace_survives_the_next_run() -> None:
    """What a run leaves behind is swept away by the next one, unless its user wanted it."""

    async def story() -> tuple[tuple[str, ...], object]:
        clock = virtual_clock()
        async with EmbeddedProvider(clock=clock).open() as cluster:
            for name in ("cf-1-kept", "cf-1-left"):
                await deployment.make_namespace(cluster.api, name, "run-1", clock.wall() - 1)
            assert await deployment.keep(cluster.api, "cf-1-kept", "run-1")
            assert not await deployment.keep(cluster.api, "default", "run-1")
            swept = await deployment.sweep(cluster.api, clock.wall())
            return swept, await get(cluster.api, NAMESPACES, None, "cf-1-kept")

    swept, found = run_virtual(story())
    assert swept == ("cf-1-left",)
    assert found is not None


def test_flags_are_settings_like_all_others() -> None:
    found = load(flags={"fail_fast": True, "keep_namespaces": "on-failure", "skip": ("PAN",)})
    assert (found.fail_fast, found.keep_namespaces, found.skip) == (True, "on-failure", ("PAN",))
    with pytest.raises(UsageError, match="did you mean 'on-failure'"):
        load(flags={"keep_namespaces": "on-failur"})


async def test_without_questions_nothing_is_judged_early() -> None:
    assert await Control().failures(ScenarioRun("a", "complete", "", 0.0, 1.0, "")) == ()
