"""Checks of Standard mode: the HorizontalPodAutoscaler that is made of the scale fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History
from conformance.recording.facts import Fact, FactKind


def autoscaler(history: History) -> Fact[Any]:
    """The HorizontalPodAutoscaler as last seen. Raises NotShownError outside Standard mode."""
    if history.scenario.get("mode") != "Standard":
        raise NotShownError("not in Standard mode")
    found = [fact for fact in history.of(FactKind.AUTOSCALER_RESOURCE) if fact.body.get("change") != "DELETED"]
    if not found:
        raise NotShownError("no HorizontalPodAutoscaler was seen")
    return found[-1]


@check("hpa-bounds", "observer")
def bounds(history: History, parameters: Mapping[str, Any]) -> Finding:
    """minReplicas and maxReplicas of the autoscaler are the component's, a minimum of nought becomes one."""
    fact = autoscaler(history)
    low, high = int(parameters["min"]), int(parameters["max"])
    seen = (fact.body.get("min"), fact.body.get("max"))
    ok = seen == (low, high)
    return exact(
        ok, f"minReplicas {low}, maxReplicas {high}", 0.0 if ok else 1.0, "bounds wrong", high=0.0, samples=1,
        facts=() if ok else (f"t={fact.t:.1f} s: {fact.body.get('name')} has {seen[0]} to {seen[1]}",),
    )  # fmt: skip


@check("hpa-metric", "observer")
def metric(history: History, parameters: Mapping[str, Any]) -> Finding:
    """The autoscaler has exactly one metric, the component's, with its target as average utilization."""
    fact = autoscaler(history)
    name, target = str(parameters["metric"]), int(parameters["target"])
    found = []
    for entry in fact.body.get("metrics") or ():
        resource = entry.get("resource") or {}
        found.append((resource.get("name"), (resource.get("target") or {}).get("averageUtilization")))
    ok = found == [(name, target)]
    return exact(
        ok, f"one metric: {name} at an average utilization of {target} %", len(found), "metrics", low=1.0, high=1.0,
        samples=1, facts=() if ok else (f"t={fact.t:.1f} s: {found or 'none'}",),
    )  # fmt: skip


@check("standard-replicas", "observer", "capacity")
def replicas(history: History, parameters: Mapping[str, Any]) -> Finding:
    """In Standard mode the pods are at least the minimum, one where it is nought."""
    if history.scenario.get("mode") != "Standard":
        raise NotShownError("not in Standard mode")
    low, high = float(parameters["min"]), float(parameters["max"])
    from conformance.judge.pod_timeline import total

    pods = total(list(history.pods.values())).value(history.watched_until)
    return exact(low <= pods <= high, f"{low:g} to {high:g} pods", pods, "pods", low=low, high=high, samples=1)
