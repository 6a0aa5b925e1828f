"""The checks: small functions from a history and a requirement's parameters to a finding, registered by name."""

from conformance.judge.checks import (
    admitted_objects,
    answer_content,
    answers,
    bounds,
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
    settings_reach,
    turns,
    zero,
)
from conformance.judge.finding import REGISTRY

__all__ = [
    "REGISTRY",
    "admitted_objects",
    "answer_content",
    "answers",
    "bounds",
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
    "settings_reach",
    "turns",
    "zero",
]
