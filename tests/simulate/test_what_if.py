"""`conformance simulate`: what a service would do, before it is rolled out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.base.errors import Exit, UsageError
from conformance.base.locations import ROOT
from conformance.catalogue.own_manifest import OwnManifest
from conformance.cli.entry import invoke
from conformance.load.load_plan import LoadShape
from conformance.simulate.accuracy import compared, summary
from conformance.simulate.like import like
from conformance.simulate.objectives import objectives
from conformance.simulate.variations import cases
from tests.cli.own_services import IRIS, LANGUAGE_MODEL, PAIR, written
from tests.judge.conftest import good_run  # noqa: F401  a fixture


def simulated(folder: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str) -> tuple[int, list[Any]]:
    """Exit code and cases."""
    code = invoke(["simulate", written(folder, text), "--json", "-z", "15s", *options])
    return code, json.loads(capsys.readouterr().out)["cases"]


def test_each_choice_of_settings_is_a_case_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "courses.svg"
    code, found = simulated(tmp_path, capsys, IRIS, "-c", "4", "--vary", "scaleTarget=2,8", "--plot", str(picture))
    assert code == Exit.SUCCESS
    two, eight = found
    assert [case["settings"] for case in found] == [{"scaleTarget": "2"}, {"scaleTarget": "8"}]
    assert (two["peak_pods"], eight["peak_pods"]) == (3, 1)
    assert two["pod_minutes"] > eight["pod_minutes"] > 0
    assert two["errors"] == eight["errors"] == two["cold_starts"] == 0
    assert two["p50_seconds"] == pytest.approx(0.1, abs=0.01)
    assert two["course"][0][0] == 0
    assert max(ready for _, _, ready in two["course"]) == 3
    assert max(wanted for _, wanted, _ in two["course"]) == 3
    assert two["meets_slo"] is None
    assert picture.read_text().count("pods at most") == 2


def test_the_same_seed_tells_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = simulated(tmp_path, capsys, IRIS, "-rate", "20", "-poisson", "--seed", "7")
    assert simulated(tmp_path, capsys, IRIS, "-rate", "20", "-poisson", "--seed", "7") == first


def test_callers_meet_a_cold_start_from_zero_and_the_fewest_pod_minutes_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--vary", "minReplicas=0,1", "--slo", "p99<1s,errors<0.1%,cold<1", "-z", "15s", "-c", "2"]
    assert invoke(["simulate", written(tmp_path, LANGUAGE_MODEL), *arguments]) == Exit.SUCCESS
    lines = capsys.readouterr().out.splitlines()
    head = next(line.split() for line in lines if line.startswith("minReplicas"))
    assert head[:6] == ["minReplicas", "pods", "pod", "min", "gpu", "min"]
    zero, one = (line.split() for line in lines if line.strip().startswith(("0 ", "1 ")))
    assert (zero[-2], zero[-1]) == ("2", "missed")
    assert (one[-2], one[-1]) == ("0", "met")
    assert lines[-1].startswith("meets p99<1s,errors<0.1%,cold<1 with the fewest pod minutes: minReplicas=1 (")


def test_settings_that_never_are_good_enough_end_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = simulated(tmp_path, capsys, IRIS, "--slo", "p50<10ms", "--service-ms", "50")
    assert code == Exit.FAILURE
    assert found[0]["meets_slo"] is False


def test_keys_of_config_autoscaler_and_of_a_component_vary_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    varied = ("--vary", "transformer.scaleTarget=1", "--vary", "container-concurrency-target-percentage=100")
    _, ((case),) = simulated(tmp_path, capsys, PAIR, *varied, "-c", "3")
    # 3 in flight over 1, and over 2.
    assert case["peak_pods"] == 3 + 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vary", "scaleTargt=1"], "--vary scaleTargt: no such setting; did you mean 'scaleTarget'?"),
        (["--vary", "scaleTarget"], "--vary scaleTarget: KEY=A,B is wanted"),
        (["--vary", "transformer.scaleTarget=1"], "--vary transformer.scaleTarget: iris has no transformer"),
        (["--vary", "service-ms=slow"], "--vary service-ms=slow: a number is wanted"),
        (["--vary", "stable-window=1s"], "stable-window=1s: "),
        (["--vary", "scaleMetric=cpu"], "scaleMetric=cpu: REFUSED: "),
        (["--slo", "p99<2"], "--slo p99<2: a percentile up to 100 and a time in s or ms are wanted"),
        (["--slo", "latency<2s"], "--slo latency: no such figure"),
        (["--slo", "p99=2s"], "--slo 'p99=2s': FIGURE<LIMIT is wanted"),
        (["--like", "nowhere"], "--like nowhere: "),
        (["--plot", "nowhere/a.svg"], "--plot nowhere/a.svg: "),
    ],
)
def test_what_the_user_can_correct_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert invoke(["simulate", written(tmp_path, IRIS), "-z", "5s", *options]) == Exit.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {words}")


def test_cases_are_all_combinations_up_to_a_hundred() -> None:
    assert [str(case) for case in cases(["scaleTarget=1,2", "minReplicas=0,1"])] == [
        "scaleTarget=1 minReplicas=0", "scaleTarget=1 minReplicas=1",
        "scaleTarget=2 minReplicas=0", "scaleTarget=2 minReplicas=1",
    ]  # fmt: skip
    assert [str(case) for case in cases([])] == ["as it is"]
    with pytest.raises(UsageError, match="121 cases"):
        cases([f"scaleTarget={','.join(map(str, range(11)))}", f"maxReplicas={','.join(map(str, range(11)))}"])


def test_annotations_vary_by_their_names() -> None:
    (case,) = cases(["autoscaling.knative.dev/window=30s"])
    changed = case.manifest(OwnManifest.parse(IRIS.encode(), ""))
    assert changed.service["metadata"]["annotations"] == {"autoscaling.knative.dev/window": "30s"}


def test_objectives_are_read_with_their_units() -> None:
    found = objectives("p99<2s, p50<=300ms,errors<0.1%,pods<=4")
    assert [(each.name, each.limit, each.strict) for each in found] == [
        ("p99", 2.0, True), ("p50", 0.3, False), ("errors", 0.001, True), ("pods", 4.0, False),
    ]  # fmt: skip


def test_a_recording_of_a_real_platform_can_be_simulated(good_run: Path) -> None:  # noqa: F811
    folder = good_run / "recording" / "s5z-run1"
    what = like(folder)
    assert [phase.shape for phase in what.plan.phases] == [LoadShape.IDLE, LoadShape.CLOSED]
    assert what.service_ms == pytest.approx(100, abs=5)
    assert what.manifest.spec["predictor"]["minReplicas"] == 0
    found = compared(folder)
    assert found is not None
    assert abs(found.peak_pods[0] - found.peak_pods[1]) <= 1
    assert abs(found.deviation) < 0.25


def test_the_page_says_what_the_comparison_with_real_platforms_says(good_run: Path) -> None:  # noqa: F811
    page = (ROOT / "docs" / "simulate.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    # Of all recordings only the small ones are simulated again.
    for name in ("a7slow", "s5one"):
        again = compared(good_run / "recording" / f"{name}-run1")
        assert again is not None
        assert again.row() in rows, "run `python -m conformance.simulate.accuracy` and mend docs/simulate.md"
    assert compared(good_run / "recording" / "a6rollout-run1") is None
    assert summary([row for row in rows if not row.startswith("| recording ")]) in page
