"""A fact: something that was seen at a moment, in one JSON line.

`t` counts monotonic seconds from the recording's origin, `wall` is Unix time; both to the microsecond so that the same
run in virtual time gives the same bytes. Bodies are plain JSON; each kind's shape stands here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

RECORDING_VERSION: Final = 1


class FactKind(StrEnum):
    """What a fact tells. Bodies by kind:

    phase     {name, edge: begin|end, step?, load?}  name: deploy, ready, settle, load, idle, patch, watch, teardown
    pod       {change, name, uid, component, revision, phase, ready, scheduled, deleting, node, reason, message,
               created_wall, deletion_wall, conditions{type: [status, reason, wall]},
               containers[{name, ready, started_wall, restarts, state}], init_containers[...], resources{name: count},
               devices[]}; change: LISTED, ADDED, MODIFIED, DELETED
    podautoscaler  {change, name, revision, component, desired, actual, active: [status, reason], conditions,
               annotations}          desired and actual are null until known
    deployment     {change, name, revision, component, replicas, ready}
    revision  {change, name, component, ready: [status, reason], container_concurrency, timeout_seconds, annotations,
               containers[{name, image, args, resources}]}
    service   {change, name, component, annotations, traffic[], latest_created, latest_ready, ready: [status, reason],
               spec}                 the Knative Service; spec is its revision template's spec
    inference_service {change, name, url, address, conditions{type: [status, reason, message]}, spec, annotations}
    route_mode     {change, name, revision, mode, activators}      ServerlessService
    autoscaler_resource {change, name, component, min, max, metrics[], current, desired}   HorizontalPodAutoscaler
    node      {change, name, allocatable{resource: amount}, ready}
    event     {kind, name, reason, message, type, count, wall}
    config    {source, data, version?}        source: config-autoscaler, config-domain, config-defaults,
               inferenceservice-config, installation,
                                     connection {api_verified, ingress_encrypted, ingress_verified}
    manifest  {stage: applied|admitted|refused, name, text|object, status, message, warnings[]}
    metric    {source, values{name: value}, revision?, at?}   autoscaler figures, extra evidence only; `at` is the t
               they stand for where they were read later
    witness   {pod, kind, wall, in_flight, high_water, served, devices[]}   once a pod, its last account; wall is the
               node's clock; all its accounts: witness/SCENARIO/POD.jsonl of the run
    probe     {name, status, seconds, text}   single control-plane HTTP probes
    gap       {kind, from, to, reason}        the observer was blind between these t
    clock     {skew_seconds, round_trip_seconds, source}
    harness   {loop_lag_seconds, cpu_share, rss_bytes, tasks, open_files, platform_lag_seconds}   once a second; the
              last one only where the embedded platform tells it
    note      {text, level}
    end       {outcome: complete|interrupted|failed, reason}
    """

    PHASE = "phase"
    POD = "pod"
    POD_AUTOSCALER = "podautoscaler"
    DEPLOYMENT = "deployment"
    REVISION = "revision"
    SERVICE = "service"
    INFERENCE_SERVICE = "inference_service"
    ROUTE_MODE = "route_mode"
    AUTOSCALER_RESOURCE = "autoscaler_resource"
    NODE = "node"
    EVENT = "event"
    CONFIG = "config"
    MANIFEST = "manifest"
    METRIC = "metric"
    WITNESS = "witness"
    PROBE = "probe"
    GAP = "gap"
    CLOCK = "clock"
    HARNESS = "harness"
    NOTE = "note"
    END = "end"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of `facts.jsonl`."""

    t: float
    wall: float
    kind: FactKind
    body: Mapping[str, Any]

    def line(self) -> bytes:
        """Canonical JSON with a newline: the same fact always gives the same bytes."""
        value = {
            "t": round(self.t, 6),
            "wall": round(self.wall, 6),
            "kind": self.kind.value,
            "body": self.body,
        }
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes | str) -> Fact:
        """Read one line; raises ValueError when it is not a fact."""
        value = json.loads(line)
        if not isinstance(value, dict) or not isinstance(value.get("body"), dict):
            raise ValueError("a fact is an object with t, wall, kind and body")
        try:
            return cls(float(value["t"]), float(value["wall"]), FactKind(value["kind"]), value["body"])
        except (KeyError, OverflowError, TypeError) as error:
            raise ValueError(f"not a fact: {error}") from error
