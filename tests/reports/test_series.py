"""A run's curves for one's own dashboards."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from conformance.base.errors import Exit
from conformance.base.locations import ROOT
from conformance.cli.entry import invoke
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judging import judge_run
from reports.series import HELP, openmetrics, samples, table
from tests.cli.own_services import IRIS, written

NAME = re.compile(r"conformance_([a-z_]+)")
LINE = re.compile(r"conformance_([a-z_]+)\{([^}]*)\} (\S+) ([0-9]+\.[0-9]{3})")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> JudgedRun:
    folder = tmp_path_factory.mktemp("series")
    arguments = ["-z", "12s", "-c", "4", "--clock", "virtual", "--reports", str(folder / "runs")]
    assert invoke(["try", written(folder, IRIS), *arguments]) == Exit.INCONCLUSIVE
    (found,) = (folder / "runs").glob("*/run.json")
    return judge_run(found.parent)


def test_openmetrics_has_every_metric_once_and_ends_as_it_should(judged: JudgedRun) -> None:
    lines = list(openmetrics(samples(judged)))
    assert [line.split()[2] for line in lines if line.startswith("# TYPE")] == [f"conformance_{name}" for name in HELP]
    assert lines[-1] == "# EOF"
    found = [match.groups() for line in lines if (match := LINE.fullmatch(line))]
    assert len(found) == len([line for line in lines if not line.startswith("#")])
    pods = [float(value) for metric, _, value, _ in found if metric == "pods_ready"]
    assert max(pods) == 3
    labels = {labels for metric, labels, _, _ in found if metric == "pods_ready"}
    assert labels == {f'run="{judged.run.id}",scenario="own-iris",component="predictor"'}


def test_times_are_those_of_the_wall_and_go_forward(judged: JudgedRun) -> None:
    before: dict[tuple[object, ...], float] = {}
    for sample in samples(judged):
        key = (sample.metric, sample.labels)
        assert sample.wall > before.get(key, 0.0)
        before[key] = sample.wall
        assert judged.run.started_wall - 1 < sample.wall < judged.run.finished_wall + 1


def test_the_table_holds_the_same_samples(judged: JudgedRun) -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(table(samples(judged))))))
    assert len(rows) == sum(1 for _ in samples(judged))
    latest = [row for row in rows if row["metric"] == "latency_seconds" and row["quantile"] == "0.99"]
    assert latest
    assert all(0.09 < float(row["value"]) < 1 for row in latest)


def test_the_command_writes_a_file(judged: JudgedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "series.csv"
    assert invoke(["export", "series", str(judged.folder), "--format", "csv", "--out", str(place)]) == Exit.SUCCESS
    assert place.read_text("utf-8").startswith("time,metric,run,scenario,component,quantile,value\n")
    assert capsys.readouterr().out == f"{place}\n"
    assert invoke(["export", "series", str(judged.folder), "--out", str(tmp_path / "a" / "b")]) == Exit.USAGE


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    text = (ROOT / "docs" / "grafana-dashboard.json").read_text("utf-8")
    board = json.loads(text)
    shown = {name for panel in board["panels"] for query in panel["targets"] for name in NAME.findall(query["expr"])}
    assert shown == set(HELP)
    assert set(NAME.findall(text)) <= set(HELP)
    used = set(re.findall(r"\$\{?([a-z]+)", text))
    assert used == {variable["name"] for variable in board["templating"]["list"]}
