"""What fits a cluster, from its nodes, the pods that are there, and what a pod costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.base.locations import ROOT
from conformance.catalogue.scenario import Budget, Scenario, scenarios
from conformance.run.capacity.cluster_room import NodeRoom, PodNeed, Room, room_of
from conformance.run.capacity.fitting import fit
from conformance.run.capacity.pod_cost import PodCost
from conformance.settings.settings import Budgets


def node(name: str, cpu: str, *, pods: str = "110", memory: str = "32Gi", **spec: Any) -> dict[str, Any]:
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods}
    return {"metadata": {"name": name}, "spec": spec, "status": {"allocatable": allocatable}}


def pod(where: str | None, cpu: str, *, phase: str = "Running", memory: str = "1Gi") -> dict[str, Any]:
    requests = {"cpu": cpu, "memory": memory}
    placed = {"nodeName": where} if where else {}
    spec = {**placed, "containers": [{"resources": {"requests": requests}}, {"name": "without"}]}
    return {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": phase}}


def scenario(name: str, pods: int) -> Scenario:
    return replace(scenarios()["target-concurrency"], name=name, budget=Budget(pods=pods))


def room(cores: float, pods: int) -> Room:
    return Room((NodeRoom("a", cpu=pods * 0.05, memory_gib=1000.0, pods=1000, cores=cores),))


def test_free_is_what_is_allocatable_less_what_running_pods_ask_for() -> None:
    found = room_of(
        [node("a", "2"), node("b", "4", pods="10")],
        [pod("a", "500m"), pod("a", "250m", phase="Succeeded"), pod("b", "1"), pod(None, "3", phase="Pending")],
    )
    assert [(each.cpu, each.memory_gib, each.pods) for each in found.nodes] == [(1.5, 31.0, 109), (3.0, 31.0, 9)]
    assert found.cores == 6.0


@pytest.mark.parametrize(
    "spec",
    [{"unschedulable": True}, {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]}],
)
def test_a_node_that_takes_no_pods_is_no_room(spec: dict[str, Any]) -> None:
    assert room_of([node("a", "2", **spec)], []).nodes == ()


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (NodeRoom("a", 1.0, 100.0, 100, 2.0), 20),
        (NodeRoom("a", 9.0, 1.5, 100, 2.0), 10),
        (NodeRoom("a", 9.0, 100.0, 7, 2.0), 7),
        (NodeRoom("a", -0.5, 100.0, 7, 2.0), 0),
    ],
)
def test_the_scarcest_of_cpu_memory_and_places_decides(free: NodeRoom, expected: int) -> None:
    assert free.takes(PodNeed(0.05, 0.15)) == expected


def test_what_cannot_be_read_narrows_nothing() -> None:
    found = fit([scenario("large", 500)], Budgets(), None, None)
    assert (found.budgets, found.left_out) == (Budgets(), {})
    assert "cannot be read" in found.notes[0]


def test_pods_side_by_side_are_no_more_than_there_is_room_for() -> None:
    found = fit([scenario("small", 9)], Budgets(pods=60), room(cores=16, pods=40), None)
    assert found.budgets == Budgets(pods=40)
    assert found.notes[-1] == "at most 40 pods side by side, not 60"


def test_a_scenario_without_room_is_left_out_with_the_figures() -> None:
    found = fit([scenario("small", 9), scenario("large", 48)], Budgets(), room(cores=16, pods=40), None)
    assert found.left_out.keys() == {"large"}
    assert found.left_out["large"].startswith("needs 48 pods; 1 nodes, free 2.0 CPU")
    assert "room for 40 of 50 m CPU and 154 MiB" in found.left_out["large"]


@pytest.mark.parametrize(("cores", "together", "left_out"), [(2, 13, {"large"}), (4, 26, set()), (16, 60, set())])
def test_the_cores_and_what_a_pod_costs_say_how_many_start_at_a_time(
    cores: int, together: int, left_out: set[str]
) -> None:
    cost = PodCost(3, 8.0, 3.0, PodNeed())
    found = fit([scenario("small", 9), scenario("large", 48)], Budgets(), room(cores, 200), cost)
    assert (found.budgets.pods, set(found.left_out)) == (together, left_out)


def test_a_scenario_whose_pods_starve_the_cluster_is_left_out_with_the_seconds() -> None:
    found = fit([scenario("large", 48)], Budgets(), room(2, 200), PodCost(3, 8.0, 3.0, PodNeed()))
    assert found.left_out["large"] == (
        "its 48 pods take 72 s of this cluster's 2 cores to start (3.0 CPU seconds each), which is more than a stable "
        "window"
    )


def test_what_a_pod_asks_as_admitted_counts_and_not_what_the_suite_asks() -> None:
    cost = PodCost(3, 8.0, None, PodNeed(cpu=0.5, memory_gib=0.5))
    found = fit([scenario("small", 9)], Budgets(), room(cores=16, pods=40), cost)
    assert found.left_out.keys() == {"small"}
    assert "unknown CPU" in found.notes[1]


@pytest.mark.parametrize(("cores", "together", "left_out"), [(2, 8, True), (4, 17, True), (16, 60, False)])
def test_the_figures_in_the_documents_are_what_is_computed(cores: int, together: int, left_out: bool) -> None:
    page = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    found = fit(tuple(scenarios().values()), Budgets(), room(cores, 200), PodCost(3, 9.0, 4.5, PodNeed()))
    assert found.budgets.pods == together
    assert set(found.left_out) == ({"target-qps-page"} if left_out else set())
    assert f"\n| {cores} | {together}" in page
