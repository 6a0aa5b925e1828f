"""Replaying what Kubernetes' HorizontalPodAutoscaler controller decided, look by look.

Each look has the workload, its pods and their metrics as the controller saw them; compared are the wanted replicas, the
figures in the status and all conditions. fixtures/golden/horizontal-recorder writes these files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clusters.embedded.golden.tally import ReplayTally
from conformance.kube.horizontal_objects import spec_from
from conformance.kube.resource_quantity import thousandths
from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalDecision, HorizontalSpec, Workload
from conformance.model.replica_calculation import HorizontalSettings, PodState, PodUsage

Requests = Mapping[str, Mapping[str, int]]


def replay(file: str, document: Mapping[str, Any]) -> ReplayTally:
    """Replay one autoscaler's life."""
    tally = ReplayTally(file)
    settings, containers = _settings(document["settings"]), document["containers"]
    kinds = [_requests(containers, kind) for kind in document["requests"]]
    autoscaler = HorizontalAutoscaler(HorizontalSpec(1, 1, ()), settings)
    for look in document["syncs"]:
        if look.get("spec") is not None:
            autoscaler.spec = spec_from(look["spec"])
        pods = tuple(_pod(dict(zip(document["pod_cols"], row, strict=True)), kinds) for row in look["pods"])
        rows = look["metrics"]
        usages = None if rows is None else dict(_usage(row, document["metric_cols"], containers) for row in rows)
        decision = autoscaler.decide(look["t"], Workload(look["replicas"], pods, usages))
        expected = {name: look[name] for name in ("wanted", "current", "conditions")}
        tally.compare(f"t={look['t']:g}", expected, _fields(decision))
    return tally


def _settings(recorded: Mapping[str, float]) -> HorizontalSettings:
    return HorizontalSettings(
        sync_seconds=recorded["sync_s"],
        downscale_stabilization_seconds=recorded["downscale_stabilization_s"],
        tolerance=recorded["tolerance"],
        cpu_initialization_seconds=recorded["cpu_initialization_s"],
        initial_readiness_seconds=recorded["initial_readiness_s"],
    )


def _requests(containers: Sequence[str], kind: Sequence[Mapping[str, str]]) -> Requests:
    return {
        container: {name: thousandths(text) for name, text in asked.items()}
        for container, asked in zip(containers, kind, strict=True)
    }


def _pod(row: Mapping[str, Any], kinds: Sequence[Requests]) -> PodState:
    return PodState(
        name=row["name"],
        phase=row["phase"],
        terminating=row["terminating"],
        started=None if row["started"] < 0 else row["started"],
        ready=row["ready"] or None,
        since=row["since"],
        requests=kinds[row["requests"]],
    )


def _usage(row: Sequence[Any], columns: Sequence[str], containers: Sequence[str]) -> tuple[str, PodUsage]:
    fields = dict(zip(columns, row, strict=True))
    amounts = {
        container: {name: thousandths(text) for name, text in zip(("cpu", "memory"), texts, strict=True) if text}
        for container, texts in zip(containers, fields["containers"], strict=True)
    }
    return fields["pod"], PodUsage(fields["at"], fields["window"], amounts)


def _fields(decision: HorizontalDecision) -> dict[str, Any]:
    """A decision in the words of a recording."""
    return {
        "wanted": decision.replicas,
        "current": [None if each is None else [each.utilization, each.average] for each in decision.proposals],
        "conditions": [[kind, str(state), reason] for kind, (state, reason) in sorted(decision.conditions.items())],
    }
