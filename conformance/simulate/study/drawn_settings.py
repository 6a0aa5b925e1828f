"""Legitimate settings of config-autoscaler, drawn at random or one at a time: honest platforms are installed so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from conformance.model.config import AutoscalerConfig

VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "enable-scale-to-zero": ("true", "false"),
    "allow-zero-initial-scale": ("true", "false"),
    "max-scale-up-rate": ("1.5", "2", "10", "1000"),
    "max-scale-down-rate": ("1.1", "1.5", "2", "10", "1000"),
    "container-concurrency-target-percentage": ("20", "50", "70", "0.8", "100"),
    "container-concurrency-target-default": ("1", "10", "100", "1000"),
    "requests-per-second-target-default": ("1", "20", "200"),
    "target-burst-capacity": ("-1", "0", "1", "50", "211", "1000"),
    "panic-window-percentage": ("1", "5", "10", "25", "50", "100"),
    "activator-capacity": ("1", "10", "100", "1000"),
    "panic-threshold-percentage": ("110", "150", "200", "400", "1000"),
    "initial-scale": ("0", "1", "2", "5"),
    "min-scale": ("0", "1", "3"),
    "max-scale": ("0", "4", "20"),
    "max-scale-limit": ("0", "50"),
    "stable-window": ("6s", "30s", "60s", "2m", "5m"),
    "scale-down-delay": ("0s", "10s", "60s", "5m"),
    "scale-to-zero-grace-period": ("6s", "30s", "2m"),
    "scale-to-zero-pod-retention-period": ("0s", "20s", "2m"),
}
"""Values of every key, its least and its greatest useful ones among them."""
SHARE: Final = 0.2
"""Of the keys so many are set in a drawn configuration."""


def drawn(rng: np.random.Generator) -> dict[str, str]:
    """A configuration that Knative accepts: some keys at random, each with one of its values."""
    while True:
        chosen = {key: str(rng.choice(values)) for key, values in VALUES.items() if rng.random() < SHARE}
        try:
            AutoscalerConfig.from_data(chosen)
        except ValueError:
            continue
        return chosen


def one_by_one() -> tuple[dict[str, str], ...]:
    """Each value of each key alone, where Knative accepts it so."""
    found = []
    for key, values in VALUES.items():
        for value in values:
            try:
                AutoscalerConfig.from_data({key: value})
            except ValueError:
                continue
            found.append({key: value})
    return tuple(found)
