"""A few hostile inputs for every reader, the same each time; `python -m tests.reliability.fuzz` tries many."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conformance.base.clock import run_virtual
from conformance.base.errors import UsageError
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_run
from conformance.kube.serving_runtimes import from_file
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.run_record import Run
from reports.bundle import opened
from tests.reliability.fuzz import api, stored
from tests.reliability.fuzz.corpus import CORPUS, READERS, replay
from tests.reliability.fuzz.mutation import JUNK, misshapen
from tests.reliability.fuzz.targets import TARGETS

EXAMPLES = 10
COSTLY = {"submission, verified": 3, "bundle": 5, "run and recording headers, judged": 5}
"""Where an example takes half a second and more, fewer."""
UNTOUCHED = hash(repr(JUNK))


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_is_refused_in_words(name: str) -> None:
    few = settings(
        max_examples=COSTLY.get(name, EXAMPLES), deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    def attempt(data: st.DataObject) -> None:
        TARGETS[name](data)

    few(given(st.data())(attempt))()


@settings(max_examples=200, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(misshapen({"a": {"b": [1]}}))
def test_spoiling_one_value_leaves_the_next_alone(value: object) -> None:
    # What the spoiler puts in must not be shared: a changed list would make the next example another than its replay.
    assert not any(value is one for one in JUNK if isinstance(one, list | dict))
    assert hash(repr(JUNK)) == UNTOUCHED


# Inputs that once broke something.


def test_a_header_nested_too_deep_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "recording.json").write_text("[" * 100_000)
    with pytest.raises(UnreadableRecordingError):
        Recording(tmp_path)


def test_a_fact_of_the_wrong_shape_makes_the_recording_unreadable_and_no_verdict() -> None:
    with stored.copied(stored.finished()) as folder:
        path = next((folder / "recording").glob("*/facts.jsonl"))
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[0] = json.dumps({"t": 0.0, "wall": 0.0, "kind": "pod", "body": {"name": "p", "containers": 1e308}})
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        verdicts = {entry.verdict.value for entry in judge_run(folder).judgements}
        assert verdicts <= {"INCONCLUSIVE", "SKIPPED", "NOT_APPLICABLE"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [("clock", {"skew_seconds": None}), ("gap", {"from": None, "to": 1.0}), ("harness", {"loop_lag_seconds": "x"})],
)
def test_a_fact_that_only_validity_reads_makes_the_recording_unreadable_too(kind: str, body: object) -> None:
    with stored.copied(stored.finished()) as folder:
        path = next((folder / "recording").glob("*/facts.jsonl"))
        lines = path.read_text(encoding="utf-8").splitlines()
        wrong = [json.dumps({"t": 0.0, "wall": 0.0, "kind": kind, "body": body})] * 3
        path.write_text("\n".join(wrong + lines) + "\n", encoding="utf-8")
        verdicts = {entry.verdict.value for entry in judge_run(folder).judgements}
        assert verdicts <= {"INCONCLUSIVE", "SKIPPED", "NOT_APPLICABLE"}


def test_a_profile_that_nobody_knows_is_refused_and_not_judged_to_nothing() -> None:
    with stored.copied(stored.finished()) as folder:
        value = json.loads((folder / "run.json").read_bytes())
        value["profiles"] = ["autoscaling-kpq"]
        (folder / "run.json").write_text(json.dumps(value))
        with pytest.raises(ValueError, match="no profile is called 'autoscaling-kpq'; known are serving-core"):
            judge_run(folder)


def test_a_time_beyond_a_float_makes_the_recording_unreadable() -> None:
    with stored.copied(stored.finished()) as folder:
        path = next((folder / "recording").glob("*/facts.jsonl"))
        path.write_text(json.dumps({"t": 10**400, "wall": 0.0, "kind": "note", "body": {}}) + "\n", encoding="utf-8")
        assert Verdict.PASS not in {entry.verdict for entry in judge_run(folder).judgements}


@pytest.mark.parametrize("place", ["../../outside", "/etc", "recording/../..", "recording/a/b", {}, None])
def test_a_run_names_no_recording_outside_its_folder(place: object) -> None:
    with stored.copied(stored.finished()) as folder:
        value = json.loads((folder / "run.json").read_bytes())
        value["scenarios"][0]["recording"] = place
        (folder / "run.json").write_text(json.dumps(value))
        with pytest.raises(ValueError, match="recording"):
            Run.read(folder)


def test_a_gzip_stream_broken_inside_is_no_bundle(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(bytes(range(256)) * 50))
    data[20:24] = b"\xff\xff\xff\xff"
    (tmp_path / "b.tar.gz").write_bytes(data)
    with pytest.raises(UsageError, match="bundle"), opened(tmp_path / "b.tar.gz"):
        pass


def test_a_runtime_without_a_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("kind: ServingRuntime\nmetadata: x\n")
    with pytest.raises(UsageError, match=r"metadata\.name"):
        from_file(tmp_path / "r.yaml")


def test_every_kind_can_be_listed_as_its_openapi_says() -> None:
    places = [path for method, path, _ in api.operations() if method == "GET" and "{name}" not in path]
    assert len(places) > 20

    async def main() -> None:
        scene = api.Scene()
        await scene.prepare()
        for path in places:
            answer = await scene.ask("GET", path.replace("{namespace}", api.SPACE))
            assert answer.status == 200, (path, answer)

    run_virtual(main())


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_worth_keeping_is_still_read_or_refused(path: Path) -> None:
    replay(path)


def test_every_reader_has_inputs_and_every_input_a_reader() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(READERS)
