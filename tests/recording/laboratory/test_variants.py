"""Recordings that lack files or fields: read for what they hold, or refused with the place of what is wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from conformance.base.errors import UsageError
from conformance.cli.import_command import command
from conformance.judge.expectations import parameters
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, read
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_run
from conformance.recording.laboratory import load_commands, raw_arrivals
from conformance.recording.laboratory.conversion import convert
from conformance.recording.reader import Recording
from tests.judge.shaping import look
from tests.recording.laboratory.raw import APPLIED, Loop, Pod, Raw

HONEST = Raw(
    {"target": "2", "min-scale": "1"},
    pods=[Pod(0.5, 3.0)],
    desired=[(0.6, -1), (3.0, 1)],
    loads=[Loop(80.0, 20.0, 1)],
    end=200.0,
)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A small honest recording."""
    return HONEST.write(tmp_path / "raw" / "made-run1")


def history_of(raw: Path) -> History:
    place = raw.parent.parent / "run"
    convert(raw, place)
    return read(Recording(next((place / "recording").iterdir())))


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def configure(raw: Path, **changes: Any) -> None:
    config = json.loads((raw / "config.json").read_text(encoding="utf-8"))
    (raw / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")


def refusal(raw: Path) -> str:
    with pytest.raises(UsageError) as caught:
        convert(raw, raw.parent.parent / "run")
    return str(caught.value)


def test_everything_may_be_gzipped(raw: Path, tmp_path: Path) -> None:
    plain = history_of(raw)
    packed = tmp_path / "packed" / "raw" / "made-run1"
    packed.mkdir(parents=True)
    for path in raw.iterdir():
        (packed / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    again = history_of(packed)
    assert [fact.body for fact in again.facts] == [fact.body for fact in plain.facts]
    assert np.array_equal(again.loads[0].rows, plain.loads[0].rows)


def test_without_its_manifest_a_service_is_judged_by_what_the_configuration_tells(raw: Path) -> None:
    (raw / "manifest.yaml").unlink()
    history = history_of(raw)
    settings = parameters(history, next(iter(history.revisions.values())))
    assert (settings.min_scale, settings.total_value) == (1, 2.0)


def test_a_recording_of_which_nothing_tells_what_was_asked_is_refused(raw: Path) -> None:
    (raw / "manifest.yaml").unlink()
    configure(raw, annotations=None)
    assert "manifest.yaml: not there" in refusal(raw)


def test_without_the_models_file_the_clients_rows_stand_alone(raw: Path) -> None:
    (raw / "modelreq.csv").unlink()
    assert (history_of(raw).loads[0].rows["model_seconds"] == 0).all()


def test_a_load_of_which_neither_side_was_recorded_is_refused(raw: Path) -> None:
    (raw / "modelreq.csv").unlink()
    (raw / "requests.csv").unlink()
    assert "what was offered is not known" in refusal(raw)


@pytest.mark.parametrize("name", ["pa.jsonl", "pods.jsonl", "autoscaler.jsonl", "modelreq.csv"])
def test_a_missing_file_accuses_nobody(raw: Path, name: str) -> None:
    (raw / name).unlink()
    convert(raw, raw.parent.parent / "run")
    verdicts = {entry.verdict for entry in judge_run(raw.parent.parent / "run").judgements}
    assert Verdict.FAIL not in verdicts
    assert Verdict.ERROR not in verdicts


def test_a_recording_that_broke_off_is_inconclusive(raw: Path) -> None:
    config = json.loads((raw / "config.json").read_text(encoding="utf-8"))
    configure(raw, events=[event for event in config["events"] if event["ev"] not in ("end", "load-end")])
    edit(raw / "pods.jsonl", lambda text: text[:-20])
    edit(raw / "requests.csv", lambda text: text[:-45])
    convert(raw, raw.parent.parent / "run")
    found = judge_run(raw.parent.parent / "run").judgements
    assert Verdict.PASS not in {entry.verdict for entry in found}
    codes = {reason.code for entry in found for reason in entry.reasons if not reason.ok}
    assert codes == {"RECORDING_INTERRUPTED"}


@pytest.mark.parametrize(
    ("name", "change", "place"),
    [
        ("config.json", lambda text: text[:-3], "config.json: not JSON"),
        ("config.json", lambda text: text.replace('"apply"', '"applied"'), "no event 'apply'"),
        ("config.json", lambda text: text.replace(f'"t": {APPLIED}', '"t": "noon"'), "'noon'"),
        ("config.json", lambda text: text.replace('"configAutoscaler": {}', '"configAutoscaler": "60s"'), "an object"),
        ("manifest.yaml", lambda text: text + "\n  - : [", "manifest.yaml: not YAML"),
        ("manifest.yaml", lambda text: text.replace("kind: Service", "kind: Pod"), "no Knative Service"),
        ("pods.jsonl", lambda text: "{\n" + text, "pods.jsonl: line 1 is not JSON"),
        ("pods.jsonl", lambda text: text.replace('"t": ', '"t": "x', 1).replace(', "ev"', '", "ev"', 1), "line 1"),
        ("requests.csv", lambda text: text.replace("latency_ms", "latency"), "no column 'latency_ms'"),
        ("requests.csv", lambda text: text.replace(",100.000,200", ",soon,200", 1), "row 1: latency_ms is 'soon'"),
        ("pa.jsonl", lambda text: text.replace('"desired": 1', '"desired": "one"'), "line 2: desired: 'one'"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_form_is_refused_with_its_place(
    raw: Path, name: str, change: Callable[[str], str], place: str
) -> None:
    edit(raw / name, change)
    assert place in refusal(raw)


def test_a_torn_archive_is_refused(raw: Path) -> None:
    path = raw / "pods.jsonl"
    (raw / "pods.jsonl.gz").write_bytes(gzip.compress(path.read_bytes())[:-30])
    path.unlink()
    assert "cannot be unpacked" in refusal(raw)


def test_a_second_manifest_needs_the_time_of_its_coming(raw: Path) -> None:
    (raw / "manifest2.yaml").write_bytes((raw / "manifest.yaml").read_bytes())
    assert "update.t: '' is not the time" in refusal(raw)


def test_a_refusal_is_told_on_the_command_line(raw: Path, tmp_path: Path) -> None:
    (raw / "config.json").unlink()
    result = CliRunner().invoke(command, [str(raw), "--out", str(tmp_path / "run")])
    assert isinstance(result.exception, UsageError)
    assert "no raw recording in it" in str(result.exception)


def test_unknown_fields_columns_and_lines_are_passed_over(raw: Path) -> None:
    configure(raw, colour="blue")
    edit(raw / "pa.jsonl", lambda text: text + json.dumps({"t": APPLIED + 4, "kind": "Route"}) + "\n")
    edit(raw / "requests.csv", lambda text: text.replace("err\n", "err,colour\n"))
    assert len(history_of(raw).loads[0].rows) > 100


def test_callers_are_rebuilt_step_by_step_without_the_clients_file() -> None:
    plan = load_commands.phases("bin/loadgen -steps c=1:10s,c=3:10s -o x")
    assert plan is not None
    model = [raw_arrivals.Served(100.0 + 0.1 * n, "p", 1, 0.098) for n in range(100)]
    model += [raw_arrivals.Served(110.0 + 0.1 * n + 0.001 * w, "p", 1, 0.095) for n in range(100) for w in range(3)]
    rows, _ = raw_arrivals.rebuilt(plan, model, 100.0)
    waits = [row.end - row.sent for row in rows]
    assert max(waits) < 0.2
    assert sum(waits) == pytest.approx(40.0, rel=0.05)


def test_arrivals_at_a_rate_are_rebuilt_one_by_one() -> None:
    plan = load_commands.phases("bin/loadgen -rps 2 -z 10s -o x")
    assert plan is not None
    rows, _ = raw_arrivals.rebuilt(plan, [raw_arrivals.Served(100.0 + n, "p", 1, 0.1) for n in range(10)], 100.0)
    assert max(row.end - row.sent for row in rows) < 0.15


@pytest.mark.parametrize("text", ["sleep 3; bin/loadgen -n 5 -o x", "( sleep 20; kubectl apply ) & hey -z 9s -c 2 x"])
def test_a_pause_before_a_load_is_a_load(text: str) -> None:
    assert load_commands.phases(text) is not None


def test_a_request_beside_the_load_is_no_duplicate(raw: Path) -> None:
    stray = f"{APPLIED + 60:.6f},flowers-predictor-00001-deployment-5f7d9c-00000,req,1,5.0\n"
    edit(raw / "modelreq.csv", lambda text: text + stray)
    history = history_of(raw)
    assert look("not-duplicated", history).verdict is Verdict.PASS


def test_a_request_that_the_model_saw_twice_is_seen(raw: Path) -> None:
    edit(raw / "modelreq.csv", lambda text: text + text.splitlines()[5] + "\n")
    assert look("not-duplicated", history_of(raw)).verdict is Verdict.FAIL


def changed(raw: Path, change: Callable[[str], str]) -> History:
    """A second manifest is applied while the load goes on; nothing comes of it."""
    text = (raw / "manifest.yaml").read_text(encoding="utf-8")
    (raw / "manifest2.yaml").write_text(change(text), encoding="utf-8")
    (raw / "update.t").write_text(f"{APPLIED + 85}\n", encoding="utf-8")
    return history_of(raw)


def test_a_change_of_which_no_revision_comes_is_seen(raw: Path) -> None:
    history = changed(raw, lambda text: text.replace('target: "2"', 'target: "3"'))
    assert look("new-revision-serves", history).verdict is Verdict.FAIL


def test_the_same_manifest_again_makes_no_revision(raw: Path) -> None:
    with pytest.raises(NotShownError):
        look("new-revision-serves", changed(raw, lambda text: text))
