"""Loads from inside the cluster: the Job, its shards, their rows as one load, and what can go wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from conformance.base.clock import RealClock
from conformance.base.errors import HarnessError, PlatformError, UsageError
from conformance.kube.resources import SECRETS
from conformance.kube.verbs import list_all
from conformance.load.generator import LoadProgress, LoadSpec
from conformance.load.generator_findings import examine
from conformance.load.load_job import LoadJob
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.row_writer import LoadPaths
from conformance.recording.rows import RowError
from conformance.run.generators.in_cluster_generator import InClusterGenerator
from conformance.run.generators.indexed_job import JOBS, Sharding, job_manifest, secret_manifest
from tests.load.offering import one, read_outcome
from tests.load.server import serving
from tests.run.generators.job_cluster import NAMESPACE, JobCluster, Mishaps, job_cluster

PLAN = LoadPlan((Phase(LoadShape.CONSTANT, 1.0, rate=100),), drain_seconds=1.0)


@cache
def lead() -> float:
    """Seconds from a Job to the start of its load: many times what one process takes to start here and now."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "conformance.cli", "load", "-h"], capture_output=True, check=False)
    return 8.0 + 8.0 * (time.monotonic() - began)


def sharding(shards: int = 2, lead_seconds: float | None = None) -> Sharding:
    return Sharding(shards, "example.com/load:1", lead_seconds=lead() if lead_seconds is None else lead_seconds)


def test_the_job_runs_every_shard_once_and_with_a_core_of_its_own() -> None:
    spec = job_manifest("a", Sharding(8, "image", cpu="2"), 60.0)["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (8, 8, "Indexed")
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (0, 8)
    assert spec["activeDeadlineSeconds"] > 60 + 60
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["resources"]["limits"] == pod["containers"][0]["resources"]["requests"]
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_credentials_are_in_the_secret_and_not_in_the_job() -> None:
    order = LoadJob(PLAN, Target("http://a/", headers=(("Authorization", "Bearer hidden"),)), "", 1, 0.0)
    assert "hidden" in base64.b64decode(secret_manifest("a", order, 1.0, 0.0)["data"]["order.json"]).decode()
    assert "hidden" not in json.dumps(job_manifest("a", sharding(), 1.0))


def test_a_body_that_does_not_fit_a_secret_is_refused() -> None:
    order = LoadJob(PLAN, Target("http://a/", body=b"x" * 800_000), "", 1, 0.0)
    with pytest.raises(UsageError, match="800000 bytes"):
        secret_manifest("a", order, 1.0, 0.0)


async def nothing_is_left(cluster: JobCluster) -> bool:
    return not any([(await list_all(cluster.api, kind, NAMESPACE))[0] for kind in (JOBS, SECRETS)])


@pytest.mark.smoke
@pytest.mark.long
async def test_shards_start_together_and_their_rows_become_one_load(tmp_path: Path) -> None:
    shown: list[LoadProgress] = []
    async with serving() as seen, job_cluster(tmp_path / "cluster") as cluster:
        origin = time.monotonic() - 10.0
        generator = InClusterGenerator(cluster.api, RealClock(), NAMESPACE, sharding(3, 2.0 * lead()))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await generator.offer(LoadSpec(PLAN, target, tmp_path / "out", 2, origin), shown.append)
        assert await nothing_is_left(cluster)
    outcome = read_outcome(offered, LoadPaths.of(tmp_path / "out", 2))
    assert offered.answered == len(outcome.rows) == 100
    start = outcome.lines[0]["plan"]["start"]
    assert offered.start - origin == pytest.approx(start, abs=1e-3)
    assert start >= 10.0 + lead()
    due = sorted(row.scheduled - start for row in outcome.rows)
    assert due == pytest.approx([number / 100 for number in range(100)], abs=0.002)
    assert (outcome.lines[0]["engine"]["shards"], outcome.lines[0]["engine"]["lost"]) == (3, 0)
    assert shown
    (histogram,) = json.loads((tmp_path / "out" / "load-2.histograms.json").read_text())
    assert (histogram["count"], histogram["pod"]) == (100, "pod-a")
    (made,) = cluster.jobs
    assert (made["spec"]["completions"], made["spec"]["parallelism"]) == (3, 3)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "load-2.histograms.json", "load-2.jsonl", "load-2.names", "load-2.rows",
    ]  # fmt: skip


@pytest.mark.smoke
@pytest.mark.long
@pytest.mark.parametrize("mishaps", [Mishaps(crash=frozenset({1})), Mishaps(killed=frozenset({1}))])
async def test_a_shard_that_dies_leaves_its_part_of_the_plan_as_dropped_arrivals(
    tmp_path: Path, mishaps: Mishaps
) -> None:
    plan = LoadPlan((Phase(LoadShape.CONSTANT, 2.0, rate=50), Phase(LoadShape.BURST, 0.5, count=2)), drain_seconds=1.0)
    async with serving() as seen, job_cluster(tmp_path / "cluster", mishaps) as cluster:
        generator = InClusterGenerator(cluster.api, RealClock(), NAMESPACE, sharding(2))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await generator.offer(LoadSpec(plan, target, tmp_path, 1, time.monotonic()))
    outcome = read_outcome(offered, LoadPaths.of(tmp_path, 1))
    assert (offered.answered, offered.dropped) == (51, 51)
    assert sum(row.error is RowError.DROPPED for row in outcome.rows) == 51
    start = outcome.lines[0]["plan"]["start"]
    due = sorted(row.scheduled - start for row in outcome.rows)
    assert due == pytest.approx([*(number / 50 for number in range(100)), 2.0, 2.0], abs=0.002)
    assert outcome.lines[-1]["summary"]["lost"] == 1
    assert outcome.lines[-1]["summary"]["causes"] == {"dropped: shard lost": 51}
    ratio = next(finding for finding in examine(outcome.lines) if finding.code == "OFFERED_LOAD_RATIO")
    assert (ratio.value, ratio.ok) == (0.5, False)


@pytest.mark.smoke
@pytest.mark.long
async def test_a_pod_without_a_node_is_not_waited_for_and_named_when_it_was_the_last_hope(tmp_path: Path) -> None:
    mishaps = Mishaps(pending=frozenset({0}))
    async with serving() as seen, job_cluster(tmp_path / "cluster", mishaps) as cluster:
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        began = time.monotonic()
        generator = InClusterGenerator(cluster.api, RealClock(), NAMESPACE, sharding(2))
        offered = await generator.offer(LoadSpec(PLAN, target, tmp_path, 1, began))
        assert (offered.answered, offered.dropped) == (50, 50)
        alone = InClusterGenerator(cluster.api, RealClock(), NAMESPACE, sharding(1, lead_seconds=0.0))
        with pytest.raises(PlatformError, match="had not started by the common start: 0/3 nodes are available"):
            await alone.offer(LoadSpec(PLAN, target, tmp_path, 2, began))


@pytest.mark.smoke
@pytest.mark.long
async def test_logs_that_are_cut_short_and_a_server_that_is_away_cost_nothing(tmp_path: Path) -> None:
    mishaps = Mishaps(cut=frozenset({0, 1}), blind=2)
    async with serving() as seen, job_cluster(tmp_path / "cluster", mishaps) as cluster:
        generator = InClusterGenerator(cluster.api, RealClock(), NAMESPACE, sharding(2))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        offered = await generator.offer(LoadSpec(PLAN, target, tmp_path, 1, time.monotonic()))
    assert (offered.answered, offered.dropped) == (100, 0)
    assert len(read_outcome(offered, LoadPaths.of(tmp_path, 1)).rows) == 100


@pytest.mark.smoke
async def test_shards_that_are_late_send_nothing(tmp_path: Path) -> None:
    async with serving() as seen, job_cluster(tmp_path / "cluster") as cluster:
        generator = InClusterGenerator(cluster.api, RealClock(), NAMESPACE, sharding(2, lead_seconds=0.0))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        # Whichever is seen first: the pod that has not started, or what it says.
        with pytest.raises(PlatformError, match=r"after the start and sent nothing|not started by the common start"):
            await generator.offer(LoadSpec(PLAN, target, tmp_path, 1, time.monotonic()))
        assert await nothing_is_left(cluster)
    assert seen.heads == []


class Skewed(RealClock):
    """This machine's clock, 30 s behind the nodes'."""

    def wall(self) -> float:
        return super().wall() - 30.0


@pytest.mark.smoke
async def test_a_node_whose_clock_is_off_is_found_out(tmp_path: Path) -> None:
    async with serving() as seen, job_cluster(tmp_path / "cluster") as cluster:
        generator = InClusterGenerator(cluster.api, Skewed(), NAMESPACE, sharding(1, lead_seconds=30.0 + lead()))
        target = Target(f"http://127.0.0.1:{seen.port}/ok")
        with pytest.raises(HarnessError, match="ahead of this machine"):
            await generator.offer(LoadSpec(PLAN, target, tmp_path, 1, time.monotonic()))
        assert await nothing_is_left(cluster)


@pytest.mark.smoke
async def test_a_private_certificate_authority_goes_with_the_order(tmp_path: Path) -> None:
    certificate = Path(__file__).parents[2] / "load" / "localhost.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(tls=context) as seen, job_cluster(tmp_path / "cluster") as cluster:
        generator = InClusterGenerator(
            cluster.api, RealClock(), NAMESPACE, sharding(1), address=f"127.0.0.1:{seen.port}"
        )
        target = Target("https://unreachable.invalid/ok", host="model.example.com", ca_file=str(certificate))
        offered = await generator.offer(LoadSpec(one(count=3), target, tmp_path, 1, time.monotonic()))
    assert (offered.answered, offered.errors) == (3, 0)


def test_a_certificate_authority_that_cannot_be_read_is_the_users_error(tmp_path: Path) -> None:
    order = LoadJob(PLAN, Target("https://a/", ca_file=str(tmp_path / "missing.pem")), "", 1, 0.0)
    with pytest.raises(UsageError, match=r"missing\.pem: No such file"):
        secret_manifest("a", order, 1.0, 0.0)


@pytest.mark.smoke
async def test_the_command_line_sends_from_shards(tmp_path: Path) -> None:
    async with serving() as seen, job_cluster(tmp_path / "cluster") as cluster:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "conformance.cli", "load", "-z", "1s", "-rate", "60", "-m", "GET",
            "--shards", "2", "--image", "example.com/load:1", "--kubeconfig", str(cluster.kubeconfig),
            "--lead", str(2 * lead()), "--address", f"127.0.0.1:{seen.port}", "http://flowers.example.com/ok",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    assert "  [200]\t60 responses" in out.decode()
    assert "Sent by 2 processes." in out.decode()
