"""What goes wrong on the harness's own side is an ERROR or INCONCLUSIVE with its reason, never a FAIL."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.base.clock import RealClock, run_virtual, virtual_clock
from conformance.catalogue.scenario import scenarios
from conformance.judge import validity
from conformance.judge.history import build, read
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_run
from conformance.load.child import ChildGenerator
from conformance.load.generator import LoadSpec
from conformance.load.load_errors import LoadError
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.recording.facts import Fact
from conformance.recording.reader import Recording
from conformance.recording.rows import Row, RowError
from conformance.recording.run_bodies import ClockBody, EndBody, NoteBody, Outcome
from conformance.recording.writer import Header, Recorder
from conformance.run import deployment
from conformance.simulate.simulation import simulate_scenario

HEADER = Header("s", "r", 1, "real", 0.0, 0.0, "0", "embedded", {})


FULL = """
import resource, signal, sys
from pathlib import Path
from conformance.catalogue.scenario import scenarios
from conformance.simulate.simulation import simulate_scenario
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
print(simulate_scenario(scenarios()["target-concurrency"], Path(sys.argv[1])).scenarios[0])
"""


@pytest.mark.parametrize("limit", [60_000, 110_000], ids=["while-deploying", "under-load"])
def test_a_full_disk_is_our_error_and_what_was_written_stays_readable(tmp_path: Path, limit: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "run"), str(limit)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "outcome='error'" in done.stdout
    assert os.strerror(errno.EFBIG) in done.stdout
    facts = list(Recording(tmp_path / "run" / "recording" / "target-concurrency").facts())
    assert len(facts) > 10
    verdicts = {entry.requirement: entry.verdict for entry in judge_run(tmp_path / "run").judgements}
    # What the prefix shows beyond doubt, such as that it became ready, may pass.
    assert Verdict.FAIL not in verdicts.values()
    assert verdicts["CON-001"] in (Verdict.ERROR, Verdict.INCONCLUSIVE)


class SteppedClock(RealClock):
    """A wall clock that is put forward by an hour while monotonic time goes on."""

    step_seconds = 0.0

    def wall(self) -> float:
        return super().wall() + self.step_seconds


def test_a_stepped_wall_clock_moves_no_fact_and_is_seen_as_skew(tmp_path: Path) -> None:
    clock = SteppedClock()
    with Recorder(tmp_path / "r", replace(HEADER, origin_monotonic=clock.monotonic()), clock) as recorder:
        recorder.write(NoteBody("before"))
        clock.step_seconds = -3600.0
        recorder.write(ClockBody(3600.0, 0.01, "api-server Date"))
        recorder.write(EndBody(Outcome.COMPLETE))
    recording = Recording(tmp_path / "r")
    facts = list(recording.facts())
    assert [fact.t for fact in facts] == sorted(fact.t for fact in facts)
    assert facts[-1].t - facts[0].t < 1800
    found = {reason.code: reason for reason in validity.of(build(recording, tuple(facts), ()))}
    assert not found["CLOCK_SKEW_SECONDS"].ok


def test_a_skewed_recording_decides_nothing_that_needs_the_clock(tmp_path: Path) -> None:
    simulate_scenario(scenarios()["target-concurrency"], tmp_path)
    history = read(Recording(tmp_path / "recording" / "target-concurrency"))
    skew = Fact(history.facts[5].t, history.facts[5].wall, ClockBody(7.0, 0.01, "api-server Date"))
    skewed = build(history.recording, (*history.facts[:6], skew, *history.facts[6:]), history.loads)
    assert [reason.code for reason in validity.against(skewed, ["clock"])] == ["CLOCK_SKEW_SECONDS"]


async def test_a_name_that_does_not_resolve_is_a_failed_connection_or_a_word_to_the_user(tmp_path: Path) -> None:
    plan = LoadPlan(phases=(Phase(LoadShape.CONSTANT, 1.0, rate=5.0),), timeout_seconds=2.0)
    target = Target(url="http://nowhere.invalid/v1/models/x:predict", body=b"{}")
    async with asyncio.timeout(40):
        try:
            offered = await ChildGenerator("normal").offer(LoadSpec(plan, target, tmp_path, 0, RealClock().monotonic()))
        except Exception as error:  # noqa: BLE001 - which of our errors is the point
            assert "nowhere.invalid" in str(error)  # noqa: PT017
            return
    assert offered.answered == 0
    data = (tmp_path / "load-0.rows").read_bytes()
    assert {Row.unpack(data[at : at + 72]).error for at in range(0, len(data), 72)} == {RowError.CONNECT}


async def test_a_killed_load_generator_is_our_error_and_its_rows_stay(tmp_path: Path) -> None:
    plan = LoadPlan(phases=(Phase(LoadShape.CONSTANT, 30.0, rate=20.0),), timeout_seconds=2.0)
    target = Target(url="http://127.0.0.1:9/", body=b"{}")

    async def kill() -> None:
        rows = tmp_path / "load-0.jsonl"
        while not rows.is_file() or len(rows.read_bytes().splitlines()) < 3:
            await asyncio.sleep(0.1)
        for pid in children(os.getpid()):
            os.kill(pid, signal.SIGKILL)

    async with asyncio.timeout(40):
        async with asyncio.TaskGroup() as group:
            group.create_task(kill())
            with pytest.raises(LoadError, match="was killed by SIGKILL without a result"):
                await ChildGenerator("normal").offer(LoadSpec(plan, target, tmp_path, 0, RealClock().monotonic()))
    assert (tmp_path / "load-0.rows").is_file()


def children(parent: int) -> list[int]:
    """Load generators that a process started."""
    done = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True, timeout=20
    )
    rows = [line.split(None, 2) for line in done.stdout.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == parent and "child_main" in row[2]]


def test_a_namespace_that_stays_terminating_is_told_and_its_deletion_does_not_wait_for_ever() -> None:
    from tests.reliability.fuzz.api import SPACE, Scene

    async def main() -> tuple[bool, float]:
        scene = Scene()
        await scene.prepare("pods")  # its pod carries a finalizer, and no controller runs that would empty the space
        await scene.ask("DELETE", f"/api/v1/namespaces/{SPACE}")
        clock = virtual_clock()
        begun = clock.monotonic()
        return await deployment.gone(scene.api, SPACE, clock, within=30.0), clock.monotonic() - begun

    vanished, seconds = run_virtual(main())
    assert not vanished
    assert 30.0 <= seconds < 31.0
