"""Loads from inside the cluster: the Job, its shards as plain processes behind a door, and what can go wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.api.protocol import Answer
from conformance.clock import RealClock
from conformance.errors import HarnessError, PlatformError, SubmissionError
from conformance.load.generator import Progress
from conformance.load.health import examine
from conformance.load.incluster import InClusterGenerator
from conformance.load.indexed_job import Sharding, job, secret
from conformance.load.order import Order
from conformance.load.plan import Phase, Plan, Shape, Target
from conformance.load.tape import Paths
from tests.load.offering import read_outcome
from tests.load.server import serving

PLAN = Plan((Phase(Shape.CONSTANT, 1.0, rate=100),), drain_seconds=1.0)


class ProcessDoor:
    """A cluster of one node: Secrets are files, an Indexed Job's pods are processes, logs are their output."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] | None = None, broken: tuple[int, ...] = ()
    ) -> None:
        self.folder = folder
        self.objects: dict[str, Any] = {}
        self.deleted: list[str] = []
        self.pods: dict[str, asyncio.subprocess.Process] = {}
        self._environment = dict(environment or {})
        self._broken = broken

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        kind = path.rsplit("/", 1)[-1]
        if method == "GET":
            assert query is not None
            assert kind == "pods"
            return self._answer({"items": [self._pod(name) for name in self.pods]})
        value = json.loads(body or b"{}")
        if method == "DELETE":
            self.deleted.append(path.split("/")[-2])
            for process in self.pods.values():
                if process.returncode is None:
                    process.kill()
            return self._answer({})
        self.objects[kind] = value
        if kind == "secrets":
            (self.folder / "order.json").write_bytes(base64.b64decode(value["data"]["order.json"]))
        else:
            for number in range(value["spec"]["completions"]):
                await self._start(value, number)
        return self._answer(value)

    async def _start(self, value: dict[str, Any], number: int) -> None:
        (container,) = value["spec"]["template"]["spec"]["containers"]
        own = {entry["name"]: entry["value"] for entry in container["env"]}
        command = [sys.executable, *container["command"][1:-1], str(self.folder / "order.json")]
        if number in self._broken:
            command = [sys.executable, "-c", "print('Traceback: something else'); raise SystemExit(1)"]
        self.pods[f"pod-{number}"] = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **own, **self._environment, "JOB_COMPLETION_INDEX": str(number)},
        )

    @staticmethod
    def _answer(value: dict[str, Any]) -> Answer:
        return Answer(200, {}, json.dumps(value).encode())

    @staticmethod
    def _pod(name: str) -> dict[str, Any]:
        number = name.rpartition("-")[2]
        annotations = {"batch.kubernetes.io/job-completion-index": number}
        return {"metadata": {"name": name, "annotations": annotations}, "status": {"phase": "Running"}}

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        assert query == {"follow": "true", "container": "load"}
        stdout = self.pods[path.split("/")[-2]].stdout
        assert stdout

        async def lines() -> AsyncIterator[bytes]:
            while line := await stdout.readline():
                yield line

        yield lines()

    async def close(self) -> None:
        for process in self.pods.values():
            await process.wait()


@asynccontextmanager
async def cluster(folder: Path, **options: Any) -> AsyncIterator[ProcessDoor]:
    folder.mkdir()
    door = ProcessDoor(folder, **options)
    try:
        yield door
    finally:
        await door.close()


def sharding(shards: int = 2, lead_seconds: float = 3.0) -> Sharding:
    return Sharding(shards, "example.com/load:1", lead_seconds=lead_seconds)


def test_the_job_runs_every_shard_once_and_with_a_core_of_its_own() -> None:
    spec = job("a", Sharding(8, "image", cpu="2"), 60.0)["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"], spec["backoffLimit"]) == (
        8, 8, "Indexed", 0,
    )  # fmt: skip
    assert spec["activeDeadlineSeconds"] > 60 + 60
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["resources"]["limits"] == pod["containers"][0]["resources"]["requests"]
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_credentials_are_in_the_secret_and_not_in_the_job() -> None:
    order = Order(PLAN, Target("http://a/", headers=(("Authorization", "Bearer hidden"),)), "", 1, 0.0)
    assert "hidden" in base64.b64decode(secret("a", order, 1.0, 0.0)["data"]["order.json"]).decode()
    assert "hidden" not in json.dumps(job("a", sharding(), 1.0))


def test_a_body_that_does_not_fit_a_secret_is_refused() -> None:
    order = Order(PLAN, Target("http://a/", body=b"x" * 800_000), "", 1, 0.0)
    with pytest.raises(SubmissionError, match="800000 bytes"):
        secret("a", order, 1.0, 0.0)


@pytest.mark.smoke
async def test_shards_start_together_and_their_rows_become_one_load(tmp_path: Path) -> None:
    origin = time.monotonic() - 10.0
    shown: list[Progress] = []
    async with serving() as seen, cluster(tmp_path / "cluster") as door:
        generator = InClusterGenerator(door, RealClock(), "ns", sharding(3))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await generator.offer(PLAN, target, tmp_path, 2, origin, shown.append)
    outcome = read_outcome(offered, Paths.of(tmp_path, 2))
    assert offered.answered == len(outcome.rows) == 100
    start = outcome.lines[0]["plan"]["start"]
    assert offered.start - origin == pytest.approx(start, abs=1e-3)
    assert start == pytest.approx(13.0, abs=0.5)
    due = sorted(row.scheduled - start for row in outcome.rows)
    assert due == pytest.approx([number / 100 for number in range(100)], abs=0.002)
    assert (outcome.lines[0]["engine"]["shards"], outcome.lines[0]["engine"]["lost"]) == (3, 0)
    assert shown
    (histogram,) = json.loads((tmp_path / "load-2.histograms.json").read_text())
    assert (histogram["count"], histogram["pod"]) == (100, "pod-a")
    assert door.deleted == ["jobs", "secrets"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cluster", "load-2.histograms.json", "load-2.jsonl", "load-2.names", "load-2.rows",
    ]  # fmt: skip


@pytest.mark.smoke
async def test_a_shard_that_dies_is_counted_and_lowers_what_was_offered(tmp_path: Path) -> None:
    async with serving() as seen, cluster(tmp_path / "cluster", broken=(1,)) as door:
        generator = InClusterGenerator(door, RealClock(), "ns", sharding(2))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await generator.offer(PLAN, target, tmp_path, 1, time.monotonic())
    outcome = read_outcome(offered, Paths.of(tmp_path, 1))
    assert offered.answered == 50
    assert outcome.lines[-1]["summary"]["lost"] == 1
    ratio = next(finding for finding in examine(outcome.lines) if finding.code == "OFFERED_LOAD_RATIO")
    assert (ratio.value, ratio.ok) == (0.5, False)


@pytest.mark.smoke
async def test_shards_that_are_late_send_nothing(tmp_path: Path) -> None:
    async with serving() as seen, cluster(tmp_path / "cluster") as door:
        generator = InClusterGenerator(door, RealClock(), "ns", sharding(2, lead_seconds=0.0))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        with pytest.raises(PlatformError, match="after the start and sent nothing"):
            await generator.offer(PLAN, target, tmp_path, 1, time.monotonic())
    assert seen.heads == []
    assert door.deleted == ["jobs", "secrets"]


class Skewed(RealClock):
    """This machine's clock, 30 s behind the nodes'."""

    def wall(self) -> float:
        return super().wall() - 30.0


@pytest.mark.smoke
async def test_a_node_whose_clock_is_off_is_found_out(tmp_path: Path) -> None:
    async with serving() as seen, cluster(tmp_path / "cluster") as door:
        generator = InClusterGenerator(door, Skewed(), "ns", sharding(1, lead_seconds=33.0))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        with pytest.raises(HarnessError, match="ahead of this machine"):
            await generator.offer(PLAN, target, tmp_path, 1, time.monotonic())
    assert door.deleted == ["jobs", "secrets"]
