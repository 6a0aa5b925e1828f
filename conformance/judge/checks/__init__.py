"""The checks: small functions from a history and a requirement's parameters to a finding, registered by name."""

from conformance.judge.checks import (
    admitted_objects,
    answers,
    bounds,
    content,
    gpu,
    horizontal,
    horizontal_conditions,
    horizontal_scaling,
    limits,
    own_limits,
    panic,
    pods,
    revision_traffic,
    rollout,
    settings,
    turns,
    zero,
)
from conformance.judge.finding import REGISTRY

__all__ = [
    "REGISTRY",
    "admitted_objects",
    "answers",
    "bounds",
    "content",
    "gpu",
    "horizontal",
    "horizontal_conditions",
    "horizontal_scaling",
    "limits",
    "own_limits",
    "panic",
    "pods",
    "revision_traffic",
    "rollout",
    "settings",
    "turns",
    "zero",
]
