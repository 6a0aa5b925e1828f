"""Facts from a laboratory's watch files in the shapes of `conformance.recording.facts`; times in Unix seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from conformance.base.errors import UsageError
from conformance.recording.facts import FactKind
from conformance.recording.laboratory.lab_files import AUTOSCALING, Manifest, Source

Sighting = tuple[float, FactKind, dict[str, Any]]
"""Unix seconds, kind, body."""


def pods(source: Source) -> Iterator[Sighting]:
    """Pod facts from pods.jsonl, with scheduling and container states where events.jsonl tells them."""
    details = _details(source)
    limits = _limits(source)
    known: dict[str, dict[str, Any]] = {}
    first: dict[str, dict[str, Any]] = {}
    for line in source.lines("pods.jsonl"):
        name = line.get("pod")
        if not name:
            continue
        t = float(line["t"])
        if line.get("ev") == "DEL":
            body = known.pop(name, None)
            if body is not None:
                yield t, FactKind.POD, {**body, "change": "DELETED", "deleting": True}
            continue
        words = str(line.get("detail", "")).split(",")
        body = {
            "name": name,
            "uid": name,
            "component": "predictor",
            "revision": revision_of(name),
            "phase": words[0],
            "ready": "Ready=True" in words,
            "scheduled": words[0] != "Pending" or any(word.startswith("Ready=") for word in words),
            "deleting": "Terminating" in words,
            "node": "",
            "reason": "",
            "message": "",
            "created_wall": known.get(name, {}).get("created_wall", t),
            "deletion_wall": t if "Terminating" in words else None,
            "conditions": {},
            "containers": [],
            "init_containers": [],
            "resources": limits,
            "devices": [],
        }
        change = "MODIFIED" if name in known else "ADDED"
        known[name] = body
        first.setdefault(name, body)
        yield t, FactKind.POD, {**body, **_detail(details.get(name, []), t), "change": change}
    for name, seen in details.items():
        # The counts file writes a line only when phase or readiness change; scheduling shows in the events file alone.
        for t, body in seen:
            if body.get("reason") == "Unschedulable" and name in first:
                yield t, FactKind.POD, {**first[name], **body, "change": "MODIFIED"}


def revision_of(pod: str) -> str:
    """Name of the revision in a pod's name."""
    return re.sub(r"-deployment(-.*)?$", "", pod)


def _details(source: Source) -> dict[str, list[tuple[float, dict[str, Any]]]]:
    found: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    for line in source.lines("events.jsonl"):
        if line.get("src") != "pod" or not line.get("conditions"):
            continue
        scheduled = next((entry for entry in line["conditions"] if entry.get("type") == "PodScheduled"), None)
        if scheduled is None:
            continue
        body = {
            "scheduled": scheduled.get("status") == "True",
            "node": line.get("node") or "",
            "reason": scheduled.get("reason") or "" if scheduled.get("status") != "True" else "",
            "message": scheduled.get("message") or "" if scheduled.get("status") != "True" else "",
            "conditions": {
                str(entry.get("type")): [
                    entry.get("status", ""),
                    entry.get("reason") or "",
                    unix(entry.get("lastTransitionTime")),
                ]
                for entry in line["conditions"]
            },
        }
        found.setdefault(str(line.get("name")), []).append((float(line["t"]), body))
    return found


def _detail(seen: list[tuple[float, dict[str, Any]]], t: float) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for at, entry in seen:
        if at <= t + 0.02:
            body = entry
    return body


def _limits(source: Source) -> dict[str, int]:
    found = {}
    for name, amount in re.findall(r"([\w.-]+/[\w.-]+)\s*:\s*\"?(\d+)", str(source.config.get("limits", ""))):
        found[name] = int(amount)
    return found


def autoscaling(source: Source, manifests: tuple[Manifest, ...]) -> Iterator[Sighting]:
    """PodAutoscaler, ServerlessService and Deployment facts from pa.jsonl, and the Revisions they imply."""
    seen: set[str] = set()
    for line in source.lines("pa.jsonl"):
        t, name, kind = float(line["t"]), str(line.get("name") or ""), line.get("kind")
        if not name:
            continue
        revision = revision_of(name)
        change = {"ADD": "ADDED", "MOD": "MODIFIED", "DEL": "DELETED"}.get(line.get("ev", ""), "MODIFIED")
        if revision not in seen:
            seen.add(revision)
            manifest = manifests[min(len(seen), len(manifests)) - 1] if manifests else None
            yield t, FactKind.REVISION, _revision(revision, manifest)
        common = {"change": change, "name": name, "revision": revision, "component": "predictor"}
        if kind == "PodAutoscaler":
            wanted = line.get("desired")
            if not isinstance(wanted, int | float | None):
                raise UsageError(f"{source.folder / 'pa.jsonl'}: desired is {wanted!r}, not a number")
            conditions = {
                key: [*str(text).partition(" ")[::2], None] for key, text in (line.get("conditions") or {}).items()
            }
            yield t, FactKind.POD_AUTOSCALER, {
                **common,
                "desired": line.get("desired"),
                "actual": line.get("actual"),
                "active": conditions.get("Active", ["", "", None])[:2],
                "conditions": conditions,
                "annotations": {},
            }  # fmt: skip
        elif kind == "SKS":
            yield (
                t,
                FactKind.ROUTE_MODE,
                {**common, "mode": line.get("mode", ""), "activators": line.get("numActivators")},
            )
        elif kind == "Deployment":
            replicas = {"replicas": line.get("specReplicas"), "ready": line.get("readyReplicas") or 0}
            yield t, FactKind.DEPLOYMENT, {**common, **replicas}


def _revision(name: str, manifest: Manifest | None) -> dict[str, Any]:
    template = manifest.template if manifest else {}
    spec = template.get("spec", {})
    return {
        "change": "ADDED",
        "name": name,
        "component": "predictor",
        "ready": ["", ""],
        "container_concurrency": spec.get("containerConcurrency"),
        "timeout_seconds": spec.get("timeoutSeconds"),
        "annotations": scaling_annotations(manifest),
        "containers": [
            {
                "name": entry.get("name", ""),
                "image": "",
                "args": list(entry.get("args") or ()),
                "resources": entry.get("resources") or {},
            }
            for entry in spec.get("containers") or ()
        ],
    }


def scaling_annotations(manifest: Manifest | None) -> dict[str, str]:
    """Autoscaling annotations of the revision template, without their prefix."""
    found = (manifest.template.get("metadata", {}).get("annotations") or {}) if manifest else {}
    return {key.removeprefix(AUTOSCALING): str(text) for key, text in found.items() if key.startswith(AUTOSCALING)}


def events(source: Source) -> Iterator[Sighting]:
    """Kubernetes Events."""
    for line in source.lines("events.jsonl"):
        if line.get("src") == "event":
            yield float(line["t"]), FactKind.EVENT, {
                "kind": line.get("kind", ""),
                "name": line.get("name", ""),
                "reason": line.get("reason") or "",
                "message": line.get("message") or "",
                "type": line.get("level") or "",
                "count": line.get("count") or 1,
                "wall": unix(line.get("eventTime")) or float(line["t"]),
            }  # fmt: skip


def metrics(source: Source) -> Iterator[Sighting]:
    """The autoscaler's own figures: extra evidence, never judged by."""
    names = {"stableValue": "stable", "panicValue": "panic", "desired": "desired", "excessBC": "excess_burst_capacity"}
    for line in source.lines("autoscaler.jsonl"):
        values = {name: line[key] for key, name in names.items() if isinstance(line.get(key), int | float)}
        if values:
            values["panicking"] = int(bool(line.get("panicMode")))
            yield float(line["t"]), FactKind.METRIC, {"source": "autoscaler-log", "values": values}


def unix(text: object) -> float | None:
    """Kubernetes' time text as Unix seconds."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
