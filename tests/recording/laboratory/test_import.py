"""Raw laboratory recordings become recordings of the suite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.base.errors import UsageError
from conformance.cli.import_command import command
from conformance.judge.history import History, read
from conformance.recording.laboratory import load_commands
from conformance.recording.laboratory.conversion import convert
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run

RAW = Path(__file__).parents[3] / "fixtures" / "recordings" / "raw"


def imported(name: str, place: Path) -> History:
    convert(RAW / name, place)
    return read(Recording(place / "recording" / name))


def test_one_folder_becomes_a_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(RAW / "s5one-run1"), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    run = Run.read(tmp_path / "run")
    assert [entry.name for entry in run.scenarios] == ["s5one-run1"]
    assert run.scenarios[0].outcome == "complete"


def test_a_folder_of_folders_becomes_one_run(tmp_path: Path) -> None:
    for name in ("s5one-run1", "a7slow-run1"):
        shutil.copytree(RAW / name, tmp_path / "raw" / name)
    convert(tmp_path / "raw", tmp_path / "run")
    assert len(Run.read(tmp_path / "run").scenarios) == 2


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    convert(RAW / "s5one-run1", tmp_path / "a")
    convert(RAW / "s5one-run1", tmp_path / "b")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert files
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_callers_of_a_load_without_a_client_file_are_rebuilt(tmp_path: Path) -> None:
    history = imported("s1-run1", tmp_path / "run")
    rows = history.loads[0].rows
    inside = (rows["end"] - rows["sent"]).sum() / 30.0
    assert 4.9 < inside < 5.1
    (load,) = Recording(tmp_path / "run" / "recording" / "s1-run1").loads()
    assert len({row.worker for row in load.rows()}) == 5


def test_rows_carry_the_models_own_time(tmp_path: Path) -> None:
    history = imported("a1gpu-run1", tmp_path / "run")
    rows = history.loads[0].rows
    assert (rows["model_seconds"] > 0.09).all()
    assert (rows["model_seconds"] <= rows["end"] - rows["sent"] + 1e-6).all()


def test_a_rollout_has_two_revisions_with_their_own_targets(tmp_path: Path) -> None:
    history = imported("a6rollout-run1", tmp_path / "run")
    assert [each.annotations["target"] for each in history.revisions.values()] == ["1", "2"]


def test_pods_without_accelerator_are_unschedulable(tmp_path: Path) -> None:
    history = imported("a1gpu-run1", tmp_path / "run")
    assert sum(bool(pod.unschedulable) and pod.first_ready == float("inf") for pod in history.pods.values()) == 6


def test_a_folder_without_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no raw recording in it"):
        convert(tmp_path, tmp_path / "run")


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "x").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match=r"not empty"):
        convert(RAW / "s5one-run1", tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "phases"),
    [
        ("hey -z 30s -c 5 -m POST x", [{"shape": "closed", "workers": 5, "seconds": 30.0}]),
        ("hey -z 30s -q 50 x", [{"shape": "salvo", "workers": 50, "rate_per_worker": 50.0, "seconds": 30.0}]),
        ("bin/loadgen -steps c=1:40s,c=20:1m ", [
            {"shape": "closed", "workers": 1, "seconds": 40.0}, {"shape": "closed", "workers": 20, "seconds": 60.0}]),
        ("bin/loadgen2 -rps 40 -poisson -z 120s ", [{"shape": "poisson", "rate": 40.0, "seconds": 120.0}]),
        ("bin/loadgen -n 5 ", [{"shape": "closed", "workers": 1, "seconds": 0.0, "count": 5}]),
    ],
)  # fmt: skip
def test_load_commands_are_understood(text: str, phases: list[dict[str, object]]) -> None:
    assert load_commands.phases(text) == phases


def test_a_pause_is_no_load() -> None:
    assert load_commands.phases("sleep 125") is None
