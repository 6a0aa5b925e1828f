"""The generator as the suite uses it: an engine in processes of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from conformance.load.child import ChildGenerator, ChildProcess, processes_for
from conformance.load.generator import LoadProgress, LoadSpec
from conformance.load.load_errors import InvalidLoadError, LoadError
from conformance.load.load_job import LoadJob
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.realtime import has_timerfd
from conformance.load.row_writer import LoadPaths
from conformance.load.wakeup_policy import OWN_RATIO, SHARED_RATIO
from conformance.recording.rows import RowError
from tests.load.offering import one, read_outcome
from tests.load.server import serving

CLOSED = LoadPlan((Phase(LoadShape.CLOSED, 0.5, workers=2),))


def test_an_order_survives_the_pipe() -> None:
    target = Target("http://a/b", headers=(("x", "ü"),), body=bytes(range(256)), host="h", keep_alive=False)
    job = LoadJob(CLOSED, target, "/tmp/x", 2, 12.5, shard=1, shards=3, at=99.25, priority="normal")
    assert LoadJob.parse(job.line()) == job
    assert job.line().count(b"\n") == 1


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"nonsense", b'{"plan": 1, "target": {}}'])
def test_what_is_no_order_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, AttributeError)):
        LoadJob.parse(line)


def test_processes_follow_the_rate_and_end_at_the_cores() -> None:
    def plan(rate: float) -> LoadPlan:
        return LoadPlan((Phase(LoadShape.CONSTANT, 1.0, rate=rate),))

    assert [processes_for(plan(rate), 4) for rate in (50, 10_000, 10_001, 1e6)] == [1, 1, 2, 4]
    assert processes_for(LoadPlan((Phase(LoadShape.CLOSED, 1.0, workers=500),)), 4) == 1


@pytest.mark.smoke
async def test_rows_progress_and_result_come_back(tmp_path: Path) -> None:
    shown: list[LoadProgress] = []
    origin = time.monotonic() - 5.0
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CONSTANT, 1.2, rate=50),))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await ChildGenerator().offer(LoadSpec(plan, target, tmp_path / "new", 4, origin), shown.append)
    outcome = read_outcome(offered, LoadPaths.of(tmp_path / "new", 4))
    assert offered.answered == len(outcome.rows) == 60
    assert offered.start - origin == pytest.approx(outcome.lines[0]["plan"]["start"], abs=1e-5)
    assert all(row.scheduled >= 5.0 for row in outcome.rows)
    assert [round(now.seconds) for now in shown] == [1, 1]


@pytest.mark.smoke
@pytest.mark.skipif(not has_timerfd(), reason="Linux alone is paced this way")
@pytest.mark.parametrize("priority", ["normal", "realtime"])
async def test_waiting_awake_is_bounded_and_told_apart_from_work(tmp_path: Path, priority: str) -> None:
    async with serving() as seen:
        load = LoadSpec(
            LoadPlan((Phase(LoadShape.CONSTANT, 2.2, rate=50),)),
            Target(f"http://127.0.0.1:{seen.port}/ok"),
            tmp_path,
            1,
            0.0,
        )
        await ChildGenerator(priority).offer(load)
    lines = read_outcome(None, LoadPaths.of(tmp_path, 1)).lines
    granted = lines[0]["engine"]["priority"]
    ratio = OWN_RATIO if granted == "realtime" else SHARED_RATIO
    shares = [line["vigil_share"] for line in lines if "t" in line]
    assert len(shares) >= 2
    # On shared cores it need not wait awake at all where wake-ups come in time.
    assert max(shares) <= ratio / (1 + ratio)
    assert granted != "realtime" or max(shares) > 0.0


@pytest.mark.smoke
async def test_cancelling_keeps_what_was_sent(tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CLOSED, 60.0, workers=2),))
        target = Target(f"http://127.0.0.1:{seen.port}/delay/0.01")
        load = asyncio.create_task(ChildGenerator().offer(LoadSpec(plan, target, tmp_path, 1, time.monotonic())))
        await seen.requests(15)
        load.cancel()
        with pytest.raises(asyncio.CancelledError):
            await load
    outcome = read_outcome(None, LoadPaths.of(tmp_path, 1))
    assert sum(row.status == 200 for row in outcome.rows) > 10
    assert sum(row.error is RowError.CUT for row in outcome.rows) <= 2
    assert outcome.lines[-1]["summary"]["stopped"] is True


@pytest.mark.smoke
async def test_several_processes_are_one_load(tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CONSTANT, 1.0, rate=100), Phase(LoadShape.CLOSED, 0.3, workers=4)))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await ChildGenerator(processes=2).offer(LoadSpec(plan, target, tmp_path, 1, time.monotonic()))
    outcome = read_outcome(offered, LoadPaths.of(tmp_path, 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["load-1.jsonl", "load-1.names", "load-1.rows"]
    assert len(outcome.rows) == offered.answered == outcome.lines[-1]["summary"]["answered"]
    ends = [row.end for row in outcome.rows]
    assert ends == sorted(ends)
    start = outcome.lines[0]["plan"]["start"]
    due = sorted(row.scheduled - start for row in outcome.rows if row.phase == 0)
    assert due == pytest.approx([number / 100 for number in range(100)], abs=1e-5)
    assert {row.worker for row in outcome.rows if row.phase == 1} == {0, 1, 2, 3}
    assert len({row.request for row in outcome.rows}) == len(outcome.rows)
    assert outcome.lines[0]["engine"]["shards"] == 2


@pytest.mark.smoke
async def test_running_out_of_open_files_drops_arrivals_and_says_so(tmp_path: Path) -> None:
    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.BURST, 0.2, count=100),))
        target = Target(f"http://127.0.0.1:{seen.port}/delay/0.5")
        job = LoadJob(plan, target, str(tmp_path), 1, time.monotonic())
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", f'ulimit -n 90; exec "{sys.executable}" -m conformance.load.child_main',
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write(job.line())
        out = await process.stdout.read()
        await process.wait()
    offered = json.loads(out.splitlines()[-1])["offered"]
    assert offered["sent"] + offered["dropped"] == 100
    assert offered["dropped"] > 0
    assert offered["answered"] == offered["sent"]
    outcome = read_outcome(None, LoadPaths.of(tmp_path, 1))
    assert outcome.lines[-1]["summary"]["cap_hits"] == offered["dropped"]


@pytest.mark.smoke
@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
async def test_a_child_that_dies_is_our_fault_and_leaves_its_rows(tmp_path: Path) -> None:
    def kill_children(_: LoadProgress) -> None:
        for number in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(number), 9)

    async with serving() as seen:
        plan = LoadPlan((Phase(LoadShape.CONSTANT, 30.0, rate=50),))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        job = LoadJob(plan, target, str(tmp_path), 1, time.monotonic())

        with pytest.raises(LoadError, match="its rows so far are on disk"):
            await ChildProcess(job, kill_children).run()
    assert len((tmp_path / "load-1.rows").read_bytes()) >= 40 * 72


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target("ftp://a/"), "not an http"),
        (Target("http://a:99999/"), "Port out of range"),
        (Target("http://[::1"), "Invalid IPv6 URL"),
        (Target("http://a/", headers=(("x", "a\r\nb"),)), "cannot be sent"),
    ],
)
async def test_a_target_that_cannot_be_used_is_the_users_error(tmp_path: Path, target: Target, words: str) -> None:
    with pytest.raises(InvalidLoadError, match=words):
        await ChildGenerator().offer(LoadSpec(one(), target, tmp_path, 1, time.monotonic()))
