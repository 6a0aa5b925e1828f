"""The kinds of facts."""

from __future__ import annotations

from enum import StrEnum


class FactKind(StrEnum):
    """What a fact tells; the shape of each kind's body is the class with that `KIND`."""

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
    NODE_USAGE = "node_usage"
    USAGE = "usage"
    PLATFORM_POD = "platform_pod"
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
