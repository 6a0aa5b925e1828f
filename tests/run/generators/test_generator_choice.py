"""Which generator a run's settings choose, and that it offers the run's load."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.base.clock import RealClock, run_virtual, virtual_clock
from conformance.base.errors import UsageError
from conformance.kube.cluster import Cluster, Ingress, Installation
from conformance.load.child import ChildGenerator
from conformance.load.generator import Generator, LoadSpec
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.row_writer import LoadPaths
from conformance.run.generators.generator_choice import choose_generator
from conformance.run.generators.in_cluster_generator import InClusterGenerator
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.generators.suite_errors import SuiteGenerator
from conformance.settings.settings import load
from tests.load.offering import read_outcome
from tests.load.server import serving
from tests.run.generators.job_cluster import job_cluster

INSTALLATION = Installation("1.31", "any", "0.20", "1.17", "kpa", "kourier", "Knative", None, "example.com", "none")


def cluster(ingress: Ingress, api: Any = None) -> Cluster:
    return Cluster("existing", api, ingress, INSTALLATION, RealClock())


def flags(**changes: Any) -> Mapping[str, Any]:
    return {
        "cluster": "existing", "load": "in-cluster", "shards.image": "example.com/load:1",
        "shards.address": "ingress.svc:80", **changes,
    }  # fmt: skip


async def handler(request: Any) -> Any:
    raise AssertionError(request)


def test_virtual_time_is_offered_in_process() -> None:
    async def choose() -> Generator:
        return choose_generator(load(), cluster(Ingress("", handler=handler)), virtual_clock())

    assert isinstance(run_virtual(choose()), InProcessGenerator)


def test_real_time_is_offered_by_a_process_beside_the_suite() -> None:
    chosen = choose_generator(load(), cluster(Ingress("127.0.0.1:80")), RealClock())
    assert isinstance(chosen, SuiteGenerator)
    assert isinstance(chosen.inner, ChildGenerator)


@pytest.mark.smoke
async def test_load_in_cluster_offers_a_scenarios_load_from_an_indexed_job(tmp_path: Path) -> None:
    async with serving() as seen, job_cluster(tmp_path / "cluster") as jobs:
        settings = load(
            flags=flags(**{
                "shards.address": f"127.0.0.1:{seen.port}", "shards.count": 3, "shards.cpu": "2",
                "shards.lead_seconds": 5, "shards.node_selector": {"pool": "load"}, "shards.service_account": "default",
            })
        )  # fmt: skip
        ingress = Ingress("gateway.example.com:443")
        generator = choose_generator(settings, cluster(ingress, jobs.api), RealClock())
        assert isinstance(generator, InClusterGenerator)
        plan = LoadPlan((Phase(LoadShape.POISSON, 1.0, rate=90),), seed=5, drain_seconds=1.0)
        target = Target("http://flowers.example.com/ok", address=ingress.address)
        offered = await generator.offer(LoadSpec(plan, target, tmp_path, 1, time.monotonic()))
    outcome = read_outcome(offered, LoadPaths.of(tmp_path, 1))
    assert offered.errors == offered.dropped == 0
    assert len(outcome.rows) == offered.answered > 50
    assert {head.split("Host: ")[1].split("\r")[0] for head in seen.heads} == {"flowers.example.com"}
    (job,) = jobs.jobs
    assert job["spec"]["completions"] == 3
    pod = job["spec"]["template"]["spec"]
    assert (pod["nodeSelector"], pod["serviceAccountName"]) == ({"pool": "load"}, "default")
    assert pod["containers"][0]["image"] == "example.com/load:1"
    assert pod["containers"][0]["resources"]["limits"]["cpu"] == "2"


async def test_errors_of_the_load_generator_reach_a_run_as_the_suites(tmp_path: Path) -> None:
    generator = choose_generator(load(), cluster(Ingress("127.0.0.1:80")), RealClock())
    with pytest.raises(UsageError, match=r"^load: a plan needs at least one phase$"):
        await generator.offer(LoadSpec(LoadPlan(()), Target("http://127.0.0.1:80/"), tmp_path, 1, time.monotonic()))
