"""Facts from a laboratory's watch files; times in Unix seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from conformance.recording.body import Body, ChangeType
from conformance.recording.json_values import child, text
from conformance.recording.kubernetes_time import unix
from conformance.recording.laboratory.raw_files import AUTOSCALING, KnativeManifest, RawRecording
from conformance.recording.laboratory.raw_lines import RawPod, RawScaling, RawTick, RawWatched
from conformance.recording.pod_bodies import Condition, EventBody, PodBody
from conformance.recording.run_bodies import MetricBody
from conformance.recording.service_bodies import (
    DeploymentBody,
    PodAutoscalerBody,
    RevisionBody,
    RouteModeBody,
    Status,
)

TimedBody = tuple[float, Body]
"""(Unix seconds, body)."""
LATE_SECONDS = 0.02
"""The two watches of pods reported one change up to so long after each other."""
CHANGES = {"ADD": ChangeType.ADDED, "DEL": ChangeType.DELETED}


def pods(source: RawRecording) -> Iterator[TimedBody]:
    """Pods from pods.jsonl, with scheduling where events.jsonl tells it."""
    scheduling = _scheduling(source)
    resources = {
        name: int(amount) for name, amount in re.findall(r"([\w.-]+/[\w.-]+)\s*:\s*\"?(\d+)", source.config.limits)
    }
    known: dict[str, PodBody] = {}
    first: dict[str, PodBody] = {}
    for line in source.lines("pods.jsonl", RawPod):
        t, name = line.t, line.pod
        if not name:
            continue
        before = known.get(name)
        if line.ev == "DEL":
            if before:
                del known[name]
                yield t, replace(before, change=ChangeType.DELETED, deleting=True)
            continue
        words = line.detail.split(",")
        pod = PodBody(
            name, ChangeType.MODIFIED if before else ChangeType.ADDED, uid=name, revision=revision_of(name),
            phase=words[0], ready="Ready=True" in words,
            scheduled=words[0] != "Pending" or any(word.startswith("Ready=") for word in words),
            deleting="Terminating" in words, created_wall=before.created_wall if before else t,
            deletion_wall=t if "Terminating" in words else None, resources=resources,
        )  # fmt: skip
        known[name] = pod
        first.setdefault(name, pod)
        seen = [entry for entry in scheduling.get(name, ()) if entry.t <= t + LATE_SECONDS]
        yield t, _placed(pod, seen[-1]) if seen else pod
    for name, entries in scheduling.items():
        # pods.jsonl has a line only when phase or readiness change; scheduling shows in events.jsonl alone.
        for entry in entries:
            waiting = _placed(first[name], entry) if name in first else None
            if waiting and waiting.reason == "Unschedulable":
                yield entry.t, replace(waiting, change=ChangeType.MODIFIED)


def revision_of(pod: str) -> str:
    """Name of the revision in a pod's name."""
    return re.sub(r"-deployment(-.*)?$", "", pod)


def _scheduling(source: RawRecording) -> dict[str, list[RawWatched]]:
    """Lines that tell whether a pod was placed, by its name."""
    found: dict[str, list[RawWatched]] = {}
    for line in source.lines("events.jsonl", RawWatched):
        if line.src == "pod" and any(entry.type == "PodScheduled" for entry in line.conditions):
            found.setdefault(line.name, []).append(line)
    return found


def _placed(pod: PodBody, line: RawWatched) -> PodBody:
    """The pod with where it was placed, or why not."""
    placed = next(entry for entry in line.conditions if entry.type == "PodScheduled")
    done = placed.status == "True"
    return replace(
        pod,
        scheduled=done,
        node=line.node,
        reason="" if done else placed.reason,
        message="" if done else placed.message,
        conditions={entry.type: Condition(entry.status, entry.reason, unix(entry.since)) for entry in line.conditions},
    )


def scaling(source: RawRecording, manifests: tuple[KnativeManifest, ...]) -> Iterator[TimedBody]:
    """PodAutoscalers, ServerlessServices and Deployments from pa.jsonl, and the Revisions they imply."""
    seen: set[str] = set()
    for line in source.lines("pa.jsonl", RawScaling):
        if not line.name:
            continue
        revision, change = revision_of(line.name), CHANGES.get(line.ev, ChangeType.MODIFIED)
        if revision not in seen:
            seen.add(revision)
            yield line.t, _revision(revision, manifests[min(len(seen), len(manifests)) - 1])
        if line.kind == "PodAutoscaler":
            parts = {kind: words.partition(" ") for kind, words in line.conditions.items()}
            conditions = {kind: Condition(status, reason) for kind, (status, _, reason) in parts.items()}
            active = conditions.get("Active", Condition())
            yield line.t, PodAutoscalerBody(
                line.name, change, revision, desired=line.desired, actual=line.actual,
                active=Status(active.status, active.reason), conditions=conditions,
            )  # fmt: skip
        elif line.kind == "SKS":
            yield line.t, RouteModeBody(line.name, change, revision, line.mode, line.activators)
        elif line.kind == "Deployment":
            yield line.t, DeploymentBody(line.name, change, revision, replicas=line.replicas, ready=line.ready)


def _revision(name: str, manifest: KnativeManifest) -> RevisionBody:
    spec = child(manifest.template, "spec")
    containers = spec.get("containers")
    kept = [
        {part: child(entry).get(part) for part in ("name", "args", "resources")}
        for entry in (containers if isinstance(containers, list) else ())
    ]
    limits = {"container_concurrency": spec.get("containerConcurrency"), "timeout_seconds": spec.get("timeoutSeconds")}
    annotations = scaling_annotations(manifest)
    return RevisionBody.parse(
        {"name": name, "change": "ADDED", "annotations": annotations, "containers": kept, **limits}
    )


def scaling_annotations(manifest: KnativeManifest) -> dict[str, str]:
    """Autoscaling annotations of the revision template, without their prefix."""
    found = child(manifest.template, "metadata", "annotations")
    return {key.removeprefix(AUTOSCALING): text(value) for key, value in found.items() if key.startswith(AUTOSCALING)}


def events(source: RawRecording) -> Iterator[TimedBody]:
    """Kubernetes Events."""
    for line in source.lines("events.jsonl", RawWatched):
        if line.src == "event":
            wall = unix(line.event_time) or line.t
            count = line.count or 1
            yield line.t, EventBody(line.kind, line.name, line.reason, line.message, line.level, count, wall)


def metrics(source: RawRecording) -> Iterator[TimedBody]:
    """The autoscaler's own figures: extra evidence, never judged by."""
    for line in source.lines("autoscaler.jsonl", RawTick):
        figures = {
            "stable": line.stable,
            "panic": line.panic,
            "desired": line.desired,
            "excess_burst_capacity": line.excess_burst_capacity,
        }
        values = {name: value for name, value in figures.items() if value is not None}
        if values:
            yield line.t, MetricBody("autoscaler-log", {**values, "panicking": int(line.panicking)})
